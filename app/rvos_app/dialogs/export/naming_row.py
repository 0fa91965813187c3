"""The template of names: a field, a menu of its tokens, and what comes of it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from rvos_app.i18n import tr


class NamingRow(QWidget):
    """Signals: changed(): the template is another."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.field = QLineEdit()
        self.field.setAccessibleName(tr("Names"))
        self.field.textChanged.connect(self.changed)
        self.tokens = QToolButton()
        self.tokens.setText("{ }")
        self.tokens.setToolTip(tr("Put in a word that stands for something"))
        self.tokens.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.tokens)
        for token, words in (
            ("{clip}", tr("the clip's name")),
            ("{object}", tr("the object's name")),
            ("{id}", tr("the object's number")),
            ("{expression}", tr("its sentence")),
            ("{kind}", tr("what it is: matte, cutout_straight, …")),
            ("{format}", tr("the format: prores4444, png16, …")),
            ("{frame:04}", tr("the picture's number, four digits")),
            ("/", tr("a folder")),
        ):
            action = menu.addAction(f"{token}    {words}")
            action.triggered.connect(partial(self._insert, token))
        self.tokens.setMenu(menu)
        self._example = QElidingLabel()
        self._example.setElideMode(Qt.TextElideMode.ElideMiddle)
        self._example.setProperty("role", "muted")
        self._example.setAccessibleName(tr("Example of a name"))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.field, stretch=1)
        row.addWidget(self.tokens)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self._example)

    @property
    def template(self) -> str:
        """As typed; empty: the usual one."""
        return self.field.text().strip()

    @property
    def example(self) -> str:
        """The name that is shown."""
        return self._example.text()

    def show_usual(self, template: str) -> None:
        """The template that is taken where the field is empty."""
        self.field.setPlaceholderText(template)

    def show_example(self, text: str) -> None:
        """What the first output is called."""
        self._example.setText(text)
        self._example.setToolTip(text)

    def _insert(self, token: str) -> None:
        if not self.field.text():
            self.field.setText(self.field.placeholderText())
        self.field.insert(token)
        self.field.setFocus()
