"""What is true in a clip, and what is said about it. Plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CATEGORIES: tuple[str, ...] = ("person", "car", "bus", "dog", "ball")

ACTIONS: tuple[str, ...] = (
    "walking", "running", "standing", "riding", "on foot", "sitting", "moving", "parked", "rolling", "lying",
)  # fmt: skip
"""What can be said of an object. "on foot" holds for every person who does not ride; the others are exact."""

GENDERS: tuple[str, ...] = ("man", "woman")
CLOTHING: tuple[str, ...] = ("shirt", "trousers", "skirt", "both")
SIDES: tuple[str, ...] = ("left", "right", "middle", "leftmost", "rightmost")
SIZES: tuple[str, ...] = ("biggest", "smallest")
DIRECTIONS: tuple[str, ...] = ("left", "right")


@dataclass(frozen=True)
class ObjectFacts:
    """One object of a clip; label value `index + 1`.

    Attributes:
        category, category_id: word and index into `CATEGORIES`.
        colour, colour_id: word and index into `COLOURS`; of the upper clothing for people.
        lower_colour: colour word of trousers or skirt; None where there is none.
        gender: "man" or "woman"; None where it is no person.
        action: one of `ACTIONS` without "on foot": people walk, run, stand or ride; vehicles are moving or parked; dogs
            walk, run, stand or sit; balls are rolling or lying.
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


@dataclass(frozen=True)
class ExpressionSlots:
    """What an expression says; None where it says nothing.

    Attributes:
        category: one of `CATEGORIES` or "vehicle" (car or bus).
        gender: "man" or "woman".
        colour: colour of the object, or of a person's upper clothing.
        lower_colour: colour of trousers or skirt.
        clothing: which garment is named, see `CLOTHING`.
        action, side, size, direction: see `ACTIONS`, `SIDES`, `SIZES`, `DIRECTIONS`.
    """

    category: str | None = None
    gender: str | None = None
    colour: str | None = None
    lower_colour: str | None = None
    clothing: str | None = None
    action: str | None = None
    side: str | None = None
    size: str | None = None
    direction: str | None = None


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
    """

    frames: np.ndarray
    labels: np.ndarray
    objects: tuple[ObjectFacts, ...]
    expressions: tuple[Expression, ...]
