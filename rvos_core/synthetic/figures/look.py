"""What a figure looks like and what it is doing at one moment. Plain values shared by all figures."""

from __future__ import annotations

from dataclasses import dataclass

from rvos_core.synthetic.colours import Rgb


@dataclass(frozen=True)
class Outfit:
    """What a person wears and carries besides clothes.

    Attributes:
        hair: 0 short, 1 curly, 2 long, 3 ponytail, 4 bun.
        hat, hat_paint: colour word and RGB of the hat; None without one.
        hat_kind: "cap", "brim" or "beanie".
        bag, bag_paint: colour word and RGB of a backpack; None without one.
    """

    hair: int = 0
    hat: str | None = None
    hat_paint: Rgb = (0, 0, 0)
    hat_kind: str = "cap"
    bag: str | None = None
    bag_paint: Rgb = (0, 0, 0)


@dataclass(frozen=True)
class Look:
    """Appearance that stays the same over a clip.

    Attributes:
        category: one of `CATEGORIES`.
        colour, paint: word and RGB of the object, or of a person's upper clothing.
        lower_colour, lower_paint: word and RGB of trousers or skirt; people only.
        gender: "man" or "woman"; people only.
        action: see `facts.ACTIONS`.
        variant: free integer that chooses among shapes and patterns.
        skin, hair, accent: further RGB paints (accent: bag, bike frame, a ridden horse).
        outfit: hat, bag and hair of people; None: short hair and nothing else.
        picture: photograph that a side, a board or a sail shows; None for none.
    """

    category: str
    colour: str
    paint: Rgb
    action: str
    variant: int
    skin: Rgb
    hair: Rgb
    accent: Rgb
    gender: str | None = None
    lower_colour: str | None = None
    lower_paint: Rgb = (0, 0, 0)
    outfit: Outfit | None = None
    picture: str | None = None


@dataclass(frozen=True)
class Pose:
    """What changes from frame to frame.

    Attributes:
        phase: radians; one gait cycle, or one turn of the pedals, is 2 pi.
        roll: radians; how far wheels or a ball have turned, forward positive.
    """

    phase: float
    roll: float
