"""Quick figures on data sets during a training: a few fixed clips at one size, without the product's windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rvos_core.language import Tokenizer
from rvos_core.models.isvos import Isvos
from rvos_core.models.referring import ReferringNetwork
from rvos_core.training.augment import Augment, ClipSample
from rvos_core.training.batches import ReferringBatch
from rvos_core.training.objectives import run_batch
from rvos_core.training.set_batches import Draw, SentenceBatches, Share, labelled
from rvos_core.training.sources import ClipSource
from rvos_core.training.validation import volume_iou


class SentenceValidation:
    """`val_J`: IoU over each clip of the voted query with what the sentence means; `val_oracle`: of the best query."""

    def __init__(
        self,
        sources: Sequence[ClipSource],
        tokenizer: Tokenizer | None,
        *,
        side: int,
        longest: int,
        clips: int,
        device: torch.device,
    ) -> None:
        assert tokenizer is not None
        draw = Draw([(each, 1) for each in sources], _still(side, longest), seed=7)
        self._data = SentenceBatches(draw, tokenizer, share=Share(1), steps=min(clips, len(draw)))
        self._device = device

    @torch.no_grad()
    def __call__(self, model: ReferringNetwork) -> dict[str, float]:
        rows = np.array([self._row(model, self._data[step].to(self._device)) for step in range(len(self._data))])
        voted, oracle = rows.mean(0)
        return {"val_J": float(voted), "val_oracle": float(oracle)}

    def _row(self, model: ReferringNetwork, batch: ReferringBatch) -> tuple[float, float]:
        output = run_batch(model, batch)
        ious = volume_iou(output.pred_masks.float() > 0, batch.targets().masks[:, None] > 0)[0, :, 0]
        best = int(output.pred_logits[0, ..., 0].float().sigmoid().mean(0).argmax())
        return float(ious[best]), float(ious.max())


class FollowValidation:
    """`val_J`: IoU of every object over the frames after the first, from true first masks; the mean over objects."""

    def __init__(
        self,
        sources: Sequence[ClipSource],
        tokenizer: Tokenizer | None,
        *,
        side: int,
        longest: int,
        clips: int,
        device: torch.device,
    ) -> None:
        del tokenizer
        self._draw = Draw([(each, 1) for each in sources], _still(side, longest), seed=7)
        self._count = min(clips, len(self._draw))
        self._device = device

    @torch.no_grad()
    def __call__(self, model: Isvos) -> dict[str, float]:
        scores = [score for number in range(self._count) for score in self._scores(model, self._draw.draw(number).clip)]
        return {"val_J": float(np.mean(scores)) if scores else 0.0}

    def _scores(self, model: Isvos, clip: ClipSample) -> list[float]:
        batch = labelled([clip]).to(self._device)
        ids = [int(each) for each in np.unique(clip.labels[0]) if each > 0]
        if not ids:
            return []
        first = torch.stack([batch.labels[0, 0] == each for each in ids])[None].float()
        drawn = model(batch.pixels(), first).logits[0].argmax(1)  # (t - 1, H, W)
        scores = []
        for row, each in enumerate(ids, start=1):
            ours, true = drawn == row, batch.labels[0, 1:] == each
            union = int((ours | true).sum())
            scores.append(float((ours & true).sum()) / union if union else 1.0)
        return scores


def _still(side: int, longest: int) -> Augment:
    """Nothing but the size."""
    return Augment(sides=(side,), longest=longest, flip=0.0, light=False, crop=False)
