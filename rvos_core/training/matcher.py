"""Instance matching of IFIRVOS section 3.5 (eqs. 7, 8): which query's sequence is the referred object's."""

from __future__ import annotations

import torch
from torch import Tensor

from rvos_core.training.losses import (
    FOCAL_ALPHA,
    FOCAL_GAMMA,
    LossTerms,
    LossWeights,
    QueryPrediction,
    Target,
    dice_loss,
    generalized_iou,
    sigmoid_focal,
    to_corners,
)

_LOG_EPS = 1e-8


def match_cost(logits: Tensor, boxes: Tensor, masks: Tensor, target: Target) -> LossTerms:
    """Costs of one clip, each (q,); GIoU and dice are gains, so their terms are negative.

    Args:
        logits: (t, q, 1). boxes: (t, q, 4) cxcywh. masks: (t, q, h, w) logits.
        target: the clip's object. Classification is averaged over its valid frames, boxes over all frames,
            masks over the whole volume.
    """
    probability = logits[..., 0].sigmoid()
    positive = FOCAL_ALPHA * (1 - probability) ** FOCAL_GAMMA * -(probability + _LOG_EPS).log()
    negative = (1 - FOCAL_ALPHA) * probability**FOCAL_GAMMA * -(1 - probability + _LOG_EPS).log()
    valid = target.valid.to(probability.dtype)[:, None]
    classification = ((positive - negative) * valid).sum(0) / valid.sum().clamp(min=1)
    wanted_boxes = target.boxes[:, None]
    l1 = (boxes - wanted_boxes).abs().sum(-1).mean(0)
    giou = -generalized_iou(to_corners(boxes), to_corners(wanted_boxes)).mean(0)
    volumes = masks.transpose(0, 1).flatten(1)
    wanted = target.masks.flatten().expand_as(volumes)
    focal = sigmoid_focal(volumes, wanted).mean(-1)
    dice = dice_loss(volumes, wanted) - 1
    return LossTerms(classification, l1, giou, focal, dice)


@torch.no_grad()
def match(layer: QueryPrediction, targets: list[Target], weights: LossWeights) -> list[int]:
    """The cheapest query of each clip (one target a clip, so a plain argmin)."""
    return [
        int(
            match_cost(layer.pred_logits[b], layer.pred_boxes[b], layer.pred_masks[b], target)
            .weighted(weights)
            .argmin()
        )
        for b, target in enumerate(targets)
    ]
