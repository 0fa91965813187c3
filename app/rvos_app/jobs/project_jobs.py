"""Opening, examining and finding things of projects, off the GUI thread."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_app.jobs.project_work import Loaded, load
from rvos_core.errors import UserError
from rvos_core.project.document import Document
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MediaRecord
from rvos_core.project.recovery import Examination, RecoveryReport, examine, recover, recovered_path
from rvos_core.project.relink import MediaDifference, difference, search
from rvos_core.project.store import CHECKED_AT_ONCE_BYTES, Project
from rvos_core.types import MediaInfo

_READABLE = ("project.in_use", "project.too_new", "files.read_only")


@dataclass(frozen=True)
class OpenedProject:
    """`document`: None where the project can only be read; `why` says so then."""

    loaded: Loaded
    document: Document | None
    why: str = ""


@dataclass(frozen=True)
class OpenProject:
    """Open a project for writing, or for reading where it is in use, read-only or of a newer version."""

    path: Path
    program: str
    after: tuple[Future[None], ...] = ()  # documents that are being closed; one of them may be this

    @property
    def title(self) -> str:
        return tr("Opening {name}", name=self.path.name)

    def run(self, context: JobContext) -> OpenedProject:
        """Raises: UserError: not a project, damaged, gone."""
        for each in self.after:
            each.result()
        document = Document(partial(Project, self.path, program=self.program))
        try:
            loaded = document.do(load)
        except UserError as error:
            document.close()
            if error.code not in _READABLE:
                raise
            with ProjectReader(self.path) as reader:
                return OpenedProject(load(reader), None, error.message)
        except BaseException:
            document.close()
            raise
        return OpenedProject(loaded, document)


@dataclass(frozen=True)
class Recovered:
    """What was saved of a damaged project, and where it lies."""

    path: Path
    report: RecoveryReport


@dataclass(frozen=True)
class RecoverProject:
    """Write what can be read of a damaged project into a new one beside it."""

    path: Path

    @property
    def title(self) -> str:
        return tr("Recovering {name}", name=self.path.name)

    def run(self, context: JobContext) -> Recovered:
        """Raises: UserError: nothing can be read, or the disk refuses."""
        target = recovered_path(self.path)
        return Recovered(target, recover(self.path, target))


@dataclass(frozen=True)
class CheckProject:
    """The check of a large project's structure, which its opening does not wait for."""

    path: Path

    @property
    def title(self) -> str:
        return tr("Checking {name}", name=self.path.name)

    def run(self, context: JobContext) -> None:
        """Raises: UserError: it is damaged."""
        if self.path.stat().st_size >= CHECKED_AT_ONCE_BYTES:
            with ProjectReader(self.path) as reader:
                reader.check()


@dataclass(frozen=True)
class ExamineProject:
    """Look at a project whose program ended without closing it, as a copy in a process of its own."""

    path: Path

    @property
    def title(self) -> str:
        return tr("Looking at {name}", name=self.path.name)

    def run(self, context: JobContext) -> Examination:
        return examine(self.path)


@dataclass(frozen=True)
class CompareClip:
    """Say how a file differs from the clip that was annotated."""

    document: Document
    clip: MediaRecord
    info: MediaInfo

    @property
    def title(self) -> str:
        return tr("Comparing {name}", name=self.info.path.name)

    def run(self, context: JobContext) -> MediaDifference:
        pts = self.document.do(lambda project: project.pts(self.clip.media_id))
        return difference(self.clip, pts, self.info)


@dataclass(frozen=True)
class SearchClip:
    """Look for a clip of a project in a folder and all below it, by its content."""

    clip: MediaRecord
    folder: Path

    @property
    def title(self) -> str:
        return tr("Looking for {name}", name=self.clip.absolute_path.name)

    def run(self, context: JobContext) -> Path | None:
        """Raises: Cancelled."""
        return search(self.clip, self.folder, cancel=context.cancel)
