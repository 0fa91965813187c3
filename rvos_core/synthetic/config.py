"""What a clip of the street world should be like, and which seeds belong to which split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorldConfig:
    """Settings of one clip; the same seed and settings always give the same bytes.

    Attributes:
        height, width: frame size in pixels.
        frames: frames in the clip.
        min_objects, max_objects: how many things a sentence can mean; at least `min_objects` of them are well visible.
        fps: frames per second of the world's clock.
        max_stride: a clip may skip up to this many ticks of the clock between frames (longer motion in few frames).
        photographs: share of clips whose background is made of photographs.
        lookalikes: share of clips where at least two objects share a category.
        occluders: mean number of poles, trees and boxes in the way.
        camera: strength of pan, zoom and shake; 0 holds the camera still.
        degrade: strength of light changes, noise, blur and compression; 0 leaves the drawing clean.
        expressions_per_object: most positive expressions for one object.
        negatives: expressions that fit nothing in the clip.
    """

    height: int = 96
    width: int = 160
    frames: int = 1
    min_objects: int = 3
    max_objects: int = 5
    fps: float = 12.0
    max_stride: int = 3
    photographs: float = 0.35
    lookalikes: float = 0.55
    occluders: float = 0.8
    camera: float = 1.0
    degrade: float = 1.0
    expressions_per_object: int = 4
    negatives: int = 2

    def __post_init__(self) -> None:
        if self.height < 16 or self.width < 16 or self.frames < 1 or self.max_stride < 1 or self.fps <= 0:
            raise ValueError(f"not a clip: {self.frames} frames of {self.width}x{self.height} at {self.fps} per second")
        if not 1 <= self.min_objects <= self.max_objects <= 8:
            raise ValueError(f"objects must be 1 <= min <= max <= 8, not {self.min_objects}..{self.max_objects}")

    @property
    def min_visible_px(self) -> int:
        """An object that shows fewer pixels than this in a frame counts as hidden there."""
        return max(4, round(0.0003 * self.height * self.width))


SPLITS: tuple[str, ...] = ("train", "val", "test")

_SEEDS: dict[str, range] = {"test": range(0, 200), "val": range(10_000, 10_200), "train": range(1_000_000, 1 << 40)}


def split_seeds(split: str) -> range:
    """Seeds of a split; no seed is in two of them.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in _SEEDS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    return _SEEDS[split]


def split_config(split: str) -> WorldConfig:
    """Settings under which a split is scored: 8 frames of 256x448, at least three objects; `train` has the defaults."""
    if split == "train":
        return WorldConfig()
    split_seeds(split)
    return WorldConfig(height=256, width=448, frames=8, min_objects=3, max_objects=5)
