"""The one error dialog: a sentence, what to do, and details to copy."""

from __future__ import annotations

import platform
from collections import deque

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from rvos_app.actions.icons import icon
from rvos_app.errors import ErrorReport
from rvos_app.i18n import tr
from rvos_app.panels.parts import label
from rvos_core.logging import environment

_WIDTH_PX = 520
_ICON_PX = 32


class ErrorDialog(QDialog):
    """One report."""

    def __init__(self, report: ErrorReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("That did not work") if report.expected else tr("An error in the program"))
        self.setMinimumWidth(_WIDTH_PX)
        self.report = report
        sign = label()
        glyph, colour = ("ph.warning", "#e0a94a") if report.expected else ("ph.warning-circle", "#ec6f62")
        sign.setPixmap(icon(glyph, colour=colour).pixmap(_ICON_PX, _ICON_PX))
        message = label(report.message, role="heading", wraps=True)
        message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        texts = QVBoxLayout()
        texts.addWidget(message)
        if report.hint:
            texts.addWidget(label(report.hint, wraps=True))
        upper = QHBoxLayout()
        upper.setSpacing(14)
        upper.addWidget(sign, alignment=Qt.AlignmentFlag.AlignTop)
        upper.addLayout(texts, stretch=1)
        self._details = QPlainTextEdit(details_text(report))
        self._details.setReadOnly(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setMinimumHeight(180)
        self._details.setAccessibleName(tr("Details"))
        self._details.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(14)
        layout.addLayout(upper)
        layout.addWidget(self._details)
        layout.addWidget(self._buttons())

    def _buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.rejected.connect(self.reject)
        self.more = QPushButton(tr("Details"))
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show_details)
        self.copy = QPushButton(tr("Copy Details"))
        self.copy.clicked.connect(self._copy)
        box.addButton(self.more, QDialogButtonBox.ButtonRole.ActionRole)
        box.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        box.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        return box

    @Slot(bool)
    def _show_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self.adjustSize()

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(details_text(self.report))
        self.copy.setText(tr("Copied"))


class ErrorPresenter(QObject):
    """Shows one dialog at a time; reports that come meanwhile wait, and equal ones are shown once."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._waiting: deque[ErrorReport] = deque(maxlen=5)
        self.dialog: ErrorDialog | None = None

    @Slot(object)
    def show(self, report: ErrorReport) -> None:
        """Show a report now, or after the one on screen."""
        if self.dialog is not None:
            if report.message != self.dialog.report.message and report not in self._waiting:
                self._waiting.append(report)
            return
        self.dialog = ErrorDialog(report, self._window)
        self.dialog.finished.connect(self._next)
        self.dialog.open()

    @Slot()
    def _next(self) -> None:
        self.dialog = None
        if self._waiting:
            self.show(self._waiting.popleft())


def details_text(report: ErrorReport) -> str:
    """What a person pastes into a bug report: no settings, no clip."""
    head = f"{environment()}, PySide6 {pyside_version}, {platform.machine()}"
    return f"{report.message}\n{report.hint}\n[{report.code}]\n{head}\n\n{report.details}".rstrip()
