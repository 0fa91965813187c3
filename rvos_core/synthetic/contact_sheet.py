"""A picture for looking at clips: frames, coloured masks and sentences side by side."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from rvos_core.synthetic.facts import SyntheticClip

_PALETTE = np.array(
    [[0, 0, 0], [230, 60, 60], [60, 200, 80], [80, 120, 255], [240, 210, 60], [200, 80, 220], [60, 210, 220],
     [255, 150, 60], [180, 180, 180]],
    np.uint8,
)  # fmt: skip
_LINE_PX = 11


def contact_sheet(clips: Sequence[SyntheticClip], columns: int, *, frames: int = 1, lines: int = 14) -> np.ndarray:
    """Lay clips out in a grid.

    Args:
        clips: clips of one size.
        columns: cells in a row.
        frames: frames shown of each clip, spread over it; each with its mask below.
        lines: most sentences under each clip.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    cells = [_cell(clip, frames, lines) for clip in clips]
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def _cell(clip: SyntheticClip, frames: int, lines: int) -> np.ndarray:
    chosen = np.linspace(0, len(clip.frames) - 1, frames).round().astype(int)
    pairs = [np.vstack((clip.frames[i], _masked(clip.frames[i], clip.labels[i]))) for i in chosen]
    picture = np.hstack(pairs)
    zoom = max(1, round(300 / picture.shape[1]))
    picture = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    text = np.full((lines * _LINE_PX + 6, picture.shape[1], 3), 255, np.uint8)
    for number, expression in enumerate(clip.expressions[:lines]):
        value = 0 if expression.target is None else expression.target + 1
        colour = tuple(int(v) for v in _PALETTE[value] // 2 + 20)
        mark = "-" if expression.target is None else str(value)
        origin = (2, (number + 1) * _LINE_PX)
        cv2.putText(text, f"{mark} {expression.text}", origin, cv2.FONT_HERSHEY_SIMPLEX, 0.33, colour, 1, cv2.LINE_AA)
    sheet = np.vstack((picture, text))
    return cv2.copyMakeBorder(sheet, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(90, 90, 90))


def _masked(frame: np.ndarray, labels: np.ndarray) -> np.ndarray:
    paint = _PALETTE[labels]
    mixed = (frame // 3 + (paint.astype(np.uint16) * 2 // 3).astype(np.uint8)).astype(np.uint8)
    return np.where((labels > 0)[..., None], mixed, frame // 3)
