"""Instance matching of IFIRVOS section 3.5 (eqs. 7, 8): which query's sequence is the referred object's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.training.losses import (
    LossTerms,
    QueryPrediction,
    Targets,
    generalized_iou,
    to_corners,
)
from rvos_core.training.presets import REFERFORMER, LossConfig

_LOG_EPS = 1e-8


def match_cost(layer: QueryPrediction, targets: Targets, config: LossConfig = REFERFORMER) -> LossTerms:
    """Costs of every query for its clip's object, each (b, q); GIoU and dice are gains, so their terms are negative.

    Classification (of the object's class) is averaged over its valid frames, boxes over all frames, masks over the
    whole volume.
    """
    alpha, gamma = config.focal_alpha, config.focal_gamma
    probability = _of_class(layer.pred_logits, targets.labels).sigmoid()
    positive = alpha * (1 - probability) ** gamma * -(probability + _LOG_EPS).log()
    negative = (1 - alpha) * probability**gamma * -(1 - probability + _LOG_EPS).log()
    valid = targets.valid.to(probability.dtype)[..., None]
    classification = ((positive - negative) * valid).sum(1) / valid.sum(1).clamp(min=1)
    l1, giou = box_costs(layer.pred_boxes, targets.boxes[:, :, None])
    pixels, dice = mask_costs(layer.pred_masks, targets.masks[:, None], config)
    return LossTerms(classification, l1.mean(1), giou.mean(1), pixels[..., 0], dice[..., 0])


def _of_class(logits: Tensor, labels: Tensor | None) -> Tensor:
    """(b, t, q) of (b, t, q, k): the logits of each clip's class."""
    if labels is None:
        return logits[..., 0]
    return logits.gather(-1, labels[:, None, None, None].expand(*logits.shape[:3], 1))[..., 0]


def box_costs(boxes: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L1 and negative GIoU of boxes (..., 4) cxcywh that broadcast: two of (...)."""
    return (boxes - wanted).abs().sum(-1), -generalized_iou(to_corners(boxes), to_corners(wanted))


def mask_costs(logits: Tensor, wanted: Tensor, config: LossConfig = REFERFORMER) -> tuple[Tensor, Tensor]:
    """Pixel-wise cost and negative dice of every query with every object, over the clip's volume.

    The masks being 0 or 1, each sum over a pair is a product of matrices.

    Args:
        logits: (b, t, q, h, w). wanted: (b, k, t, h, w) float32 0/1.
        config: names the form of the pixel-wise cost.

    Returns:
        Two of (b, q, k).
    """
    volumes = logits.transpose(1, 2).flatten(2).float()
    masks = wanted.flatten(2).transpose(1, 2)
    probability = volumes.sigmoid()
    inside, outside = F.softplus(-volumes), F.softplus(volumes)
    if config.mask == "focal":
        inside = config.focal_alpha * (1 - probability) ** config.focal_gamma * inside
        outside = (1 - config.focal_alpha) * probability**config.focal_gamma * outside
    pixels = ((inside - outside) @ masks + outside.sum(-1, keepdim=True)) / volumes.shape[-1]
    overlap = probability @ masks
    areas = probability.sum(-1, keepdim=True) + masks.sum(1, keepdim=True)
    return pixels, -(2 * overlap + 1) / (areas + 1)


@torch.no_grad()
def match(layer: QueryPrediction, targets: Targets, config: LossConfig = REFERFORMER) -> Tensor:
    """The cheapest query of each clip, int64 (b,): one target a clip, so a plain argmin."""
    return match_cost(layer, targets, config).weighted(config.cost).argmin(1)
