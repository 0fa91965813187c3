"""Losses of ReferFormer and IFIRVOS (IFIRVOS section 3.5, eqs. 7-8), as plain functions on tensors.

Shape letters: b clips, t frames, q queries, h w cells at stride 4. All masks are logits; all sums are in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

FOCAL_ALPHA = 0.25  # Lin et al., focal loss; the public code's value
FOCAL_GAMMA = 2.0
BOX_EPS = 1e-6


class QueryPrediction(Protocol):
    """What one decoder layer says: logits (b, t, q, 1), boxes (b, t, q, 4) cxcywh, masks (b, t, q, h, w)."""

    @property
    def pred_logits(self) -> Tensor: ...
    @property
    def pred_boxes(self) -> Tensor: ...
    @property
    def pred_masks(self) -> Tensor: ...


@dataclass(frozen=True)
class Target:
    """The referred object of one clip.

    Attributes:
        masks: (t, h, w) float32 0/1 at the resolution of the predicted masks (see `subsample_masks`).
        boxes: (t, 4) float32 cxcywh in [0, 1] of the unpadded frame; zeros where the object is out of sight.
        valid: (t,) bool, the object is visible in this frame.
    """

    masks: Tensor
    boxes: Tensor
    valid: Tensor


@dataclass(frozen=True)
class LossWeights:
    """Weights of matching cost and loss alike. Defaults: the public code (ReferFormer and IFIRVOS)."""

    classification: float = 2.0
    l1: float = 5.0
    giou: float = 2.0
    focal: float = 2.0
    dice: float = 5.0


IFIRVOS_PAPER = LossWeights(focal=1.0, dice=1.0)  # IFIRVOS section 4.2
IFIRVOS_CODE = LossWeights()
REFERFORMER = LossWeights()


def subsample_masks(masks: Tensor) -> Tensor:
    """Every 4th pixel from 2 on, without interpolation: (..., H, W) at input resolution -> (..., H/4, W/4).

    Frames are first zero-padded to a multiple of 4, as the network's own stride-4 map covers them.
    """
    height, width = masks.shape[-2:]
    padded = F.pad(masks, (0, -width % 4, 0, -height % 4))
    return padded[..., 2::4, 2::4]


def sigmoid_focal(logits: Tensor, targets: Tensor) -> Tensor:
    """Element-wise focal loss with alpha .25 and gamma 2; same shape as `logits`."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    probability = logits.sigmoid()
    agreement = probability * targets + (1 - probability) * (1 - targets)
    balance = FOCAL_ALPHA * targets + (1 - FOCAL_ALPHA) * (1 - targets)
    return balance * cross_entropy * (1 - agreement) ** FOCAL_GAMMA


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
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    outer = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inner
    iou = (inner + BOX_EPS) / (union + BOX_EPS)
    return iou - ((outer - union) + BOX_EPS) / (outer + BOX_EPS)


def box_losses(boxes: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of L1 and of 1 - GIoU over all boxes; `boxes`, `target`: (..., 4) cxcywh that broadcast."""
    l1 = (boxes - target).abs().sum()
    giou = (1 - generalized_iou(to_corners(boxes), to_corners(target))).sum()
    return l1, giou


@dataclass(frozen=True)
class LossTerms:
    """The five unweighted terms: losses of a decoder layer (scalars), or costs of each query of a clip (q,)."""

    classification: Tensor
    l1: Tensor
    giou: Tensor
    focal: Tensor
    dice: Tensor

    def weighted(self, weights: LossWeights) -> Tensor:
        """Their weighted sum."""
        return (
            weights.classification * self.classification
            + weights.l1 * self.l1
            + weights.giou * self.giou
            + weights.focal * self.focal
            + weights.dice * self.dice
        )


def layer_losses(layer: QueryPrediction, targets: list[Target], matched: list[int]) -> LossTerms:
    """Losses of one decoder layer where clip b's target belongs to query `matched[b]`.

    Classification counts every frame and query; boxes the matched query on all frames; masks the clip's whole
    volume. All are divided by the number of valid frames in the batch (at least 1).
    """
    count = max(1, sum(int(target.valid.sum()) for target in targets))
    wanted = torch.zeros_like(layer.pred_logits[..., 0])
    zero = layer.pred_logits.new_zeros(())
    l1 = giou = focal = dice = zero
    for index, (target, query) in enumerate(zip(targets, matched, strict=True)):
        wanted[index, :, query] = target.valid.to(wanted.dtype)
        clip_l1, clip_giou = box_losses(layer.pred_boxes[index, :, query], target.boxes)
        volume, mask = layer.pred_masks[index, :, query].flatten(), target.masks.flatten()
        l1, giou = l1 + clip_l1, giou + clip_giou
        focal = focal + sigmoid_focal(volume, mask).mean()
        dice = dice + dice_loss(volume, mask)
    classification = sigmoid_focal(layer.pred_logits[..., 0], wanted).sum()
    return LossTerms(classification / count, l1 / count, giou / count, focal / count, dice / count)


def all_query_loss(layer: QueryPrediction, targets: list[Target], weights: LossWeights) -> Tensor:
    """Mask, box and dice losses of *every* query against the clip's one target, averaged over queries.

    Not in the papers: it lets the words decide which object is meant before queries divide the picture among
    themselves (docs/decisions/0004-weights-made-in-the-street-world.md). Weight it to 0 towards the end.
    """
    masks = torch.stack([target.masks for target in targets])[:, :, None].expand_as(layer.pred_masks)
    boxes = torch.stack([target.boxes for target in targets])[:, :, None].expand_as(layer.pred_boxes)
    count = max(1, sum(int(target.valid.sum()) for target in targets))
    queries = layer.pred_masks.shape[2]
    volumes = layer.pred_masks.transpose(1, 2).flatten(2)
    wanted = masks.transpose(1, 2).flatten(2)
    l1, giou = box_losses(layer.pred_boxes, boxes)
    focal = sigmoid_focal(volumes, wanted).mean(-1).sum()
    dice = dice_loss(volumes, wanted).sum()
    total = weights.l1 * l1 + weights.giou * giou + weights.focal * focal + weights.dice * dice
    return total / (count * queries)
