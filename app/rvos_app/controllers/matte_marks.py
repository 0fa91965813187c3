"""Shows on the timeline where mattes have keyframes and painted trimaps."""

from __future__ import annotations

from rvos_app.controllers.looks import Looks
from rvos_app.state import StudioState
from rvos_app.timeline.widget import TimelineWidget


class MatteMarks:
    """Follows looks and painted trimaps of all objects. To be made after who gives the timeline its lanes."""

    def __init__(self, state: StudioState, *, looks: Looks, timeline: TimelineWidget) -> None:
        self._state = state
        self._looks = looks
        self._timeline = timeline
        state.objects_changed.connect(self._refresh)
        state.trimaps.changed.connect(self._show)
        looks.changed.connect(self._show)
        self._refresh()

    def _refresh(self) -> None:
        for thing in self._state.objects:
            self._show(thing.object_id)

    def _show(self, object_id: int) -> None:
        self._timeline.set_matte_marks(
            object_id, self._looks.keyframes(object_id), self._state.trimaps.frames(object_id)
        )
