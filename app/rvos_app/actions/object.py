"""The Object menu: the name of the selected object, and surgery on its track."""

from __future__ import annotations

from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record

_SELECTED = "has_selection and can_edit"


class TrackCommands(Protocol):
    """What the Object menu calls. All act on the selected object."""

    def rename(self) -> None: ...
    def split(self) -> None: ...
    def merge(self) -> None: ...
    def swap(self) -> None: ...
    def trim(self) -> None: ...
    def fill_gaps(self) -> None: ...
    def mark_occluded(self) -> None: ...
    def mark_outside(self) -> None: ...
    def clear_mark(self) -> None: ...
    def mark_span_occluded(self) -> None: ...
    def mark_span_outside(self) -> None: ...
    def clear_span_marks(self) -> None: ...


def object_actions(do: TrackCommands) -> list[Action[Any, Any]]:
    """Records of the Object menu."""
    return [*_tracks(do), *_marks(do)]


def _tracks(do: TrackCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "object.rename",
            "&Rename…",
            do.rename,
            place="1_name/1",
            keys=("Shift+F2",),
            when=_SELECTED,
            tip="Give the selected object another name; the sentence that it is looked for by stays",
        ),
        record(
            "object.split",
            "&Split at This Frame",
            do.split,
            place="2_track/1",
            keys=("Ctrl+B",),
            when=_SELECTED,
            tip="From this frame on the masks of the selected object belong to a new one",
        ),
        record(
            "object.merge",
            "&Merge Into…",
            do.merge,
            place="2_track/2",
            keys=("Ctrl+M",),
            when="has_others and can_edit",
            tip="Join the selected object with another one, which has the masks of both afterwards",
        ),
        record(
            "object.swap",
            "S&wap With… From This Frame",
            do.swap,
            place="2_track/3",
            keys=("Ctrl+Shift+W",),
            when="has_others and can_edit",
            tip="Where two objects were taken for each other: exchange their masks from this frame on",
        ),
        record(
            "object.trim",
            "&Trim to In/Out",
            do.trim,
            place="2_track/4",
            keys=("Ctrl+T",),
            when="has_partial_span and has_selection and can_edit",
            tip="Take the masks of the selected object out of all frames outside in and out; locked frames stay",
        ),
        record(
            "object.fill_gaps",
            "&Fill Short Gaps…",
            do.fill_gaps,
            place="2_track/5",
            keys=("Ctrl+G",),
            when=_SELECTED,
            tip="Fill frames without a mask by masks that lead evenly from the one before to the one behind",
        ),
    ]


def _marks(do: TrackCommands) -> list[Action[Any, Any]]:
    spanning = f"has_partial_span and {_SELECTED}"
    return [
        record(
            "object.occluded",
            "Mark as &Occluded",
            do.mark_occluded,
            place="3_mark/1",
            when=_SELECTED,
            tip="Say that the selected object is hidden behind something on this frame; no run puts a mask there",
        ),
        record(
            "object.outside",
            "Mark as O&ut of Frame",
            do.mark_outside,
            place="3_mark/2",
            when=_SELECTED,
            tip="Say that the selected object is out of the picture on this frame; no run puts a mask there",
        ),
        record(
            "object.clear_mark",
            "&Clear Mark",
            do.clear_mark,
            place="3_mark/3",
            when=_SELECTED,
            tip="Take back that the selected object is occluded or out of the picture on this frame",
        ),
        record(
            "object.span_occluded",
            "Mark In to Out as Occlu&ded",
            do.mark_span_occluded,
            place="4_span/1",
            when=spanning,
            tip="Say that the selected object is hidden from in to out; masks that you locked there stay",
        ),
        record(
            "object.span_outside",
            "Mark In to Out as Out of Fram&e",
            do.mark_span_outside,
            place="4_span/2",
            when=spanning,
            tip="Say that the selected object is out of the picture from in to out; masks that you locked there stay",
        ),
        record(
            "object.clear_span",
            "C&lear Marks In to Out",
            do.clear_span_marks,
            place="4_span/3",
            when=spanning,
            tip="Take back all marks of the selected object from in to out",
        ),
    ]
