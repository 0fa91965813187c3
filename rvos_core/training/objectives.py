"""What a training stage minimises: the papers' matched losses, and the world's own teaching aids around them.

An objective owns throw-away heads (dense grounding, category and colour cells, expression slots); none of them is
part of the model.
Why each aid is there: docs/decisions/0004-weights-made-in-the-street-world.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import EncodedFrames, ReferringOutput
from rvos_core.training.batches import ReferringBatch
from rvos_core.training.losses import (
    QueryPrediction,
    Targets,
    all_query_loss,
    box_losses,
    dice_loss,
    layer_losses,
    pixel_loss,
)
from rvos_core.training.matcher import box_costs, mask_costs, match
from rvos_core.training.presets import IFIRVOS_CODE, LossConfig


class Objective(Protocol):
    """A loss of (model, batch) with heads of its own; `heads` is trained beside the model and then dropped."""

    heads: nn.Module

    def __call__(
        self, model: ReferringNetwork, batch: ReferringBatch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss to minimise and the figures to log. `progress`: 0 at the stage's first step, 1 at its last."""
        ...


@dataclass(frozen=True)
class Ramp:
    """A weight that falls linearly from `start` to `end` between two points of a stage's progress."""

    start: float
    end: float
    begin: float = 0.0
    until: float = 1.0

    def at(self, progress: float) -> float:
        share = min(1.0, max(0.0, (progress - self.begin) / max(1e-9, self.until - self.begin)))
        return self.start + (self.end - self.start) * share


@dataclass(frozen=True)
class ReferringWeights:
    """Weights of a referring stage: the papers' losses, and aids that fade.

    Attributes:
        matched: the papers' losses of the matched query.
        first_query: the meant object always belongs to the first query, instead of the cheapest one.
        all_queries: every query draws the meant object.
        grounding: the throw-away map on the fused features.
        other_objects: the other queries draw the other objects.
        vote: the matched query wins the vote over the clip.
        sight: the matched query's class score says in which frames the object is in sight.
    """

    matched: LossConfig = IFIRVOS_CODE
    first_query: bool = False
    all_queries: Ramp = field(default_factory=lambda: Ramp(1.0, 0.0))
    grounding: Ramp = field(default_factory=lambda: Ramp(1.0, 1.0))
    other_objects: float = 0.0
    vote: float = 0.0
    sight: float = 0.0


class ReferringObjective:
    """Matched losses on every decoder layer (IFIRVOS eq. 8), plus the aids of `ReferringWeights`."""

    def __init__(self, model: ReferringNetwork, weights: ReferringWeights) -> None:
        self.weights = weights
        hidden = model.config.hidden
        self.heads: nn.Module = nn.ModuleList(
            nn.Sequential(nn.Conv2d(hidden, hidden // 2, 3, padding=1), nn.ReLU(), nn.Conv2d(hidden // 2, 1, 1))
            for _ in range(2)
        )

    def __call__(
        self, model: ReferringNetwork, batch: ReferringBatch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        return self.of_output(run_batch(model, batch), batch, progress)

    def of_output(
        self, output: ReferringOutput, batch: ReferringBatch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """As calling, for what the network has said of the batch already."""
        targets = batch.targets()
        others = batch.others() if self.weights.other_objects > 0 else None
        total = torch.zeros((), device=batch.frames.device)
        figures: dict[str, float] = {}
        layers: list[QueryPrediction] = [output, *output.aux]
        for depth, layer in enumerate(map(in_float32, layers)):
            matched = self._matched(layer, targets)
            parts = layer_losses(layer, targets, matched, self.weights.matched)
            total = total + parts.weighted(self.weights.matched.loss)
            total = total + self._aids(layer, targets, matched, others=others, progress=progress)
            if depth == 0:
                figures |= {name: float(value.detach()) for name, value in vars(parts).items()}
        grounding = self._grounding(output, targets)
        figures |= {"grounding": float(grounding.detach())}
        return total + self.weights.grounding.at(progress) * grounding, figures

    def _matched(self, layer: QueryPrediction, targets: Targets) -> Tensor:
        if self.weights.first_query:
            return torch.zeros(len(targets.masks), dtype=torch.int64, device=targets.masks.device)
        return match(layer, targets, self.weights.matched)

    def _aids(
        self, layer: QueryPrediction, targets: Targets, matched: Tensor, *, others: Targets | None, progress: float
    ) -> Tensor:
        """What one decoder layer owes besides the papers' losses."""
        weights, total = self.weights, layer.pred_masks.new_zeros(())
        if weights.vote > 0:
            total = total + weights.vote * vote_loss(layer, targets, matched)
        if weights.sight > 0:
            total = total + weights.sight * sight_loss(layer, targets, matched)
        if (all_queries := weights.all_queries.at(progress)) > 0:
            total = total + all_queries * all_query_loss(layer, targets, weights.matched)
        if others is not None:
            total = total + weights.other_objects * other_object_loss(layer, others, matched, weights.matched)
        return total

    def _grounding(self, output: ReferringOutput, targets: Targets) -> Tensor:
        """BCE + dice of a throw-away map on the text-fused features at strides 8 and 16."""
        masks = targets.masks.flatten(0, 1)[:, None]
        loss = masks.new_zeros(())
        for head, level in zip(self.heads.children(), output.fused_levels[:2], strict=True):
            logits = head(level.flatten(0, 1)).float()
            wanted = (F.adaptive_avg_pool2d(masks, logits.shape[-2:]) >= 0.5).float()
            loss = loss + F.binary_cross_entropy_with_logits(logits, wanted)
            loss = loss + dice_loss(logits.flatten(1), wanted.flatten(1)).mean()
        return loss


def run_batch(model: ReferringNetwork, batch: ReferringBatch) -> ReferringOutput:
    """Run the model on every item of a batch; the backbone runs once a clip, whatever number of expressions it has."""
    return decode_batch(model, model.encode_frames(batch.pixels(), batch.padding()), batch)


def decode_batch(model: ReferringNetwork, frames: EncodedFrames, batch: ReferringBatch) -> ReferringOutput:
    """As `run_batch`, on clips that are encoded already."""
    return model.decode(frames.select(batch.clip_of), model.encode_text(batch.token_ids, batch.token_padding))


@dataclass(frozen=True)
class _Float32Layer:
    """A decoder layer's prediction for the losses, as `QueryPrediction`."""

    pred_logits: Tensor
    pred_boxes: Tensor
    pred_masks: Tensor


def in_float32(layer: QueryPrediction) -> QueryPrediction:
    """The same prediction in float32: the losses' sums must not be those of an autocast network."""
    return _Float32Layer(layer.pred_logits.float(), layer.pred_boxes.float(), layer.pred_masks.float())


def vote_loss(layer: QueryPrediction, targets: Targets, matched: Tensor) -> Tensor:
    """Cross entropy of the queries' mean class logits over the frames that show the object: the papers' vote as a
    choice among the queries.
    """
    valid = targets.valid[..., None].float()
    scores = (layer.pred_logits[..., 0] * valid).sum(1) / valid.sum(1).clamp(min=1)
    shown = targets.valid.any(1)
    return (F.cross_entropy(scores, matched, reduction="none") * shown).sum() / shown.sum().clamp(min=1)


def sight_loss(layer: QueryPrediction, targets: Targets, matched: Tensor) -> Tensor:
    """Binary cross entropy of the matched query's class logits with "in sight", frames of either kind weighing alike.

    The focal loss alone hardly hears of the few frames in which a referred object is hidden.
    """
    clips = torch.arange(len(matched), device=matched.device)
    logits = layer.pred_logits[clips, :, matched, 0]
    losses = F.binary_cross_entropy_with_logits(logits, targets.valid.float(), reduction="none")
    kinds = (targets.valid, ~targets.valid)
    return sum(((losses * kind).sum() / kind.sum().clamp(min=1) for kind in kinds), logits.new_zeros(()))


def other_object_loss(layer: QueryPrediction, others: Targets, matched: Tensor, config: LossConfig) -> Tensor:
    """Each further visible object is drawn by the cheapest unused query: mask, dice and box losses, no class.

    It keeps the queries different from each other, so that the candidates a person may pick from are worth showing.
    `others`: as `ReferringBatch.others`. The mean over all objects drawn; boxes are averaged over valid frames.
    """
    weights = config.loss
    rows, objects, queries = _cheapest(layer, others, matched, config)
    if not len(rows):
        return layer.pred_masks.new_zeros(())
    volumes = layer.pred_masks[rows, :, queries].flatten(1)
    wanted, valid = others.masks[rows, objects].flatten(1), others.valid[rows, objects].float()
    l1, giou = box_losses(layer.pred_boxes[rows, :, queries], others.boxes[rows, objects])
    boxes = ((weights.l1 * l1 + weights.giou * giou) * valid).sum(1) / valid.sum(1)
    pixels = pixel_loss(volumes, wanted, config).mean(-1)
    drawing = weights.mask * pixels + weights.dice * dice_loss(volumes, wanted)
    return (drawing + boxes).mean()


@torch.no_grad()
def _cheapest(
    layer: QueryPrediction, others: Targets, matched: Tensor, config: LossConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (item, object, query), three of (pairs,) int64, of least total cost in each item, by trying all.

    The matched query is taken already. Where there are more objects than free queries, the first ones are drawn.
    """
    weights = config.cost
    pixels, dice = mask_costs(layer.pred_masks, others.masks, config)  # (b, q, k)
    valid = others.valid.transpose(1, 2).float()[:, :, None]  # (b, t, 1, k)
    l1, giou = box_costs(layer.pred_boxes[:, :, :, None], others.boxes.transpose(1, 2)[:, :, None])  # (b, t, q, k)
    boxes = ((weights.l1 * l1 + weights.giou * giou) * valid).sum(1) / valid.sum(1).clamp(min=1)
    cost = weights.mask * pixels + weights.dice * dice + boxes
    pairs = []
    seen = others.valid.any(-1)
    for item, values in enumerate(cost.cpu().numpy()):
        free = [query for query in range(values.shape[0]) if query != int(matched[item])]
        objects = seen[item].nonzero()[:, 0].tolist()[: len(free)]
        wanted = values[np.ix_(free, objects)]
        best = min(permutations(range(len(free)), len(objects)), key=lambda rows: wanted[rows, range(len(rows))].sum())
        pairs += [(item, obj, free[row]) for obj, row in zip(objects, best, strict=True)]
    rows, objects_, queries = torch.tensor(pairs, device=cost.device).reshape(-1, 3).unbind(1)
    return rows, objects_, queries
