"""Batches of short clips with labelled objects, which ISVOS is trained on: cut things and the street world.

Batch k is a function of mix, seed and k only, so a resumed run sees what an uninterrupted one would.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rvos_core.synthetic import WorldConfig, make_clip, split_seeds
from rvos_core.synthetic.warped import WarpedConfig, make_warped_clip
from rvos_core.training.batches import Mean

_MEAN = (0.485, 0.456, 0.406)  # ImageNet
_STD = (0.229, 0.224, 0.225)
_CATEGORIES = 8  # most labels of a clip; all of them are of one kind, "a thing"


@dataclass(frozen=True)
class ClipMix:
    """What batches hold.

    Attributes:
        sizes: (height, width) of the frames; batches have them in turn.
        clips: in a batch of the first size and the first length; others have so many that the pixels stay about equal.
        lengths: frames of a clip; batches have them in turn, each with all sizes.
        world: share of clips from the street world; the rest are cut things.
        still: share of the latter that are one picture, warped as a whole.
        fast, excursions, occluders, lookalikes: as in `WarpedConfig`.
    """

    sizes: tuple[tuple[int, int], ...] = ((192, 192),)
    clips: int = 6
    lengths: tuple[int, ...] = (3,)
    world: float = 0.15
    still: float = 0.15
    fast: float = 0.2
    excursions: float = 0.12
    occluders: float = 0.3
    lookalikes: float = 0.35

    def __post_init__(self) -> None:
        if not self.sizes or not self.lengths or min(self.lengths) < 2 or self.clips < 1:
            raise ValueError(f"a clip has at least 2 frames, a batch 1 clip: {self.lengths} frames, {self.clips} clips")
        if not 0 <= self.world <= 1:
            raise ValueError(f"world {self.world} must be a share between 0 and 1")

    def of_step(self, step: int) -> tuple[int, int, int, int]:
        """(clips, frames, height, width) of batch `step`."""
        height, width = self.sizes[step % len(self.sizes)]
        frames = self.lengths[step // len(self.sizes) % len(self.lengths)]
        most = self.clips * self.lengths[0] * self.sizes[0][0] * self.sizes[0][1]
        return max(1, round(most / (frames * height * width))), frames, height, width


@dataclass(frozen=True)
class ClipBatch:
    """b clips in the form that `PropagationObjective` reads.

    Attributes:
        frames: (b, t, h, w, 3) uint8 RGB.
        labels: (b, t, h, w) uint8; 0 the background, k + 1 the object k.
        categories: (b, k) int64, all 0: every object is "a thing".
    """

    frames: Tensor
    labels: Tensor
    categories: Tensor

    @property
    def clips(self) -> int:
        """b."""
        return len(self.frames)

    def parts(self, count: int, mean: Mean) -> list[ClipBatch]:
        """`count` batches (at most `clips`) of about as many clips; the mean of their losses is nearly the whole's.

        Nearly: dice is a mean over objects, of which clips have one or two. `mean`, over processes, is not needed.
        """
        bounds = [self.clips * part // count for part in range(count + 1)]
        return [
            ClipBatch(self.frames[first:last], self.labels[first:last], self.categories[first:last])
            for first, last in pairwise(bounds)
        ]

    def state(self) -> dict[str, Any]:
        """Tensors, for a file."""
        return dict(vars(self))

    def to(self, device: torch.device) -> ClipBatch:
        """The same batch on `device`."""
        return ClipBatch(self.frames.to(device), self.labels.to(device), self.categories.to(device))

    def pixels(self) -> Tensor:
        """(b, t, 3, h, w) float32, ImageNet-normalised."""
        mean = torch.tensor(_MEAN, device=self.frames.device)[:, None, None]
        std = torch.tensor(_STD, device=self.frames.device)[:, None, None]
        return (self.frames.permute(0, 1, 4, 2, 3).float() / 255 - mean) / std


class PropagationBatches(Dataset[ClipBatch]):
    """Batch k, made when asked for; map-style over steps."""

    def __init__(self, mix: ClipMix, *, seed: int, steps: int, split: str = "train") -> None:
        self._mix = mix
        self._seed = seed
        self._steps = steps
        self._seeds = split_seeds(split)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> ClipBatch:
        clips, frames, height, width = self._mix.of_step(step)
        rng = np.random.default_rng([self._seed, step])
        made = [self._clip(rng, frames, height, width) for _ in range(clips)]
        pictures = torch.from_numpy(np.stack([pixels for pixels, _ in made]))
        labels = torch.from_numpy(np.stack([truth for _, truth in made]))
        return ClipBatch(pictures, labels, torch.zeros(clips, _CATEGORIES, dtype=torch.int64))

    def _clip(self, rng: np.random.Generator, frames: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames (t, h, w, 3) and labels (t, h, w), both uint8; something is in sight in the first frame."""
        mix = self._mix
        while True:
            seed = self._seeds[int(rng.integers(len(self._seeds)))]
            if rng.random() < mix.world:
                drawn = make_clip(seed, WorldConfig(height=height, width=width, frames=frames))
                found = drawn.frames, drawn.labels
            else:
                config = WarpedConfig(
                    height=height,
                    width=width,
                    frames=frames,
                    still=mix.still,
                    fast=mix.fast,
                    excursions=mix.excursions,
                    occluders=mix.occluders,
                    lookalikes=mix.lookalikes,
                )
                cut = make_warped_clip(seed, config)
                found = cut.frames, cut.labels
            if found[1][0].any():
                return np.ascontiguousarray(found[0]), np.ascontiguousarray(found[1], dtype=np.uint8)
