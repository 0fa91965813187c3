"""Named configurations of IFIRVOS: every number and every ablation is a value here; the code has no forks.

Numbers of the full model: Lan, Rong, Zhang, "Referring Video Object Segmentation with Inter-Frame Interaction and
Cross-Modal Correlation" (arXiv 2307.00536), section 4, and where the paper is silent the authors' published code.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from rvos_core.errors import UserError

BackboneKind = Literal["resnet50", "residual"]
FusionKind = Literal["multiply", "attention_ffn"]
TextKind = Literal["fixed", "dynamic"]


class _Serialisable:
    """`to_dict` / `from_dict` of a frozen dataclass: plain JSON values both ways, nothing unknown accepted."""

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON values (tuples become lists)."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build the configuration from JSON values; missing keys take their default.

        Raises:
            UserError: `values` has a key this configuration does not know, lacks a required one, or holds a value
                of the wrong kind.
        """
        hints = get_type_hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise _config_error(cls, f"unknown key {', '.join(map(repr, unknown))}; it knows {', '.join(fields)}")
        required = {
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        if required - set(values):
            raise _config_error(cls, f"{', '.join(map(repr, sorted(required - set(values))))} is missing")
        return cls(**{key: _parse(cls, key, hints[key], value) for key, value in values.items()})


@dataclass(frozen=True)
class BackboneConfig(_Serialisable):
    """The image encoder: four maps at strides 4, 8, 16, 32.

    Attributes:
        kind: `resnet50`: bottlenecks with frozen batch norm, torchvision names; `residual`: basic blocks, GroupNorm.
        widths: channels of the four maps.
        blocks: residual blocks of each stage.
        stem_width: channels after the first convolution.
        norm_groups: groups of GroupNorm (`residual` only).
        frozen_stages: leading parts without gradient, the stem counted as the first.
    """

    kind: BackboneKind = "resnet50"
    widths: tuple[int, int, int, int] = (256, 512, 1024, 2048)
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    stem_width: int = 64
    norm_groups: int = 8
    frozen_stages: int = 2  # authors' code: conv1 and layer1 do not train


@dataclass(frozen=True)
class TextConfig(_Serialisable):
    """A RoBERTa encoder; the defaults are roberta-base.

    Attributes:
        positions: rows of the position table; the first real token has position `padding_id + 1`.
        pooler: whether the checkpoint carries Hugging Face's pooler (IFIRVOS never uses it).
        frozen: the paper freezes the text encoder on Ref-YouTube-VOS.
    """

    vocab_size: int = 50265
    width: int = 768
    layers: int = 12
    heads: int = 12
    ffn: int = 3072
    positions: int = 514
    padding_id: int = 1
    norm_eps: float = 1e-5
    dropout: float = 0.1
    pooler: bool = True
    frozen: bool = True

    def __post_init__(self) -> None:
        _check_positive(self, "vocab_size", "width", "layers", "heads", "ffn", "positions")
        if self.width % self.heads:
            raise ValueError(f"text width {self.width} must be divisible by its heads {self.heads}")

    @property
    def max_tokens(self) -> int:
        """Longest expression in tokens, the two special ones included."""
        return self.positions - self.padding_id - 1


@dataclass(frozen=True)
class IfirvosConfig(_Serialisable):
    """Everything that defines an IFIRVOS network.

    Attributes:
        hidden: width C of all tokens.
        levels: feature levels of the transformer: strides 8, 16, 32 and 64 (paper 3.2, N_l = 4).
        queries: object queries a frame.
        mask_dim: channels of the mask feature map that the dynamic mask head reads.
        dynamic_channels: hidden channels of the dynamic mask head.
        fpn_block_strides: strides of the cross-modal FPN with a vision-language block; others have a plain lateral.
        gate_bias_init: initial output bias of the LEwV and VEwL attention; 1 lets the products begin near identity.
        vision_language: Table 4 "VLI". False: the encoder sees the projected levels and the sentence query is pooled
            from the raw words; neither LEwV nor VEwL exists.
        fusion: Table 5 "interaction strategies": product with the attention output, or pre-norm attention + residual
            + MLP.
        vewl_text: Table 5 "interaction procedure": VEwL always reads the raw words, or the words as LEwV left them
            after the previous level.
        inter_frame: Table 4 "IFI".
        share_ifi: one inter-frame layer used behind every decoder layer (the authors' code), or one each.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    text: TextConfig = field(default_factory=TextConfig)
    hidden: int = 256
    levels: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 4
    ffn: int = 2048
    heads: int = 8
    points: int = 4
    queries: int = 5
    mask_dim: int = 256
    dynamic_channels: int = 8
    dropout: float = 0.1
    projection_norm_groups: int = 32
    fpn_norm_groups: int = 8
    fpn_block_strides: tuple[int, ...] = (4, 8, 16, 32)
    gate_bias_init: float = 0.0
    vision_language: bool = True
    fusion: FusionKind = "multiply"
    vewl_text: TextKind = "fixed"
    inter_frame: bool = True
    share_ifi: bool = True

    def __post_init__(self) -> None:
        counts = ("hidden", "encoder_layers", "decoder_layers", "ffn", "heads", "points", "queries", "mask_dim")
        _check_positive(self, *counts, "dynamic_channels", "projection_norm_groups", "fpn_norm_groups")
        if self.hidden % self.heads or self.hidden % 4:
            raise ValueError(f"hidden {self.hidden} must be divisible by heads {self.heads} and by 4")
        if self.levels < len(self.backbone.widths) - 1:
            raise ValueError(f"levels {self.levels} must be at least 3 (strides 8, 16, 32)")
        if not set(self.fpn_block_strides) <= {4, 8, 16, 32}:
            raise ValueError(f"fpn_block_strides {self.fpn_block_strides} must be among 4, 8, 16, 32")


def ifirvos_r50_config() -> IfirvosConfig:
    """`ifirvos-r50`: the paper's model, 177.9 M parameters, the names and shapes of the released checkpoints."""
    return IfirvosConfig()


def ifirvos_mini_config(vocab_size: int) -> IfirvosConfig:
    """`ifirvos-mini`: the same network at width 128 with small encoders, about 6.3 M parameters; all of it trains."""
    return IfirvosConfig(
        backbone=BackboneConfig(
            kind="residual", widths=(48, 96, 160, 208), blocks=(2, 2, 2, 2), stem_width=32, frozen_stages=0
        ),
        text=TextConfig(
            vocab_size=vocab_size,
            width=128,
            layers=2,
            heads=4,
            ffn=256,
            positions=64,
            dropout=0.0,
            pooler=False,
            frozen=False,
        ),
        hidden=128,
        encoder_layers=2,
        decoder_layers=3,
        ffn=384,
        mask_dim=16,
        dropout=0.0,
        fpn_block_strides=(8, 16, 32),
        gate_bias_init=1.0,
    )


def _check_positive(config: Any, *names: str) -> None:
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} {getattr(config, name)} must be at least 1")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _parse(owner: type, key: str, kind: Any, value: Any) -> Any:
    """Check one JSON value against its annotation and return it as the dataclass holds it."""
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, _Serialisable):
        if isinstance(value, dict):
            return kind.from_dict(value)
    elif origin is Literal:
        if value in get_args(kind):
            return value
        raise _config_error(owner, f"{key!r} is {value!r}, not one of {', '.join(map(repr, get_args(kind)))}")
    elif origin is tuple:
        args = get_args(kind)
        variadic = args[-1] is Ellipsis
        if isinstance(value, list | tuple) and (variadic or len(value) == len(args)):
            kinds = (args[0],) * len(value) if variadic else args
            return tuple(_parse(owner, key, k, v) for k, v in zip(kinds, value, strict=True))
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _config_error(owner, f"{key!r} is {value!r}, which is not a {_name(kind)}")


def _name(kind: Any) -> str:
    return str(kind) if isinstance(kind, types.GenericAlias) else typing.cast(str, getattr(kind, "__name__", str(kind)))


def _config_error(owner: type, what: str) -> UserError:
    return UserError(
        f"The model configuration ({owner.__name__}) cannot be read: {what}.",
        hint="The file may come from another version of RVOS Studio.",
        code="model.config",
    )
