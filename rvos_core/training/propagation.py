"""What ISVOS is trained for (section 4.1): both branches together, on short clips with labelled objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from rvos_core.models.isvos import Isvos
from rvos_core.training.instance_losses import InstanceLossConfig, InstanceTargets, instance_loss
from rvos_core.training.propagation_losses import HardPixels, bootstrapped_cross_entropy, merged_dice


class LabelledClips(Protocol):
    """Clips whose objects are labelled in every frame; `ReferringBatch` of the street world is one.

    Attributes:
        labels: (b, t, H, W) integer; 0 the background, k + 1 the object k.
        categories: (b, k) int64; negative where a clip has fewer objects.
    """

    @property
    def labels(self) -> Tensor: ...
    @property
    def categories(self) -> Tensor: ...

    def pixels(self) -> Tensor:
        """(b, t, 3, H, W) float32, ImageNet-normalised."""
        ...


@dataclass(frozen=True)
class PropagationWeights:
    """Weights of the terms, and how many objects of a clip are followed (STCN: 2)."""

    cross_entropy: float = 1.0
    dice: float = 1.0
    instances: float = 1.0
    hard_pixels: HardPixels = field(default_factory=HardPixels)
    instance_loss: InstanceLossConfig = field(default_factory=InstanceLossConfig)
    objects: int = 2


@dataclass(frozen=True)
class FollowedObjects:
    """Objects of each clip's first frame. `ids` (b, o): their labels; `present` (b, o) bool: False fills up."""

    ids: Tensor
    present: Tensor

    def channels(self, labels: Tensor) -> Tensor:
        """Labels (b, t, H, W) -> channels of the merged logits (b, t, H, W) int64: 0, or 1 + row of the object."""
        rows = torch.zeros_like(labels, dtype=torch.int64)
        for row in range(self.ids.shape[1]):
            here = (labels == self.ids[:, row, None, None, None]) & self.present[:, row, None, None, None]
            rows = torch.where(here, row + 1, rows)
        return rows


class PropagationObjective:
    """Bootstrapped cross entropy and dice of the followed objects, and Mask2Former's losses of all instances.

    `heads` is empty: everything that is trained is part of the model.
    """

    def __init__(self, weights: PropagationWeights | None = None) -> None:
        self.weights = weights or PropagationWeights()
        self.heads: nn.Module = nn.ModuleList()

    def __call__(self, model: Isvos, batch: LabelledClips, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Loss to minimise and the figures to log. `progress`: 0 at the stage's first step, 1 at its last."""
        weights = self.weights
        followed = draw_objects(batch.labels[:, 0], limit=weights.objects)
        shown = followed.channels(batch.labels[:, :1])[:, 0]
        rows = torch.arange(1, followed.ids.shape[1] + 1, device=shown.device)
        masks = (shown[:, None] == rows[:, None, None]).float()
        output = model(batch.pixels(), masks, present=followed.present)
        logits = output.logits.flatten(0, 1)
        wanted = followed.channels(batch.labels[:, 1:]).flatten(0, 1)
        present = followed.present.repeat_interleave(output.logits.shape[1], dim=0)
        share = weights.hard_pixels.at(progress)
        cross_entropy = bootstrapped_cross_entropy(logits, wanted, share=share)
        dice = merged_dice(logits, wanted, present=present)
        targets = instance_targets(batch, classes=model.config.instance.classes)
        instances, last = instance_loss(output.instances, targets, weights.instance_loss)
        total = weights.cross_entropy * cross_entropy + weights.dice * dice + weights.instances * instances
        figures = {"cross_entropy": cross_entropy, "dice": dice, "instances": instances}
        figures |= {f"instance_{name}": value for name, value in vars(last).items()}
        return total, {name: float(value.detach()) for name, value in figures.items()} | {"hard_share": share}


def draw_objects(labels: Tensor, *, limit: int) -> FollowedObjects:
    """Up to `limit` objects of each first frame, drawn at random. labels: (b, H, W), 0 the background."""
    found = []
    for frame in labels:
        ids = frame.unique()
        ids = ids[ids > 0]
        found.append(ids[torch.randperm(len(ids), device=ids.device)][:limit])
    most = max(1, max(len(ids) for ids in found))
    drawn = torch.zeros(len(found), most, dtype=labels.dtype, device=labels.device)
    for clip, ids in enumerate(found):
        drawn[clip, : len(ids)] = ids
    return FollowedObjects(drawn, drawn > 0)


def instance_targets(batch: LabelledClips, *, classes: int) -> list[InstanceTargets]:
    """Every visible object of every frame, frame after frame. With one class all of them are "an object"."""
    targets = []
    for labels, categories in zip(batch.labels, batch.categories, strict=True):
        for frame in labels:
            ids = frame.unique()
            ids = ids[ids > 0].long()
            masks = (frame[None] == ids[:, None, None]).float()
            kinds = categories[ids - 1] if classes > 1 else torch.zeros_like(ids)
            targets.append(InstanceTargets(masks, kinds))
    return targets
