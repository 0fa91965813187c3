"""From masks to mattes: soft edges, refinement on the picture, straight colours, effects. No Qt, no torch, no PyAV."""

from rvos_core.matte.band import frame_trimap
from rvos_core.matte.closed_form import closed_form_alpha
from rvos_core.matte.colours import despilled, straight_colours
from rvos_core.matte.edges import cleaned, feathered, grown, levels, mended_at_border, soft_edge
from rvos_core.matte.effects import (
    EFFECTS,
    BackgroundSource,
    Blur,
    CutOut,
    Effect,
    EffectChain,
    GreyBackground,
    Highlight,
    Outline,
    Pixelate,
    ReplaceBackground,
    Target,
    effect_from_dict,
)
from rvos_core.matte.layers import Fit
from rvos_core.matte.render import FrameSource, MaskSource, Matte, MatteRenderer, StrokeSource, TrimapSource
from rvos_core.matte.settings import RANGES, MatteSettings, MatteStack, Range, Refine
from rvos_core.matte.steady import LOOK_BACK, Steadier, steadied
from rvos_core.matte.trimap import automatic_trimap, painted_trimap, signed_distance

__all__ = [
    "EFFECTS",
    "LOOK_BACK",
    "RANGES",
    "BackgroundSource",
    "Blur",
    "CutOut",
    "Effect",
    "EffectChain",
    "Fit",
    "FrameSource",
    "GreyBackground",
    "Highlight",
    "MaskSource",
    "Matte",
    "MatteRenderer",
    "MatteSettings",
    "MatteStack",
    "Outline",
    "Pixelate",
    "Range",
    "Refine",
    "ReplaceBackground",
    "Steadier",
    "StrokeSource",
    "Target",
    "TrimapSource",
    "automatic_trimap",
    "cleaned",
    "closed_form_alpha",
    "despilled",
    "effect_from_dict",
    "feathered",
    "frame_trimap",
    "grown",
    "levels",
    "mended_at_border",
    "painted_trimap",
    "signed_distance",
    "soft_edge",
    "steadied",
    "straight_colours",
]
