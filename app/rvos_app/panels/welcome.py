"""What the window shows while no clip is open: the ways to begin, and the latest projects and clips."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QIcon
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label, rule
from rvos_core.project.library import Library

_RECENT_SHOWN = 5
_WIDTH_PX = 520
_ICON_PX = 56
_PICTURE_PX = (56, 32)


class Welcome(QWidget):
    """Signals: chosen(Path): a recent clip; files_dropped(list[Path])."""

    chosen = Signal(object)
    files_dropped = Signal(list)

    def __init__(self, hub: ActionHub, *, app_icon: QIcon, with_demo: bool, library: Library) -> None:
        super().__init__()
        self._library = library
        self.setAcceptDrops(True)
        self.setObjectName("welcome")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._message = label(role="muted")
        column = QWidget()
        column.setFixedWidth(_WIDTH_PX)
        layout = QVBoxLayout(column)
        layout.setSpacing(10)
        picture = label()
        picture.setPixmap(app_icon.pixmap(_ICON_PX, _ICON_PX))
        picture.setFixedHeight(_ICON_PX)
        layout.addWidget(picture)
        layout.addWidget(label(tr("Say it, see it, deliver it."), role="title"))
        layout.addWidget(
            label(
                tr("Open a clip, describe one object in it in your own words, and get its mask on every frame."),
                role="muted",
                wraps=True,
            )
        )
        layout.addSpacing(10)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self.open_button = ActionButton(hub.action("file.open"), text=tr("Open video…"), primary=True)
        buttons.addWidget(self.open_button)
        buttons.addWidget(ActionButton(hub.action("file.open_folder"), text=tr("Open image folder…"), flat=False))
        if with_demo:
            self.demo_button = ActionButton(hub.action("file.open_demo"), text=tr("Open the demo"), flat=False)
            buttons.addWidget(self.demo_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addWidget(label(tr("… or drop a file or a folder of numbered images here."), role="muted"))
        layout.addWidget(self._message)
        layout.addSpacing(14)
        self._recent_head = label(role="heading")
        head = QHBoxLayout()
        head.addWidget(self._recent_head)
        head.addStretch(1)
        head.addWidget(ActionButton(hub.action("file.open_project"), text=tr("Open project…")))
        layout.addLayout(head)
        layout.addWidget(rule())
        layout.addLayout(self._recent)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(column, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def set_message(self, text: str) -> None:
        """A line below the buttons, e.g. that a clip is being opened."""
        self._message.setText(text)

    def set_recent(self, paths: list[str]) -> None:
        """List the latest clips that are still there."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        shown = [Path(text) for text in paths if Path(text).exists()][:_RECENT_SHOWN]
        for path in shown:
            self._recent.addWidget(_RecentClip(path, self, picture=self._library.thumbnail(path)))
        self._recent_head.setText(tr("Recent projects and clips") if shown else tr("Projects"))

    def is_untitled(self, path: Path) -> bool:
        """True for a project that nobody has given a name yet."""
        return self._library.is_untitled(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(any(url.isLocalFile() for url in event.mimeData().urls()))

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)


def _untitled_name(path: Path) -> str:
    """Of a project in the studio's folder: clip and time; the mark behind them only keeps the names apart."""
    return f"{path.stem.rpartition(' ')[0]}   —   {tr('not saved under a name')}"


def _name_and_folder(path: Path) -> str:
    return f"{path.name}   —   {path.parent}"


class _RecentClip(QPushButton):
    """One recent clip, by name and folder."""

    def __init__(self, path: Path, welcome: Welcome, *, picture: Path) -> None:
        untitled = welcome.is_untitled(path)
        super().__init__(_untitled_name(path) if untitled else _name_and_folder(path))
        if picture.exists():
            self.setIcon(QIcon(str(picture)))
            self.setIconSize(QSize(*_PICTURE_PX))
        self._path = path
        self._welcome = welcome
        self.setFlat(True)
        self.setProperty("recent", True)
        self.setToolTip(str(path))
        self.setAccessibleName(tr("Open {name}", name=path.name))
        self.clicked.connect(self._choose)

    def _choose(self) -> None:
        self._welcome.chosen.emit(self._path)
