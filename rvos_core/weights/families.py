"""Whose checkpoint it is, by the names of its parameters: our systems, and those that people mistake for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

Names = Collection[str]


def system_of(names: Names) -> str | None:
    """Our architecture (`ReferFormer` is `referformer`, ...) that these parameter names belong to, or None.

    Half a checkpoint is recognised too: the rules look at parts, any one of which will do.
    """
    return next((arch for arch, belongs in _OURS.items() if belongs(names)), None)


def foreign_title(names: Names) -> str:
    """What else the names belong to, as a noun phrase; never empty."""
    found = next((title for title, belongs in _OTHERS.items() if belongs(names)), None)
    if found:
        return found
    first = ", ".join(sorted(names)[:3])
    return f"a network that is not known here (its parameters begin with {first})"


def _has(*patterns: str) -> Callable[[Names], bool]:
    """Every pattern matches the beginning of some name."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return lambda names: all(any(pattern.match(name) for name in names) for pattern in compiled)


def _any(*patterns: str) -> Callable[[Names], bool]:
    compiled = re.compile("|".join(patterns))
    return lambda names: any(compiled.match(name) for name in names)


def _both(*rules: Callable[[Names], bool]) -> Callable[[Names], bool]:
    return lambda names: all(rule(names) for rule in rules)


_REFERRING = _both(
    _any(r"text_encoder\.", r"resizer\."), _any(r"controller\.layers\.", r"pixel_decoder\.", r"transformer\.decoder\.")
)
_OURS: Mapping[str, Callable[[Names], bool]] = {
    "isvos": _both(
        _any(r"key_encoder\.", r"value_encoder\."), _any(r"instance\.", r"model\.pixel_level_module\.decoder\.")
    ),
    "ifirvos": _both(
        _REFERRING,
        _any(r"transformer\.decoder\.(decoder|query_encoder)_layers\.", r"text_fusion_module\.", r"poolout_module\."),
    ),
    "r2vos": _both(
        _REFERRING,
        _any(r"neg_classifier\.", r"transformer\.query_mixer\.", r"pixel_decoder\.(dyn_|text_decoder|text_query)"),
    ),
    "referformer": _REFERRING,
}
_OTHERS: Mapping[str, Callable[[Names], bool]] = {
    "a Mask2Former, which is only the instance branch of ISVOS and cannot follow objects by itself": _any(
        r"(model\.)?pixel_level_module\.", r"sem_seg_head\.pixel_decoder\."
    ),
    "a SAM 2 or SAM 3 model": _any(r"memory_attention\.", r"(model\.)?memory_encoder\.", r"sam_mask_decoder\."),
    "a Segment Anything model": _any(r"mask_decoder\.iou_prediction_head\."),
    "a Grounding DINO model": _any(r"(model\.)?(bert\.encoder\.|text_backbone\.)"),
    "a Deformable DETR": _has(r"transformer\.encoder\.layers\.0\.self_attn\.sampling_offsets\."),
    "a DETR": _has(r"transformer\.encoder\.layers\.0\.self_attn\.in_proj_weight", r"query_embed\."),
    "a memory network for masks (STCN, XMem, Cutie)": _any(r"key_proj\.", r"(key|mask|value)_encoder(_o)?\."),
    "a CLIP model": _any(r"visual\.transformer\.", r"text_model\.encoder\.", r"visual_projection\."),
    "a RoBERTa or BERT text encoder alone": _any(r"(roberta|bert)\.", r"embeddings\.word_embeddings\."),
    "a Swin or Video-Swin image encoder alone": _any(r"(backbone\.|encoder\.)?layers\.0\.blocks\.0\.att"),
    "a ResNet image encoder alone": _has(r"layer1\.0\.conv1\.", r"layer4\.0\.conv1\."),
}
