"""`rvos segment --project`: the run is kept in a project as it goes, and one that was interrupted can go on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rvos_core.cli.output import Output
from rvos_core.errors import UsageError
from rvos_core.types import FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.inference import FrameResult, RunEvent, RunRequest
    from rvos_core.project.document import Document
    from rvos_core.project.records import MediaRecord, ObjectRecord, RunRecord
    from rvos_core.project.store import Project


@dataclass(frozen=True)
class ProjectRun:
    """A run that is kept.

    Attributes:
        request: what the engine is to do: all of the span, or what is left of it.
        span: frames that the result has.
    """

    document: Document
    run: RunRecord
    request: RunRequest
    span: FrameSpan
    resumes: bool

    def keep(self, events: Iterator[RunEvent]) -> Iterator[RunEvent]:
        """The run's events, each after it is in the project."""
        from rvos_core.inference.recording import recorded

        return recorded(events, self.run, self.document, keeps_masks=self.resumes)

    def frames(self) -> tuple[FrameResult, ...]:
        """What the project holds for the span now: what the run found, and what a person had locked."""
        from rvos_core.inference.recording import frame_result

        return self.document.do(
            lambda project: tuple(frame_result(each) for each in project.masks(self.run.object_id, self.span))
        )

    def put_refined(self, frames: Iterable[FrameResult], given: Collection[int]) -> tuple[FrameResult, ...]:
        """Masks that were followed from the frames `given`, as an entry of the history of their own. Returns: what the
        project holds then; locked frames stay.
        """
        from rvos_core.inference.recording import mask_record
        from rvos_core.project.mask_edits import PutMasks

        records = tuple(
            replace(mask_record(each, self.run), origin="propagated")
            for each in frames
            if each.frame_index not in given
        )
        self.document.do(lambda project: project.apply(PutMasks(records, name="Refine by propagation")))
        return self.frames()


@contextmanager
def project_run(
    path: Path, info: MediaInfo, *, request: RunRequest, resume: bool, output: Output
) -> Iterator[ProjectRun]:
    """Open the project (or make it), and begin a run in it or take up the one that was interrupted.

    Raises:
        UserError: the project cannot be opened or written; there is nothing to take up.
    """
    from rvos_core.inference.recording import request_of
    from rvos_core.project.document import Document
    from rvos_core.project.store import Project

    def opened() -> Project:
        program = "rvos segment"
        return Project(path, program=program) if path.exists() else Project.create(path, program=program)

    document = Document(opened)
    try:
        for notice in document.do(lambda project: tuple(project.notices)):
            output.note(notice)
        if not resume:
            run = document.do(lambda project: _begin(project, info, request))
            try:
                yield ProjectRun(document, run, replace(request, keep_queries=True), request.span, resumes=False)
            finally:
                document.submit(lambda project: project.abandon_if_waiting(run.run_id))
            return
        run, left = document.do(lambda project: _interrupted(project, request.expression))
        output.note(f"{len(run.span) - len(left)} of {len(run.span)} frames are done; going on at frame {left.start}")
        rest = replace(request_of(run, left), keep_queries=True)
        yield ProjectRun(document, run, rest, run.span, resumes=True)
    finally:
        document.close().result()


def _begin(project: Project, info: MediaInfo, request: RunRequest) -> RunRecord:
    from rvos_core.inference.recording import settings_of
    from rvos_core.project.relink import take_in

    target = _object_for(project, take_in(project, info), request.expression)
    return project.begin_run(target, expression=request.expression, span=request.span, settings=settings_of(request))


def _object_for(project: Project, clip: MediaRecord, expression: str) -> ObjectRecord:
    """The clip's object of that sentence, or a new one."""
    from rvos_core.masks import object_colour
    from rvos_core.project.records import ObjectRecord

    known = project.objects(clip.media_id)
    found = next((each for each in known if each.name == expression), None)
    if found is not None:
        return found
    used = {each.colour for each in known}
    colour = next(c for c in map(object_colour, range(len(known) + 1)) if c not in used)
    return ObjectRecord(project.next_object_id(), clip.media_id, len(known), expression, colour)


def _interrupted(project: Project, expression: str) -> tuple[RunRecord, FrameSpan]:
    runs = [run for run in project.interrupted() if run.expression == expression]
    if not runs:
        raise UsageError(
            f"No run of “{expression}” in {project.path} was interrupted.",
            hint="Leave --resume out to run it from its start; `rvos project info` lists what can go on.",
            code="project.nothing_to_resume",
        )
    return runs[-1], project.remaining(runs[-1])
