"""Golden check of matcher and losses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.training.losses import LossTerms, Targets, generalized_iou, layer_losses, subsample_masks
from rvos_core.training.matcher import match, match_cost
from rvos_core.training.presets import REFERFORMER

_TOLERANCE = 1e-5
_PADDED_TO = 32
_PARTS = {
    "loss_ce": "classification",
    "loss_bbox": "l1",
    "loss_giou": "giou",
    "loss_mask": "mask",
    "loss_dice": "dice",
}
_COSTS = {"class": "classification", "bbox": "l1", "giou": "giou", "mask": "mask", "dice": "dice"}


@dataclass(frozen=True)
class _Layer:
    pred_logits: Tensor
    pred_boxes: Tensor
    pred_masks: Tensor


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare matcher_losses.npz."""
    for name in arrays.names():
        if found := re.fullmatch(r"(case\d+)\.pred_logits", name):
            yield from _case(arrays, found[1])
    if "giou.out" in arrays:
        a, b = (torch.from_numpy(arrays.take(f"giou.{side}")) for side in "ab")
        yield _compare(arrays, "giou.out", generalized_iou(a[:, None], b[None]))


def _case(arrays: GoldenArrays, case: str) -> Iterator[Finding]:
    last, earlier = _layer(arrays, f"{case}."), _layer(arrays, f"{case}.aux0.")
    clips = range(last.pred_logits.shape[0])
    padded = _padded([arrays.take(f"{case}.gt_masks{b}") for b in clips])
    stride4 = subsample_masks(torch.from_numpy(padded).float())
    yield _compare(arrays, f"{case}.gt_masks_padded", padded)
    yield _compare(arrays, f"{case}.gt_masks_stride4", stride4)
    boxes, valid = (
        torch.from_numpy(np.stack([arrays.take(f"{case}.{name}{b}") for b in clips])) for name in ("gt_boxes", "valid")
    )
    targets = Targets(stride4, boxes, valid.bool())
    matched = match(last, targets, REFERFORMER)
    cost = match_cost(last, targets)
    for b in clips:
        for name, part in _COSTS.items():
            yield _compare(arrays, f"{case}.cost_{name}{b}", getattr(cost, part)[b][:, None])
        yield _compare(arrays, f"{case}.cost_total{b}", cost.weighted(REFERFORMER.loss)[b][:, None])
        yield arrays.compare(f"{case}.match{b}", [int(matched[b])], tolerance=0)
    parts = layer_losses(last, targets, matched)
    earlier_parts = layer_losses(earlier, targets, match(earlier, targets, REFERFORMER))
    yield from _losses(arrays, case, parts, suffix="")
    yield from _losses(arrays, case, earlier_parts, suffix="_0")
    total = parts.weighted(REFERFORMER.loss) + earlier_parts.weighted(REFERFORMER.loss)
    yield _compare(arrays, f"{case}.loss.total_weighted", total[None])


def _losses(arrays: GoldenArrays, case: str, parts: LossTerms, *, suffix: str) -> Iterator[Finding]:
    for name, part in _PARTS.items():
        yield _compare(arrays, f"{case}.loss.{name}{suffix}", getattr(parts, part)[None])


def _layer(arrays: GoldenArrays, prefix: str) -> _Layer:
    return _Layer(
        *(torch.from_numpy(arrays.take(prefix + name)) for name in ("pred_logits", "pred_boxes", "pred_masks"))
    )


def _padded(masks: list[np.ndarray]) -> np.ndarray:
    """(b, t, H, W): zero-padded to the common size, rounded up to a multiple of 32."""
    height, width = (-(-max(m.shape[axis] for m in masks) // _PADDED_TO) * _PADDED_TO for axis in (1, 2))
    return np.stack([np.pad(m, ((0, 0), (0, height - m.shape[1]), (0, width - m.shape[2]))) for m in masks])


def _compare(arrays: GoldenArrays, name: str, actual: object) -> Finding:
    return arrays.compare(name, actual, tolerance=_TOLERANCE, relative=True)
