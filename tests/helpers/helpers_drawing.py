"""A person's hand on the canvas of the studio, by real events; and what its shapes cover, by brute force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QMouseEvent, QPointingDevice, QPointingDeviceUniqueId, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rvos_app.bootstrap import Studio
from rvos_core.masks import decode, encode

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NO_KEY, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Point = tuple[float, float]
SIZE = (48, 64)  # of the clip of the tests


@dataclass
class Hand:
    """Presses, moves and lets go at places that are given in frame pixels, and says where that really was."""

    studio: Studio

    def view(self, at: Point) -> QPoint:
        return self.studio.canvas.viewportTransform().map(QPointF(*at)).toPoint()

    def real(self, at: Point) -> Point:
        """The frame pixel of the whole screen pixel nearest to a place."""
        inverse, _ = self.studio.canvas.viewportTransform().inverted()
        point = inverse.map(QPointF(self.view(at)))
        return point.x(), point.y()

    def press(self, at: Point, *, keys: Qt.KeyboardModifier = NO_KEY, button: Qt.MouseButton = LEFT) -> None:
        QTest.mousePress(self.studio.canvas.viewport(), button, keys, self.view(at))

    def move(self, at: Point, *, keys: Qt.KeyboardModifier = NO_KEY, held: Qt.MouseButton = LEFT) -> None:
        viewport, here = self.studio.canvas.viewport(), QPointF(self.view(at))
        kind, none = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
        QApplication.sendEvent(viewport, QMouseEvent(kind, here, viewport.mapToGlobal(here), none, held, keys))

    def release(self, at: Point, *, keys: Qt.KeyboardModifier = NO_KEY, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseRelease(self.studio.canvas.viewport(), button, keys, self.view(at))

    def hover(self, at: Point) -> None:
        self.move(at, held=Qt.MouseButton.NoButton)

    def click(self, at: Point, *, keys: Qt.KeyboardModifier = NO_KEY, button: Qt.MouseButton = LEFT) -> None:
        self.press(at, keys=keys, button=button)
        self.release(at, keys=keys, button=button)

    def drag(self, points: Sequence[Point], *, keys: Qt.KeyboardModifier = NO_KEY) -> list[Point]:
        """Press at the first point, go to each, let go at the last. Returns: where that was."""
        self.press(points[0], keys=keys)
        for point in points[1:]:
            self.move(point, keys=keys)
        self.release(points[-1], keys=keys)
        return [self.real(point) for point in points]

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NO_KEY) -> None:
        """A key on the window, as the system sends it: shortcuts first, then the focused widget."""
        QTest.keyClick(self.studio.window.windowHandle(), key, keys)

    @property
    def said(self) -> str:
        return self.studio.window.statusBar().currentMessage()


def pen(
    studio: Studio,
    hand: Hand,
    at: tuple[float, float],
    pressure: float,
    kind: QPointingDevice.PointerType = QPointingDevice.PointerType.Pen,
) -> None:
    """A touch of a graphics pen at a place in frame pixels. `kind`: which end of it."""
    able = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    unique = QPointingDeviceUniqueId.fromNumericId(1)
    device = QPointingDevice("pen", 7, QInputDevice.DeviceType.Stylus, kind, able, 1, 1, "", unique)
    viewport, place = studio.canvas.viewport(), QPointF(hand.view(at))
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for type_, force, button, held in (
        (QEvent.Type.TabletPress, pressure, left, left),
        (QEvent.Type.TabletMove, pressure, none, left),
        (QEvent.Type.TabletRelease, 0.0, left, none),
    ):
        event = QTabletEvent(
            type_, device, place, viewport.mapToGlobal(place), force, 0, 0, 0, 0, 0, Qt.KeyboardModifier.NoModifier,
            button, held,
        )  # fmt: skip
        QApplication.sendEvent(viewport, event)
        assert event.isAccepted(), "no mouse events are made of it"


def mask_of(studio: Studio, object_id: int, frame: int) -> np.ndarray | None:
    """(H, W) bool as the window shows it, or None."""
    found = studio.state.results(object_id).get(frame)
    return None if found is None else decode(found.mask)


def kept(studio: Studio, object_id: int, frame: int) -> tuple[np.ndarray, bool] | None:
    """The mask as the document holds it, and whether it is locked."""
    document = studio.documents.document
    assert document is not None
    found = document.do(lambda project: project.mask(object_id, frame))
    return None if found is None else (decode(found.mask), found.locked)


def given(studio: Studio, mask: np.ndarray, *, object_id: int | None = None, frame: int = 0) -> int:
    """An object with this mask, drawn by a person."""
    return studio.hand.editor.draw(object_id, frame, encode(mask), what="Mask")


def square(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """A mask of a filled rectangle, for the clip of the tests."""
    mask = np.zeros(SIZE, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def history(studio: Studio) -> list[str]:
    """The entries of the document's history that are done, oldest first."""
    standing = studio.documents.standing
    assert standing is not None
    return [each.name for each in standing.edits if not each.undone]


def near_line(size: tuple[int, int], line: Sequence[Point], radius: float) -> np.ndarray:
    """Pixels whose centre is within `radius` of a line: each pixel asks each piece of it."""
    centres = _centres(size)
    return np.min([_distance(centres, a, b) for a, b in pairwise(line)], axis=0) <= radius


def wound(size: tuple[int, int], corners: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that a closed line goes round, by summing the angles at each centre; and those it is no question for."""
    centres, ends = _centres(size), [*corners, corners[0]]
    arms = [complex(*corner) - (centres[..., 0] + 1j * centres[..., 1]) for corner in ends]
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.sum([np.angle(b / a) for a, b in pairwise(arms)], axis=0)
    far = np.min([_distance(centres, a, b) for a, b in pairwise(ends)], axis=0) > 0.05
    return np.abs(np.nan_to_num(turned)) > np.pi, far


def _centres(size: tuple[int, int]) -> np.ndarray:
    """(h, w, 2): x and y of the pixels' centres."""
    height, width = size
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)


def _distance(points: np.ndarray, start: Point, stop: Point) -> np.ndarray:
    first, way = np.array(start), np.array(stop) - np.array(start)
    length = float(way @ way)
    share = np.zeros(points.shape[:-1]) if length == 0 else np.clip((points - first) @ way / length, 0, 1)
    return np.asarray(np.linalg.norm(points - first - share[..., None] * way, axis=-1))
