"""What a gesture is drawn on: one object's mask on one frame, changed in place until the gesture ends. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from rvos_app.canvas.tools.shapes import Patch
from rvos_core.masks import Rle, decode, moved

Colour = tuple[int, int, int]


@dataclass
class Sheet:
    """One object on one frame, under the person's hand.

    Attributes:
        frame_index: the frame that the gesture began on, and changes.
        object_id: whose mask it is; None: of an object that the gesture makes.
        picture: (H, W, 3) uint8 RGB, the frame.
        before: the mask as the gesture found it; None: there was none.
        colour: red, green, blue of the object.
        opacity: 0..1, of its overlay.
        offset: (dx, dy) in pixels by which the mask is being dragged.
        touched: the mask under the hand is another one than `before`.
        draws_mask: False where the gesture is about something else of the object.
    """

    frame_index: int
    object_id: int | None
    picture: np.ndarray
    before: Rle | None
    colour: Colour
    opacity: float
    offset: tuple[int, int] = (0, 0)
    touched: bool = False
    draws_mask: ClassVar[bool] = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame, pixels."""
        height, width = self.picture.shape[:2]
        return int(height), int(width)

    @cached_property
    def live(self) -> np.ndarray:
        """(H, W) bool, C-contiguous: the mask as it is now, without the offset."""
        return np.zeros(self.size, dtype=bool) if self.before is None else decode(self.before)

    def renew(self, before: Rle | None) -> None:
        """The mask was changed from elsewhere before the hand touched it, e.g. by undo: the gesture takes that one."""
        if not self.touched:
            self.before = before
            self.__dict__.pop("live", None)  # what was decoded of the former one

    def contains(self, x: float, y: float) -> bool:
        """Whether a point lies on the frame."""
        height, width = self.size
        return 0 <= x < width and 0 <= y < height

    def apply(self, patch: Patch, *, adds: bool) -> None:
        """Add a patch to the mask, or take it off."""
        rows, columns = patch.pixels.shape
        under = self.live[patch.top : patch.top + rows, patch.left : patch.left + columns]
        if adds:
            under |= patch.pixels
        else:
            under &= ~patch.pixels
        self.touched = True

    def result(self) -> np.ndarray:
        """(H, W) bool: the mask that the gesture leaves."""
        return self.live if self.offset == (0, 0) else moved(self.live, *self.offset)
