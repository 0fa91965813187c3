"""From the records to Qt: one `QAction` per command, shared by menus, buttons, keys and the palette."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app_model import Action, Application
from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from rvos_app.actions.icons import ICONS, icon
from rvos_app.actions.record import MENUS
from rvos_app.i18n import tr


class ActionHub(QObject):
    """Makes and keeps the actions. `window` receives their shortcuts."""

    def __init__(self, app_model: Application, window: QWidget) -> None:
        super().__init__(window)
        self._app_model = app_model
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._records: dict[str, Action[Any, Any]] = {}
        app_model.context.changed.connect(self._refresh, max_args=0)

    def register(self, records: Iterable[Action[Any, Any]]) -> None:
        """Take commands in and give the window their keys."""
        for entry in records:
            self._app_model.register_action(entry)
            self._records[entry.id] = entry
            action = QAction(tr(entry.title), self._window)
            action.setObjectName(entry.id)
            action.setShortcuts([QKeySequence(text) for text in keys_of(entry)])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.setCheckable(entry.toggled is not None)
            if entry.id in ICONS:
                action.setIcon(icon(ICONS[entry.id]))
                action.setIconVisibleInMenu(False)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            tip = tr(entry.tooltip or entry.title)
            action.setToolTip(f"{tip} ({keys})" if keys else tip)
            action.triggered.connect(self._on_triggered)
            self._window.addAction(action)
            self._actions[entry.id] = action
        self._refresh()

    def action(self, command_id: str) -> QAction:
        """The action of a command."""
        return self._actions[command_id]

    def trigger(self, command_id: str) -> None:
        """Run a command where its condition holds."""
        self._actions[command_id].trigger()

    @property
    def records(self) -> Sequence[Action[Any, Any]]:
        """All commands, in order of registration."""
        return tuple(self._records.values())

    def fill_menu_bar(self, bar: QMenuBar, *, submenus: dict[str, QMenu]) -> None:
        """Put every command in its menu; `submenus` (command id -> menu) go behind that command."""
        for menu_id, title in MENUS.items():
            menu = bar.addMenu(tr(title))
            menu.setObjectName(f"menu.{menu_id}")
            menu.setToolTipsVisible(True)
            for number, group in enumerate(self._app_model.menus.iter_menu_groups(menu_id)):
                if number:
                    menu.addSeparator()
                for item in group:
                    action = self._actions[item.command.id]  # type: ignore[union-attr]
                    menu.addAction(action)
                    if action.objectName() in submenus:
                        menu.addMenu(submenus[action.objectName()])

    def repaint_icons(self) -> None:
        """Take the icons again, after the theme changed."""
        for command_id, name in ICONS.items():
            if command_id in self._actions:
                self._actions[command_id].setIcon(icon(name))

    def _on_triggered(self) -> None:
        sender = self.sender()
        if sender is not None:
            self._app_model.commands.execute_command(sender.objectName()).result()
            self._refresh()  # Qt has turned a checkable action itself; the context knows better

    def _refresh(self) -> None:
        context = self._app_model.context
        for command_id, action in self._actions.items():
            entry = self._records[command_id]
            action.setEnabled(bool(entry.enablement.eval(context)) if entry.enablement is not None else True)
            if entry.toggled is not None:
                action.setChecked(bool(entry.toggled.eval(context)))  # type: ignore[union-attr]


class KeyGuard(QObject):
    """Lets the focused field keep the keys it needs itself, so that typing never plays, steps or deletes.

    A text field keeps every key without Ctrl or Alt; a button or list keeps Space, Enter and the arrows it uses. What
    X11 has line editing for (Ctrl+E, Ctrl+K, Ctrl+U) is a command's first: a person who has just typed a sentence wants
    to export. Only the focused widget is watched: a filter for the whole application would call Python for every event.
    """

    _TEXT = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
    _SPACE = (QAbstractButton, QComboBox)
    _ARROWS = (QAbstractSlider, QAbstractItemView, QComboBox)
    _SPACE_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
    _ARROW_KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
    _FREE_IN_TEXT = (Qt.Key.Key_Escape, *(Qt.Key(Qt.Key.Key_F1.value + n) for n in range(12)))
    _LINE_EDITING = (Qt.Key.Key_E, Qt.Key.Key_K, Qt.Key.Key_U)
    _COMMANDING = (
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    )

    def __init__(self, app: QApplication, parent: QObject) -> None:
        super().__init__(parent)
        app.focusChanged.connect(self._follow)

    @Slot(QWidget, QWidget)
    def _follow(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is not None:
            before.removeEventFilter(self)
        if now is not None:
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return False
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier and Qt.Key(event.key()) in self._LINE_EDITING:
            event.ignore()  # no command takes it: it still reaches the field as a key
            return True
        if not self._wants(watched, event):
            return False
        event.accept()
        return True

    def _wants(self, widget: QObject, event: QKeyEvent) -> bool:
        if event.modifiers() & self._COMMANDING:
            return False
        key = Qt.Key(event.key())
        if isinstance(widget, self._TEXT) or (isinstance(widget, QComboBox) and widget.isEditable()):
            return key not in self._FREE_IN_TEXT
        if key in self._SPACE_KEYS:
            return isinstance(widget, self._SPACE)
        return key in self._ARROW_KEYS and isinstance(widget, self._ARROWS)


def keys_of(entry: Action[Any, Any]) -> list[str]:
    """The shortcuts of a command as text, the shown one first."""
    return [str(rule.primary) for rule in entry.keybindings or () if rule.primary]
