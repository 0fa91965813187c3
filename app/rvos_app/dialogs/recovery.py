"""After a crash: what the project of the last time holds, and what to do with it."""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rvos_app.i18n import count, tr
from rvos_app.panels.parts import label, rule
from rvos_core.project.library import LeftOpen
from rvos_core.project.recovery import Examination

_WIDTH_PX = 560


class Decision(Enum):
    """What a person does with a project that was left open."""

    OPEN = "open"
    SNAPSHOT = "snapshot"
    SKIP = "skip"
    SUPPORT = "support"
    DISCARD = "discard"


class RecoveryDialog(QDialog):
    """Signals: decided(Decision). Escape skips: nothing happens to the project, and it is not asked again."""

    decided = Signal(object)

    def __init__(
        self, entry: LeftOpen, found: Examination, *, picture: Path | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Your Last Work"))
        self.setMinimumWidth(_WIDTH_PX)
        self.entry = entry
        self._decision = Decision.SKIP
        self.buttons: dict[Decision, QPushButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(8)
        layout.addWidget(label(tr("The studio ended without closing this project."), role="heading"))
        texts = QVBoxLayout()
        texts.setSpacing(4)
        texts.addWidget(label(_what(entry.path, found), wraps=True))
        for line in _lines(entry, found):
            texts.addWidget(label(line, role="muted", wraps=True))
        texts.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        if picture is not None and picture.exists():
            shown = label()
            shown.setPixmap(QPixmap(str(picture)))
            middle.addWidget(shown, alignment=Qt.AlignmentFlag.AlignTop)
        middle.addLayout(texts, stretch=1)
        layout.addLayout(middle)
        layout.addWidget(rule())
        layout.addWidget(label(_advice(found), wraps=True))
        layout.addLayout(self._row(found))

    def _row(self, found: Examination) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self._add(row, Decision.DISCARD, tr("Move to Trash"), tr("It stays in the trash for 30 days"))
        self._add(row, Decision.SUPPORT, tr("Copy for Support…"), tr("Write the project as it lies into a zip file"))
        row.addStretch(1)
        self._add(row, Decision.SKIP, tr("Skip"), tr("Leave it as it is; File > Open Project opens it later"))
        if not found.problem and found.snapshot:
            tip = tr("Open it as it was when “{name}” was saved; undo brings the rest back", name=found.snapshot)
            self._add(row, Decision.SNAPSHOT, tr("Open Snapshot"), tip)
        if not found.problem:
            self._add(row, Decision.OPEN, tr("Open"), tr("Open it with everything that was kept"))
            self.buttons[Decision.OPEN].setDefault(True)
        return row

    def _add(self, row: QHBoxLayout, decision: Decision, text: str, tip: str) -> None:
        made = QPushButton(text)
        made.setToolTip(tip)
        made.setProperty("decision", decision.value)
        made.setAutoDefault(decision in (Decision.OPEN, Decision.SNAPSHOT))
        made.clicked.connect(self._on_clicked)
        self.buttons[decision] = made
        row.addWidget(made)

    def _on_clicked(self) -> None:
        self._decision = Decision(self.sender().property("decision"))
        self.accept()

    def done(self, result: int) -> None:
        super().done(result)
        self.decided.emit(self._decision)


def _what(path: Path, found: Examination) -> str:
    return f"{', '.join(found.clips)}   —   {path.name}" if found.clips else path.name


def _lines(entry: LeftOpen, found: Examination) -> list[str]:
    if found.problem:
        return [found.problem]
    lines = [
        tr(
            "{objects}, {masks}",
            objects=count(found.objects, "object", "objects"),
            masks=count(found.masks, "mask", "masks"),
        )
    ]
    if found.last_edit:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.last_edit_at))
        lines.append(tr("Last change: {what}, {when}", what=found.last_edit, when=when))
    for expression in found.interrupted:
        lines.append(
            tr("The run of “{expression}” was interrupted; Run > Resume goes on with it.", expression=expression)
        )
    return lines


def _advice(found: Examination) -> str:
    if found.problem:
        return tr("It was not opened, and nothing in it was changed.")
    return tr("Everything up to the moment it ended is there, and undo reaches back as far as before.")
