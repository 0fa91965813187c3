"""What is true in a clip, and what is said about it. Plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rvos_core.language.slots import ExpressionSlots

CATEGORIES: tuple[str, ...] = (
    "person", "car", "bus", "dog", "ball",
    "cat", "horse", "cow", "sheep", "elephant", "bird", "swan",
    "truck", "van", "tractor", "motorbike", "bicycle", "boat",
    "balloon", "kite", "umbrella", "sign", "chair", "bench", "suitcase",
)  # fmt: skip

ACTIONS: tuple[str, ...] = (
    "walking", "running", "standing", "riding", "on foot", "sitting", "moving", "parked", "rolling", "lying",
    "on horseback", "on a motorbike", "skateboarding", "grazing", "flying", "floating", "swimming", "anchored",
)  # fmt: skip
"""What can be said of an object. "on foot" holds for every person who rides nothing; the others are exact."""

CHANGES: tuple[str, ...] = ("turns", "stops", "starts", "leaves", "enters", "returns")
SPEED_WORDS: tuple[str, ...] = ("fastest", "slowest")
RELATIONS: tuple[str, ...] = ("behind", "in front of", "next to", "left of", "right of")
ORDERS: tuple[str, ...] = (
    "second from left", "second from right", "third from left", "third from right",
    "first to leave", "last to leave", "first to enter", "last to enter",
)  # fmt: skip

GENDERS: tuple[str, ...] = ("man", "woman")
CLOTHING: tuple[str, ...] = ("shirt", "trousers", "skirt", "both")
SIDES: tuple[str, ...] = ("left", "right", "middle", "leftmost", "rightmost")
SIZES: tuple[str, ...] = ("biggest", "smallest")
DIRECTIONS: tuple[str, ...] = ("left", "right")


@dataclass(frozen=True)
class Track:
    """What an object does from frame to frame: arrays over the clip's T frames.

    Attributes:
        x, y: (T,) float32, its foot on the ground in the scene (the camera's motion taken out), frame heights.
        metre: (T,) float32, frame heights for one of its metres.
        lift: (T,) float32, its height above the ground in its metres.
        speed: (T,) float32, metres per second, signed, right positive; 0 where it stands.
        depth: (T,) int64, rank among the objects; 0 is the nearest.
        facing: (T,) int64, +1 right, -1 left.
        outside: (T,) bool, wholly beyond the border of the frame.
        truncated: (T,) bool, cut by the border.
    """

    x: np.ndarray
    y: np.ndarray
    metre: np.ndarray
    lift: np.ndarray
    speed: np.ndarray
    depth: np.ndarray
    facing: np.ndarray
    outside: np.ndarray
    truncated: np.ndarray


@dataclass(frozen=True)
class ObjectFacts:
    """One object of a clip; label value `index + 1`.

    Attributes:
        category, category_id: word and index into `CATEGORIES`.
        colour, colour_id: word and index into `COLOURS`; of the upper clothing for people.
        lower_colour: colour word of trousers or skirt; None where there is none.
        gender: "man" or "woman"; None where it is no person.
        action: one of `ACTIONS` without "on foot", or "still" for what can do nothing; see `kinds.KINDS`.
        direction: "left" or "right" over the ground; None where it stands.
        facing: "left" or "right".
        travel: signed distance over the ground in the clip, frame heights, right positive.
        size: mean undisturbed area, share of the frame (what it would cover with nothing before it).
        depth: 0 is the nearest object.
        boxes: (T, 4) float32 xyxy pixels of the visible mask; zeros where hidden.
        visible: (T,) bool.
        area: (T,) float32 visible pixels.
        whole: (T,) float32 share of the object's own silhouette that can be seen, 0..1.
        centre: (T, 2) float32 x, y of the visible mask's box, 0..1; zeros where hidden.
        hat, bag: colour words of a hat and of a backpack; None where there is none.
        track: frame by frame; None in the demo clip, whose objects go straight on.
    """

    category: str
    category_id: int
    colour: str
    colour_id: int
    action: str
    facing: str
    travel: float
    size: float
    depth: int
    boxes: np.ndarray
    visible: np.ndarray
    area: np.ndarray
    whole: np.ndarray
    centre: np.ndarray
    direction: str | None = None
    gender: str | None = None
    lower_colour: str | None = None
    hat: str | None = None
    bag: str | None = None
    track: Track | None = None


@dataclass(frozen=True)
class Expression:
    """A sentence. `target` is the index of the one object it means, None where it means nothing in the clip."""

    text: str
    target: int | None
    slots: ExpressionSlots = field(default_factory=ExpressionSlots)


@dataclass(frozen=True)
class SyntheticClip:
    """A drawn clip with everything that is known about it.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        labels: (T, H, W) uint8; 0 background, k + 1 the visible part of object k.
        objects: facts, in the order of label values.
        expressions: true sentences first, then those that mean nothing in the clip.
        weather: "clear", "rain", "snow", "fog" or "dusk".
    """

    frames: np.ndarray
    labels: np.ndarray
    objects: tuple[ObjectFacts, ...]
    expressions: tuple[Expression, ...]
    weather: str = "clear"
