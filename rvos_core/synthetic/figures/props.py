"""Things that stand in the way and are never asked for: poles, trees, signs, boxes, bins."""

from __future__ import annotations

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.pen import Extent, Pen

PROPS: tuple[str, ...] = ("pole", "tree", "sign", "box", "bush", "kiosk")

_EXTENTS: dict[str, Extent] = {
    "pole": (-0.35, -0.05, 0.35, 4.6),
    "tree": (-1.4, -0.05, 1.4, 4.4),
    "sign": (-0.55, -0.05, 0.55, 2.9),
    "box": (-0.65, -0.05, 0.65, 1.05),
    "bush": (-1.0, -0.05, 1.0, 1.15),
    "kiosk": (-1.15, -0.05, 1.15, 2.6),
}


def prop_extent(kind: str) -> Extent:
    """Metres that a prop reaches."""
    return _EXTENTS[kind]


def draw_prop(pen: Pen, kind: str, colour: Rgb) -> None:
    """Draw one prop; `colour` is a dull paint that no colour word names."""
    if kind == "pole":
        pen.line(((0.0, 0.05), (0.0, 4.4)), 0.16, colour)
        pen.line(((0.05, 0.05), (0.05, 4.4)), 0.04, shade(colour, 1.3))
        pen.line(((0.0, 0.05), (0.0, 0.5)), 0.24, shade(colour, 0.8))
    elif kind == "tree":
        _tree(pen)
    elif kind == "sign":
        pen.line(((0.0, 0.03), (0.0, 2.1)), 0.09, (120, 122, 124))
        pen.polygon(((-0.5, 1.75), (-0.5, 2.75), (0.5, 2.75), (0.5, 1.75)), shade(colour, 0.8))
        pen.polygon(((-0.42, 1.83), (-0.42, 2.67), (0.42, 2.67), (0.42, 1.83)), shade(colour, 1.5))
    elif kind == "box":
        pen.polygon(((-0.6, 0.0), (-0.6, 0.95), (0.6, 0.95), (0.6, 0.0)), colour)
        pen.polygon(((-0.6, 0.8), (-0.55, 0.98), (0.65, 0.98), (0.6, 0.8)), shade(colour, 1.25))
        pen.line(((0.0, 0.02), (0.0, 0.8)), 0.03, shade(colour, 0.7))
    elif kind == "bush":
        leaf = (62, 84, 50)
        for x, y, r in ((-0.55, 0.4, 0.42), (0.55, 0.42, 0.42), (0.0, 0.58, 0.52)):
            pen.ellipse((x, y), (r, r), leaf)
            pen.ellipse((x - 0.08, y + 0.1), (r * 0.6, r * 0.55), shade(leaf, 1.12))
    else:
        pen.polygon(((-1.0, 0.0), (-1.0, 2.3), (1.0, 2.3), (1.0, 0.0)), colour)
        pen.polygon(((-1.12, 2.2), (-0.95, 2.52), (0.95, 2.52), (1.12, 2.2)), shade(colour, 0.7))
        pen.polygon(((-0.75, 1.0), (-0.75, 1.9), (0.75, 1.9), (0.75, 1.0)), shade(colour, 0.55))


def _tree(pen: Pen) -> None:
    leaf, bark = (66, 92, 52), (88, 70, 54)
    pen.line(((0.0, 0.05), (0.03, 2.2)), 0.3, bark)
    pen.line(((0.06, 0.05), (0.08, 2.2)), 0.06, shade(bark, 1.15))
    for x, y, r in ((-0.7, 2.7, 0.62), (0.72, 2.75, 0.6), (0.0, 2.4, 0.62), (-0.25, 3.5, 0.75), (0.4, 3.35, 0.68)):
        pen.ellipse((x, y), (r, r), leaf)
        pen.ellipse((x - 0.12, y + 0.14), (r * 0.62, r * 0.56), shade(leaf, 1.14))
