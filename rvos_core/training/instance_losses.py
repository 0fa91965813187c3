"""Mask2Former's matching and losses (Cheng et al., CVPR 2022, section 3.3), which supervise ISVOS's instance branch.

Masks are compared at sampled points only: at the same random ones for all pairs in matching, mostly at uncertain ones
in the loss. Shape letters: n frames, q queries, k instances of a frame, p points. All sums are in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.assignment import best_assignment
from rvos_core.models.blocks.instance_branch import InstancePrediction


@dataclass(frozen=True)
class InstanceTargets:
    """The instances of one frame.

    Attributes:
        masks: (k, H, W) float32 0/1; of one size in a batch.
        classes: (k,) int64, from 0.
    """

    masks: Tensor
    classes: Tensor


@dataclass(frozen=True)
class InstanceLossConfig:
    """Numbers of Mask2Former's COCO models; weights are of matching cost and loss alike.

    Attributes:
        no_object: weight of the class "no object" in the classification loss.
        points: K, sampled a mask.
        oversample: candidates a point in the loss, of which the most uncertain are taken.
        importance: share of the points that are taken so; the others are random.
    """

    classification: float = 2.0
    mask: float = 5.0
    dice: float = 5.0
    no_object: float = 0.1
    points: int = 12544
    oversample: float = 3.0
    importance: float = 0.75


@dataclass(frozen=True)
class InstanceLossTerms:
    """The three unweighted losses of one decoder layer."""

    classification: Tensor
    mask: Tensor
    dice: Tensor

    def weighted(self, config: InstanceLossConfig) -> Tensor:
        """Their weighted sum."""
        return config.classification * self.classification + config.mask * self.mask + config.dice * self.dice


@dataclass(frozen=True)
class Pairs:
    """Which query draws which instance of a frame: two (m,) int64 of the same length."""

    queries: Tensor
    instances: Tensor


def instance_loss(
    layers: Sequence[InstancePrediction], targets: Sequence[InstanceTargets], config: InstanceLossConfig
) -> tuple[Tensor, InstanceLossTerms]:
    """Weighted sum over all decoder layers, each with a matching of its own; and the last layer's terms."""
    terms = [layer_losses(layer, targets, config) for layer in layers]
    return torch.stack([each.weighted(config) for each in terms]).sum(), terms[-1]


def layer_losses(
    layer: InstancePrediction, targets: Sequence[InstanceTargets], config: InstanceLossConfig
) -> InstanceLossTerms:
    """Losses of one decoder layer on n frames; masks are divided by the number of instances (at least 1)."""
    class_logits, mask_logits = layer.class_logits.float(), layer.mask_logits.float()
    pairs = match_instances(class_logits, mask_logits, targets, config)
    wanted = torch.full(class_logits.shape[:2], class_logits.shape[-1] - 1, device=class_logits.device)
    for frame, (pair, target) in enumerate(zip(pairs, targets, strict=True)):
        wanted[frame, pair.queries] = target.classes[pair.instances]
    balance = torch.ones(class_logits.shape[-1], device=class_logits.device)
    balance[-1] = config.no_object
    classification = F.cross_entropy(class_logits.transpose(1, 2), wanted, weight=balance)
    drawn = torch.cat([mask_logits[frame, pair.queries] for frame, pair in enumerate(pairs)])
    if not len(drawn):
        nothing = mask_logits.sum() * 0
        return InstanceLossTerms(classification, nothing, nothing)
    masks = torch.cat([target.masks[pair.instances] for target, pair in zip(targets, pairs, strict=True)])
    places = uncertain_points(drawn, config)
    logits, truth = at_points(drawn, places), at_points(masks, places)
    count = max(1, sum(len(target.classes) for target in targets))
    mask = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1).sum() / count
    probability = logits.sigmoid()
    dice = _dice((probability * truth).sum(-1), probability.sum(-1) + truth.sum(-1)).sum() / count
    return InstanceLossTerms(classification, mask, dice)


@torch.no_grad()
def match_instances(
    class_logits: Tensor, mask_logits: Tensor, targets: Sequence[InstanceTargets], config: InstanceLossConfig
) -> list[Pairs]:
    """The cheapest one-to-one pairs of queries and instances in each frame; min(q, k) of them, by query.

    Args:
        class_logits: (n, q, classes + 1).
        mask_logits: (n, q, h, w).
        targets: of each frame.
    """
    pairs = []
    for logits, masks, target in zip(class_logits, mask_logits, targets, strict=True):
        points = torch.rand(1, config.points, 2, device=masks.device)
        drawn = at_points(masks, points.expand(len(masks), -1, -1))
        truth = at_points(target.masks, points.expand(len(target.masks), -1, -1))
        cost = match_cost(logits, drawn, truth, target.classes, config)
        scores = -torch.nan_to_num(cost, nan=1e6, posinf=1e6, neginf=1e6).double().cpu().numpy()
        if scores.shape[1] <= scores.shape[0]:
            found = sorted((query, instance) for instance, query in enumerate(best_assignment(scores.T)))
        else:
            found = list(enumerate(best_assignment(scores)))
        index = torch.tensor(found, dtype=torch.int64, device=masks.device).reshape(-1, 2)
        pairs.append(Pairs(index[:, 0], index[:, 1]))
    return pairs


def match_cost(logits: Tensor, drawn: Tensor, truth: Tensor, classes: Tensor, config: InstanceLossConfig) -> Tensor:
    """What each query would pay for each instance of one frame.

    Args:
        logits: (q, classes + 1).
        drawn: (q, p) mask logits, `truth` (k, p) masks, at the same points.
        classes: (k,) int64.

    Returns:
        (q, k).
    """
    classification = -logits.softmax(-1)[:, classes]
    inside = F.softplus(-drawn)  # binary cross entropy where the mask is 1
    outside = F.softplus(drawn)
    mask = (inside @ truth.t() + outside @ (1 - truth).t()) / drawn.shape[1]
    probability = drawn.sigmoid()
    dice = _dice(probability @ truth.t(), probability.sum(-1)[:, None] + truth.sum(-1))
    return config.classification * classification + config.mask * mask + config.dice * dice


@torch.no_grad()
def uncertain_points(logits: Tensor, config: InstanceLossConfig) -> Tensor:
    """Points to compare a mask at: mostly where it is least sure (Kirillov et al., PointRend, CVPR 2020, section 3.1).

    `logits`: (m, h, w) -> (m, points, 2), (x, y) in [0, 1].
    """
    candidates = torch.rand(len(logits), int(config.points * config.oversample), 2, device=logits.device)
    certainty = at_points(logits, candidates).abs()
    count = int(config.importance * config.points)
    nearest = certainty.topk(count, dim=1, largest=False).indices
    chosen = candidates.gather(1, nearest[..., None].expand(-1, -1, 2))
    others = torch.rand(len(logits), config.points - count, 2, device=logits.device)
    return torch.cat([chosen, others], dim=1)


def at_points(maps: Tensor, points: Tensor) -> Tensor:
    """Values of maps (m, h, w) at points (m, p, 2), (x, y) in [0, 1], bilinear between cell centres -> (m, p)."""
    if not len(maps):
        return maps.new_zeros(0, points.shape[1])
    return F.grid_sample(maps[:, None], 2 * points[:, :, None] - 1, mode="bilinear", align_corners=False)[:, 0, :, 0]


def _dice(overlap: Tensor, sizes: Tensor) -> Tensor:
    """1 - (2 sum(p m) + 1) / (sum p + sum m + 1)."""
    return 1 - (2 * overlap + 1) / (sizes + 1)
