"""Import annotations: where from, which clip, what becomes of each object, a picture of it.

Reading and importing go on in jobs; Cancel stops them. Nothing changes before Import.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rvos_app.dialogs.import_lists import ImportLists
from rvos_app.dialogs.import_objects import ImportObjects, ImportRow
from rvos_app.dialogs.import_preview import ROOM, ImportPreview
from rvos_app.errors import ErrorReport
from rvos_app.i18n import count, tr
from rvos_app.jobs.import_jobs import ImportApplied, ImportPicture, ImportSource
from rvos_app.panels.parts import label, set_role
from rvos_app.state import StudioState
from rvos_core.formats import registry
from rvos_core.formats.project_import import ImportPlan

if TYPE_CHECKING:
    from rvos_app.controllers.importing import Importing

_SIZE = (900, 660)


class ImportDialog(QDialog):
    """Signals: imported(str): a sentence on what was imported; the dialog is closed then."""

    imported = Signal(str)

    def __init__(self, state: StudioState, *, importing: Importing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Import Annotations"))
        self.resize(*_SIZE)
        self._state = state
        self._importing = importing
        self._source: ImportSource | None = None
        self._plan: ImportPlan | None = None
        self._row: ImportRow | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show_plan(None)
        self._bar.hide()
        self._say(tr("Choose a file of annotations, or the folder of a data set."))

    # -- building ----------------------------------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.path = QLineEdit()
        self.path.setAccessibleName(tr("File or folder of annotations"))
        self.path.setPlaceholderText(tr("A file (.json, .xml, .csv, .txt) or a folder"))
        self.file_button = QPushButton(tr("&File…"))
        self.folder_button = QPushButton(tr("F&older…"))
        self.format = _chooser(tr("Format"))
        self.format.addItem(tr("Detect"), "")
        for each in sorted(registry.FORMATS.values(), key=lambda one: one.title.casefold()):
            self.format.addItem(each.title, each.format_id)
            self.format.setItemData(self.format.count() - 1, each.layout, Qt.ItemDataRole.ToolTipRole)
        self.clip = _chooser(tr("Clip of the source"))
        self.objects = ImportObjects(self._state)
        self.preview = ImportPreview(self._state.clip)
        self.lists = ImportLists()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Import progress"))
        self._line = label(wraps=True)
        self._line.setTextFormat(Qt.TextFormat.PlainText)
        self._line.setAccessibleName(tr("Import status"))
        self.import_button = QPushButton(tr("Import"))
        self.import_button.setProperty("primary", True)
        self.close_button = QPushButton(tr("Cancel"))

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.setSpacing(6)
        where.addWidget(self.path, stretch=1)
        where.addWidget(self.file_button)
        where.addWidget(self.folder_button)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.addRow(tr("From"), where)
        form.addRow(tr("Format"), self.format)
        self._clip_name = QLabel(tr("Clip"))
        form.addRow(self._clip_name, self.clip)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.objects, stretch=1)
        middle.addWidget(self.preview, alignment=Qt.AlignmentFlag.AlignTop)
        buttons = QDialogButtonBox()
        buttons.addButton(self.import_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.close_button, QDialogButtonBox.ButtonRole.ActionRole)
        for each in (self.file_button, self.folder_button, self.close_button):
            each.setAutoDefault(False)
        self.import_button.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addLayout(middle, stretch=1)
        layout.addWidget(self.lists)
        layout.addWidget(self._bar)
        layout.addWidget(self._line)
        layout.addWidget(buttons)

    def _connect(self) -> None:
        self.path.returnPressed.connect(self._read)
        self.path.textEdited.connect(self._forget)
        self.file_button.clicked.connect(self._choose_file)
        self.folder_button.clicked.connect(self._choose_folder)
        self.format.activated.connect(self._read)
        self.clip.activated.connect(self._plan_clip)
        self.objects.changed.connect(self._on_goals)
        self.objects.shown.connect(self._on_shown)
        self.preview.asked.connect(self._on_asked)
        self.import_button.clicked.connect(self._apply)
        self.close_button.clicked.connect(self.reject)
        importing = self._importing
        importing.progressed.connect(self._on_progressed)
        importing.read.connect(self._on_read)
        importing.planned.connect(self._on_planned)
        importing.applied.connect(self._on_applied)
        importing.failed.connect(self._on_failed)
        importing.cancelled.connect(self._on_cancelled)
        importing.drawn.connect(self._on_drawn)
        importing.not_drawn.connect(self._on_not_drawn)

    # -- where from --------------------------------------------------------------------------------------------------

    def take(self, path: Path) -> None:
        """Read this file or folder."""
        self.path.setText(str(path))
        self._read()

    def _choose_file(self) -> None:
        self._choose(QFileDialog.FileMode.ExistingFile, tr("Annotations"))

    def _choose_folder(self) -> None:
        self._choose(QFileDialog.FileMode.Directory, tr("Folder of Annotations"))

    def _choose(self, mode: QFileDialog.FileMode, title: str) -> None:
        clip = self._state.clip
        start = self.path.text() or str(clip.path.parent if clip is not None else Path.home())
        dialog = QFileDialog(self, title, start)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.open()

    def _on_chosen(self, path: str) -> None:
        self.take(Path(path))

    def _read(self) -> None:
        text = self.path.text().strip()
        if not text:
            return
        self._forget()
        self._begin(tr("Reading …"))
        self._importing.read_from(Path(text).expanduser(), self.format.currentData())

    def _forget(self) -> None:
        """Another source is being named: what was read of the former one goes."""
        self._source = None
        self.clip.clear()
        self.format.setItemText(0, tr("Detect"))
        self._show_plan(None)
        self._say(tr("Press Enter to read it."))

    @Slot(object)
    def _on_read(self, source: ImportSource) -> None:
        self._source = source
        clips = source.annotations.clips
        self.format.setItemText(0, tr("Detected: {format}", format=source.format.title))
        self.clip.addItems([each.name for each in clips])
        clip = self._state.clip
        own = "" if clip is None else clip.path.name if clip.path.is_dir() else clip.path.stem
        self.clip.setCurrentIndex(max(self.clip.findText(own, Qt.MatchFlag.MatchFixedString), 0))
        self._show_clip_line()
        self._plan_clip()

    def _plan_clip(self) -> None:
        if self._source is not None:
            self._show_plan(None)
            self._begin(tr("Looking at every mask …"))
            self._importing.plan(self._source, self.clip.currentIndex())

    @Slot(object)
    def _on_planned(self, plan: ImportPlan) -> None:
        self._end()
        self._show_plan(plan)
        self.objects.table.setFocus()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show_clip_line(self) -> None:
        several = self.clip.count() > 1
        self.clip.setVisible(several)
        self._clip_name.setVisible(several)

    def _show_plan(self, plan: ImportPlan | None) -> None:
        self._plan = plan
        clip = plan.clips[0] if plan is not None else None
        self._show_clip_line()
        self.objects.show_plan(clip)
        for each in (self.objects, self.preview, self.lists):
            each.setEnabled(plan is not None)
        self._list_sentences()
        source = self._source if plan is not None else None
        self.lists.show_notes(plan.notes if plan is not None else (), source.format if source is not None else None)
        self._judge()

    def _list_sentences(self) -> None:
        said = self._plan.clips[0].clip.expressions if self._plan is not None else ()
        self.lists.show_sentences(said, self.objects.taken())

    def _on_goals(self) -> None:
        self._list_sentences()
        self._judge()

    def _judge(self) -> None:
        """What Import would do, or why it cannot."""
        rows, doubled = self.objects.taken(), self.objects.doubled()
        ready = self._plan is not None and bool(rows) and not doubled and not self._importing.active
        self.import_button.setEnabled(ready)
        if self._plan is None or self._importing.active:
            return
        if not self.objects.rows:
            self._say(tr("There is no object in it. Choose another clip or file."), role="warn")
        elif doubled:
            self._say(tr("Two objects cannot both go to “{name}”. Choose another for one.", name=doubled), role="warn")
        elif not rows:
            self._say(tr("Everything is left out."), role="warn")
        else:
            self._say(self.objects.summary())

    def _say(self, text: str, *, role: str = "muted") -> None:
        self._line.setText(text)
        set_role(self._line, role)

    @property
    def status(self) -> str:
        """What the dialog says at its foot."""
        return self._line.text()

    # -- the picture -------------------------------------------------------------------------------------------------

    def _on_shown(self, row: ImportRow | None) -> None:
        same = row is not None and self._row is not None and row.plan is self._row.plan
        self._row = row
        if row is None:
            self.preview.show_nothing()
        elif same:
            self.preview.ask_again()
        else:
            self.preview.show_frames(row.seen)

    def _on_asked(self, frame: int) -> None:
        if self._plan is not None and self._row is not None:
            thing, colour = self._row.plan.source.object_id, self._row.colour
            self._importing.draw(self._plan.clips[0], thing, frame, colour=colour, room=ROOM)

    @Slot(object)
    def _on_drawn(self, drawn: ImportPicture) -> None:
        if self._row is not None:
            self.preview.show_picture(drawn)

    @Slot(object)
    def _on_not_drawn(self, report: ErrorReport) -> None:
        self.preview.say(f"{report.message} {report.hint}".strip())

    # -- the work ----------------------------------------------------------------------------------------------------

    def _apply(self) -> None:
        if self._source is None or self._plan is None:
            return
        name = self._plan.clips[0].clip.name
        goals = {(name, row.plan.source.object_id): row.goal for row in self.objects.rows}
        self._begin(tr("Importing …"))
        self._importing.apply(self._source, self._plan, goals)

    def _begin(self, sentence: str) -> None:
        self._enable_source(False)
        self.objects.setEnabled(False)
        self.lists.setEnabled(False)
        self.import_button.setEnabled(False)
        self._bar.setRange(0, 0)
        self._bar.show()
        self._say(sentence)
        self.close_button.setFocus()

    def _end(self) -> None:
        self._enable_source(True)
        for each in (self.objects, self.lists):
            each.setEnabled(self._plan is not None)
        self._bar.hide()

    def _enable_source(self, on: bool) -> None:
        for each in (self.path, self.file_button, self.folder_button, self.format, self.clip):
            each.setEnabled(on)

    @Slot(int, int)
    def _on_progressed(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    @Slot(object)
    def _on_applied(self, done: ImportApplied) -> None:
        objects = sum(len(clip.objects) for clip in done.plan.clips)
        self.imported.emit(
            tr(
                "Imported {masks} of {objects}; undo takes it back.",
                masks=count(sum(map(self.objects.put, self.objects.taken())), "mask", "masks"),
                objects=count(objects, "object", "objects"),
            )
        )
        self.accept()

    @Slot(object)
    def _on_failed(self, report: ErrorReport) -> None:
        self._end()
        self._judge()
        self._say(f"{report.message} {report.hint}".strip(), role="error")
        self.path.setFocus()

    @Slot()
    def _on_cancelled(self) -> None:
        self._end()
        self._judge()
        self._say(tr("Cancelled; nothing was changed."))

    def reject(self) -> None:
        """Cancel stops what is at work first; the second one closes."""
        if self._importing.active:
            self._say(tr("Stopping …"))
            self._importing.cancel()
            return
        super().reject()


def _chooser(name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(40)
    return made
