"""What a clip of the street world should be like, and which seeds belong to which split."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rvos_core.synthetic.facts import CATEGORIES
from rvos_core.synthetic.figures.pictures import PHOTOGRAPHS

UNSEEN_PHOTOGRAPHS: tuple[str, ...] = ("gravel", "rocket")
"""Only `test-unseen` shows these."""

SEEN_PHOTOGRAPHS: tuple[str, ...] = tuple(name for name in PHOTOGRAPHS if name not in UNSEEN_PHOTOGRAPHS)


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
        categories: what there is.
        outfits: hats, bags and hair styles.
        patches: share of objects with a texture, or a photograph on them.
        changes: share of movers that turn, stop, start, leave, enter, or leave and return.
        weather: share of clips in rain, snow, fog or dusk, or on wet ground.
        roll: strength of the camera's rotation.
        shutter: share of the time between two frames that the shutter is open at most; 0 draws no motion blur.
        h264: share of clips that go through a video encoder, where PyAV is there; their bytes differ between
            versions of the encoder, so no split has it.
        combinations: "all"; "seen" leaves out the held-out ones of category, colour and action; "unseen" has no others.
        photographs_from: names of the photographs that may be drawn.
    """

    height: int = 96
    width: int = 160
    frames: int = 1
    min_objects: int = 3
    max_objects: int = 6
    fps: float = 12.0
    max_stride: int = 4
    photographs: float = 0.35
    lookalikes: float = 0.55
    occluders: float = 0.8
    camera: float = 1.0
    degrade: float = 1.0
    expressions_per_object: int = 4
    negatives: int = 3
    categories: tuple[str, ...] = CATEGORIES
    outfits: bool = True
    patches: float = 0.4
    changes: float = 0.45
    weather: float = 0.45
    roll: float = 1.0
    shutter: float = 0.4
    h264: float = 0.0
    combinations: str = "seen"
    photographs_from: tuple[str, ...] = SEEN_PHOTOGRAPHS

    def __post_init__(self) -> None:
        if self.height < 16 or self.width < 16 or self.frames < 1 or self.max_stride < 1 or self.fps <= 0:
            raise ValueError(f"not a clip: {self.frames} frames of {self.width}x{self.height} at {self.fps} per second")
        if not 1 <= self.min_objects <= self.max_objects <= 8:
            raise ValueError(f"objects must be 1 <= min <= max <= 8, not {self.min_objects}..{self.max_objects}")
        unknown = sorted({*self.categories} - {*CATEGORIES})
        if unknown or not self.categories:
            raise ValueError(
                f"no such categories: {', '.join(unknown) or 'none given'}; there are {', '.join(CATEGORIES)}"
            )
        if self.combinations not in ("all", "seen", "unseen"):
            raise ValueError(f"no such combinations: {self.combinations!r}; there are all, seen, unseen")
        if not {*self.photographs_from} <= {*PHOTOGRAPHS} or not self.photographs_from:
            raise ValueError(f"photographs_from must be some of {', '.join(PHOTOGRAPHS)}")

    @property
    def min_visible_px(self) -> int:
        """An object that shows fewer pixels than this in a frame counts as hidden there."""
        return max(4, round(0.0003 * self.height * self.width))


SPLITS: tuple[str, ...] = ("train", "val", "test", "test-unseen")

_SEEDS: dict[str, range] = {
    "test": range(20_000, 20_200),
    "val": range(30_000, 30_200),
    "test-unseen": range(40_000, 40_200),
    "train": range(1 << 40, 1 << 41),
}


def split_seeds(split: str) -> range:
    """Seeds of a split; no seed is in two of them.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in _SEEDS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    return _SEEDS[split]


def split_config(split: str) -> WorldConfig:
    """Settings under which a split is scored: 8 frames of 256x448. `train` has single frames of 96x160.

    `test-unseen` shows the combinations and photographs that all other splits hold out.

    Raises:
        ValueError: for an unknown split.
    """
    split_seeds(split)
    if split == "train":
        return WorldConfig()
    scored = WorldConfig(height=256, width=448, frames=8)
    if split == "test-unseen":
        return replace(scored, combinations="unseen", photographs_from=UNSEEN_PHOTOGRAPHS)
    return scored
