"""Configurations of the referring family: every number and every ablation is a value here; the code has no forks.

Numbers of the full models: the papers (Wu et al., "Language as Queries", CVPR 2022; Lan, Rong, Zhang, arXiv
2307.00536, section 4; Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency"), and
where a paper is silent its authors' published code. `architectures.py` names the configurations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rvos_core.models.config_values import Serialisable, check_positive

BackboneKind = Literal["resnet50", "resnet101", "residual", "swin", "video_swin"]
FusionKind = Literal["multiply", "attention_ffn"]
TextKind = Literal["fixed", "dynamic"]


@dataclass(frozen=True)
class BackboneConfig(Serialisable):
    """The image encoder: four maps at strides 4, 8, 16, 32.

    Attributes:
        kind: `resnet50`, `resnet101`: bottlenecks with frozen batch norm, torchvision names; `residual`: basic blocks,
            GroupNorm; `swin`: windows of one frame; `video_swin`: windows of several frames.
        widths: channels of the four maps.
        blocks: blocks of each stage.
        stem_width: channels after the first convolution (ResNets only).
        norm_groups: groups of GroupNorm (`residual` only).
        frozen_stages: leading parts without gradient, the stem counted as the first.
        heads: attention heads of each stage (Swin and Video-Swin only).
        window: cells of a window along each axis: (h, w), for Video-Swin (t, h, w).
        drop_path: stochastic depth of the last block, rising linearly from 0 (Swin and Video-Swin only).
    """

    kind: BackboneKind = "resnet50"
    widths: tuple[int, int, int, int] = (256, 512, 1024, 2048)
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    stem_width: int = 64
    norm_groups: int = 8
    frozen_stages: int = 2  # authors' code: conv1 and layer1 do not train
    heads: tuple[int, ...] = ()
    window: tuple[int, ...] = ()
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        axes = {"swin": 2, "video_swin": 3}.get(self.kind, 0)
        if len(self.window) != axes or len(self.heads) != (len(self.widths) if axes else 0):
            raise ValueError(f"heads {self.heads} and window {self.window} do not fit the backbone {self.kind}")

    @property
    def frames_on_their_own(self) -> bool:
        """Whether a frame's maps do not depend on its neighbours; otherwise they hold for one clip only."""
        return self.kind != "video_swin"


@dataclass(frozen=True)
class TextConfig(Serialisable):
    """A RoBERTa encoder; the defaults are roberta-base.

    Attributes:
        positions: rows of the position table; the first real token has position `padding_id + 1`.
        pooler: whether the checkpoint carries Hugging Face's pooler (ReferFormer and R2-VOS read the sentence from it;
            IFIRVOS never uses it).
        frozen: the papers freeze the text encoder on Ref-YouTube-VOS.
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
        check_positive(self, "vocab_size", "width", "layers", "heads", "ffn", "positions")
        if self.width % self.heads:
            raise ValueError(f"text width {self.width} must be divisible by its heads {self.heads}")

    @property
    def max_tokens(self) -> int:
        """Longest expression in tokens, the two special ones included."""
        return self.positions - self.padding_id - 1


@dataclass(frozen=True)
class ReferringConfig(Serialisable):
    """What the family shares.

    Attributes:
        hidden: width C of all tokens.
        levels: feature levels of the transformer: strides 8, 16, 32 and 64. Any more (no paper has them) are halved
            again before words reach them.
        queries: object queries a frame.
        classes: outputs of the class head: 1 ("this is the object that is meant, and it is in sight"), or the
            categories of a data set (ReferFormer, Table D1).
        mask_dim: channels of the mask feature map that the dynamic mask head reads.
        dynamic_channels: hidden channels of the dynamic mask head.
        fpn_block_strides: strides of the cross-modal FPN with a vision-language block; others have a plain lateral.
            Without any it is the standard FPN (ReferFormer, Table 4).
        gate_bias_init: initial output bias of the fusion attention; 1 lets the products begin near identity.
        vision_language: whether words enhance the levels before the encoder.
        fusion: how (IFIRVOS, Table 5 "interaction strategies"): product with the attention output, or pre-norm
            attention + residual + MLP.
        box_refinement: each decoder layer corrects the boxes of the one before, with heads of its own; otherwise all
            layers share one head and start from the queries' reference points.
        relative_coordinates: the mask head also reads where a cell lies from the box centre.
        consensus: the network also says whether the object is there at all (after R2-VOS).
        consensus_layers, consensus_ffn: of the text decoder that reads the sentence back from the picture.
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
    classes: int = 1
    mask_dim: int = 256
    dynamic_channels: int = 8
    dropout: float = 0.1
    projection_norm_groups: int = 32
    fpn_norm_groups: int = 8
    fpn_block_strides: tuple[int, ...] = (4, 8, 16, 32)
    gate_bias_init: float = 0.0
    vision_language: bool = True
    fusion: FusionKind = "multiply"
    box_refinement: bool = True
    relative_coordinates: bool = True
    consensus: bool = False
    consensus_layers: int = 3
    consensus_ffn: int = 2048

    def __post_init__(self) -> None:
        counts = ("hidden", "encoder_layers", "decoder_layers", "ffn", "heads", "points", "queries", "classes")
        check_positive(self, *counts, "mask_dim", "dynamic_channels", "projection_norm_groups", "fpn_norm_groups")
        check_positive(self, "consensus_layers", "consensus_ffn")
        if self.hidden % self.heads or self.hidden % 4:
            raise ValueError(f"hidden {self.hidden} must be divisible by heads {self.heads} and by 4")
        if self.levels < len(self.backbone.widths) - 1:
            raise ValueError(f"levels {self.levels} must be at least 3 (strides 8, 16, 32)")
        if not set(self.fpn_block_strides) <= {4, 8, 16, 32}:
            raise ValueError(f"fpn_block_strides {self.fpn_block_strides} must be among 4, 8, 16, 32")


@dataclass(frozen=True)
class ReferformerConfig(ReferringConfig):
    """ReferFormer: the family's base; it adds nothing but needs the text encoder's pooler, its sentence."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.text.pooler:
            raise ValueError("text.pooler is off, but this network reads its sentence from the pooler")


@dataclass(frozen=True)
class IfirvosConfig(ReferringConfig):
    """IFIRVOS.

    Attributes:
        vision_language: Table 4 "VLI". False: the encoder sees the projected levels and the sentence query is pooled
            from the raw words; neither LEwV nor VEwL exists.
        vewl_text: Table 5 "interaction procedure": VEwL always reads the raw words, or the words as LEwV left them
            after the previous level.
        inter_frame: Table 4 "IFI".
        share_ifi: one inter-frame layer used behind every decoder layer (the authors' code), or one each.
    """

    vewl_text: TextKind = "fixed"
    inter_frame: bool = True
    share_ifi: bool = True


@dataclass(frozen=True)
class R2vosConfig(ReferformerConfig):
    """R2-VOS: ReferFormer with a pyramid that meets the words at stride 32 only and reads the sentence back from there.

    `fpn_block_strides` is therefore empty.

    Attributes:
        early_grounding: the dual block and the text kernels at stride 32; False: a plain lateral, and the sentence is
            read back from it.
        text_kernels: K, tokens into which the grounded words are averaged.
        reconstruct: the text decoder that reads the sentence back: what the cycle losses need.
        query_mix: the read-back sentence is added to the decoder's input.
        consensus: the pair classifier on [sentence ; read-back sentence].
    """

    fpn_block_strides: tuple[int, ...] = ()
    early_grounding: bool = True
    text_kernels: int = 3
    reconstruct: bool = True
    query_mix: bool = True
    consensus: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "text_kernels")
        if self.fpn_block_strides:
            raise ValueError(f"fpn_block_strides {self.fpn_block_strides}: R2-VOS's pyramid has no such blocks")
        if not self.reconstruct and (self.query_mix or self.consensus):
            raise ValueError("query_mix and consensus read the sentence that reconstruct makes")


def ifirvos_r50_config() -> IfirvosConfig:
    """`ifirvos-r50`: the paper's model, 177.9 M parameters, the names and shapes of the released checkpoints."""
    return IfirvosConfig()


def ifirvos_mini_config(vocab_size: int) -> IfirvosConfig:
    """`ifirvos-mini`: the same network at width 128 with small encoders, about 6.6 M parameters; all of it trains."""
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
        consensus=True,
        consensus_layers=1,
        consensus_ffn=256,
    )


@dataclass(frozen=True)
class FlowSegmenterConfig(Serialisable):
    """The network that sees what moves by itself, see `flow_segmenter.py`.

    Attributes:
        channels: of its input.
        widths: channels of the four levels (strides 2, 4, 8, 16).
        heads: of the attention at the coarsest level.
    """

    channels: int = 17
    widths: tuple[int, int, int, int] = (28, 48, 80, 128)
    heads: int = 4
