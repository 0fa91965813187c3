"""What a training stage minimises: the papers' matched losses, and the world's own teaching aids around them.

An objective owns throw-away heads (dense grounding, category and colour cells, expression slots); none of them is
part of the model.
Why each aid is there: docs/decisions/0004-weights-made-in-the-street-world.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.ifirvos import Ifirvos, IfirvosOutput
from rvos_core.synthetic import CATEGORIES, COLOURS
from rvos_core.training.batches import NO_OBJECT, SLOT_VALUES, ReferringBatch
from rvos_core.training.losses import (
    LossWeights,
    QueryPrediction,
    Target,
    all_query_loss,
    box_losses,
    dice_loss,
    layer_losses,
    sigmoid_focal,
)
from rvos_core.training.matcher import match


class Objective(Protocol):
    """A loss of (model, batch) with heads of its own; `heads` is trained beside the model and then dropped."""

    heads: nn.Module

    def __call__(self, model: Ifirvos, batch: ReferringBatch, progress: float) -> tuple[Tensor, dict[str, float]]:
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
        all_queries: every query draws the meant object.
        grounding: the throw-away map on the fused features.
        other_objects: the other queries draw the other objects.
        vote: the matched query wins the vote over the clip.
    """

    matched: LossWeights = field(default_factory=LossWeights)
    all_queries: Ramp = field(default_factory=lambda: Ramp(1.0, 0.0))
    grounding: Ramp = field(default_factory=lambda: Ramp(1.0, 1.0))
    other_objects: float = 0.0
    vote: float = 0.0


class ReferringObjective:
    """Matched losses on every decoder layer (IFIRVOS eq. 8), plus the aids of `ReferringWeights`."""

    def __init__(self, model: Ifirvos, weights: ReferringWeights) -> None:
        self.weights = weights
        hidden = model.config.hidden
        self.heads: nn.Module = nn.ModuleList(
            nn.Sequential(nn.Conv2d(hidden, hidden // 2, 3, padding=1), nn.ReLU(), nn.Conv2d(hidden // 2, 1, 1))
            for _ in range(2)
        )

    def __call__(self, model: Ifirvos, batch: ReferringBatch, progress: float) -> tuple[Tensor, dict[str, float]]:
        output = run_batch(model, batch)
        targets = batch.targets()
        total = torch.zeros((), device=batch.frames.device)
        figures: dict[str, float] = {}
        all_queries = self.weights.all_queries.at(progress)
        layers: list[QueryPrediction] = [output, *output.aux]
        for depth, layer in enumerate(layers):
            matched = match(layer, targets, self.weights.matched)
            parts = layer_losses(layer, targets, matched)
            total = total + parts.weighted(self.weights.matched)
            if self.weights.vote > 0:
                total = total + self.weights.vote * vote_loss(layer, matched)
            if all_queries > 0:
                total = total + all_queries * all_query_loss(layer, targets, self.weights.matched)
            if self.weights.other_objects > 0:
                others = [batch.others(item) for item in range(len(targets))]
                total = total + self.weights.other_objects * other_object_loss(
                    layer, others, matched, self.weights.matched
                )
            if depth == 0:
                figures |= {name: float(value.detach()) for name, value in vars(parts).items()}
        grounding = self._grounding(output, targets)
        figures |= {"grounding": float(grounding.detach())}
        return total + self.weights.grounding.at(progress) * grounding, figures

    def _grounding(self, output: IfirvosOutput, targets: list[Target]) -> Tensor:
        """BCE + dice of a throw-away map on the text-fused features at strides 8 and 16."""
        masks = torch.stack([target.masks for target in targets]).flatten(0, 1)[:, None]
        loss = masks.new_zeros(())
        for head, level in zip(self.heads.children(), output.fused_levels[:2], strict=True):
            logits = head(level.flatten(0, 1)).float()
            wanted = (F.adaptive_avg_pool2d(masks, logits.shape[-2:]) >= 0.5).float()
            loss = loss + F.binary_cross_entropy_with_logits(logits, wanted)
            loss = loss + dice_loss(logits.flatten(1), wanted.flatten(1)).mean()
        return loss


def run_batch(model: Ifirvos, batch: ReferringBatch) -> IfirvosOutput:
    """Run the model on every item of a batch; the backbone runs once a clip, whatever number of expressions it has."""
    encoded = model.encode_frames(batch.pixels())
    text = model.encode_text(batch.token_ids, batch.token_padding)
    return model.decode(encoded.select(batch.clip_of), text)


def vote_loss(layer: QueryPrediction, matched: list[int]) -> Tensor:
    """Cross entropy of the queries' mean class logits over the clip: the papers' vote as a choice among the queries."""
    scores = layer.pred_logits[..., 0].float().mean(1)
    return F.cross_entropy(scores, torch.tensor(matched, device=scores.device))


def other_object_loss(
    layer: QueryPrediction, others: list[list[Target]], matched: list[int], weights: LossWeights
) -> Tensor:
    """Each further visible object is drawn by the cheapest unused query: mask, dice and box losses, no class.

    It keeps the queries different from each other, so that the candidates a person may pick from are worth showing.
    """
    loss, count = layer.pred_masks.new_zeros(()), 0
    for item, (targets, taken) in enumerate(zip(others, matched, strict=True)):
        free = [query for query in range(layer.pred_masks.shape[2]) if query != taken]
        targets = targets[: len(free)]
        if not targets:
            continue
        cost = torch.stack([_drawing_cost(layer, item, free, target, weights) for target in targets])  # (objects, free)
        for row, column in enumerate(_cheapest(cost.detach())):
            loss = loss + cost[row, column]
            count += 1
    return loss / max(1, count)


def _drawing_cost(
    layer: QueryPrediction, item: int, queries: list[int], target: Target, weights: LossWeights
) -> Tensor:
    """(queries,) weighted mask, dice and box losses of drawing `target`, per valid frame for the boxes."""
    volumes = layer.pred_masks[item][:, queries].transpose(0, 1).flatten(1)
    wanted = target.masks.flatten().expand_as(volumes)
    cost = weights.focal * sigmoid_focal(volumes, wanted).mean(-1) + weights.dice * dice_loss(volumes, wanted)
    frames = max(1, int(target.valid.sum()))
    boxes = [box_losses(layer.pred_boxes[item][target.valid, query], target.boxes[target.valid]) for query in queries]
    return cost + torch.stack([(weights.l1 * l1 + weights.giou * giou) / frames for l1, giou in boxes])


def _cheapest(cost: Tensor) -> tuple[int, ...]:
    """Columns that give the least total cost, one per row, by trying all (rows <= columns <= 4)."""
    values = cost.tolist()
    choices = permutations(range(cost.shape[1]), cost.shape[0])
    return min(choices, key=lambda columns: sum(values[row][column] for row, column in enumerate(columns)))


class PartsObjective:
    """Pre-training of the parts: cells of the backbone name category and colour, the sentence names its slots.

    To a model without ImageNet and RoBERTa these are what those are to the papers.
    """

    def __init__(self, model: Ifirvos, strides: tuple[int, ...] = (8, 16)) -> None:
        self._strides = strides
        channels = dict(zip((4, 8, 16, 32), model.backbone_channels, strict=True))
        names = len(CATEGORIES) + 1 + len(COLOURS)
        self._cells = nn.ModuleList(nn.Conv2d(channels[stride], names, 1) for stride in strides)
        self._slots = nn.ModuleList(nn.Linear(model.config.hidden, len(values) + 1) for values in SLOT_VALUES.values())
        self.heads: nn.Module = nn.ModuleList([self._cells, self._slots])

    def __call__(self, model: Ifirvos, batch: ReferringBatch, progress: float) -> tuple[Tensor, dict[str, float]]:
        maps = dict(zip((4, 8, 16, 32), model.backbone_maps(batch.pixels().flatten(0, 1)), strict=True))
        loss = torch.zeros((), device=batch.frames.device)
        figures: dict[str, float] = {}
        for head, stride in zip(self._cells, self._strides, strict=True):
            cells = head(maps[stride]).float()
            category, colour = cell_names(batch, stride, (cells.shape[-2], cells.shape[-1]))
            kinds, paints = cells[:, : len(CATEGORIES) + 1], cells[:, len(CATEGORIES) + 1 :]
            balance = torch.tensor([0.25] + [1.0] * len(CATEGORIES), device=cells.device)
            loss = loss + F.cross_entropy(kinds, category, weight=balance)
            loss = loss + F.cross_entropy(paints, colour, ignore_index=NO_OBJECT)
            on_object = category > 0
            figures[f"category_{stride}"] = float((kinds.argmax(1) == category)[on_object].float().mean())
            figures[f"colour_{stride}"] = float((paints.argmax(1) == colour)[on_object].float().mean())
        words = model.encode_text(batch.token_ids, batch.token_padding).words
        slots = [head(words[:, 0]).float() for head in self._slots]
        text = torch.stack([F.cross_entropy(logits, batch.slots[:, i]) for i, logits in enumerate(slots)]).sum()
        figures["text"] = float(text.detach())
        return loss + 0.2 * text, figures


def cell_names(batch: ReferringBatch, stride: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Category (0: background) and colour (`NO_OBJECT`: background) at every cell's centre, two (n * t, h, w)."""
    labels = batch.labels[..., stride // 2 :: stride, stride // 2 :: stride][..., : size[0], : size[1]].long()
    labels = F.pad(labels, (0, size[1] - labels.shape[-1], 0, size[0] - labels.shape[-2]))
    clips = torch.arange(labels.shape[0], device=labels.device)[:, None, None, None].expand_as(labels)
    index = (labels - 1).clamp(min=0)
    background = labels == 0
    category = torch.where(background, 0, batch.categories[clips, index] + 1)
    colour = torch.where(background, NO_OBJECT, batch.colours[clips, index])
    return category.flatten(0, 1), colour.flatten(0, 1)
