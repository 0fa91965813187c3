"""The Track menu: corrections spread, what they would change, and the frames that a person should look at."""

from __future__ import annotations

from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record


class TrackCommands(Protocol):
    """What the Track menu calls."""

    def forward(self) -> None: ...
    def backward(self) -> None: ...
    def both_ways(self) -> None: ...
    def in_span(self) -> None: ...
    def all_objects(self) -> None: ...
    def through_cuts(self) -> None: ...
    def cancel(self) -> None: ...
    def accept(self) -> None: ...
    def discard(self) -> None: ...
    def toggle_before(self) -> None: ...
    def next_suspect(self) -> None: ...
    def previous_suspect(self) -> None: ...
    def toggle_review(self) -> None: ...


_CAN = "has_selection and can_edit and not spreading"


def track_actions(do: TrackCommands) -> list[Action[Any, Any]]:
    """Records of the Track menu."""
    return [*_spreading(do), *_deciding(do), *_reviewing(do)]


def _spreading(do: TrackCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "track.forward",
            "Propagate &Forward",
            do.forward,
            place="1_spread/1",
            keys=("F",),
            when=_CAN,
            tip="Follow the selected object's mask from this frame to its next locked frame, or to the out point",
        ),
        record(
            "track.backward",
            "Propagate &Backward",
            do.backward,
            place="1_spread/2",
            keys=("Shift+F",),
            when=_CAN,
            tip="Follow the mask from this frame back to the last locked frame before it, or to the in point",
        ),
        record(
            "track.both_ways",
            "Propagate Both &Ways",
            do.both_ways,
            place="1_spread/3",
            keys=("Ctrl+F",),
            when=_CAN,
            tip="Follow the mask from this frame in both directions, up to the next locked frames",
        ),
        record(
            "track.in_span",
            "Propagate Between &In and Out",
            do.in_span,
            place="1_spread/4",
            keys=("Ctrl+Alt+F",),
            when=_CAN,
            tip="Follow the selected object between in and out, from all its locked frames there",
        ),
        record(
            "track.all_objects",
            "Propagate &All Objects",
            do.all_objects,
            place="1_spread/5",
            keys=("Ctrl+Shift+F",),
            when="has_objects and can_edit and not spreading",
            tip="Follow all visible objects that have locked frames, together, between in and out",
        ),
        record(
            "track.stop",
            "S&top Propagating",
            do.cancel,
            place="1_spread/6",
            when="spreading",
            tip="Stop; finished frames are kept (Escape does so too)",
        ),
    ]


def _deciding(do: TrackCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "track.accept",
            "A&ccept Changes",
            do.accept,
            place="2_decide/1",
            keys=("Return", "Enter"),
            when="has_proposal and not spreading",
            tip="Take what the propagation proposes; one undo takes it back",
        ),
        record(
            "track.discard",
            "&Discard Changes",
            do.discard,
            place="2_decide/2",
            when="has_proposal and not spreading",
            tip="Leave all masks as they are (Escape does so too)",
        ),
        record(
            "track.before",
            "Show B&efore",
            do.toggle_before,
            place="2_decide/3",
            keys=("X",),
            when="has_proposal",
            checked="shows_before",
            tip="Look at the masks as they are now, and back at what is proposed",
        ),
        record(
            "track.through_cuts",
            "&Go On Behind the Cut",
            do.through_cuts,
            place="2_decide/4",
            when="stopped_at_cut and not spreading and not has_proposal",
            tip="Propagate once more, and go on behind the scene cut at which it ended",
        ),
    ]


def _reviewing(do: TrackCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "track.next_suspect",
            "&Next Suspicious Frame",
            do.next_suspect,
            place="3_review/1",
            keys=("PgDown",),
            when="has_suspects",
            tip="Go to the next frame whose mask may be wrong",
        ),
        record(
            "track.previous_suspect",
            "&Previous Suspicious Frame",
            do.previous_suspect,
            place="3_review/2",
            keys=("PgUp",),
            when="has_suspects",
            tip="Go back to the frame before that may be wrong",
        ),
        record(
            "track.review",
            "&Review Mode",
            do.toggle_review,
            place="3_review/3",
            keys=("Ctrl+R",),
            when="has_clip",
            checked="reviewing",
            tip="Walk through suspicious frames, the worst first: accept each with Y, or correct it",
        ),
    ]
