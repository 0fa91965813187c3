"""Golden check of the dynamic mask head, with and without coordinates, and of its helpers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.models.blocks.dynamic_mask_head import aligned_bilinear, cell_locations, dynamic_mask_head, kernel_sizes

_TOLERANCE = 1e-5


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare dynamic_mask_head.npz."""
    for name in arrays.names():
        if name in ("logits", "norel.logits"):
            yield _logits(arrays, name)
        elif match := re.fullmatch(r"aligned_bilinear\.x(\d+)", name):
            enlarged = aligned_bilinear(torch.from_numpy(arrays.take("aligned_bilinear.in")), int(match[1]))
            yield arrays.compare(name, enlarged, tolerance=_TOLERANCE, relative=True)
        elif match := re.fullmatch(r"locations_h(\d+)_w(\d+)_stride(\d+)", name):
            h, w, stride = map(int, match.groups())
            yield arrays.compare(name, cell_locations((h, w), stride=stride, device=torch.device("cpu")), tolerance=0)
        elif name in ("weight_nums", "bias_nums"):
            in_channels = arrays.take("mask_features").shape[2] + 2
            yield arrays.compare(name, kernel_sizes(in_channels)[name == "bias_nums"], tolerance=0)


def _logits(arrays: GoldenArrays, name: str) -> Finding:
    """Instances come as (clip, frame * queries); the head takes them as (clip * frame, queries)."""
    features = torch.from_numpy(arrays.take("mask_features"))
    clips, frames = features.shape[:2]

    def by_frame(x: Tensor) -> Tensor:
        return x.reshape(clips * frames, -1, x.shape[-1])

    centres = None
    parameters = torch.from_numpy(arrays.take(name.replace("logits", "params")))
    if name == "logits":
        height, width = torch.from_numpy(arrays.take("size_hw")).float().unbind(-1)
        references = torch.from_numpy(arrays.take("reference_points_xy01"))
        centres = by_frame(references * torch.stack([width, height], dim=-1)[:, None])
    logits = dynamic_mask_head(features.flatten(0, 1), by_frame(parameters), centres_px=centres)
    return arrays.compare(name, logits.reshape(arrays.take(name).shape), tolerance=_TOLERANCE, relative=True)
