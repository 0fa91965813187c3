"""Pre-training of a network's parts in the street world: what ImageNet and RoBERTa are to the papers.

Why: docs/decisions/0004-weights-made-in-the-street-world.md.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.referring import ReferringNetwork
from rvos_core.synthetic import CATEGORIES, COLOURS
from rvos_core.training.batches import NO_OBJECT, ReferringBatch
from rvos_core.training.slots import SLOT_VALUES


class PartsObjective:
    """Cells of the backbone name category and colour, the sentence names its slots."""

    def __init__(self, model: ReferringNetwork, strides: tuple[int, ...] = (8, 16)) -> None:
        self._strides = strides
        channels = dict(zip((4, 8, 16, 32), model.backbone_channels, strict=True))
        names = len(CATEGORIES) + 1 + len(COLOURS)
        self._cells = nn.ModuleList(nn.Conv2d(channels[stride], names, 1) for stride in strides)
        self._slots = nn.ModuleList(nn.Linear(model.config.hidden, len(values) + 1) for values in SLOT_VALUES.values())
        self.heads: nn.Module = nn.ModuleList([self._cells, self._slots])

    def __call__(
        self, model: ReferringNetwork, batch: ReferringBatch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        maps = dict(
            zip(
                (4, 8, 16, 32),
                model.backbone_maps(batch.pixels().flatten(0, 1), clip_length=batch.frames.shape[1]),
                strict=True,
            )
        )
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
