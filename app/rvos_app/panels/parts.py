"""Small widgets that several panels share."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolButton, QWidget

from rvos_app.actions.icons import icon


class ActionButton(QToolButton):
    """A button that is one command: its picture, tooltip, keys and state come from the action.

    It takes the focus by Tab but not by a click, so that after a click the keys still play and step.
    """

    def __init__(
        self, action: QAction, *, text: str = "", flat: bool = True, primary: bool = False, size: int = 18
    ) -> None:
        super().__init__()
        self.setDefaultAction(action)
        self.setIconSize(QSize(size, size))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(text or action.text().replace("&", "").replace("…", ""))
        self.setAccessibleDescription(action.toolTip())
        self.setProperty("flat", flat and not primary)
        self.setProperty("primary", primary)
        if text:
            self.setText(text)
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            action.changed.connect(self._keep_text)
        self._text = text

    def _keep_text(self) -> None:
        if self.text() != self._text:
            self.setText(self._text)


class IconButton(QToolButton):
    """A flat button with a glyph in the theme's colour, also after the theme has changed."""

    def __init__(self, glyph: str, name: str, tip: str) -> None:
        super().__init__()
        self._glyph = glyph
        self.setText(name)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setProperty("flat", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIcon(icon(glyph))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.setIcon(icon(self._glyph))
        super().changeEvent(event)


def label(text: str = "", *, role: str = "", wraps: bool = False) -> QLabel:
    """A line of text; `role` is one of the theme's: title, heading, muted, warn, error, key."""
    made = QLabel(text)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wraps)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a shown widget another role and its look."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def rule() -> QFrame:
    """A hairline."""
    line = QFrame()
    line.setProperty("role", "rule")
    line.setFixedHeight(1)
    return line


def spring() -> QWidget:
    """Takes the room that is left in a bar."""
    made = QWidget()
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return made
