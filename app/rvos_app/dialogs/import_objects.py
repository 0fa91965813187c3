"""The objects of a source in a table, and a list under it that says what becomes of those that are selected."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rvos_app.i18n import count, tr
from rvos_app.panels.parts import label
from rvos_app.state import StudioObject, StudioState
from rvos_core.masks import object_colour

if TYPE_CHECKING:
    from rvos_core.formats.project_import import ClipPlan, Goal, ObjectPlan

_ROW = Qt.ItemDataRole.UserRole
_SWATCH_PX = 12
_NAME_PX = 190
_OBJECT, _MASKS, _BECOMES, _KEPT = range(4)
_TO_THE_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT_OUT = (128, 128, 128)


@dataclass
class ImportRow:
    """One object of the source, and what is wanted of it.

    Attributes:
        seen: the frames where it is in sight: (n,) int64.
        colour: that it will have.
    """

    plan: ObjectPlan
    name: str
    goal: Goal
    seen: np.ndarray
    colour: tuple[int, int, int] = (0, 0, 0)


class ImportObjects(QWidget):
    """Signals: changed(): another goal was chosen; shown(ImportRow | None): the row that is to be looked at."""

    changed = Signal()
    shown = Signal(object)

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self._state = state
        self.rows: list[ImportRow] = []
        self._items: list[QTreeWidgetItem] = []
        self.table = QTreeWidget()
        self.table.setAccessibleName(tr("Objects of the source"))
        self.table.setHeaderLabels([tr("Object"), tr("Masks"), tr("Becomes"), tr("Locked, stay")])
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        head = self.table.header()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(_OBJECT, QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(_BECOMES, QHeaderView.ResizeMode.Stretch)
        for column in (_MASKS, _KEPT):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self.table.headerItem().setTextAlignment(column, _TO_THE_RIGHT)
        self.table.setColumnWidth(_OBJECT, _NAME_PX)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.currentItemChanged.connect(self._on_current)
        self.goal = QComboBox()
        self.goal.setAccessibleName(tr("What becomes of the selected objects"))
        self.goal.setMinimumContentsLength(20)
        self.goal.activated.connect(self._on_goal)
        self._of = label()
        self._of.setTextFormat(Qt.TextFormat.PlainText)
        self._of.setBuddy(self.goal)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._of, stretch=1)
        line.addWidget(self.goal)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.table, stretch=1)
        layout.addLayout(line)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def show_plan(self, plan: ClipPlan | None) -> None:
        """List the objects of a plan with the goals that it has; None: nothing is planned."""
        objects = plan.objects if plan is not None else ()
        self.rows = [
            ImportRow(each, each.target.name, "new" if each.is_new else each.target.object_id, _seen(each))
            for each in objects
        ]
        self._fill_goals()
        self._items = []
        self.table.clear()
        for number, row in enumerate(self.rows):
            item = QTreeWidgetItem([row.name, f"{len(row.seen):,}"])
            item.setData(_OBJECT, _ROW, number)
            item.setToolTip(_OBJECT, row.name)
            for column in (_MASKS, _KEPT):
                item.setTextAlignment(column, _TO_THE_RIGHT)
            self._items.append(item)
        self._refresh()
        self.table.addTopLevelItems(self._items)
        first = next((n for n, row in enumerate(self.rows) if len(row.seen)), 0)
        if self.rows:
            self.table.setCurrentItem(self._items[first])
        else:
            self.shown.emit(None)

    def _fill_goals(self) -> None:
        self.goal.clear()
        self.goal.addItem(tr("New object"), "new")
        self.goal.addItem(tr("Leave out"), "left out")
        for thing in self._state.objects:
            self.goal.addItem(_swatch(thing.colour), thing.name, thing.object_id)
        self.goal.setCurrentIndex(-1)

    def _refresh(self) -> None:
        """Colours, goals and numbers of every row follow what is chosen."""
        used = {each.colour for each in self._state.objects}
        fresh = (colour for colour in map(object_colour, itertools.count()) if colour not in used)
        for item, row in zip(self._items, self.rows, strict=True):
            thing = self._thing(row)
            if row.goal == "new":
                row.colour = next(fresh)
            else:
                row.colour = thing.colour if thing is not None else _LEFT_OUT
            left_out = row.goal == "left out"
            item.setIcon(_OBJECT, _swatch(None if left_out else row.colour))
            item.setText(_BECOMES, self._words(row))
            kept = self.kept(row)
            item.setText(_KEPT, f"{kept:,}" if kept else "–")
            role = QPalette.ColorRole.PlaceholderText if left_out else QPalette.ColorRole.Text
            for column in range(4):
                item.setForeground(column, self.palette().brush(QPalette.ColorGroup.Active, role))

    def _words(self, row: ImportRow) -> str:
        if row.goal == "new":
            return tr("New object")
        thing = self._thing(row)
        return tr("Left out") if thing is None else tr("Goes to “{name}”", name=thing.name)

    def _thing(self, row: ImportRow) -> StudioObject | None:
        return self._state.object(row.goal) if isinstance(row.goal, int) else None

    def kept(self, row: ImportRow) -> int:
        """How many frames of a row are locked, and stay as they are."""
        return int(self._locks(row, row.plan.frames).sum())

    def put(self, row: ImportRow) -> int:
        """How many masks of a row are taken."""
        return int((~self._locks(row, row.seen)).sum())

    def _locks(self, row: ImportRow, frames: np.ndarray) -> np.ndarray:
        thing = self._thing(row)
        if thing is None or thing.locked:
            return np.full(len(frames), thing is not None)
        return self._state.results(thing.object_id).locks(frames)

    # -- what is chosen ----------------------------------------------------------------------------------------------

    def taken(self) -> list[ImportRow]:
        """The rows that are not left out."""
        return [row for row in self.rows if row.goal != "left out"]

    def doubled(self) -> str:
        """The name of an object that two rows go to, which cannot be; empty: there is none."""
        goals = Counter(row.goal for row in self.rows if isinstance(row.goal, int))
        twice = next((goal for goal, number in goals.items() if number > 1), None)
        thing = self._state.object(twice) if twice is not None else None
        return thing.name if thing is not None else ""

    def summary(self) -> str:
        """What the import would do, in a sentence or two."""
        rows = self.taken()
        masks, kept = sum(map(self.put, rows)), sum(map(self.kept, rows))
        new = sum(row.goal == "new" for row in rows)
        taken = {row.plan.source.object_id for row in rows}
        said_of = (each for row in rows for each in row.plan.expressions)
        sentences = len({each.expression_id for each in said_of if taken.issuperset(each.object_ids or ())})
        parts = [
            count(new, "new object", "new objects") if new else "",
            count(len(rows) - new, "object that is there", "objects that are there") if len(rows) > new else "",
        ]
        said = tr(
            "{masks} and {sentences} for {objects}.",
            masks=count(masks, "mask", "masks"),
            sentences=count(sentences, "sentence", "sentences"),
            objects=tr(" and ").join(filter(None, parts)),
        )
        stay = count(kept, "locked frame stays as it is", "locked frames stay as they are")
        return f"{said} {stay}." if kept else said

    def _selected(self) -> list[ImportRow]:
        return [self.rows[item.data(_OBJECT, _ROW)] for item in self.table.selectedItems()]

    def _on_selected(self) -> None:
        rows = self._selected()
        goals = {row.goal for row in rows}
        self.goal.setEnabled(bool(rows))
        self.goal.setCurrentIndex(self.goal.findData(goals.pop()) if len(goals) == 1 else -1)
        if len(rows) == 1:
            name = self._of.fontMetrics().elidedText(rows[0].name, Qt.TextElideMode.ElideRight, _NAME_PX)
            self._of.setText(tr("“{name}” becomes", name=name))
        else:
            self._of.setText(tr("The {number} selected become", number=len(rows)) if rows else "")

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.shown.emit(self.rows[item.data(_OBJECT, _ROW)] if item is not None else None)

    def _on_goal(self, index: int) -> None:
        for row in self._selected():
            row.goal = self.goal.itemData(index)
        self._refresh()
        self._on_current(self.table.currentItem())
        self.changed.emit()


def _seen(plan: ObjectPlan) -> np.ndarray:
    return np.asarray(plan.frames[plan.in_sight])


def _swatch(colour: tuple[int, int, int] | None) -> QIcon:
    picture = QPixmap(_SWATCH_PX, _SWATCH_PX)
    picture.fill(QColor(*colour) if colour is not None else Qt.GlobalColor.transparent)
    return QIcon(picture)
