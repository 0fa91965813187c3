"""How long the canvas needs for one move of the brush, and for one whole repaint, on a 4K frame with ten objects.

`python tests/helpers/brush_paint.py` (offscreen, with PYTHONPATH as for the tests) prints both in milliseconds.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QApplication

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.canvas.tools.brush import BrushOptions, BrushTool
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Drawn
from rvos_app.canvas.view import Overlay
from rvos_core.masks import Rle, bbox, encode, object_colour

HEIGHT, WIDTH, OBJECTS = 2160, 3840, 10
_VIEW = (1600, 900)
_MOVES = 400
_LEFT, _NONE, _NO_KEY = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier


@dataclass(frozen=True)
class Figures:
    """Milliseconds of processor time, of all threads: moves (tool and paint), their paints alone, both ends of the
    stroke, and a whole repaint. Other programs' work does not count."""

    move_p50: float
    move_p95: float
    move_worst: float
    paint_p95: float
    press: float
    release: float
    release_paint: float
    repaint_p50: float

    @property
    def ratio(self) -> float:
        """How many times dearer a whole repaint is than a move at its 95th percentile."""
        return self.repaint_p50 / self.move_p95


class _Timed(DrawingCanvas):
    def __init__(self) -> None:
        super().__init__()
        self.paints_ms: list[float] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        begun = time.process_time()
        super().paintEvent(event)
        self.paints_ms.append((time.process_time() - begun) * 1000)


def blobs() -> list[Rle]:
    """Ten ragged ellipses all over the frame."""
    dice = np.random.default_rng(11)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    found = []
    for _ in range(OBJECTS):
        centre_x, centre_y = dice.uniform(600, WIDTH - 600), dice.uniform(400, HEIGHT - 400)
        across, down = dice.uniform(250, 700), dice.uniform(200, 500)
        angle = np.arctan2(y - centre_y, x - centre_x)
        ragged = 1 + 0.12 * np.sin(9 * angle + dice.uniform(0, 6))
        found.append(encode(((x - centre_x) / across) ** 2 + ((y - centre_y) / down) ** 2 < ragged))
    return found


def spiral() -> list[QPointF]:
    """Places in the view on a curve that goes over everything."""
    turns = np.linspace(0, 6 * np.pi, _MOVES)
    across, down = _VIEW[0] / 2, _VIEW[1] / 2
    return [QPointF(across + 6.2 * (20 + t * 3) * np.cos(t), down + 4.2 * (20 + t * 3) * np.sin(t)) for t in turns]


def measure(*, size: float, hardness: float) -> Figures:
    """Brush along a long curve over everything.

    Args:
        size: diameter of the brush, frame pixels.
        hardness: 0..1.
    """
    application = QApplication.instance() or QApplication([])
    canvas = _Timed()
    canvas.resize(*_VIEW)
    frame = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    masks = blobs()
    canvas.set_frame(frame)
    overlays = [Overlay(n, mask, object_colour(n), 0.5, bbox(mask), "") for n, mask in enumerate(masks)]
    canvas.set_overlays(overlays)
    sheet = Sheet(0, 0, frame, masks[0], object_colour(0), 0.5)
    canvas.prepare = lambda: sheet

    def take(done: Drawn) -> None:
        """As the studio does: the mask becomes run lengths and goes back among the overlays."""
        mask = encode(done.sheet.result())
        canvas.set_overlays([Overlay(0, mask, object_colour(0), 0.5, bbox(mask), ""), *overlays[1:]])

    canvas.gestured.connect(take)
    canvas.set_tool(BrushTool(BrushOptions(size, hardness)))
    canvas.show()
    application.processEvents()

    def spend(kind: QEvent.Type, at: QPointF, button: Qt.MouseButton) -> float:
        event = QMouseEvent(kind, at, canvas.viewport().mapToGlobal(at), button, _LEFT, _NO_KEY)
        begun = time.process_time()
        QApplication.sendEvent(canvas.viewport(), event)
        application.processEvents()
        return (time.process_time() - begun) * 1000

    places = spiral()
    press = spend(QEvent.Type.MouseButtonPress, places[0], _LEFT)
    canvas.paints_ms.clear()
    moves = [spend(QEvent.Type.MouseMove, place, _NONE) for place in places]
    paints = list(canvas.paints_ms)
    assert len(paints) >= _MOVES * 0.9, "every move is painted"
    canvas.paints_ms.clear()
    release = spend(QEvent.Type.MouseButtonRelease, places[-1], _LEFT)
    release_paint = max(canvas.paints_ms)
    canvas.paints_ms.clear()
    for _ in range(30):
        canvas.viewport().update()
        application.processEvents()
    figures = Figures(
        *(float(np.percentile(moves, share)) for share in (50, 95, 100)),
        float(np.percentile(paints, 95)),
        press,
        release,
        release_paint,
        float(np.median(canvas.paints_ms)),
    )
    canvas.close()
    canvas.deleteLater()
    application.processEvents()
    return figures


if __name__ == "__main__":
    for each in ({"size": 40, "hardness": 1.0}, {"size": 200, "hardness": 1.0}, {"size": 200, "hardness": 0.5}):
        found = measure(**each)
        print(json.dumps({**each, **{k: round(v, 2) for k, v in vars(found).items()}, "ratio": round(found.ratio, 1)}))
