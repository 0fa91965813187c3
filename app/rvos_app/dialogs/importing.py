"""Import annotations: where from, which clip and frames, what becomes of each object, a picture of it.

Reading and importing go on in jobs; Cancel stops them. Nothing changes before Import.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from rvos_app.dialogs.import_clips import ImportClips
from rvos_app.dialogs.import_frames import ImportFrames
from rvos_app.dialogs.import_lists import ImportLists
from rvos_app.dialogs.import_objects import ImportObjects, ImportRow
from rvos_app.dialogs.import_preview import ROOM, ImportPreview
from rvos_app.dialogs.import_where import ImportWhere
from rvos_app.errors import ErrorReport
from rvos_app.i18n import count, tr
from rvos_app.jobs.import_jobs import ImportApplied, ImportPicture, ImportSource
from rvos_app.panels.parts import label, set_role
from rvos_app.state import StudioState
from rvos_core.formats.project_import import ImportPlan

if TYPE_CHECKING:
    from rvos_app.controllers.importing import Importing

_SIZE = (940, 690)
_WITH_CLIPS = 1140  # pixels of width


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
        clip = self._state.clip
        self.where = ImportWhere(clip.path.parent if clip is not None else Path.home())
        self.frames = ImportFrames()
        self.where.add_row(tr("Frames"), self.frames)
        self.frames.setEnabled(False)
        self.clips = ImportClips()
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
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.clips)
        middle.addWidget(self.objects, stretch=1)
        middle.addWidget(self.preview, alignment=Qt.AlignmentFlag.AlignTop)
        buttons = QDialogButtonBox()
        buttons.addButton(self.import_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.close_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.close_button.setAutoDefault(False)
        self.import_button.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(12)
        layout.addWidget(self.where)
        layout.addLayout(middle, stretch=1)
        layout.addWidget(self.lists)
        layout.addWidget(self._bar)
        layout.addWidget(self._line)
        layout.addWidget(buttons)

    def _connect(self) -> None:
        self.where.asked.connect(self._read)
        self.where.edited.connect(self._forget)
        self.clips.chosen.connect(self._on_clip)
        self.frames.shifted.connect(self._plan_clip)
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
        self.where.take(path)

    def _read(self, *, clip: str = "") -> None:
        """Read what is named. `clip`: that is wanted of it; empty: the one that is called as the open clip."""
        path = self.where.named
        if path is not None:
            self._show_plan(None)
            self._begin(tr("Reading …"))
            self._importing.read_from(path, self.where.format.currentData(), self.where.split.currentData() or "", clip)

    def _forget(self) -> None:
        """Another source is being named: what was read of the former one goes."""
        self._source = None
        self.where.show_source("", ())
        self.clips.fill((), "")
        self.frames.set_shift(0)
        self.frames.setEnabled(False)
        self._show_plan(None)
        self._say(tr("Press Enter to read it."))

    @Slot(object)
    def _on_read(self, source: ImportSource) -> None:
        self.where.show_source(source.format.title, source.splits, split=source.split)
        former, self._source = self._source, source
        if former is None or former.names != source.names:
            self.clips.fill(source.names, source.suggested)
            self.frames.set_shift(0)
            if not self.clips.isHidden() and self.width() < _WITH_CLIPS:
                self.resize(_WITH_CLIPS, self.height())
        self._plan_clip()

    @Slot(str)
    def _on_clip(self, name: str) -> None:
        if self._source is not None and self._source.clip(name) is None:
            self._read(clip=name)
        else:
            self._plan_clip()

    @property
    def _clip_name(self) -> str:
        return self.clips.current or (self._source.suggested if self._source is not None else "")

    def _plan_clip(self) -> None:
        if self._source is not None and self._source.clip(self._clip_name) is not None:
            self._show_plan(None)
            self._begin(tr("Looking at every mask …"))
            self._importing.plan(self._source, self._clip_name, self.frames.shift.value())

    @Slot(object)
    def _on_planned(self, plan: ImportPlan) -> None:
        self._end()
        self._show_plan(plan)
        self.frames.setEnabled(True)
        if not self._is_choosing():
            self.objects.table.setFocus()

    def _is_choosing(self) -> bool:
        """Whether a person goes along the clips or turns at the frames, which reading must not disturb."""
        focus = self.focusWidget()
        return focus is not None and (self.clips.isAncestorOf(focus) or self.frames.isAncestorOf(focus))

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _show_plan(self, plan: ImportPlan | None) -> None:
        self._plan = plan
        clip = plan.clips[0] if plan is not None else None
        self.frames.show_match(clip, with_name=not self.clips.isHidden())
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
        elif self._is_another_clip():
            said = tr("“{clip}” is not called as the open clip is: look whether it is that one.", clip=self._clip_name)
            self._say(f"{said} {self.objects.summary()}", role="warn")
        else:
            self._say(self.objects.summary())

    def _is_another_clip(self) -> bool:
        """Whether one of several clips is chosen whose name is not that of the open one."""
        source = self._source
        if source is None or len(source.names) < 2:
            return False
        return self._clip_name.casefold() != source.own.casefold()

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
        self._begin(tr("Importing …"), stays=False)
        self._importing.apply(self._source, self._plan, goals)

    def _begin(self, sentence: str, *, stays: bool = True) -> None:
        """Work begins. `stays`: another clip or shift may be chosen meanwhile, and takes its place."""
        choosing = stays and self._is_choosing()
        self.where.setEnabled(choosing)
        self.clips.setEnabled(choosing)
        self.objects.setEnabled(False)
        self.lists.setEnabled(False)
        self.import_button.setEnabled(False)
        self._bar.setRange(0, 0)
        self._bar.show()
        self._say(sentence)
        if not choosing:
            self.close_button.setFocus()

    def _end(self) -> None:
        self.where.setEnabled(True)
        self.clips.setEnabled(True)
        for each in (self.objects, self.lists):
            each.setEnabled(self._plan is not None)
        self._bar.hide()

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
        if not self._is_choosing():
            self.where.path.setFocus()

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
