"""What persons painted over the trimaps of the clip's objects, as the document has it. No Qt; views subscribe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psygnal import Signal

from rvos_core.masks import TrimapStrokes


class PaintedTrimaps:
    """Object id and frame index -> what is painted there. Few frames of a clip have something, so all are in memory."""

    changed = Signal(int)  # object_id

    def __init__(self) -> None:
        self._found: dict[int, dict[int, TrimapStrokes]] = {}

    def at(self, object_id: int | None, frame: int) -> TrimapStrokes | None:
        """What is painted on a frame of an object, or None."""
        return self._found.get(object_id, {}).get(frame) if object_id is not None else None

    def frames(self, object_id: int | None) -> tuple[int, ...]:
        """Frames of an object on which something is painted, in order."""
        return tuple(sorted(self._found.get(object_id, {}))) if object_id is not None else ()

    def put(self, object_id: int, frame: int, strokes: TrimapStrokes) -> None:
        """All that is painted on a frame from now on; nothing painted is no entry."""
        own = self._found.setdefault(object_id, {})
        own.pop(frame, None)
        if not strokes.is_empty:
            own[frame] = strokes
        self.changed.emit(object_id)

    def load(self, found: Mapping[int, Mapping[int, TrimapStrokes]]) -> None:
        """The document says what is painted for these objects: it replaces what was known of them."""
        for object_id, strokes in found.items():
            if self._found.get(object_id, {}) != strokes:
                self._found[object_id] = dict(strokes)
                self.changed.emit(object_id)

    def keep(self, object_ids: Iterable[int]) -> None:
        """Other objects are gone; nobody is told, as nobody shows them."""
        kept = set(object_ids)
        self._found = {object_id: own for object_id, own in self._found.items() if object_id in kept}
