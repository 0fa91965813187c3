"""From clicks to a mask, off the GUI thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_app.settings import Settings
from rvos_core.errors import UserError
from rvos_core.inference.clicks import ClickSession, load_clickers
from rvos_core.masks import Rle, area, decode, encode
from rvos_core.media import MediaReader
from rvos_core.models.api import Around, Clicks

_log = logging.getLogger("rvos.model")


class ClickResult(Protocol):
    """What a clicker answers.

    Attributes:
        mask: (H, W) bool.
        clicker: which one it was, as a person reads it.
        agreement: how well the answer fits the clicks, 0..1.
    """

    @property
    def mask(self) -> np.ndarray: ...
    @property
    def clicker(self) -> str: ...
    @property
    def agreement(self) -> float: ...


ClickAnswerer = Callable[[np.ndarray, Clicks, np.ndarray | None, Around], ClickResult]
"""(frame (H, W, 3) uint8 RGB, clicks, current mask (H, W) bool or None, the frame's neighbours) -> result. It is called
in the GPU queue's thread."""


class Neighbours:
    """The frames beside one of a clip, read where they are asked for. One object for all clicks on that frame."""

    def __init__(self, reader: MediaReader, index: int) -> None:
        self._reader = reader
        self._index = index

    def __call__(self, away: int) -> np.ndarray | None:
        """The frame so many frames on (negative: back), (H, W, 3) uint8 RGB; None where the clip has none to read."""
        wanted = self._index + away
        if not 0 <= wanted < self._reader.info.frame_count:
            return None
        try:
            with self._reader.reopen() as reader:  # one reader belongs to one thread
                return reader.frame(wanted)
        except UserError as error:
            _log.warning("frame %d, beside the one clicked at: %s", wanted, error)
            return None


class InstalledClickers:
    """The clickers of this installation, loaded with the first click. Called in the GPU queue's thread only.

    Args:
        settings: says which device; read at each click.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._device: str | None = None
        self._session: ClickSession | None = None

    def __call__(self, frame: np.ndarray, clicks: Clicks, current: np.ndarray | None, around: Around) -> ClickResult:
        """As `ClickAnswerer`. Raises: UserError: bad clicks, no such device."""
        if self._session is None or self._device != self._settings.device:
            self._session = ClickSession(load_clickers(device=self._settings.device))
            self._device = self._settings.device
        return self._session.answer(frame, clicks, current, around)


@dataclass(frozen=True)
class ClickedMask:
    """An answer as the window takes it."""

    mask: Rle
    clicker: str
    agreement: float


@dataclass(frozen=True)
class AnswerClicks:
    """Ask a clicker for the object."""

    answer: ClickAnswerer
    picture: np.ndarray = field(repr=False)
    clicks: Clicks
    current: Rle | None = field(repr=False)
    around: Around = field(repr=False)

    @property
    def title(self) -> str:
        return tr("Looking where you clicked")

    def run(self, context: JobContext) -> ClickedMask:
        """Raises: UserError: the clicker cannot answer."""
        current = decode(self.current) if self.current is not None and area(self.current) else None
        clicks = self.clicks if current is None else with_a_positive(self.clicks, current)
        found = self.answer(self.picture, clicks, current, self.around)
        context.checkpoint()
        if found.mask.shape != self.picture.shape[:2]:
            raise UserError(
                f"“{found.clicker}” answered with a mask of another size than the frame.", code="clicker.size"
            )
        return ClickedMask(encode(found.mask), found.clicker, found.agreement)


def with_a_positive(clicks: Clicks, current: np.ndarray) -> Clicks:
    """Clicks that only take away say what stays by the mask itself: its deepest pixel far from them stands for it."""
    if clicks.positive or clicks.box is not None:
        return clicks
    free = current.astype(np.uint8)
    for x, y in clicks.negative:
        free[y, x] = 0
    depth = cv2.distanceTransform(np.pad(free, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = (int(each) for each in np.unravel_index(int(depth.argmax()), depth.shape))
    return replace(clicks, positive=((column, row),)) if depth[row, column] > 0 else clicks
