"""The foot of the export dialog: size, time, room on the disk, what is replaced, what is in the way and its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from rvos_app.errors import ErrorReport
from rvos_app.i18n import count, duration, memory, tr
from rvos_app.panels.parts import label, set_role
from rvos_core.delivery.plan_checks import Problem
from rvos_core.orders import OrderPlan

_CHOICES = {"pad": "Repeat the Last Line", "crop": "Leave It Out", "444": "Take 4:4:4"}
_OTHER_FOLDER = frozenset(
    {
        *("files.disk_full", "files.read_only", "files.no_permission", "files.not_a_folder", "files.foreign_files"),
        *("files.is_a_folder", "files.folder_gone", "files.io_error", "files.write_failed", "files.name_too_long"),
    }
)
_USUAL_NAMES = frozenset({"delivery.same_name", "delivery.naming", "delivery.long_name"})
_HEIGHT_PX = 92
_NAMED = 4  # files in a sentence

Line = tuple[str, str, Sequence[tuple[str, Callable[[], object]]]]  # words, role, buttons


class PlanFoot(QFrame):
    """Says what the plan knows.

    Signals:
        odd_size_chosen(str): a way of making an odd size even.
        overlap_chosen(str): what is done where objects share pixels.
        folder_wanted(), usual_names_wanted(), even_rate_wanted(): other remedies.
    """

    odd_size_chosen = Signal(str)
    overlap_chosen = Signal(str)
    folder_wanted = Signal()
    usual_names_wanted = Signal()
    even_rate_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.remedies: list[QPushButton] = []
        self._lines: list[str] = []
        self._summary = label(role="muted")
        self._summary.setAccessibleName(tr("Export status"))
        self._body = QWidget()
        self._rows = QVBoxLayout(self._body)
        self._rows.setContentsMargins(0, 0, 8, 0)
        self._rows.setSpacing(4)
        scroll = QScrollArea()
        scroll.setWidget(self._body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedHeight(_HEIGHT_PX)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._summary)
        layout.addWidget(scroll)

    @property
    def status(self) -> str:
        """Everything that it says."""
        return "\n".join([self._summary.text(), *self._lines])

    def say(self, text: str, *, role: str = "muted") -> None:
        """One line in place of a plan."""
        self._summary.setText(text)
        set_role(self._summary, role)
        self._show([])

    def show_problem(self, report: ErrorReport) -> None:
        """Nothing can be planned, and why."""
        self._summary.setText(tr("This cannot be exported."))
        set_role(self._summary, "error")
        words = f"{report.message} {report.hint}".strip()
        self._show([(words, "error", self._buttons(report.code, ()))])

    def show_plan(self, plan: OrderPlan, *, frame_s: float, awaited: Sequence[Path] = ()) -> None:
        """What an order would do.

        Args:
            frame_s: what computing a frame with all its objects takes.
            awaited: outputs that an order in the line makes, too.
        """
        pictures = sum(len(each.frames.sources) for each in plan.deliveries)
        parts = [
            count(len(plan.outputs), "output", "outputs"),
            count(plan.frames, "frame", "frames"),
            _size(plan.expected_bytes),
            tr("about {time} of work", time=duration(max(1.0, plan.expected_s + pictures * frame_s))),
        ]
        if plan.free_bytes is not None:
            parts.append(tr("{size} free", size=memory(plan.free_bytes / 2**20)))
        self._summary.setText("   ·   ".join(parts))
        set_role(self._summary, "")
        lines: list[Line] = [self._problem_line(each) for each in plan.problems]
        lines.append((_what_comes(plan), "muted", ()))
        if plan.replaces:
            names = _named(plan.replaces)
            what = count(len(plan.replaces), "finished output", "finished outputs")
            lines.append((tr("Replaces {what}: {names}", what=what, names=names), "warn", ()))
        if awaited:
            words = tr(
                "An export that is not finished makes {names}, too; the later one replaces it.", names=_named(awaited)
            )
            lines.append((words, "warn", ()))
        if plan.unlooked:
            words = tr(
                "{missing} of the frames have no result yet and are written without a mask.", missing=plan.unlooked
            )
            lines.append((words, "warn", ()))
        elif not plan.problems:
            lines.append((tr("Every frame has a result."), "muted", ()))
        known = {each.spec.kind.note for each in plan.deliveries}  # said above the settings
        lines += [(note, "muted", ()) for note in plan.notes if note not in known]
        self._show(lines)

    def _problem_line(self, problem: Problem) -> Line:
        buttons = self._buttons(problem.code, problem.choices)
        has_own_words = problem.choices or problem.code == "formats.overlap"  # the buttons say what the hint says
        words = problem.message if has_own_words else f"{problem.message} {problem.hint}".strip()
        return words, "error" if problem.blocks else "warn", buttons

    def _buttons(self, code: str, choices: Sequence[str]) -> list[tuple[str, Callable[[], object]]]:
        found: list[tuple[str, Callable[[], object]]] = [
            (tr(_CHOICES[each]), partial(self.odd_size_chosen.emit, each)) for each in choices if each in _CHOICES
        ]
        if code in _OTHER_FOLDER:
            found.append((tr("Choose Another Place…"), self.folder_wanted.emit))
        if code in _USUAL_NAMES:
            found.append((tr("Take the Usual Names"), self.usual_names_wanted.emit))
        if code == "formats.overlap":
            found.append((tr("Last One on Top"), partial(self.overlap_chosen.emit, "order")))
        if code == "delivery.variable_rate":
            found.append((tr("Make the Rate Even"), self.even_rate_wanted.emit))
        return found

    def _show(self, lines: Sequence[Line]) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.remedies = []
        self._lines = [words for words, _, _ in lines]
        for words, role, buttons in lines:
            row = QWidget()
            layout = QHBoxLayout(row)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(6)
            layout.addWidget(label(words, role=role, wraps=True), stretch=1)
            for text, do in buttons:
                button = QPushButton(text)
                button.setAutoDefault(False)
                button.clicked.connect(do)
                layout.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
                self.remedies.append(button)
            self._rows.addWidget(row)
        self._rows.addStretch(1)


def _what_comes(plan: OrderPlan) -> str:
    """The names of outputs, and of what comes with them."""
    words = tr("Makes {names}", names=_named(plan.outputs))
    return words + tr("; with {names}", names=_named(plan.beside)) if plan.beside else words


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths[:_NAMED]) + (", …" if len(paths) > _NAMED else "")


def _size(expected_bytes: int) -> str:
    mib = expected_bytes / 2**20
    return tr("about {size}", size=memory(mib)) if mib >= 1 else tr("less than 1 MB")
