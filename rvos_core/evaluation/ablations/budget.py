"""How much every run of an ablation may spend, and the small world it spends it in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rvos_core.synthetic import WorldConfig

TINY_WORLD = WorldConfig(
    categories=("person", "dog", "horse", "car", "bus", "ball"),
    photographs=0.2,
    patches=0.2,
    lookalikes=0.6,
    occluders=0.4,
    camera=0.5,
    degrade=0.5,
    weather=0.0,
)
"""Six categories in clear weather: what a small network can learn in a minute. All kinds of sentences occur."""


@dataclass(frozen=True)
class Budget:
    """The same for all runs, so that only the network differs.

    Attributes:
        picture_steps: optimiser steps of a referring run on single frames, which come first as in the papers.
        film_steps: of a referring run on clips.
        parts_steps: of the pre-training of image and text weights, once for all.
        following_steps: of an ISVOS run.
        clips: of a batch.
        size: (height, width) of referring clips, pixels.
        val_clips: held-out clips that a referring run is scored on.
        following_clips: held-out clips that an ISVOS run is scored on.
    """

    picture_steps: int = 300
    film_steps: int = 120
    parts_steps: int = 500
    following_steps: int = 200
    clips: int = 6
    size: tuple[int, int] = (64, 112)
    val_clips: int = 192
    following_clips: int = 12

    def __post_init__(self) -> None:
        if min(value for value in (*vars(self).values(), *self.size) if isinstance(value, int)) < 1:
            raise ValueError(f"every number of a budget must be at least 1: {self}")

    def times(self, factor: float) -> Budget:
        """The same with so many times the steps."""
        names = ("picture_steps", "film_steps", "parts_steps", "following_steps")
        return replace(self, **{name: max(1, round(factor * getattr(self, name))) for name in names})
