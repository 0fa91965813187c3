"""The look: Fusion with one calm palette, dark or light. Colours have one home, here."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from rvos_resources.paths import icons_dir

ThemeName = Literal["dark", "light", "system"]


@dataclass(frozen=True)
class Tokens:
    """Named colours of one theme, as #rrggbb."""

    window: str  # behind everything
    panel: str  # docks, bars
    field: str  # text fields, lists
    raised: str  # buttons
    line: str  # hairlines
    text: str
    muted: str  # second-rank text
    accent: str
    on_accent: str
    warn: str
    error: str


DARK = Tokens(
    window="#1b1c1f",
    panel="#232529",
    field="#17181b",
    raised="#31343a",
    line="#3a3d44",
    text="#dcdee3",
    muted="#979ca6",
    accent="#3f87d9",
    on_accent="#ffffff",
    warn="#e0a94a",
    error="#ec6f62",
)
LIGHT = Tokens(
    window="#e9eaec",
    panel="#f4f5f6",
    field="#ffffff",
    raised="#fbfbfc",
    line="#c6c9ce",
    text="#1d2024",
    muted="#5d636d",
    accent="#1f6fc4",
    on_accent="#ffffff",
    warn="#8a5a00",
    error="#b3261e",
)

_SHEET = Template("""
* { outline: none; }
QMainWindow, #welcome, #stage { background: $window; }
QMainWindow::separator { background: $window; width: 4px; height: 4px; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 3px 5px; }
QMenuBar { background: $panel; padding: 1px 4px; border-bottom: 1px solid $line; }
QMenuBar::item { padding: 4px 9px; border-radius: 3px; background: transparent; }
QMenuBar::item:selected, QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu { background: $panel; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 3px; }
QMenu::item:disabled { color: $muted; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QToolBar { background: $panel; border: none; border-bottom: 1px solid $line; padding: 5px 8px; spacing: 6px; }
QDockWidget { color: $muted; font-weight: 600; }
QDockWidget::title { background: $panel; padding: 6px 10px; border-bottom: 1px solid $line; }
QDockWidget > QWidget, TransportBar, ToolsBar, ToolLine { background: $panel; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QStatusBar { background: $panel; border-top: 1px solid $line; }
QStatusBar::item { border: none; }
QPushButton, QToolButton {
    background: $raised; border: 1px solid $line; border-radius: 4px; padding: 4px 10px;
}
QToolButton { padding: 4px; }
QToolButton[flat="true"] { background: transparent; border: 1px solid transparent; }
QToolButton[flat="true"]:disabled { border-color: transparent; background: transparent; }
QToolButton[flat="true"]:hover { background: $raised; }
QToolButton[flat="true"]:checked { background: $raised; border: 1px solid $line; color: $text; }
QPushButton:hover, QToolButton:hover { border-color: $muted; }
QPushButton[recent="true"] {
    background: transparent; border: none; text-align: left; padding: 5px 8px; color: $muted;
}
QPushButton[recent="true"]:hover { background: $raised; color: $text; }
QPushButton:pressed, QToolButton:pressed { background: $field; }
QPushButton:disabled, QToolButton:disabled { color: $muted; border-color: $line; }
QPushButton:focus, QToolButton:focus, QListView:focus, QCheckBox:focus, QTreeView:focus {
    border: 1px solid $accent;
}
#candidates QToolButton:checked { border: 2px solid $accent; }
QPushButton[primary="true"], QToolButton[primary="true"] {
    background: $accent; border-color: $accent; color: $on_accent; font-weight: 600; padding: 5px 16px;
}
QPushButton[primary="true"]:hover, QToolButton[primary="true"]:hover { border-color: $text; }
QPushButton[primary="true"]:disabled, QToolButton[primary="true"]:disabled {
    background: $raised; border-color: $line; color: $muted;
}
QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox, QTextBrowser {
    background: $field; border: 1px solid $line; border-radius: 4px; padding: 4px 7px;
    selection-background-color: $accent;
}
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 1px solid $accent; }
QDoubleSpinBox[knob="true"] { padding: 2px 4px; }
QDoubleSpinBox[knob="true"]::up-button, QDoubleSpinBox[knob="true"]::down-button { width: 0px; border: none; }
QDoubleSpinBox:disabled, QSpinBox:disabled { color: $muted; }
QLineEdit[big="true"] { font-size: 15px; padding: 6px 10px; }
QListView, QTreeView { background: $field; border: 1px solid $line; border-radius: 4px; }
QListView::item, QTreeView::item { border: none; padding: 3px 2px; }
QListView::item:selected, QTreeView::item:selected { background: $accent; color: $on_accent; }
QRadioButton, QCheckBox { spacing: 8px; }
QRadioButton::indicator, QCheckBox::indicator, QListView::indicator {
    width: 13px; height: 13px; border: 1px solid $muted; background: $field;
}
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator, QListView::indicator { border-radius: 3px; }
QRadioButton::indicator:checked {
    border-color: $accent;
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 $on_accent, stop: 0.45 $on_accent, stop: 0.5 $accent, stop: 1 $accent);
}
QCheckBox::indicator:checked, QListView::indicator:checked {
    border-color: $accent; background: $accent; image: url("$check");
}
QRadioButton::indicator:disabled, QCheckBox::indicator:disabled { border-color: $line; }
QRadioButton:disabled, QCheckBox:disabled { color: $muted; }
QRadioButton::indicator:focus, QCheckBox::indicator:focus { border-color: $text; }
QHeaderView::section {
    background: $panel; border: none; border-bottom: 1px solid $line; padding: 4px 8px; color: $muted;
}
QProgressBar {
    background: $field; border: 1px solid $line; border-radius: 3px; min-height: 10px; max-height: 10px;
    text-align: center;
}
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QGroupBox { border: none; margin-top: 18px; font-weight: 600; color: $muted; }
QGroupBox::title { subcontrol-origin: margin; left: 0px; }
QScrollBar:vertical { background: transparent; width: 10px; }
QScrollBar:horizontal { background: transparent; height: 10px; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="error"] { color: $error; }
QLabel[role="title"] { font-size: 24px; font-weight: 300; }
QLabel[role="heading"] { font-weight: 600; font-size: 14px; }
QLabel[role="key"] {
    background: $raised; border: 1px solid $line; border-radius: 3px; padding: 1px 5px; color: $muted;
}
QFrame[role="card"] { background: $panel; border: 1px solid $line; border-radius: 6px; }
QFrame[role="rule"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
""")


def tokens(theme: ThemeName) -> Tokens:
    """The colours of `theme`; `system` follows the desktop and is dark where the desktop does not say."""
    if theme == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if theme == "light" else DARK


def apply_theme(app: QApplication, theme: ThemeName) -> None:
    """Give the whole application the look of `theme`; nothing is polished anew where it has it already."""
    colours = tokens(theme)
    sheet = _SHEET.substitute(vars(colours), check=(icons_dir() / "check.svg").as_posix())
    if app.styleSheet() == sheet:
        return
    app.setStyle("Fusion")
    app.setPalette(_palette(colours))
    app.setStyleSheet(sheet)


def _palette(colours: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, value in (
        (role.Window, colours.panel),
        (role.WindowText, colours.text),
        (role.Base, colours.field),
        (role.AlternateBase, colours.panel),
        (role.Text, colours.text),
        (role.Button, colours.raised),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.error),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text),
        (role.PlaceholderText, colours.muted),
        (role.Link, colours.accent),
        (role.Mid, colours.line),
        (role.Dark, colours.window),
        (role.Light, colours.raised),
    ):
        palette.setColor(name, QColor(value))
    for name in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(colours.muted))
    return palette
