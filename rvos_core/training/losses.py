"""Losses of ReferFormer and IFIRVOS (IFIRVOS section 3.5, eqs. 7-8), as plain functions on tensors.

Shape letters: b clips, t frames, q queries, h w cells at stride 4. All masks are logits; all sums are in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.training.presets import REFERFORMER, LossConfig, LossWeights

BOX_EPS = 1e-6


class QueryPrediction(Protocol):
    """What one decoder layer says: logits (b, t, q, k), boxes (b, t, q, 4) cxcywh, masks (b, t, q, h, w)."""

    @property
    def pred_logits(self) -> Tensor: ...
    @property
    def pred_boxes(self) -> Tensor: ...
    @property
    def pred_masks(self) -> Tensor: ...


@dataclass(frozen=True)
class Targets:
    """The referred object of every clip of a batch.

    Attributes:
        masks: (b, t, h, w) float32 0/1 at the resolution of the predicted masks (see `subsample_masks`).
        boxes: (b, t, 4) float32 cxcywh in [0, 1] of the unpadded frame; zeros where the object is out of sight.
        valid: (b, t) bool, the object is visible in this frame.
        labels: (b,) int64 class of the object; None where there is one class only ("the referred object").
        loss_frames: what losses are divided by, if it is not `valid_frames` of this batch.
    """

    masks: Tensor
    boxes: Tensor
    valid: Tensor
    labels: Tensor | None = None
    loss_frames: Tensor | None = None

    @property
    def valid_frames(self) -> Tensor:
        """Frames of the batch in which their object is visible, at least 1: what the public code divides losses by.

        Of a part of a batch: those of the whole, divided by the parts.
        """
        return self.valid.sum().clamp(min=1) if self.loss_frames is None else self.loss_frames


def subsample_masks(masks: Tensor) -> Tensor:
    """Every 4th pixel from 2 on, without interpolation: (..., H, W) at input resolution -> (..., H/4, W/4).

    Frames are first zero-padded to a multiple of 4, as the network's own stride-4 map covers them.
    """
    height, width = masks.shape[-2:]
    padded = F.pad(masks, (0, -width % 4, 0, -height % 4))
    return padded[..., 2::4, 2::4]


def sigmoid_focal(logits: Tensor, targets: Tensor, config: LossConfig = REFERFORMER) -> Tensor:
    """Element-wise focal loss (Lin et al., eq. 5) with the alpha and gamma of `config`; same shape as `logits`."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    probability = logits.sigmoid()
    agreement = probability * targets + (1 - probability) * (1 - targets)
    balance = config.focal_alpha * targets + (1 - config.focal_alpha) * (1 - targets)
    return balance * cross_entropy * (1 - agreement) ** config.focal_gamma


def pixel_loss(logits: Tensor, targets: Tensor, config: LossConfig) -> Tensor:
    """The mask term pixel by pixel in the form that `config` names; same shape as `logits`."""
    if config.mask == "bce":
        return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return sigmoid_focal(logits, targets, config)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """1 - (2 sum(p m) + 1) / (sum p + sum m + 1) over the last dimension; `logits`, `targets`: (..., n)."""
    probability = logits.sigmoid()
    overlap = (probability * targets).sum(-1)
    return 1 - (2 * overlap + 1) / (probability.sum(-1) + targets.sum(-1) + 1)


def to_corners(boxes: Tensor) -> Tensor:
    """cxcywh -> xyxy, last dimension 4."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of corner boxes that broadcast: (..., 4), (..., 4) -> (...)."""
    inner = _area((torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0))
    outer = _area((torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0))
    union = _area(a[..., 2:] - a[..., :2]) + _area(b[..., 2:] - b[..., :2]) - inner
    iou = (inner + BOX_EPS) / (union + BOX_EPS)
    return iou - ((outer - union) + BOX_EPS) / (outer + BOX_EPS)


def _area(size: Tensor) -> Tensor:
    return size[..., 0] * size[..., 1]


def box_losses(boxes: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """L1 (summed over the four numbers) and 1 - GIoU of boxes (..., 4) cxcywh that broadcast: two of (...)."""
    l1 = (boxes - target).abs().sum(-1)
    return l1, 1 - generalized_iou(to_corners(boxes), to_corners(target))


@dataclass(frozen=True)
class LossTerms:
    """The five unweighted terms: losses of a decoder layer (scalars), or costs of every query (b, q)."""

    classification: Tensor
    l1: Tensor
    giou: Tensor
    mask: Tensor
    dice: Tensor

    def weighted(self, weights: LossWeights) -> Tensor:
        """Their weighted sum."""
        return (
            weights.classification * self.classification
            + weights.l1 * self.l1
            + weights.giou * self.giou
            + weights.mask * self.mask
            + weights.dice * self.dice
        )


def layer_losses(
    layer: QueryPrediction, targets: Targets, matched: Tensor, config: LossConfig = REFERFORMER
) -> LossTerms:
    """Losses of one decoder layer where clip b's target belongs to query `matched[b]` (int64, (b,)).

    Classification counts every frame, query and class; boxes the matched query on all frames; masks the clip's whole
    volume. All are divided by the number of valid frames in the batch (at least 1).
    """
    count = targets.valid_frames
    clips = torch.arange(len(matched), device=matched.device)
    labels = torch.zeros_like(matched) if targets.labels is None else targets.labels
    wanted = torch.zeros_like(layer.pred_logits)
    wanted[clips, :, matched, labels] = targets.valid.to(wanted.dtype)
    classification = sigmoid_focal(layer.pred_logits, wanted, config).sum()
    l1, giou = box_losses(layer.pred_boxes[clips, :, matched], targets.boxes)
    volumes = layer.pred_masks[clips, :, matched].flatten(1)
    masks = targets.masks.flatten(1)
    pixels = pixel_loss(volumes, masks, config).mean(-1).sum()
    dice = dice_loss(volumes, masks).sum()
    return LossTerms(classification / count, l1.sum() / count, giou.sum() / count, pixels / count, dice / count)


def all_query_loss(layer: QueryPrediction, targets: Targets, config: LossConfig) -> Tensor:
    """Mask, box and dice losses of *every* query against the clip's one target, averaged over queries.

    Not in the papers: it lets the words decide which object is meant before queries divide the picture among
    themselves (docs/decisions/0004-weights-made-in-the-street-world.md). Weight it to 0 towards the end.
    """
    weights, queries = config.loss, layer.pred_masks.shape[2]
    volumes = layer.pred_masks.transpose(1, 2).flatten(2)
    wanted = targets.masks.flatten(1)[:, None].expand_as(volumes)
    l1, giou = box_losses(layer.pred_boxes, targets.boxes[:, :, None])
    pixels = pixel_loss(volumes, wanted, config).mean(-1).sum()
    dice = dice_loss(volumes, wanted).sum()
    total = weights.l1 * l1.sum() + weights.giou * giou.sum() + weights.mask * pixels + weights.dice * dice
    return total / (targets.valid_frames * queries)
