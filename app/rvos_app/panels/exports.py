"""The exports panel: a row for each order, what it does now, what came of it; what was interrupted waits to go on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from rvos_app.actions.icons import icon
from rvos_app.controllers.export import ExportController
from rvos_app.i18n import count, duration, tr
from rvos_app.panels.parts import label, set_role
from rvos_core.orders import Entry, State

_ICON_PX = 16


class ExportsPanel(QWidget):
    """Signals: asked_for_folder(str): a path whose folder is to be shown."""

    asked_for_folder = Signal(str)

    def __init__(self, exports: ExportController) -> None:
        super().__init__()
        self._exports = exports
        self.rows: dict[str, ExportRow] = {}
        self._offer = label(wraps=True)
        self.go_on = QPushButton(tr("Go On With All"))
        self.go_on.setProperty("primary", True)
        self.go_on.clicked.connect(self._on_go_on)
        self._banner = QFrame()
        self._banner.setProperty("role", "card")
        banner = QVBoxLayout(self._banner)
        banner.setContentsMargins(10, 8, 10, 10)
        banner.setSpacing(8)
        banner.addWidget(self._offer)
        banner.addWidget(self.go_on, alignment=Qt.AlignmentFlag.AlignLeft)
        self._empty = label(tr("What you export is listed here."), role="muted", wraps=True)
        self.clear = QPushButton(tr("Clear Finished"))
        self.clear.setToolTip(tr("Take finished, failed and cancelled exports off the list; files stay"))
        self.clear.clicked.connect(exports.remove_ended)
        body = QWidget()
        self._list = QVBoxLayout(body)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(8)
        self._list.setAlignment(Qt.AlignmentFlag.AlignTop)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(8)
        layout.addWidget(self._banner)
        layout.addWidget(self._empty)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(self.clear, alignment=Qt.AlignmentFlag.AlignLeft)
        exports.changed.connect(self._refresh)
        exports.entry_changed.connect(self._on_entry)
        self.asked_for_folder.connect(_open_folder)
        self._interrupted: set[str] = set()
        self._refresh()

    def offer_unfinished(self) -> None:
        """Say that exports were interrupted, and offer to go on with them."""
        self._interrupted = {each.order.order_id for each in self._exports.unfinished}
        self._show_banner()

    def _refresh(self) -> None:
        entries = {each.order.order_id: each for each in self._exports.entries}
        for gone in self.rows.keys() - entries.keys():
            row = self.rows.pop(gone)
            row.hide()
            row.deleteLater()
        for order_id, entry in entries.items():
            if order_id not in self.rows:
                row = self.rows[order_id] = ExportRow(entry, self._exports)
                row.asked_for_folder.connect(self.asked_for_folder)
        self._show_rest()

    def _on_entry(self, entry: Entry) -> None:
        row = self.rows.get(entry.order.order_id)
        if row is not None and row.show_entry(entry):
            self._show_rest()

    def _show_rest(self) -> None:
        entries = self._exports.entries
        line = [each for each in entries if each.state.is_open]  # as they will be done; then the latest first
        wanted = [*line, *reversed([each for each in entries if not each.state.is_open])]
        for place, entry in enumerate(wanted):
            row = self.rows[entry.order.order_id]
            if self._list.indexOf(row) != place:
                self._list.insertWidget(place, row)
        self._empty.setVisible(not entries)
        self.clear.setVisible(any(not each.state.is_open for each in entries))
        self._show_banner()

    def _show_banner(self) -> None:
        left = [each for each in self._exports.unfinished if each.order.order_id in self._interrupted]
        self._banner.setVisible(bool(left))
        words = count(len(left), "export was not finished", "exports were not finished")
        self._offer.setText(tr("{what} when the studio ended. What was written is kept.", what=words))

    def _on_go_on(self) -> None:
        for entry in self._exports.unfinished:
            if entry.order.order_id in self._interrupted:
                self._exports.resume(entry.order.order_id)


class ExportRow(QFrame):
    """One order. Signals: asked_for_folder(str)."""

    asked_for_folder = Signal(str)

    def __init__(self, entry: Entry, exports: ExportController) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._exports = exports
        self._entry = entry
        order = entry.order
        self._title = QElidingLabel(order.title)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._place = QElidingLabel()
        self._place.setElideMode(Qt.TextElideMode.ElideMiddle)
        self._place.setProperty("role", "muted")
        self._place.setToolTip(str(order.target))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Export progress"))
        self._line = label(role="muted", wraps=True)
        self._details = label(role="muted", wraps=True)
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._details.hide()
        order_id = order.order_id
        self.pause = self._button(tr("Pause; exports behind it wait, too"), lambda: exports.pause(order_id))
        self.resume = self._button(tr("Go on"), lambda: exports.resume(order_id))
        self.cancel = self._button(tr("Cancel; nothing unfinished is kept"), lambda: exports.cancel(order_id))
        self.folder = self._button(tr("Show in Folder"), self._ask_for_folder)
        self.more = self._button(tr("What reading back found"), self._toggle_details)
        self.more.setCheckable(True)
        self.remove = self._button(tr("Take off the list; files stay"), lambda: exports.remove(order_id))
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self._title, stretch=1)
        for button in (self.pause, self.resume, self.more, self.folder, self.cancel, self.remove):
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 8)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self._place)
        layout.addWidget(self.bar)
        layout.addWidget(self._line)
        layout.addWidget(self._details)
        self._set_icons()
        self.show_entry(entry)

    @property
    def words(self) -> str:
        """What the row says."""
        return self._line.text()

    @property
    def details(self) -> str:
        """What reading back found."""
        return self._details.text()

    def show_entry(self, entry: Entry) -> bool:
        """Show how the order stands. Returns: whether it is in another state than before."""
        is_other = entry.state is not self._entry.state
        self._entry = entry
        state = entry.state
        self.bar.setVisible(state.is_open)
        self.bar.setRange(0, entry.total or (0 if state is State.RUNNING else 1))
        self.bar.setValue(entry.done)
        self._place.setText(_place(entry))
        self._line.setText(self._sentence(entry))
        set_role(self._line, {State.FAILED: "error", State.DONE: ""}.get(state, "muted"))
        self._details.setText("\n".join(entry.findings))
        self.pause.setVisible(state in (State.RUNNING, State.WAITING))
        self.resume.setVisible(state in (State.PAUSED, State.FAILED, State.CANCELLED))
        self.resume.setToolTip(tr("Go on") if state is State.PAUSED else tr("Try again"))
        self.cancel.setVisible(state.is_open)
        self.remove.setVisible(not state.is_open)
        self.folder.setVisible(state is State.DONE)
        self.more.setVisible(bool(entry.findings))
        return is_other

    def _sentence(self, entry: Entry) -> str:
        if entry.state is State.RUNNING:
            return self._at_work(entry)
        if entry.state is State.DONE:
            what = count(len(entry.outputs), "output", "outputs")
            return tr("{what}, read back and found as meant.", what=what)
        if entry.state is State.FAILED:
            return f"{entry.problem} {entry.hint}".strip()
        if entry.state is State.PAUSED:
            if not entry.total:
                return tr("Paused")
            return tr("Paused at {done} of {total} frames", done=entry.done, total=entry.total)
        return tr("Waiting in line") if entry.state is State.WAITING else tr("Cancelled; nothing unfinished is left.")

    def _at_work(self, entry: Entry) -> str:
        if not entry.total:
            return tr("Beginning …")
        read = self._exports.read_back(entry.order.order_id)
        if read is not None:
            return tr("Reading back what was written: {done} of {total} frames", done=read[0], total=read[1])
        if entry.done >= entry.total:
            return tr("Reading back what was written …")
        words = tr("{done} of {total} frames", done=entry.done, total=entry.total)
        left_s = self._exports.seconds_left(entry.order.order_id)
        return words if left_s is None else f"{words}   ·   " + tr("{time} left", time=duration(left_s))

    def _button(self, tip: str, do: object) -> QToolButton:
        made = QToolButton()
        made.setToolTip(tip)
        made.setAccessibleName(tip.partition(";")[0])
        made.setProperty("flat", True)
        made.setIconSize(QSize(_ICON_PX, _ICON_PX))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(do)
        return made

    def _set_icons(self) -> None:
        for button, name in (
            (self.pause, "ph.pause"),
            (self.resume, "ph.play"),
            (self.more, "ph.info"),
            (self.folder, "ph.folder-open"),
            (self.cancel, "ph.x"),
            (self.remove, "ph.trash"),
        ):
            button.setIcon(icon(name))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "remove"):
            self._set_icons()

    def _toggle_details(self) -> None:
        self._details.setVisible(self.more.isChecked())

    def _ask_for_folder(self) -> None:
        if self._entry.outputs:
            self.asked_for_folder.emit(str(self._entry.outputs[0]))


def _place(entry: Entry) -> str:
    """Where it goes; while it is at work the output that is being written, as all have equally many frames."""
    count = len(entry.outputs)
    if entry.state is not State.RUNNING or not entry.total or count < 2:
        return str(entry.order.target)
    at = min(entry.done * count // entry.total, count - 1)
    return tr("{number} of {count}: {name}", number=at + 1, count=count, name=entry.outputs[at].name)


def _open_folder(path: str) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(path).resolved(QUrl(".")))
