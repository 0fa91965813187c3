"""A lane as a picture: a band that says mask, empty or unknown, over a strip that says how sure the model was.

Colour is never the only sign: masks are a full band, an empty mask is a thin line, and confidence is also a height.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from rvos_app.timeline.lanes import EMPTY, MASK, LaneColumns

# Orange over grey to blue: told apart with every common colour blindness.
_RAMP_AT = (0.0, 0.5, 1.0)
_RAMP = ((230, 97, 1), (165, 165, 165), (72, 146, 226))
_ALPHA = np.uint32(0xFF000000)


def confidence_colours(confidence: np.ndarray) -> np.ndarray:
    """Colours of confidences 0..1 as (n,) uint32 ARGB; orange is doubtful, blue is sure."""
    channels = [np.interp(confidence, _RAMP_AT, [stop[c] for stop in _RAMP]).astype(np.uint32) for c in range(3)]
    return np.asarray(_ALPHA | channels[0] << np.uint32(16) | channels[1] << np.uint32(8) | channels[2])


def lane_image(columns: LaneColumns, *, height: int, band: int, colour: tuple[int, int, int]) -> QImage:
    """Paints a lane at one pixel per column, transparent where nothing is known.

    Args:
        columns: the lane's values per pixel column.
        height: rows of the picture.
        band: rows of the state band at the top; the confidence strip has the rest, less a gap of an eighth.
        colour: red, green, blue of the object.
    """
    pixels = np.zeros((height, columns.state.size), np.uint32)
    _paint_band(pixels[:band], columns.state, colour)
    gap = max(1, height // 8)
    _paint_strip(pixels[band + gap :], columns.confidence)
    wrapped = QImage(pixels.data, pixels.shape[1], height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    return wrapped.copy()


def _paint_band(rows: np.ndarray, state: np.ndarray, colour: tuple[int, int, int]) -> None:
    red, green, blue = (np.uint32(channel) for channel in colour)
    solid = _ALPHA | red << np.uint32(16) | green << np.uint32(8) | blue
    rows[:, state == MASK] = solid
    thickness = max(1, rows.shape[0] // 7)
    middle = (rows.shape[0] - thickness) // 2
    rows[middle : middle + thickness, state == EMPTY] = solid


def _paint_strip(rows: np.ndarray, confidence: np.ndarray) -> None:
    known = np.isfinite(confidence)
    values = np.clip(np.where(known, confidence, 0.0), 0.0, 1.0)
    tall = np.maximum(np.ceil(values * rows.shape[0]), max(1, rows.shape[0] // 6))
    filled = (rows.shape[0] - np.arange(rows.shape[0]))[:, None] <= np.where(known, tall, 0)
    np.copyto(rows, np.broadcast_to(confidence_colours(values), rows.shape), where=filled)
