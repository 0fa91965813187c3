"""Where a person says what to find, and sees what that will cost and how far it is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import count, duration, memory, tr
from rvos_app.panels.parts import ActionButton, label, set_role
from rvos_app.state import RunPhase, RunStatus
from rvos_core.inference.events import RunCost

_LONGEST = 20_000


class ExpressionBar(QWidget):
    """The sentence, Run, Pause and Cancel; below them one line: the cost of the next run, or the progress of this one.

    Signals:
        submitted(): Enter was pressed in the field.
    """

    submitted = Signal()

    def __init__(self, field: ExpressionField, hub: ActionHub) -> None:
        super().__init__()
        self.field = field
        self.field.returnPressed.connect(self.submitted)
        self._run = ActionButton(hub.action("run.start"), text=tr("Run"), primary=True)
        self._pause = ActionButton(hub.action("run.pause"), text=tr("Pause"), flat=False)
        self._cancel = ActionButton(hub.action("run.cancel"), text=tr("Cancel"), flat=False)
        self._line = label(role="muted")
        self._line.setAccessibleName(tr("Cost and progress"))
        self._line.setMinimumWidth(1)  # a long sentence must not widen the window
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(220)
        self._progress.setAccessibleName(tr("Progress of the run"))
        self._progress.hide()
        self._cost: RunCost | None = None
        self._clip_open = False
        self._loading = False
        self._status = RunStatus()
        self._notice = ""
        self._warns = True
        self._lay_out()
        self._tell()

    def _lay_out(self) -> None:
        upper = QHBoxLayout()
        upper.setSpacing(6)
        for widget in (self.field, self._run, self._pause, self._cancel):
            upper.addWidget(widget, stretch=1 if widget is self.field else 0)
        lower = QHBoxLayout()
        lower.setSpacing(10)
        lower.addWidget(self._line, stretch=1)
        lower.addWidget(self._progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(4)
        layout.addLayout(upper)
        layout.addLayout(lower)

    # -- what it shows -------------------------------------------------------------------------------------------

    @property
    def expression(self) -> str:
        """The sentence as typed."""
        return self.field.text()

    @property
    def line_text(self) -> str:
        """The line below the field."""
        return self._line.text()

    def set_expression(self, text: str) -> None:
        """Put a sentence into the field, unless a person is typing there."""
        if not self.field.hasFocus():
            self.field.setText(text)

    def set_suggestions(self, expressions: list[str]) -> None:
        """What the field offers to complete, the latest first."""
        self.field.set_suggestions(expressions)

    def set_clip_open(self, is_open: bool) -> None:
        """Nothing can be typed for no clip."""
        self._clip_open = is_open
        self.field.setEnabled(is_open)
        self._tell()

    def set_loading(self, loading: bool) -> None:
        """Say that the model is being loaded."""
        self._loading = loading
        self._tell()

    def set_cost(self, cost: RunCost | None) -> None:
        """Say what the next run would cost."""
        self._cost = cost
        self._tell()

    def set_notice(self, text: str, *, warns: bool = True) -> None:
        """A sentence on the field's own matter (nothing typed, what was found); gone with the next key or run."""
        self._notice, self._warns = text, warns
        self._tell()

    def set_status(self, status: RunStatus) -> None:
        """Show the run's progress."""
        self._status = status
        if status.active:
            self._notice = ""
        self._tell()

    def _tell(self) -> None:
        status = self._status
        self._progress.setVisible(status.active or self._loading)
        if status.active and status.windows:
            self._progress.setRange(0, status.windows)
            self._progress.setValue(status.windows_done)
        elif status.active or self._loading:
            self._progress.setRange(0, 0)
        self._line.setText(self._notice or self._sentence())
        self._line.setToolTip(self._notice)
        set_role(self._line, "warn" if self._notice and self._warns else "muted")

    def _sentence(self) -> str:
        if self._status.active:
            return progress_line(self._status)
        if self._loading:
            return tr("Loading the model; the first time takes a few seconds …")
        if not self._clip_open:
            return tr("Open a clip, then describe one object in it.")
        if self._cost is not None:
            return cost_line(self._cost)
        return tr("Describe one object: what it is, its colour, where it is, what it does.")


class ExpressionField(QLineEdit):
    """A line with history: typing completes, Down in an empty field shows all."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("big", True)
        self.setPlaceholderText(tr("Describe one object, e.g. the man in red riding a bike"))
        self.setAccessibleName(tr("Describe the object to find"))
        self.setToolTip(tr("Describe one object and press Enter (Ctrl+L to come here)"))
        self.setClearButtonEnabled(True)
        self.setMaxLength(_LONGEST)
        self._model = QStringListModel(self)
        completer = QCompleter(self._model, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(12)
        self.setCompleter(completer)
        self.installEventFilter(self)

    def set_suggestions(self, expressions: list[str]) -> None:
        self._model.setStringList(expressions)

    def event(self, event: QEvent) -> bool:
        """Undo and redo belong to the text as long as there is typing to take back, then to the document."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            undo = event.matches(QKeySequence.StandardKey.Undo) and not self.isUndoAvailable()
            redo = event.matches(QKeySequence.StandardKey.Redo) and not self.isRedoAvailable()
            if undo or redo:
                event.ignore()
                return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed_down = (
            isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Down
        )
        if pressed_down and not self.text():
            self.completer().setCompletionPrefix("")
            self.completer().complete()
            return True
        return super().eventFilter(watched, event)


def cost_line(cost: RunCost) -> str:
    """`12 windows · about 40 s · 640 MB`: what a run will take."""
    parts = [count(cost.windows, "window", "windows")]
    parts.append(
        tr("about {time}", time=duration(cost.seconds))
        if cost.seconds is not None
        else tr("time known after the first window")
    )
    parts.append(tr("{memory} of memory", memory=memory(cost.memory_mib)))
    return tr("This run: {parts}", parts=" · ".join(parts))


def progress_line(status: RunStatus) -> str:
    """What the run is doing, for a person."""
    waiting = f" · {tr('{n} waiting', n=status.waiting)}" if status.waiting else ""
    done = tr("window {done} of {all}", done=status.windows_done, all=status.windows)
    if status.phase is RunPhase.STOPPING:
        return tr("Stopping after this window; finished frames are kept …")
    if status.phase is RunPhase.PAUSED:
        return tr("Paused at {done}", done=done) + waiting
    if status.phase is RunPhase.LOADING or not status.windows:
        return tr("Preparing the run …") + waiting
    left = f" · {tr('about {time} left', time=duration(status.eta_s))}" if status.eta_s is not None else ""
    return tr("Running: {done}", done=done) + left + waiting
