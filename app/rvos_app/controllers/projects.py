"""Projects as a person meets them: opened, saved, copied, relinked, recovered after a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QMainWindow

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.dialogs.open import choose_project, choose_video, start_folder
from rvos_app.dialogs.questions import ask_about_difference, ask_for_clip, ask_to_recover
from rvos_app.dialogs.snapshots import SnapshotDialog
from rvos_app.errors import ErrorReport, ErrorReporter
from rvos_app.i18n import tr
from rvos_app.jobs.job import Job, Ticket
from rvos_app.jobs.media_jobs import OpenedClip
from rvos_app.jobs.project_jobs import (
    CheckProject,
    CompareClip,
    OpenedProject,
    OpenProject,
    Recovered,
    RecoverProject,
    SearchClip,
)
from rvos_app.jobs.project_work import PROGRAM, Loaded, Standing
from rvos_app.jobs.queue import JobQueue
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.project.edits import Edit
from rvos_core.project.recovery import RecoveryReport
from rvos_core.project.relink import MediaDifference, relink, take_in
from rvos_core.project.schema import SUFFIX
from rvos_core.project.store import Project
from rvos_core.types import MediaInfo

_THUMBNAIL_PX = 96


@dataclass(frozen=True)
class _Pending:
    """A project that was loaded and waits for its clip. `snapshot`: go back to the latest one when it is there."""

    opened: OpenedProject
    snapshot: bool = False

    @property
    def loaded(self) -> Loaded:
        return self.opened.loaded


class ProjectFlow(QObject):
    """Joins the document, the clip and the dialogs of both."""

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
        reporter: ErrorReporter,
        window: QMainWindow,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._settings = settings
        self._reporter = reporter
        self._window = window
        self._wanted: _Pending | None = None  # its clip is being opened
        self._adding = False  # the clip that is being opened joins the open project
        self._waits: dict[Ticket, Callable[[object], object]] = {}
        self._snapshot_wanted = False
        self._recovered_from: RecoveryReport | None = None
        self._damaged: dict[Ticket, Path] = {}  # being opened
        self.dialog: QObject | None = None
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        clips.opened.connect(self._on_clip_opened)
        clips.failed.connect(self._on_clip_failed)
        documents.changed.connect(self._on_changed)

    # -- opening -----------------------------------------------------------------------------------------------------

    def open(self, path: Path, *, snapshot: bool = False) -> None:
        """Open a project (`snapshot`: and go back to the latest one), or a clip on its own."""
        self._forget_wanted()
        if path == self._documents.path:
            self._window.statusBar().showMessage(tr("{name} is open already.", name=path.stem), 8000)
            return
        self._snapshot_wanted = snapshot
        if path.suffix.lower() == SUFFIX:
            self._open_project(path)
        else:
            self._clips.open(path)

    def _open_project(self, path: Path) -> None:
        job = OpenProject(path, PROGRAM, tuple(self._documents.closing()))
        self._wait(job, self._on_loaded, damaged=path)

    def _recover(self, path: Path) -> None:
        self._window.statusBar().showMessage(tr("Recovering {name} …", name=path.name))
        self._wait(RecoverProject(path), self._on_recovered)

    def _on_recovered(self, found: object) -> None:
        assert isinstance(found, Recovered)
        self._recovered_from = found.report
        self._open_project(found.path)

    def choose(self) -> None:
        """Let the person choose a project."""
        choose_project(self._window, folder=start_folder(self._settings.recent_files), then=self._open_text)

    def add_clip(self) -> None:
        """Let the person choose a clip that joins the project."""
        choose_video(self._window, folder=start_folder(self._settings.recent_files), then=self._add_text)

    def next_clip(self) -> None:
        """Show the next clip of the project."""
        clips = self._documents.clips
        ids = [each.media_id for each in clips]
        if len(ids) > 1:
            after = ids[(ids.index(self._state.media_id) + 1) % len(ids)]
            self._documents.load_clip(after, self._on_other_clip)

    def close(self) -> None:
        """Close clip and project; everything is kept."""
        self._forget_wanted()
        self._clips.close()
        self._documents.close()

    def _open_text(self, path: str) -> None:
        self.open(Path(path))

    def _add_text(self, path: str) -> None:
        self._forget_wanted()
        self._adding = True
        self._clips.open(Path(path))

    def _on_loaded(self, opened: object) -> None:
        assert isinstance(opened, OpenedProject)
        pending = _Pending(opened, self._snapshot_wanted)
        self._snapshot_wanted = False
        self._open_clip_of(pending)

    def _on_other_clip(self, loaded: Loaded) -> None:
        document = self._documents.document
        if document is not None:
            self._open_clip_of(_Pending(OpenedProject(loaded, document)))

    def _open_clip_of(self, pending: _Pending) -> None:
        self._wanted = pending
        if pending.loaded.place is not None:
            self._clips.open(pending.loaded.place)
            return
        self.dialog = ask_for_clip(
            self._window,
            pending.loaded.clip,
            chosen=self._open_chosen_clip,
            folder=self._search,
            given_up=self._forget_wanted,
        )

    def _open_chosen_clip(self, path: str) -> None:
        self._clips.open(Path(path))

    def _search(self, folder: str) -> None:
        if self._wanted is not None:
            self._window.statusBar().showMessage(tr("Searching {folder} …", folder=folder))
            self._wait(SearchClip(self._wanted.loaded.clip, Path(folder)), self._on_searched)

    def _on_searched(self, found: object) -> None:
        self._window.statusBar().clearMessage()
        if isinstance(found, Path):
            self._clips.open(found)
        elif self._wanted is not None:
            self._window.statusBar().showMessage(tr("It is not in that folder."), 8000)
            self._open_clip_of(self._wanted)

    @Slot(object)
    def _on_clip_opened(self, opened: OpenedClip) -> None:
        info = opened.reader.info
        pending, self._wanted = self._wanted, None
        adding, self._adding = self._adding, False
        if adding and self._documents.document is not None:
            self._documents.do(partial(_take_in, info=info), self._on_added)
        elif pending is None:
            self._documents.begin(info)
        elif pending.opened.document is None:
            self._documents.adopt_reader(pending.loaded, info)
            self._window.statusBar().showMessage(tr("{why} It is open for reading only.", why=pending.opened.why))
        elif pending.loaded.same_file:
            self._adopt(pending, info)
        else:
            compare = CompareClip(pending.opened.document, pending.loaded.clip, info)
            self._wait(compare, partial(self._on_compared, pending, info))
        self._keep_thumbnail(pending.loaded.path if pending is not None else info.path, opened.first_frame)

    def _on_added(self, media_id: object) -> None:
        if isinstance(media_id, int):
            self._documents.load_clip(media_id, self._on_other_clip)

    def _on_compared(self, pending: _Pending, info: MediaInfo, found: object) -> None:
        assert isinstance(found, MediaDifference)
        if not found.sentences:
            self._relink_and_adopt(pending, info, found)
            return
        self.dialog = ask_about_difference(
            self._window,
            info.path,
            found.sentences,
            possible=not found.size_differs,
            then=partial(self._relink_and_adopt, pending, info, found),
            given_up=partial(self._give_up, pending),
        )

    def _relink_and_adopt(self, pending: _Pending, info: MediaInfo, found: MediaDifference) -> None:
        try:
            edit = relink(pending.loaded.clip, info, pending.loaded.path, found=found)
        except UserError as error:
            self._reporter.report_error(error)
            self._give_up(pending)
            return
        self._adopt(pending, info)
        self._documents.do(partial(_apply_relink, edit=edit), _ignored)

    def _adopt(self, pending: _Pending, info: MediaInfo) -> None:
        document, loaded = pending.opened.document, pending.loaded
        assert document is not None
        self._documents.adopt(document, loaded, info)
        self._settings.remember_file(loaded.path)
        self._wait(CheckProject(loaded.path), _ignored)
        said = list(loaded.notices)
        if self._recovered_from is not None:
            kept, lost = self._recovered_from.kept["mask"], self._recovered_from.lost["mask"]
            said.append(
                tr("Recovered {kept} masks, {lost} were lost. The damaged file is as it was.", kept=kept, lost=lost)
            )
            self._recovered_from = None
        if loaded.crashed:
            said.insert(0, tr("Recovered: everything up to the moment the program ended is here."))
        if said:
            self._window.statusBar().showMessage(" ".join(said), 12000)
        if pending.snapshot and self._documents.standing is None:
            self._documents.do(_latest_snapshot, self._revert_to_found)

    def _revert_to_found(self, snapshot_id: object) -> None:
        if isinstance(snapshot_id, int):
            self._documents.revert_to(snapshot_id)

    def _give_up(self, pending: _Pending) -> None:
        """The clip is not the one; the project is closed as it was."""
        self._clips.close()
        if pending.opened.document is not None and pending.opened.document is not self._documents.document:
            self._documents.let_go(pending.opened.document)

    @Slot()
    def _on_clip_failed(self) -> None:
        self._adding = False
        self._forget_wanted()

    def _forget_wanted(self) -> None:
        pending, self._wanted = self._wanted, None
        if pending is not None:
            document = pending.opened.document
            if document is not None and document is not self._documents.document:
                self._documents.let_go(document)

    # -- saving ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Name the state; a project without a name gets one first."""
        if self._documents.is_untitled:
            self.save_as()
        else:
            self._documents.save_snapshot(tr("Saved {time}", time=time.strftime("%Y-%m-%d %H:%M:%S")))

    def save_as(self) -> None:
        """Ask for a name and go on there."""
        self._ask_where(tr("Save Project As"), self._save_as)

    def save_copy(self) -> None:
        """Ask for a name and write a copy there."""
        self._ask_where(tr("Save a Copy"), self._save_copy)

    def revert(self) -> None:
        """Choose a saved state to go back to."""
        standing = self._documents.standing
        if standing is not None:
            dialog = SnapshotDialog(standing.snapshots, self._window)
            dialog.chosen.connect(self._documents.revert_to)
            self.dialog = dialog
            dialog.open()

    def _ask_where(self, title: str, then: Callable[[str], object]) -> None:
        clip, path = self._state.clip, self._documents.path
        if clip is None or path is None:
            return
        folder = clip.path.parent if self._documents.is_untitled else path.parent
        stem = clip.path.stem if self._documents.is_untitled else path.stem
        dialog = QFileDialog(self._window, title, str(folder / f"{stem}{SUFFIX}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.setNameFilters([tr("Projects (*{suffix})", suffix=SUFFIX)])
        dialog.selectFile(f"{stem}{SUFFIX}")
        dialog.fileSelected.connect(then)
        self.dialog = dialog
        dialog.open()

    def _save_as(self, path: str) -> None:
        self._documents.save_as(Path(path))

    def _save_copy(self, path: str) -> None:
        self._documents.save_copy(Path(path))

    @Slot(object)
    def _on_changed(self, standing: Standing | None) -> None:
        """Work that was never saved can be found again among the recent projects."""
        path = self._documents.path
        if standing is not None and standing.edits and path is not None:
            self._settings.remember_file(path)

    def _keep_thumbnail(self, path: Path, frame: np.ndarray) -> None:
        height, width = frame.shape[:2]
        scale = _THUMBNAIL_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        done, content = cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        for each in {path, self._documents.path or path} if done else ():
            try:
                write_file(self._documents.library.thumbnail(each), content.tobytes())
            except UserError:  # a picture in a list is no reason to say anything
                return

    # -- the media queue ---------------------------------------------------------------------------------------------

    def _wait(self, job: Job, then: Callable[[object], object], *, damaged: Path | None = None) -> None:
        """Submit a job. `damaged`: the project that can be recovered where the job finds it to be so."""
        ticket = self._queue.submit(job)
        self._waits[ticket] = then
        if damaged is not None:
            self._damaged[ticket] = damaged

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        self._damaged.pop(ticket, None)
        then = self._waits.pop(ticket, None)
        if then is not None:
            then(result)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        damaged = self._damaged.pop(ticket, None)
        if self._waits.pop(ticket, None) is None:
            return
        if damaged is not None and report.code in ("project.damaged", "project.foreign_schema"):
            self.dialog = ask_to_recover(self._window, report.message, then=partial(self._recover, damaged))
        else:
            self._reporter.report(report)


def _take_in(project: Project, *, info: MediaInfo) -> int:
    return take_in(project, info).media_id


def _apply_relink(project: Project, *, edit: Edit) -> None:
    project.apply(edit)


def _latest_snapshot(project: Project) -> int | None:
    found = project.snapshots()
    return found[-1].snapshot_id if found else None


def _ignored(_result: object) -> None:
    """Nothing is to be done with it."""
