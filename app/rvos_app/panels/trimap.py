"""The trimap painted by hand, beside the knobs of refining: its brush, what is painted where, and taking it out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label

_MOST_NAMED = 6


class TrimapRow(QWidget):
    """Signals: frame_chosen(int): one of the painted frames was clicked."""

    frame_chosen = Signal(int)

    def __init__(self, hub: ActionHub) -> None:
        super().__init__()
        self.paint = ActionButton(hub.action("mask.trimap"), text=tr("Paint trimap"), flat=False)
        self.clear = ActionButton(hub.action("matte.clear_trimap"), text=tr("Clear here"), flat=False)
        self._where = label(role="muted", wraps=True)
        self._where.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self._where.linkActivated.connect(self._on_link)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.paint)
        buttons.addWidget(self.clear)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(buttons)
        layout.addWidget(self._where)

    @property
    def said(self) -> str:
        return self._where.text()

    def show_frames(self, frames: tuple[int, ...], *, refines: bool) -> None:
        """Frames with something painted; `refines`: it counts, as the edge is refined on the frame on screen."""
        if not frames:
            self._where.setText(tr("Where the band is wrong, paint it: inside, unknown, outside."))
            return
        named = [f'<a href="{frame}">{frame}</a>' for frame in frames[:_MOST_NAMED]]
        more = tr(" and {more} more", more=len(frames) - _MOST_NAMED) if len(frames) > _MOST_NAMED else ""
        where = tr("Painted: frame {frames}{more}.", frames=", ".join(named), more=more)
        rests = "" if refines else " " + tr("It counts once “Refine edge” is on.")
        self._where.setText(where + rests)

    def _on_link(self, frame: str) -> None:
        self.frame_chosen.emit(int(frame))
