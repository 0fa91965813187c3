"""A trimap under a person's hand: the automatic one, what is painted over it, and both as one picture. No Qt.

The picture has a code for each pixel (`COLOURS`). Each kind has a colour of its own and a lightness of its own; what is
painted is stronger than what is automatic, and has a pattern: so nothing is told by hue alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from rvos_app.canvas.tools.shapes import Patch
from rvos_core.masks import TrimapStrokes
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED

Rgba = tuple[int, int, int, int]

KINDS = (OUTSIDE, UNKNOWN, INSIDE)
_PAINTED = len(KINDS)  # codes from here on: two a kind, one for each half of its pattern
_STRIPES = 240  # on the longer side of the frame

# Dark indigo, orange, pale cyan: dark, middle and light for every eye.
COLOURS: tuple[Rgba, ...] = (
    (24, 16, 72, 84),
    (236, 140, 20, 88),
    (190, 240, 255, 76),
    (24, 16, 72, 190),
    (70, 60, 140, 110),
    (244, 150, 24, 190),
    (150, 80, 0, 110),
    (200, 244, 255, 190),
    (60, 170, 215, 110),
)


def _automatic_codes() -> np.ndarray:
    table = np.zeros(256, dtype=np.uint8)
    for number, kind in enumerate(KINDS):
        table[kind] = number
    return table


_OF_AUTOMATIC = _automatic_codes()


class TrimapLayer:
    """The trimap of one object on one frame.

    Attributes:
        object_id, frame_index: whose, and where.
        labels: (H, W) uint8, what is painted; changed in place by `paint`.
        codes: (H, W) uint8, C-contiguous: what is to be seen, an index into `COLOURS`.
    """

    def __init__(self, object_id: int, frame_index: int, automatic: np.ndarray, strokes: TrimapStrokes | None) -> None:
        """`automatic`: (H, W) uint8, a trimap. `strokes`: of that size, or None."""
        self.object_id = object_id
        self.frame_index = frame_index
        self._automatic = automatic
        self._stripe_px = max(2, round(max(automatic.shape) / _STRIPES))
        self.labels = np.zeros(0, dtype=np.uint8)
        self.codes = np.zeros(0, dtype=np.uint8)
        self.show(strokes)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame, pixels."""
        height, width = self._automatic.shape
        return int(height), int(width)

    def show(self, strokes: TrimapStrokes | None) -> None:
        """This is painted now, e.g. after undo."""
        self.labels = np.full(self.size, UNPAINTED, dtype=np.uint8) if strokes is None else strokes.labels()
        self.codes = _OF_AUTOMATIC[self._automatic]
        if strokes is not None:
            left, top, across, down = cv2.boundingRect((self.labels != UNPAINTED).view(np.uint8))
            self._recode(top, top + down, left, left + across)

    def paint(self, patch: Patch, label: int) -> None:
        """Label the pixels of a patch; UNPAINTED makes them automatic again."""
        height, width = patch.pixels.shape
        under = self.labels[patch.top : patch.top + height, patch.left : patch.left + width]
        under[patch.pixels] = label
        self._recode(patch.top, patch.top + height, patch.left, patch.left + width)

    def _recode(self, top: int, bottom: int, left: int, right: int) -> None:
        place = np.s_[top:bottom, left:right]
        labels = self.labels[place]
        codes = _OF_AUTOMATIC[self._automatic[place]]
        y, x, wide = np.arange(top, bottom)[:, None], np.arange(left, right), 2 * self._stripe_px
        patterns = ((x - y) // wide % 2, (x // wide + y // wide) % 2, (x + y) // wide % 2)  # falling, checked, rising
        for number, (kind, pattern) in enumerate(zip(KINDS, patterns, strict=True)):
            here = labels == kind
            codes[here] = _PAINTED + 2 * number + pattern[here]
        self.codes[place] = codes
