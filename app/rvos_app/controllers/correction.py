"""What the Track menu calls: propagation, the decision on what it proposes, and the walk through suspicious frames."""

from __future__ import annotations

from collections.abc import Callable

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal

from rvos_app.controllers.propagation import PropagationController
from rvos_app.controllers.suspicion import Suspect, SuspicionKeeper
from rvos_app.i18n import tr
from rvos_app.panels.review import ReviewPanel
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioState
from rvos_core.errors import UsageError


class Correction(QObject):
    """Joins propagation and suspicion with commands, context and the review panel.

    Signals:
        said(str): a sentence for the status bar.
        review_began(): the panel is of use now.
    """

    said = Signal(str)
    review_began = Signal()

    def __init__(
        self,
        state: StudioState,
        *,
        spread: PropagationController,
        doubts: SuspicionKeeper,
        playback: PlaybackController,
        context: Context,
    ) -> None:
        super().__init__()
        self._state = state
        self._spread = spread
        self._doubts = doubts
        self._playback = playback
        self._context = context
        self._reviewing: Suspect | None = None
        self._settled = False  # the frame under review was accepted
        self._panel: ReviewPanel | None = None
        self.cancel = spread.cancel
        self.accept = spread.accept
        self.discard = spread.discard
        self.toggle_before = spread.toggle_before
        spread.said.connect(self.said)
        spread.changed.connect(self._tell)
        doubts.changed.connect(self._on_doubts)
        state.clip_changed.connect(self._on_clip, max_args=0)
        self._tell()

    def show_in(self, panel: ReviewPanel) -> None:
        """The panel lists what is suspicious from here on."""
        self._panel = panel
        panel.chosen.connect(self.go_to)

    # -- propagation -------------------------------------------------------------------------------------------------

    def forward(self) -> None:
        self._try(self._spread.forward)

    def backward(self) -> None:
        self._try(self._spread.backward)

    def both_ways(self) -> None:
        self._try(self._spread.both_ways)

    def in_span(self) -> None:
        self._try(self._spread.in_span)

    def all_objects(self) -> None:
        self._try(self._spread.all_objects)

    def through_cuts(self) -> None:
        self._try(self._spread.through_cuts)

    def _try(self, start: Callable[[], None]) -> None:
        """What cannot be done is said in the status bar, and nothing changes."""
        try:
            start()
        except UsageError as error:
            self.said.emit(f"{error.message} {error.hint}".rstrip())

    # -- review ------------------------------------------------------------------------------------------------------

    def next_suspect(self) -> None:
        """The next suspicious frame after this one, round to the first."""
        self._step(1)

    def previous_suspect(self) -> None:
        self._step(-1)

    def toggle_review(self) -> None:
        """Begin with the worst frame, or end."""
        if self._reviewing is not None:
            self._reviewing = None
        else:
            self._go_on()
            self.review_began.emit()
        self._tell()

    def go_to(self, object_id: int, frame: int) -> None:
        """Show a frame with its object selected."""
        self._state.select(object_id)
        self._playback.seek(frame)

    def _step(self, way: int) -> None:
        here = self._state.frame_index
        frames = sorted({each.frame_index: each for each in self._doubts.suspects()}.items(), reverse=way < 0)
        if not frames:
            self.said.emit(tr("No frame looks wrong."))
            return
        beyond = [each for frame, each in frames if (frame - here) * way > 0]
        found = beyond[0] if beyond else frames[0][1]
        self.go_to(found.object_id, found.frame_index)

    def _go_on(self) -> None:
        """To the worst frame that is left."""
        suspects = self._doubts.suspects()
        self._reviewing = suspects[0] if suspects else None
        if self._reviewing is None:
            self.said.emit(tr("Nothing is left to review: no frame looks wrong."))
            return
        self.go_to(self._reviewing.object_id, self._reviewing.frame_index)
        left = len(suspects)
        self.said.emit(tr("Review: accept this frame (Y) or correct it; {left} to look at.", left=left))

    def accepted(self) -> None:
        """A person accepted the frame on screen; in review mode the next one comes once doubts are judged anew."""
        if self._reviewing is not None:
            self._settled = True
            self._go_on_if_settled()

    def _go_on_if_settled(self) -> None:
        if self._reviewing is not None and self._settled and not self._doubts.busy:
            self._settled = False
            self._go_on()

    def _on_doubts(self, _object_id: int) -> None:
        if self._panel is not None:
            self._panel.show_suspects(self._doubts.suspects())
        self._go_on_if_settled()
        self._tell()

    def _on_clip(self) -> None:
        self._reviewing = None
        if self._panel is not None:
            self._panel.show_suspects([])
        self._tell()

    def _tell(self) -> None:
        values = {
            "spreading": self._spread.status.active,
            "has_proposal": bool(self._spread.proposal),
            "shows_before": self._spread.proposal.shows_before,
            "stopped_at_cut": bool(self._spread.status.cuts),
            "has_suspects": bool(self._doubts.suspects()),
            "reviewing": self._reviewing is not None,
        }
        with self._context.buffered_changes():
            for name, value in values.items():
                if self._context.get(name) != value:
                    self._context[name] = value
