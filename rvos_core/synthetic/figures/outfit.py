"""Hair, hats and backpacks of people: what tells two people in the same clothes apart."""

from __future__ import annotations

from rvos_core.synthetic.colours import shade
from rvos_core.synthetic.figures.look import Look, Outfit
from rvos_core.synthetic.pen import Pen, Point


def draw_hair_and_hat(pen: Pen, look: Look, outfit: Outfit, *, at: Point) -> None:
    """Draw hair that hangs or stands off, and the hat, on a head seen from the side with its centre at `at`."""
    x, y = at
    hair = look.hair
    if outfit.hair == 1:
        for dx, dy in ((-0.12, 0.06), (-0.06, 0.15), (0.05, 0.15), (-0.13, -0.04)):
            pen.ellipse((x + dx, y + dy), (0.085, 0.08), hair)
    elif outfit.hair == 2:
        pen.polygon(((x - 0.05, y + 0.12), (x - 0.16, y + 0.06), (x - 0.2, y - 0.27), (x - 0.04, y - 0.25)), hair)
    elif outfit.hair == 3:
        pen.line(((x - 0.14, y + 0.06), (x - 0.24, y + 0.0), (x - 0.26, y - 0.2)), 0.085, hair)
    elif outfit.hair == 4:
        pen.ellipse((x - 0.14, y + 0.13), (0.09, 0.09), hair)
    if outfit.hat is None:
        return
    paint, band = outfit.hat_paint, shade(outfit.hat_paint, 0.66)
    crown = ((x - 0.17, y + 0.05), (x - 0.15, y + 0.2), (x + 0.0, y + 0.26), (x + 0.13, y + 0.19), (x + 0.15, y + 0.06))
    pen.polygon(crown, paint)
    if outfit.hat_kind == "brim":
        pen.line(((x - 0.3, y + 0.06), (x + 0.3, y + 0.06)), 0.065, paint)
        pen.line(((x - 0.15, y + 0.11), (x + 0.14, y + 0.11)), 0.04, band)
    elif outfit.hat_kind == "cap":
        pen.line(((x + 0.08, y + 0.07), (x + 0.3, y + 0.045)), 0.055, band)
    else:
        pen.line(((x - 0.15, y + 0.065), (x + 0.14, y + 0.065)), 0.07, band)
        pen.ellipse((x - 0.01, y + 0.28), (0.06, 0.06), band)


def draw_hair_and_hat_in_front(pen: Pen, look: Look, outfit: Outfit, *, at: Point) -> None:
    """Draw the same on a head that looks at the camera."""
    x, y = at
    if outfit.hair == 1:
        for dx, dy in ((-0.12, 0.06), (-0.06, 0.15), (0.06, 0.15), (0.12, 0.06)):
            pen.ellipse((x + dx, y + dy), (0.075, 0.075), look.hair)
    elif outfit.hair == 4:
        pen.ellipse((x, y + 0.2), (0.09, 0.08), look.hair)
    if outfit.hat is None:
        return
    paint, band = outfit.hat_paint, shade(outfit.hat_paint, 0.66)
    pen.polygon(
        ((x - 0.15, y + 0.04), (x - 0.13, y + 0.2), (x, y + 0.25), (x + 0.13, y + 0.2), (x + 0.15, y + 0.04)), paint
    )
    if outfit.hat_kind == "brim":
        pen.line(((x - 0.3, y + 0.07), (x + 0.3, y + 0.07)), 0.065, paint)
    elif outfit.hat_kind == "cap":
        pen.ellipse((x, y + 0.06), (0.16, 0.045), band)
    else:
        pen.line(((x - 0.14, y + 0.07), (x + 0.14, y + 0.07)), 0.07, band)
        pen.ellipse((x, y + 0.27), (0.06, 0.06), band)


def draw_backpack(pen: Pen, outfit: Outfit, *, hip: Point, neck: Point) -> None:
    """Draw a backpack on the back between hip and neck, with its strap; nothing where there is none."""
    if outfit.bag is None:
        return
    paint = outfit.bag_paint
    along = (neck[0] - hip[0], neck[1] - hip[1])
    length = (along[0] ** 2 + along[1] ** 2) ** 0.5
    back = (-along[1] / length, along[0] / length)

    def on(share: float, behind: float) -> Point:
        return hip[0] + along[0] * share + back[0] * behind, hip[1] + along[1] * share + back[1] * behind

    pen.polygon((on(0.98, 0.08), on(0.95, 0.3), on(0.75, 0.4), on(0.2, 0.42), on(0.12, 0.3), on(0.15, 0.08)), paint)
    pen.polygon((on(0.52, 0.3), on(0.5, 0.45), on(0.2, 0.45), on(0.18, 0.3)), shade(paint, 0.75))
    pen.line((on(0.97, 0.02), on(0.7, -0.1), on(0.4, 0.05)), 0.045, shade(paint, 0.8))
