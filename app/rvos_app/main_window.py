"""The main window: puts the parts in their places and keeps its size and layout. What they do is said elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from rvos_app.actions.hub import ActionHub
from rvos_app.canvas.view import VideoCanvas
from rvos_app.i18n import tr
from rvos_app.panels.candidates import CandidateStrip
from rvos_app.panels.expression_bar import ExpressionBar
from rvos_app.panels.history import HistoryPanel
from rvos_app.panels.matte import MattePanel
from rvos_app.panels.model_panel import ModelPanel
from rvos_app.panels.objects import ObjectsPanel
from rvos_app.panels.parts import label
from rvos_app.panels.proposal_bar import ProposalBar
from rvos_app.panels.review import ReviewPanel
from rvos_app.panels.tools import ToolLine, ToolsBar
from rvos_app.panels.transport import TransportBar
from rvos_app.panels.welcome import Welcome
from rvos_app.settings import Settings
from rvos_app.timeline.widget import TimelineWidget
from rvos_resources.paths import icons_dir

_LAYOUT_VERSION = 4
_FIRST_SIZE = (1360, 860)
_SIDE_PX = 320


@dataclass(frozen=True)
class Parts:
    """The widgets that the window holds."""

    welcome: Welcome
    canvas: VideoCanvas
    tools: ToolsBar
    tool_line: ToolLine
    proposal: ProposalBar
    review: ReviewPanel
    transport: TransportBar
    timeline: TimelineWidget
    expression: ExpressionBar
    candidates: CandidateStrip
    objects: ObjectsPanel
    model: ModelPanel
    history: HistoryPanel
    matte: MattePanel


class MainWindow(QMainWindow):
    """Made empty, as commands need it before its parts; `assemble` fills it. `may_close` is asked before closing."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("RVOS Studio")
        self.setWindowIcon(QIcon(str(icons_dir() / "rvos-studio.svg")))
        self.resize(*_FIRST_SIZE)
        self.setDockNestingEnabled(True)
        self.may_close: Callable[[], bool] = _always
        self._stack = QStackedWidget()
        self._panels: list[QWidget] = []
        self._shown_panels: set[QWidget] = set()
        self._first_show = True
        self._first_layout: Callable[[], None] | None = None  # until a clip is first shown, or a layout restored
        self._media_line = QElidingLabel()  # a long file name must not widen the window
        self._media_line.setProperty("role", "muted")
        self._object_line = label(role="muted")
        self._pixel_line = label(role="muted")

    def assemble(self, parts: Parts, hub: ActionHub, *, submenus: dict[str, QMenu]) -> None:
        """Put the parts in their places."""
        hub.fill_menu_bar(self.menuBar(), submenus=submenus)
        self._add_expression_bar(parts.expression)
        stage = QWidget()
        stage.setObjectName("stage")
        row, column = QHBoxLayout(stage), QVBoxLayout()
        for layout in (row, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        row.addWidget(parts.tools)
        row.addLayout(column, stretch=1)
        column.addWidget(parts.candidates)
        column.addWidget(parts.tool_line)
        column.addWidget(parts.proposal)
        column.addWidget(parts.canvas, stretch=1)
        column.addWidget(parts.transport)
        self._stack.addWidget(parts.welcome)
        self._stack.addWidget(stage)
        self.setCentralWidget(self._stack)
        right, bottom = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        self.setCorner(Qt.Corner.BottomRightCorner, bottom)
        objects = self._dock(tr("Objects"), parts.objects, right)
        model = self._dock(tr("Model"), parts.model, right)
        history = self._dock(tr("History"), parts.history, right)
        review = self._dock(tr("Review"), parts.review, right)
        matte = self._dock(tr("Matte"), parts.matte, right)
        self.tabifyDockWidget(model, matte)
        self.tabifyDockWidget(model, history)
        self.tabifyDockWidget(model, review)
        model.raise_()
        timeline = self._dock(tr("Timeline"), parts.timeline, bottom)
        timeline.setTitleBarWidget(QWidget())
        self._first_layout = partial(self._lay_out, objects, model, timeline)
        self.statusBar().addWidget(self._media_line, 1)
        self.statusBar().addPermanentWidget(self._object_line)
        self.statusBar().addPermanentWidget(self._pixel_line)
        self.statusBar().setSizeGripEnabled(False)
        view_menu = self.menuBar().findChild(QMenu, "menu.view")
        if view_menu is not None:
            view_menu.addSeparator()
            view_menu.addActions(
                [each.toggleViewAction() for each in (objects, model, matte, history, review, timeline)]
            )
        self._set_tab_order(parts)

    def _lay_out(self, objects: QDockWidget, model: QDockWidget, timeline: QDockWidget) -> None:
        """Sizes of the panels as long as the person has not chosen others."""
        self.resizeDocks([objects, model], [_SIDE_PX, _SIDE_PX], Qt.Orientation.Horizontal)
        self.resizeDocks([timeline], [210], Qt.Orientation.Vertical)
        self.resizeDocks([objects, model], [200, 340], Qt.Orientation.Vertical)

    def _add_expression_bar(self, bar: ExpressionBar) -> None:
        tools = QToolBar(tr("Expression"))
        tools.setObjectName("expression_tools")
        tools.setMovable(False)
        tools.toggleViewAction().setVisible(False)
        tools.addWidget(bar)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, tools)
        self._panels.append(tools)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock.{type(widget).__name__}")
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        self._panels.append(dock)
        return dock

    def _set_tab_order(self, parts: Parts) -> None:
        chain: tuple[QWidget, ...] = (
            parts.expression.field,
            parts.canvas,
            parts.timeline,
            parts.objects.list,
            parts.model.models,
            parts.model.devices,
            parts.matte.first,
            parts.history.list,
            parts.review.list,
        )
        for before, after in pairwise(chain):
            self.setTabOrder(before, after)

    # -- what it shows -------------------------------------------------------------------------------------------

    def show_clip(self, is_open: bool) -> None:
        """The stage with its panels; or the welcome page, which has the window for itself."""
        if is_open == self.shows_clip and not self._first_show:
            return
        self._first_show = False
        self._stack.setCurrentIndex(1 if is_open else 0)
        if is_open:
            self._show_panels()
            if self._first_layout is not None:
                self._first_layout()
                self._first_layout = None
        else:
            self._shown_panels = {panel for panel in self._panels if not panel.isHidden()}
            for panel in self._panels:
                panel.hide()
        for dock in self.findChildren(QDockWidget):
            dock.toggleViewAction().setEnabled(is_open)

    def _show_panels(self) -> None:
        for panel in self._panels:
            panel.setVisible(panel in self._shown_panels)

    def bring_forward(self, panel: QWidget) -> None:
        """Show a panel, also where it was closed or lies under another one."""
        for dock in self.findChildren(QDockWidget):
            if dock.widget() is panel:
                dock.show()
                dock.raise_()

    @property
    def shows_clip(self) -> bool:
        return self._stack.currentIndex() == 1

    def set_media_line(self, text: str) -> None:
        """What the status bar says of the clip."""
        self._media_line.setText(text)

    def set_object_line(self, text: str) -> None:
        """What the status bar says of the selected object on this frame."""
        self._object_line.setText(text)

    def set_pixel_line(self, text: str) -> None:
        """What the status bar says of the pixel under the pointer."""
        self._pixel_line.setText(text)

    # -- size and layout -----------------------------------------------------------------------------------------

    def restore(self, settings: Settings) -> None:
        """Take the size and layout of the last time."""
        if settings.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode("ascii", "ignore")))
        if settings.window_layout:
            self._first_layout = None
            self.restoreState(QByteArray.fromBase64(settings.window_layout.encode("ascii", "ignore")), _LAYOUT_VERSION)

    def remember(self, settings: Settings) -> None:
        """Keep size and layout for the next time, with the panels that a clip shows."""
        if not self.shows_clip:
            self._show_panels()
        settings.window_geometry = self.saveGeometry().toBase64().toStdString()
        settings.window_layout = self.saveState(_LAYOUT_VERSION).toBase64().toStdString()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.may_close():
            event.accept()
        else:
            event.ignore()


def _always() -> bool:
    return True
