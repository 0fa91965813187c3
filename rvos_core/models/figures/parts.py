"""What makes a box: which modules, under their names in the state dict, are drawn as one part of a figure.

A module belongs to the part whose pattern is its whole name, a parameter to the part of the nearest module around it.
So levels and layers, whose names differ in a number, share a box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Part:
    """One box.

    Attributes:
        group: frame around boxes of one kind.
        pattern: regular expression of the names of its modules, or of parameters that are used by themselves.
        caption: what the papers call it.
    """

    group: str
    pattern: str
    caption: str = ""


@dataclass(frozen=True)
class FunctionPart:
    """A step without parameters that is drawn, too: the function `name` as `module` calls it."""

    group: str
    module: str
    name: str
    caption: str = ""


@dataclass(frozen=True)
class Plan:
    """All boxes of a network, apart from what goes in and comes out."""

    parts: tuple[Part, ...]
    functions: tuple[FunctionPart, ...]

    def part_of(self, name: str) -> Part | None:
        """The part of the module or parameter called `name`: that of the longest beginning of its name."""
        pieces = name.split(".")
        for length in range(len(pieces), 0, -1):
            beginning = ".".join(pieces[:length])
            for part in self.parts:
                if re.fullmatch(part.pattern, beginning):
                    return part
        return None

    def modules(self, network: nn.Module) -> dict[str, tuple[Part, nn.Module]]:
        """The modules that are boxes, or share one, by name."""
        found = {}
        for name, module in network.named_modules():
            for part in self.parts:
                if re.fullmatch(part.pattern, name):
                    found[name] = (part, module)
        return found


_VISION = (
    Part("vision", r"backbone\.0"),
    Part("vision", r"input_proj\.\d+"),
)
_TEXT = (
    Part("language", r"text_encoder"),
    Part("language", r"text_encoder\.pooler\.dense"),
    Part("language", r"resizer"),
)
_TRANSFORMER = (
    Part("transformer", r"transformer\.encoder\.layers\.\d+|transformer\.level_embed"),
    Part("transformer", r"query_embed|transformer\.reference_points", "query places"),
    Part("transformer", r"transformer\.decoder\.(decoder_)?layers\.\d+"),
)
_PYRAMID = (
    Part("pyramid", r"pixel_decoder\.adapter_\d+"),
    Part("pyramid", r"pixel_decoder\.layer_\d+"),
    Part("pyramid", r"pixel_decoder\.mask_features"),
)
_HEADS = (
    Part("heads", r"class_embed\.\d+"),
    Part("heads", r"bbox_embed\.\d+"),
    Part("heads", r"controller", "mask kernels"),
    Part("heads", r"consensus_head\.\w+", "consensus, as an option"),
)
_STEPS = (
    FunctionPart("heads", "rvos_core.models.blocks.deformable_transformer", "_refine", "box refinement"),
    FunctionPart("heads", "rvos_core.models.referring", "dynamic_mask_head", "dynamic convolution"),
)
_CROSS_MODAL_BLOCKS = Part("pyramid", r"pixel_decoder\.cross_attn_\d+", "CM-FPN's blocks")

_REFERFORMER = Plan(
    (
        *_VISION,
        *_TEXT,
        Part("language", r"fusion_module", "words into levels"),
        *_TRANSFORMER,
        _CROSS_MODAL_BLOCKS,
        *_PYRAMID,
        *_HEADS,
    ),
    _STEPS,
)
_IFIRVOS = Plan(
    (
        *_VISION,
        *_TEXT,
        Part("vision-language interaction", r"text_fusion_module", "LEwV"),
        Part("vision-language interaction", r"fusion_module", "VEwL"),
        Part("vision-language interaction", r"poolout_module", "poolout"),
        *_TRANSFORMER,
        Part("transformer", r"transformer\.decoder\.query_encoder_layers\.\d+", "inter-frame interaction"),
        _CROSS_MODAL_BLOCKS,
        *_PYRAMID,
        *_HEADS,
    ),
    _STEPS,
)
_R2VOS = Plan(
    (
        *_VISION,
        *_TEXT,
        Part("language", r"fusion_module", "words into levels"),
        *_TRANSFORMER,
        Part("cycle", r"transformer\.query_mixer", "query mix"),
        Part("pyramid", r"pixel_decoder\.cross_attn", "early grounding"),
        Part("pyramid", r"pixel_decoder\.(dyn_filter|dyn_conv|pool_conv)", "text kernels"),
        *_PYRAMID,
        Part("cycle", r"pixel_decoder\.(text_query|text_decoder)", "V-T projection"),
        Part("cycle", r"neg_classifier", "semantic consensus"),
        *_HEADS,
    ),
    _STEPS,
)
_BRANCH = "instance branch"
_ISVOS = Plan(
    (
        Part("vision", r"backbone\.0"),
        Part(_BRANCH, r"instance\.pixel_decoder\.input_projections\.\d+"),
        Part(_BRANCH, r"instance\.pixel_decoder\.(encoder\.layers\.\d+|level_embed)", "P: the pyramid at 32, 16, 8"),
        Part(_BRANCH, r"instance\.pixel_decoder\.(adapter_1|layer_1|mask_projection)", "per-pixel embeddings"),
        Part(_BRANCH, r"instance\.pixel_decoder\.(laterals\.\d+|bottom|layers\.\d+)", "the plain pixel decoder"),
        Part(_BRANCH, r"instance\.transformer_module\.(queries_\w+|level_embed)", "queries as learned, level codes"),
        Part(_BRANCH, r"instance\.transformer_module\.decoder\.layers\.\d+", "masked attention, eq. 1"),
        Part(_BRANCH, r"instance\.transformer_module\.decoder\.(layernorm|mask_predictor)", "mask head"),
        Part(_BRANCH, r"instance\.class_predictor", "instance classes"),
        Part("enhanced keys", r"key_encoder\.image", "Q_g"),
        Part("enhanced keys", r"key_encoder\.(reference_points|attention)", "q_vos, eq. 2"),
        Part("enhanced keys", r"key_encoder\.projection", "key"),
        Part("memory", r"value_encoder\.trunk"),
        Part("memory", r"value_encoder\.block\d", "fusion with F_res4"),
        Part("memory", r"value_encoder\.attention", "value"),
        Part("mask decoder", r"decoder\.blocks\.\d+\.(backbone|pyramid)", "B and P, aligned"),
        Part("mask decoder", r"decoder\.blocks\.\d+", "multi-path fusion, eq. 4"),
        Part("mask decoder", r"decoder\.mask"),
    ),
    (
        FunctionPart("memory", "rvos_core.models.isvos", "read_memory", "memory reading, eq. 3"),
        FunctionPart("mask decoder", "rvos_core.models.isvos", "merge", "soft aggregation"),
    ),
)

PLANS: Mapping[str, Plan] = {"referformer": _REFERFORMER, "ifirvos": _IFIRVOS, "r2vos": _R2VOS, "isvos": _ISVOS}
