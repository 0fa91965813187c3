"""Instance matching of IFIRVOS section 3.5 (eqs. 7, 8): which query's sequence is the referred object's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.training.losses import (
    FOCAL_ALPHA,
    FOCAL_GAMMA,
    LossTerms,
    LossWeights,
    QueryPrediction,
    Targets,
    generalized_iou,
    to_corners,
)

_LOG_EPS = 1e-8


def match_cost(layer: QueryPrediction, targets: Targets) -> LossTerms:
    """Costs of every query for its clip's object, each (b, q); GIoU and dice are gains, so their terms are negative.

    Classification is averaged over the object's valid frames, boxes over all frames, masks over the whole volume.
    """
    probability = layer.pred_logits[..., 0].sigmoid()
    positive = FOCAL_ALPHA * (1 - probability) ** FOCAL_GAMMA * -(probability + _LOG_EPS).log()
    negative = (1 - FOCAL_ALPHA) * probability**FOCAL_GAMMA * -(1 - probability + _LOG_EPS).log()
    valid = targets.valid.to(probability.dtype)[..., None]
    classification = ((positive - negative) * valid).sum(1) / valid.sum(1).clamp(min=1)
    l1, giou = box_costs(layer.pred_boxes, targets.boxes[:, :, None])
    focal, dice = mask_costs(layer.pred_masks, targets.masks[:, None])
    return LossTerms(classification, l1.mean(1), giou.mean(1), focal[..., 0], dice[..., 0])


def box_costs(boxes: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L1 and negative GIoU of boxes (..., 4) cxcywh that broadcast: two of (...)."""
    return (boxes - wanted).abs().sum(-1), -generalized_iou(to_corners(boxes), to_corners(wanted))


def mask_costs(logits: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Focal cost and negative dice of every query with every object, over the clip's volume.

    The masks being 0 or 1, each sum over a pair is a product of matrices.

    Args:
        logits: (b, t, q, h, w). wanted: (b, k, t, h, w) float32 0/1.

    Returns:
        Two of (b, q, k).
    """
    volumes = logits.transpose(1, 2).flatten(2).float()
    masks = wanted.flatten(2).transpose(1, 2)
    probability = volumes.sigmoid()
    inside = FOCAL_ALPHA * (1 - probability) ** FOCAL_GAMMA * F.softplus(-volumes)
    outside = (1 - FOCAL_ALPHA) * probability**FOCAL_GAMMA * F.softplus(volumes)
    focal = ((inside - outside) @ masks + outside.sum(-1, keepdim=True)) / volumes.shape[-1]
    overlap = probability @ masks
    areas = probability.sum(-1, keepdim=True) + masks.sum(1, keepdim=True)
    return focal, -(2 * overlap + 1) / (areas + 1)


@torch.no_grad()
def match(layer: QueryPrediction, targets: Targets, weights: LossWeights) -> Tensor:
    """The cheapest query of each clip, int64 (b,): one target a clip, so a plain argmin."""
    return match_cost(layer, targets).weighted(weights).argmin(1)
