"""The objects panel: one row per sentence, with its colour, its eye, and how the last run went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rvos_app.actions.hub import ActionHub
from rvos_app.actions.icons import icon
from rvos_app.dialogs.objects import LONGEST_NAME
from rvos_app.i18n import count, tr
from rvos_app.panels.parts import ActionButton, label
from rvos_app.state import RunPhase, RunStatus, StudioObject, StudioState

_ROW_PX = 52
_EYE_PX = 34
_MENU = ("run.again", "run.believe", "object.rename", "run.toggle_visible", "file.export", "run.remove_object")
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Row:
    """What one row shows. `line` is the second, quieter line."""

    thing: StudioObject
    number: int
    line: str


class ObjectsModel(QAbstractListModel):
    """The state's objects as Qt rows."""

    ROW = Qt.ItemDataRole.UserRole

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self._state = state
        self._rows: list[Row] = []
        self.may_rename: Callable[[], bool] = _never
        state.objects_changed.connect(self.refresh, max_args=0)
        state.results_changed.connect(self._refresh_one)
        state.run_changed.connect(self._refresh_lines, max_args=0)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == self.ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.thing.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.thing.name}\n{row.line}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            shown = tr("shown") if row.thing.visible else tr("hidden")
            return tr(
                "Object {n}: {name}, {shown}, {line}", n=row.number, name=row.thing.name, shown=shown, line=row.line
            )
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        editable = Qt.ItemFlag.ItemIsEditable if index.isValid() and self.may_rename() else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | editable

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        thing = self.object_at(index.row()) if index.isValid() and role == Qt.ItemDataRole.EditRole else None
        if thing is None or not self.may_rename():
            return False
        self._state.change_object(thing.object_id, name=str(value))
        return True

    def row_of(self, object_id: int | None) -> int | None:
        """Where an object stands in the list."""
        return next((i for i, row in enumerate(self._rows) if row.thing.object_id == object_id), None)

    def object_at(self, row: int) -> StudioObject | None:
        """The object of a row."""
        return self._rows[row].thing if 0 <= row < len(self._rows) else None

    def refresh(self) -> None:
        """Take the objects again."""
        objects = self._state.objects
        same = [o.object_id for o in objects] == [row.thing.object_id for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = [Row(thing, n, line_of(self._state, thing)) for n, thing in enumerate(objects, start=1)]
        if not same:
            self.endResetModel()
        elif self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def _refresh_one(self, object_id: int, _frames: object) -> None:
        row, thing = self.row_of(object_id), self._state.object(object_id)
        if row is not None and thing is not None:
            self._rows[row] = Row(thing, row + 1, line_of(self._state, thing))
            self.dataChanged.emit(self.index(row), self.index(row))

    def _refresh_lines(self) -> None:
        for row in self._rows:
            self._refresh_one(row.thing.object_id, None)


def line_of(state: StudioState, thing: StudioObject) -> str:
    """The second line of a row: what its run is doing, a note, or how many frames show it."""
    run = state.run
    if run.object_id == thing.object_id and run.active:
        return _run_words(run)
    if thing.note:
        return thing.note
    results = state.results(thing.object_id)
    if not results:
        return tr("No masks yet")
    seen, sure = results.seen()
    if not seen:
        return tr("Not in sight in {frames}", frames=count(len(results), "frame", "frames"))
    return tr(
        "{seen} of {frames} · {sure} % sure",
        seen=seen,
        frames=count(len(results), "frame", "frames"),
        sure=round(100 * sure),
    )


def _run_words(run: RunStatus) -> str:
    if run.phase is RunPhase.PAUSED:
        return tr("Paused at window {done} of {all}", done=run.windows_done, all=run.windows)
    if run.phase is RunPhase.STOPPING:
        return tr("Stopping …")
    return tr("Window {done} of {all}", done=run.windows_done, all=run.windows) if run.windows else tr("Preparing …")


def _never() -> bool:
    return False


class _RowPainter(QStyledItemDelegate):
    """Draws a row, listens for clicks on its eye, and puts the field for another name over the old one."""

    eye_clicked = Signal(int)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(160, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row: Row = index.data(ObjectsModel.ROW)
        area: QRect = option.rect
        palette: QPalette = option.palette
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected:
            tint = QColor(palette.color(QPalette.ColorRole.Highlight))
            tint.setAlpha(64)
            painter.fillRect(area, tint)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*row.thing.colour))
        painter.drawRoundedRect(QRect(area.left() + 8, area.top() + 9, 5, area.height() - 18), 2.5, 2.5)
        text = _text_area(area)
        quiet = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(palette.color(QPalette.ColorRole.Text) if row.thing.visible else quiet)
        name = painter.fontMetrics().elidedText(
            f"{row.number}  {row.thing.name}", Qt.TextElideMode.ElideRight, text.width()
        )
        painter.drawText(text, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(quiet)
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.88)
        painter.setFont(small)
        line = painter.fontMetrics().elidedText(row.line, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, line)
        painter.restore()
        eye = icon(
            "ph.eye" if row.thing.visible else "ph.eye-slash", colour=None if row.thing.visible else quiet.name()
        )
        glyph = QRect(0, 0, _EYE_PX // 2, _EYE_PX // 2)
        glyph.moveCenter(_eye_area(area).center())
        eye.paint(painter, glyph)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        field = QLineEdit(parent)
        field.setMaxLength(LONGEST_NAME)
        field.setAccessibleName(tr("Name"))
        return field

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _Index) -> None:
        area = _text_area(option.rect)
        editor.setGeometry(area.left() - 4, area.top() - 4, area.width() + 4, editor.sizeHint().height())

    def editorEvent(self, event: QEvent, model: Any, option: QStyleOptionViewItem, index: _Index) -> bool:
        presses = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
        if isinstance(event, QMouseEvent) and event.type() in presses:
            area: QRect = option.rect
            if _eye_area(area).contains(event.position().toPoint()):
                self.eye_clicked.emit(index.data(ObjectsModel.ROW).thing.object_id)
                return True
        return super().editorEvent(event, model, option, index)


def _text_area(row: QRect) -> QRect:
    return row.adjusted(22, 7, -_EYE_PX - 4, -7)


def _eye_area(row: QRect) -> QRect:
    return QRect(row.right() - _EYE_PX, row.top(), _EYE_PX, row.height())


class ObjectsPanel(QWidget):
    """The list and the commands on its selected row."""

    def __init__(self, state: StudioState, hub: ActionHub) -> None:
        super().__init__()
        self._state = state
        self.model = ObjectsModel(state)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setEditTriggers(QListView.EditTrigger.DoubleClicked)
        self.model.may_rename = hub.action("object.rename").isEnabled
        painter = _RowPainter(self.list)
        painter.eye_clicked.connect(self._toggle_eye)
        self.list.setItemDelegate(painter)
        self.list.setAccessibleName(tr("Objects"))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self._menu_actions: list[QAction] = [hub.action(command) for command in _MENU]
        self._empty = label(
            tr("Each sentence you run becomes an object here, with its own colour and masks."), role="muted", wraps=True
        )
        buttons = QHBoxLayout()
        for command in ("run.again", "run.toggle_visible", "run.remove_object"):
            buttons.addWidget(ActionButton(hub.action(command)))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(6)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, stretch=1)
        layout.addLayout(buttons)
        state.selection_changed.connect(self._show_selection)
        self.model.modelReset.connect(self._on_reset)
        self._on_reset()

    def _on_reset(self) -> None:
        self._empty.setVisible(self.model.rowCount() == 0)
        self._show_selection(self._state.selected)

    def _show_selection(self, object_id: int | None) -> None:
        row = self.model.row_of(object_id)
        selection = self.list.selectionModel()
        if row is None:
            selection.clear()
        else:
            selection.setCurrentIndex(self.model.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        thing = self.model.object_at(current.row())
        if thing is not None:
            self._state.select(thing.object_id)

    def _toggle_eye(self, object_id: int) -> None:
        thing = self._state.object(object_id)
        if thing is not None:
            self._state.change_object(object_id, visible=not thing.visible)

    def _open_menu(self, at: QPoint) -> None:
        if self.list.indexAt(at).isValid():
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addActions(self._menu_actions)
            menu.popup(self.list.viewport().mapToGlobal(at))
