"""Annotations on their way into the open project: read, worked out, shown, applied; all off the GUI thread. No Qt."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rvos_app.i18n import tr
from rvos_app.jobs import project_work as work
from rvos_app.jobs.job import JobContext
from rvos_app.jobs.project_work import View
from rvos_core.delivery.overlay import OverlayStyle, draw_overlay
from rvos_core.media import MediaReader
from rvos_core.project.document import Document
from rvos_core.project.store import Project

if TYPE_CHECKING:
    from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet
    from rvos_core.formats.format import Format, ReadOptions
    from rvos_core.formats.project_import import ClipPlan, Goal, ImportPlan

_REPORT_EVERY_S = 0.05


@dataclass(frozen=True)
class ImportProgress:
    """Pieces read or written so far, of all."""

    done: int
    total: int


@dataclass(frozen=True)
class ImportSource:
    """What was read. Its masks are read when they are needed, so the files must stay.

    Attributes:
        annotations: the clips that were read; of formats with files for each clip only the one that was wanted.
        names: of all clips.
        suggested: the one that was wanted, else the one that is called as the open clip, else the first.
        own: what the open clip is called.
        splits: that there are, see `Format.splits`.
        split: that was read.
    """

    path: Path
    format: Format = field(repr=False)
    annotations: AnnotationSet = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    suggested: str
    own: str = ""
    splits: tuple[str, ...] = ()
    split: str = ""

    def clip(self, name: str) -> AnnotatedClip | None:
        """One of those that were read; None: it was not."""
        return next((each for each in self.annotations.clips if each.name == name), None)


@dataclass(frozen=True)
class ImportPicture:
    """A frame with what the source says of an object on it: (h, w, 3) uint8 RGB. `has_mask`: whether it has pixels."""

    frame: int
    pixels: np.ndarray = field(repr=False)
    has_mask: bool


@dataclass(frozen=True)
class ImportApplied:
    """What was done, and what the state is to show of the clip now."""

    plan: ImportPlan
    view: View


@dataclass(frozen=True)
class ReadAnnotations:
    """Find out what a file or folder is, and read it.

    Attributes:
        format_id: empty where it is to be found out.
        size: (width, height) of the open clip, for formats that do not say it.
        own: what the open clip is called.
        split: empty: all of them where that can be, else the first.
        clip: that is wanted; empty: the own one.
    """

    path: Path
    format_id: str
    size: tuple[int, int]
    own: str = ""
    split: str = ""
    clip: str = ""

    @property
    def title(self) -> str:
        return tr("Reading {name}", name=self.path.name)

    def run(self, context: JobContext) -> ImportSource:
        """Raises: UserError: it is nothing known, or damaged. Cancelled."""
        from rvos_core.formats import registry

        chosen = registry.format_of(self.format_id) if self.format_id else registry.detect(self.path)
        context.checkpoint()
        names: list[str] = []

        def wanted(there: tuple[str, ...]) -> tuple[str, ...]:
            names.extend(there)
            return (self._suggested(there),)

        size = self.size if chosen.needs_size else None
        options = replace(_options(context), split=self.split, size=size, wanted=wanted)
        read = registry.read(self.path, chosen, options)
        every = tuple(names) or tuple(each.name for each in read.clips)
        splits = chosen.splits(self.path)
        split = self.split or next(iter(splits), "")
        return ImportSource(self.path, chosen, read, every, self._suggested(every), self.own, splits, split)

    def _suggested(self, names: tuple[str, ...]) -> str:
        """The clip that is wanted, else the own one, capitals aside; the first where there is none."""
        for wanted in filter(None, (self.clip, self.own)):
            found = next((name for name in names if name.casefold() == wanted.casefold()), None)
            if found is not None:
                return found
        return next(iter(names), "")


@dataclass(frozen=True)
class PlanImport:
    """Work out what becomes of one clip of the source in the open clip; every mask of it is read and checked."""

    source: ImportSource
    clip: AnnotatedClip
    document: Document
    project: Path
    media_id: int
    shift: int = 0  # frames

    @property
    def title(self) -> str:
        return tr("Looking through {name}", name=self.source.path.name)

    def run(self, context: JobContext) -> ImportPlan:
        """Raises: UserError: sizes or frames do not fit, a mask is damaged. Cancelled."""
        from rvos_core.formats.annotations import AnnotationSet
        from rvos_core.formats.project_import import plan_import
        from rvos_core.project.reading import ProjectReader

        self.document.submit(work.only_ask).result()  # a project that nobody named is made with the first work on it
        context.checkpoint()
        clip = self.clip
        chosen = AnnotationSet((clip,), self.source.annotations.notes)
        with ProjectReader(self.project) as reader:
            here = {clip.name: self.media_id}
            return plan_import(reader, chosen, clip_of=here, shift=self.shift, options=_options(context))


@dataclass(frozen=True)
class DrawImport:
    """One object of the source on a frame of the open clip, no larger than `room` (width, height)."""

    reader: MediaReader
    plan: ClipPlan
    object_id: int  # in the source
    frame: int  # of the open clip
    colour: tuple[int, int, int]
    room: tuple[int, int]

    @property
    def title(self) -> str:
        return tr("Drawing frame {frame}", frame=self.frame)

    def run(self, context: JobContext) -> ImportPicture:
        """Raises: UserError: the frame or its masks cannot be read. Cancelled."""
        from rvos_core.masks import area

        sight = self.plan.clip.sights(self.plan.frame_of.index(self.frame)).get(self.object_id)
        context.checkpoint()
        with self.reader.reopen() as reader:
            picture = reader.frame(self.frame)
        height, width = picture.shape[:2]
        scale = min(self.room[0] / width, self.room[1] / height, 1.0)
        if sight is not None:
            outline = max(1, round(2 / scale))
            style = OverlayStyle(outline_px=outline, colours=(self.colour,))
            picture = draw_overlay(picture, [sight.mask], style=style)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return ImportPicture(self.frame, small, sight is not None and area(sight.mask) > 0)


@dataclass(frozen=True)
class ApplyImport:
    """Do it, as one entry of the history, in the document's thread; this one waits, and hands Cancel on."""

    source: ImportSource
    plan: ImportPlan
    goals: Mapping[tuple[str, int], Goal]
    document: Document
    media_id: int

    @property
    def title(self) -> str:
        return tr("Importing {name}", name=self.source.path.name)

    def run(self, context: JobContext) -> ImportApplied:
        """Raises: UserError, Cancelled: the project is as before."""
        done: Future[ImportApplied] = self.document.submit(partial(self._apply, context))
        return done.result()

    def _apply(self, context: JobContext, project: Project) -> ImportApplied:
        from rvos_core.formats.project_import import apply_import, redirected

        plan = redirected(project, self.plan, self.goals)
        title = f"{self.source.format.title} ({self.source.path.name})"
        apply_import(project, plan, title=title, options=_options(context))
        return ImportApplied(plan, work.view(project, self.media_id))


def _options(context: JobContext) -> ReadOptions:
    """Progress goes to the queue now and then, Cancel comes from it."""
    from rvos_core.formats.format import ReadOptions

    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done == total or now - told >= _REPORT_EVERY_S:
            told = now
            context.report(ImportProgress(done, total))

    return ReadOptions(progress=tell, cancel=context.cancel)
