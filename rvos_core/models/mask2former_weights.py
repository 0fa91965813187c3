"""Public Mask2Former weights into ISVOS's instance branch, by name (ISVOS section 4.1 begins from COCO's).

Two spellings are known: that of `transformers`, which is the branch's own, and that of the authors' checkpoints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from rvos_core.errors import UserError
from rvos_core.models.isvos import Isvos

_Rule = tuple[re.Pattern[str], str]

_CLASSIFIER = "instance.class_predictor."
_BACKBONE = "backbone.0.body."
_PIXELS = r"sem_seg_head\.(?:pixel_decoder\.)?"  # the first checkpoints lack the second part
_LAYER = r"instance.transformer_module.decoder.layers.\1"


def _rules(*pairs: tuple[str, str]) -> tuple[_Rule, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


# A name takes the first rule that matches all of it; names without a rule are no part of the branch.
_RULES = _rules(
    # transformers
    (r"model\.pixel_level_module\.decoder\.(.+)", r"instance.pixel_decoder.\1"),
    (r"model\.transformer_module\.(.+)", r"instance.transformer_module.\1"),
    (r"class_predictor\.(.+)", _CLASSIFIER + r"\1"),
    (r"model\.pixel_level_module\.encoder\.embedder\.embedder\.convolution\.(.+)", _BACKBONE + r"conv1.\1"),
    (r"model\.pixel_level_module\.encoder\.embedder\.embedder\.normalization\.(.+)", _BACKBONE + r"bn1.\1"),
    # the authors' checkpoints
    (r"backbone\.stem\.conv1\.norm\.(.+)", _BACKBONE + r"bn1.\1"),
    (r"backbone\.stem\.conv1\.(weight)", _BACKBONE + r"conv1.\1"),
    (_PIXELS + r"input_proj\.(.+)", r"instance.pixel_decoder.input_projections.\1"),
    (_PIXELS + r"transformer\.level_embed", r"instance.pixel_decoder.level_embed"),
    (
        _PIXELS + r"transformer\.encoder\.layers\.(\d+)\.norm1\.(.+)",
        r"instance.pixel_decoder.encoder.layers.\1.self_attn_layer_norm.\2",
    ),
    (
        _PIXELS + r"transformer\.encoder\.layers\.(\d+)\.norm2\.(.+)",
        r"instance.pixel_decoder.encoder.layers.\1.final_layer_norm.\2",
    ),
    (
        _PIXELS + r"transformer\.encoder\.layers\.(\d+)\.linear([12])\.(.+)",
        r"instance.pixel_decoder.encoder.layers.\1.fc\2.\3",
    ),
    (
        _PIXELS + r"transformer\.encoder\.layers\.(\d+)\.self_attn\.(.+)",
        r"instance.pixel_decoder.encoder.layers.\1.self_attn.\2",
    ),
    (_PIXELS + r"mask_features\.(.+)", r"instance.pixel_decoder.mask_projection.\1"),
    (_PIXELS + r"(adapter_1|layer_1)\.norm\.(.+)", r"instance.pixel_decoder.\1.1.\2"),
    (_PIXELS + r"(adapter_1|layer_1)\.(weight)", r"instance.pixel_decoder.\1.0.\2"),
    (r"sem_seg_head\.predictor\.(?:query_feat|static_query)\.(.+)", r"instance.transformer_module.queries_features.\1"),
    (r"sem_seg_head\.predictor\.query_embed\.(.+)", r"instance.transformer_module.queries_embedder.\1"),
    (r"sem_seg_head\.predictor\.level_embed\.(.+)", r"instance.transformer_module.level_embed.\1"),
    (r"sem_seg_head\.predictor\.decoder_norm\.(.+)", r"instance.transformer_module.decoder.layernorm.\1"),
    (r"sem_seg_head\.predictor\.class_embed\.(.+)", _CLASSIFIER + r"\1"),
    (
        r"sem_seg_head\.predictor\.mask_embed\.layers\.(\d+)\.(.+)",
        r"instance.transformer_module.decoder.mask_predictor.mask_embedder.\1.0.\2",
    ),
    (
        r"sem_seg_head\.predictor\.transformer_self_attention_layers\.(\d+)\.self_attn\.(.+)",
        _LAYER + r".self_attn.\2",
    ),
    (
        r"sem_seg_head\.predictor\.transformer_self_attention_layers\.(\d+)\.norm\.(.+)",
        _LAYER + r".self_attn_layer_norm.\2",
    ),
    (
        r"sem_seg_head\.predictor\.transformer_cross_attention_layers\.(\d+)\.multihead_attn\.(.+)",
        _LAYER + r".cross_attn.\2",
    ),
    (
        r"sem_seg_head\.predictor\.transformer_cross_attention_layers\.(\d+)\.norm\.(.+)",
        _LAYER + r".cross_attn_layer_norm.\2",
    ),
    (r"sem_seg_head\.predictor\.transformer_ffn_layers\.(\d+)\.linear([12])\.(.+)", _LAYER + r".fc\2.\3"),
    (r"sem_seg_head\.predictor\.transformer_ffn_layers\.(\d+)\.norm\.(.+)", _LAYER + r".final_layer_norm.\2"),
)
_JOINED = re.compile(r"(.+self_attn)\.in_proj_(weight|bias)")
# ResNet blocks: the numbers of stages and convolutions are counted from elsewhere than in torchvision.
_AUTHORS_BLOCK = re.compile(r"backbone\.res(\d)\.(\d+)\.(shortcut|conv(\d))\.(norm\.)?(\w+)")
_TRANSFORMERS_BLOCK = re.compile(
    r"model\.pixel_level_module\.encoder\.encoder\.stages\.(\d)\.layers\.(\d+)\.(shortcut|layer\.(\d))\."
    r"(convolution|normalization)\.(\w+)"
)


def load_mask2former(
    model: Isvos, weights: Mapping[str, Tensor] | Mapping[str, Mapping[str, Tensor]]
) -> tuple[str, ...]:
    """Gives the instance branch, and the backbone where it is the same ResNet, the weights of a public Mask2Former.

    Args:
        model: changed only if everything fits.
        weights: a state dict, or the authors' checkpoint that holds one under `model`.

    Returns:
        Names of the branch and backbone that keep their values: the classifier where the categories are others, the
        backbone where the checkpoint has another one.

    Raises:
        UserError: these are no Mask2Former weights, or of another size, or something is missing or not finite.
    """
    found = instance_weights(weights)
    own = {name: value for name, value in model.state_dict().items() if name.startswith(("instance.", _BACKBONE))}
    if not any(name.startswith("instance.") for name in found):
        raise _refused("they have none of the names of a Mask2Former")
    if not any(name.startswith(_BACKBONE) for name in found):
        found |= {name: value for name, value in own.items() if name.startswith(_BACKBONE)}
    classifier = [name for name in own if name.startswith(_CLASSIFIER)]
    if any(name in found and found[name].shape != own[name].shape for name in classifier):
        found |= {name: own[name] for name in classifier}
    missing = sorted(own.keys() - found.keys())
    if missing:
        raise _refused(f"{missing[0]} is missing" + (f" (and {len(missing) - 1} more)" if missing[1:] else ""))
    for name, value in own.items():
        if found[name].shape != value.shape:
            raise _refused(f"{name} is {tuple(found[name].shape)} there and {tuple(value.shape)} here")
        if not bool(torch.isfinite(found[name]).all()):
            raise _refused(f"{name} holds values that are not a finite number")
    model.load_state_dict({name: found[name] for name in own}, strict=False)
    return tuple(sorted(name for name in own if found[name] is own[name]))


def instance_weights(weights: Mapping[str, Tensor] | Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What a public Mask2Former holds, under the names of `Isvos`; what has no place there is left out."""
    inner = weights.get("model")
    flat = inner if isinstance(inner, Mapping) else weights
    renamed: dict[str, Tensor] = {}
    for name, value in flat.items():
        ours = _renamed(name)
        if ours is None or not isinstance(value, Tensor) or name.endswith("num_batches_tracked"):
            continue
        joined = _JOINED.fullmatch(ours)
        if joined:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                renamed[f"{joined[1]}.{letter}_proj.{joined[2]}"] = part
        else:
            renamed[ours] = value
    return renamed


def _renamed(name: str) -> str | None:
    if match := _AUTHORS_BLOCK.fullmatch(name):
        stage, block, owner, conv, norm, end = match.groups()
        return _block_name(int(stage) - 1, block, None if owner == "shortcut" else int(conv), bool(norm), end)
    if match := _TRANSFORMERS_BLOCK.fullmatch(name):
        stage, block, owner, conv, kind, end = match.groups()
        number = None if owner == "shortcut" else int(conv) + 1
        return _block_name(int(stage) + 1, block, number, kind == "normalization", end)
    for pattern, replacement in _RULES:
        if match := pattern.fullmatch(name):
            return match.expand(replacement)
    return None


def _block_name(stage: int, block: str, conv: int | None, norm: bool, end: str) -> str:
    """Torchvision's name of a part of a ResNet block; `conv` is None for the shortcut."""
    part = f"downsample.{int(norm)}" if conv is None else f"{'bn' if norm else 'conv'}{conv}"
    return f"{_BACKBONE}layer{stage}.{block}.{part}.{end}"


def _refused(what: str) -> UserError:
    return UserError(
        f"These weights do not fit the instance branch: {what}.",
        hint="Give a Mask2Former with the same backbone, for example the authors' ResNet-50 for COCO instances.",
        code="model.mask2former",
    )
