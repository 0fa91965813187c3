"""Losses of ISVOS's video branch (section 4.1): bootstrapped cross entropy and dice, both after soft aggregation.

Shape letters: n frames, o objects. Logits are those of `isvos.merge`: axis 1 is the background, then the objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class HardPixels:
    """Which share of a frame's pixels counts, the hardest ones, over a stage's progress from 0 to 1.

    All of them until `begin`, then linearly fewer, and `share` from `until` on. The defaults are STCN's main training:
    steps 20,000 and 70,000 of 150,000.
    """

    share: float = 0.15
    begin: float = 2 / 15
    until: float = 7 / 15

    def at(self, progress: float) -> float:
        """The share at this progress."""
        if progress <= self.begin:
            return 1.0
        if progress >= self.until:
            return self.share
        return self.share + (1 - self.share) * (self.until - progress) / (self.until - self.begin)


def bootstrapped_cross_entropy(logits: Tensor, labels: Tensor, *, share: float) -> Tensor:
    """Mean cross entropy of each frame's hardest pixels, averaged over the frames.

    Args:
        logits: (n, 1 + o, H, W).
        labels: (n, H, W) int64, 0 the background, k the object of channel k.
        share: of the pixels that count, in (0, 1]; at least one does.
    """
    losses = F.cross_entropy(logits.float(), labels, reduction="none").flatten(1)
    if share >= 1:
        return losses.mean()
    return losses.topk(max(1, int(losses.shape[1] * share)), dim=1, sorted=False).values.mean()


def merged_dice(logits: Tensor, labels: Tensor, *, present: Tensor) -> Tensor:
    """1 - (2 sum(p m) + 1) / (sum p + sum m + 1) of each object's merged probability, averaged over objects and frames.

    Args:
        logits: (n, 1 + o, H, W).
        labels: (n, H, W) int64 as above.
        present: (n, o) bool; False where a channel stands for no object. With none at all the loss is 0.
    """
    probability = logits.float().softmax(1)[:, 1:].flatten(2)
    objects = torch.arange(1, logits.shape[1], device=labels.device)
    truth = (labels.flatten(1)[:, None] == objects[:, None]).float()
    overlap = (probability * truth).sum(-1)
    loss = 1 - (2 * overlap + 1) / (probability.sum(-1) + truth.sum(-1) + 1)
    return (loss * present).sum() / present.sum().clamp(min=1)
