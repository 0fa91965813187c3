"""What a tool is: the person's hand in, one outcome per gesture out, and what is painted in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_core.masks import TrimapStrokes

_HALO = QColor(0, 0, 0, 170)


@dataclass(frozen=True)
class Pointer:
    """Where the hand is.

    Attributes:
        x, y: frame pixels; the frame's first pixel reaches from 0 to 1. May lie outside the frame.
        pressure: 0..1 of a pen; 1 of a mouse.
        right: the right button, or the pen's.
        inverts: Alt is held, or the pen's other end is used: what adds takes away.
        scale: screen pixels per frame pixel.
    """

    x: float
    y: float
    pressure: float = 1.0
    right: bool = False
    inverts: bool = False
    scale: float = 1.0

    @property
    def pixel(self) -> tuple[int, int]:
        return math.floor(self.x), math.floor(self.y)


@dataclass(frozen=True)
class Drawn:
    """The mask was drawn on: `sheet.result()` is the new one. `what`: for the history, e.g. `Brush`."""

    sheet: Sheet
    what: str


@dataclass(frozen=True)
class Pointed:
    """A pixel was pointed at: it belongs to the object, or it does not."""

    sheet: Sheet
    pixel: tuple[int, int]
    positive: bool


@dataclass(frozen=True)
class Boxed:
    """A box was drawn round the object: left, top, right, bottom in frame pixels, right and bottom exclusive."""

    sheet: Sheet
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class TrimapDrawn:
    """A stroke was painted on a trimap: `layer.labels` is what is painted now, `before` what was, `label` the brush."""

    layer: TrimapLayer
    before: TrimapStrokes | None
    label: int


@dataclass(frozen=True)
class Picked:
    """A pixel was clicked with the tool that selects."""

    pixel: tuple[int, int]


@dataclass(frozen=True)
class Refused:
    """The gesture makes no sense; a sentence says why."""

    why: str


Outcome = Drawn | TrimapDrawn | Pointed | Boxed | Picked | Refused


class Tool(Protocol):
    """One tool. A gesture lasts from the first press until an outcome, or until it is given up."""

    name: str
    """What the program calls it, e.g. `brush`."""
    cursor: Qt.CursorShape
    grabs: bool
    """A drag moves the picture, a click picks an object; the tool itself hears nothing."""
    uses_right: bool
    """The right button means something."""

    @property
    def sheet(self) -> Sheet | None:
        """What the gesture under way is drawn on; None at rest."""
        ...

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        """A button goes down. `sheet`: of this gesture, the same one at all its presses."""
        ...

    def double_press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        """The second press of a double click."""
        ...

    def move(self, at: Pointer) -> None:
        """The hand moves with the button down."""
        ...

    def release(self, at: Pointer) -> Outcome | None:
        """The button goes up."""
        ...

    def hover(self, at: Pointer | None) -> None:
        """The hand moves with no button down; None: it has left."""
        ...

    def wants(self, key: Qt.Key) -> bool:
        """Whether the gesture under way has a use for a key, which then does nothing else."""
        ...

    def key(self, key: Qt.Key) -> Outcome | None:
        """A key that it wants goes down."""
        ...

    def finish(self) -> Outcome | None:
        """The gesture ends here and now, as its frame goes: what makes sense of it is kept."""
        ...

    def cancel(self) -> None:
        """The gesture never was."""
        ...

    def paint(self, painter: QPainter, scale: float) -> None:
        """Paint what is drawn, in frame pixels. `scale`: screen pixels per frame pixel."""
        ...

    def take_dirty(self) -> QRectF:
        """What must be painted anew since the last call, frame pixels; empty: nothing."""
        ...


class RestingTool:
    """A tool that does nothing: others say what they do."""

    name = ""
    cursor = Qt.CursorShape.CrossCursor
    grabs = False
    uses_right = False

    def __init__(self) -> None:
        self._sheet: Sheet | None = None
        self._dirty = QRectF()

    @property
    def sheet(self) -> Sheet | None:
        return self._sheet

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._sheet = sheet
        return None

    def double_press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        return self.press(at, sheet)

    def move(self, at: Pointer) -> None:
        """Nothing follows the hand."""

    def release(self, at: Pointer) -> Outcome | None:
        return self.finish()

    def hover(self, at: Pointer | None) -> None:
        """Nothing follows the hand."""

    def wants(self, key: Qt.Key) -> bool:
        return key == Qt.Key.Key_Escape and self._sheet is not None

    def key(self, key: Qt.Key) -> Outcome | None:
        self.cancel()
        return None

    def finish(self) -> Outcome | None:
        self.cancel()
        return None

    def cancel(self) -> None:
        self._sheet = None

    def paint(self, painter: QPainter, scale: float) -> None:
        """Nothing is painted."""

    def take_dirty(self) -> QRectF:
        dirty, self._dirty = self._dirty, QRectF()
        return dirty

    def _spoil(self, area: QRectF) -> None:
        """Have an area painted anew."""
        if not area.isNull():
            self._dirty = self._dirty.united(area)


def cosmetic_pens(colour: QColor, *, dashed: bool = False, width_px: float = 1.5) -> tuple[QPen, QPen]:
    """A dark pen below and a bright one above, in screen pixels: seen on every picture."""
    below, above = QPen(_HALO, width_px + 2), QPen(colour, width_px)
    for pen in (below, above):
        pen.setCosmetic(True)
    if dashed:
        above.setDashPattern([4, 3])
    return below, above
