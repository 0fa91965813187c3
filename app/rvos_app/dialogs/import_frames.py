"""Which frames of the clip those of the source are, in a sentence, and a field that moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSpinBox, QWidget

from rvos_app.i18n import count, tr
from rvos_app.panels.parts import label, set_role

if TYPE_CHECKING:
    from rvos_core.formats.project_import import ClipPlan

_REST_MS = 400  # that the number stands still before every mask is looked at again
_FARTHEST = 999_999


class ImportFrames(QWidget):
    """Signals: shifted(): another number of frames to shift by was chosen, and stands still."""

    shifted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._line = label()
        self._line.setTextFormat(Qt.TextFormat.PlainText)
        self._line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.shift = QSpinBox()
        self.shift.setRange(-_FARTHEST, _FARTHEST)
        self.shift.setSuffix(tr(" frames"))
        self.shift.setAccessibleName(tr("Frames to shift by"))
        self.shift.setToolTip(tr("For a source that counts its frames otherwise than the clip, from 1 for instance"))
        name = label(tr("&Shift by"))
        name.setBuddy(self.shift)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.shifted)
        self.shift.valueChanged.connect(lambda _: self._rest.start())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._line, stretch=1)
        layout.addWidget(name)
        layout.addWidget(self.shift)

    @property
    def sentence(self) -> str:
        """What is said of the frames."""
        return self._line.text()

    def set_shift(self, frames: int) -> None:
        """Choose a number of frames, without a signal."""
        self.shift.blockSignals(True)
        self.shift.setValue(frames)
        self.shift.blockSignals(False)
        self._rest.stop()

    def show_match(self, plan: ClipPlan | None, *, with_name: bool) -> None:
        """Say which frames of the clip those of `plan` are, and whose they are; None: nothing is known."""
        text, role = _words(plan) if plan is not None else ("", "")
        if plan is not None and with_name:
            text = tr("{clip}: {said}", clip=plan.clip.name, said=text)
        self._line.setText(text)
        self._line.setToolTip(text)
        set_role(self._line, role)


def _words(plan: ClipPlan) -> tuple[str, str]:
    """The sentence, and the role of its text."""
    ways = {
        "name": tr("matched by their names"),
        "order": tr("matched one for one"),
        "number": tr("matched by their numbers, from 0"),
        "number from 1": tr("matched by their numbers, from 1"),
    }
    frames, ends = len(plan.frame_of), plan.match.ends
    if ends is None:
        return tr("None of its {frames} is a frame of the clip.", frames=count(frames, "frame", "frames")), "warn"
    beyond = plan.frame_of.count(None)
    said = tr(
        "{frames}, {way}: {first} to {last} of the clip’s {all:,}",
        frames=count(frames - beyond, "frame", "frames"),
        way=ways[plan.match.way],
        first=ends[0],
        last=ends[1],
        all=plan.media.frame_count,
    )
    return (tr("{said}; {beyond:,} beyond it are left out", said=said, beyond=beyond), "warn") if beyond else (said, "")
