"""What can be asked of a clicker, and what cannot: refused in a sentence before anything is calculated."""

from __future__ import annotations

import numpy as np

from rvos_core.errors import UserError
from rvos_core.models.api import Clicks


def check_request(frame: np.ndarray, clicks: Clicks, current: np.ndarray | None) -> None:
    """Refuse what no clicker could answer.

    Args:
        frame: (H, W, 3) uint8 RGB.
        clicks: points and box on it.
        current: (H, W) bool, the mask that is being corrected, or None.

    Raises:
        UserError: an empty frame, a current mask of another size, a click outside, a box without area or outside, the
            same pixel clicked as object and as background, or nothing that says where the object is.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        shape = " x ".join(str(each) for each in frame.shape)
        raise UserError(
            f"There is no picture to click on: the frame is {shape}.",
            hint="Go to a frame that can be shown.",
            code="clicks.empty_frame",
        )
    height, width = frame.shape[:2]
    if current is not None and current.shape != (height, width):
        found = " x ".join(str(each) for each in reversed(current.shape))
        raise UserError(
            f"The mask that is corrected has {found} pixels, the frame {width} x {height}.",
            hint="Give a mask of the frame's size.",
            code="clicks.mask_size",
        )
    _check_points(clicks, width, height)
    if clicks.box is not None:
        _check_box(clicks.box, width, height)
    if not clicks.positive and clicks.box is None and (current is None or not current.any()):
        raise UserError(
            "Nothing says where the object is: there is no click on it, no box, and no mask yet.",
            hint="Click on the object first, or draw a box round it.",
            code="clicks.no_object",
        )


def _check_points(clicks: Clicks, width: int, height: int) -> None:
    for x, y in (*clicks.positive, *clicks.negative):
        if not (0 <= x < width and 0 <= y < height):
            raise UserError(
                f"The click at ({x}, {y}) is outside the frame of {width} x {height} pixels.",
                hint="Click inside the picture.",
                code="clicks.outside",
            )
    if both := set(clicks.positive) & set(clicks.negative):
        x, y = min(both)
        raise UserError(
            f"The pixel ({x}, {y}) was clicked both as object and as background.",
            hint="Take one of the two clicks back.",
            code="clicks.contradiction",
        )


def _check_box(box: tuple[int, int, int, int], width: int, height: int) -> None:
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        raise UserError(
            f"The box from ({left}, {top}) to ({right}, {bottom}) has no area.",
            hint="Draw from one corner of the object to the opposite one.",
            code="clicks.empty_box",
        )
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise UserError(
            f"The box from ({left}, {top}) to ({right}, {bottom}) is outside the frame of {width} x {height} pixels.",
            hint="Draw it inside the picture.",
            code="clicks.outside",
        )
