"""Writing masks and overlay video, off the GUI thread. What is written takes its name only when it is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_app.jobs.stored_results import Results
from rvos_core.delivery.overlay import OverlayStyle
from rvos_core.delivery.sequences import MaskPngWriter
from rvos_core.delivery.video import OverlayVideoWriter
from rvos_core.masks import empty
from rvos_core.media import MediaReader
from rvos_core.types import FrameSpan, MediaInfo

_NOT_IN_NAMES = re.compile(r"[^\w-]+")
_LONGEST_NAME = 60
_REPORT_EVERY = 5


@dataclass(frozen=True)
class ExportTrack:
    """One object to write. Frames without a result are written empty."""

    number: int
    name: str
    colour: tuple[int, int, int]
    results: Results

    @property
    def folder_name(self) -> str:
        """`1_the_man_in_red`: number and words, as any file system takes it."""
        words = _NOT_IN_NAMES.sub("_", self.name).strip("_").lower()[:_LONGEST_NAME].rstrip("_")
        return f"{self.number}_{words}" if words else f"{self.number}_object"


@dataclass(frozen=True)
class ExportProgress:
    """Frames written so far, of all."""

    done: int
    total: int


@dataclass(frozen=True)
class ExportDone:
    """What lies on the disk now, and what a person should know about it."""

    outputs: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportMasks:
    """One folder of PNG masks per object, below `folder`."""

    folder: Path
    info: MediaInfo
    span: FrameSpan
    tracks: tuple[ExportTrack, ...]

    @property
    def title(self) -> str:
        return tr("Writing masks")

    def run(self, context: JobContext) -> ExportDone:
        """Raises: UserError: the disk refuses; the folder of the object at work is then not there."""
        with _closing(self.tracks):
            return self._write(context)

    def _write(self, context: JobContext) -> ExportDone:
        nothing = empty(self.info.height, self.info.width)
        total = len(self.span) * len(self.tracks)
        done = 0
        outputs = []
        for track in self.tracks:
            target = self.folder / track.folder_name
            with MaskPngWriter(target, span=self.span, height=self.info.height, width=self.info.width) as writer:
                for index in self.span:
                    context.checkpoint()
                    result = track.results.get(index)
                    writer.write(index, result.mask if result is not None else nothing)
                    done += 1
                    _report(context, done, total)
            outputs.append(target)
        return ExportDone(tuple(outputs))


@dataclass(frozen=True)
class ExportOverlay:
    """The clip with all masks drawn on it, as one video."""

    path: Path
    reader: MediaReader
    span: FrameSpan
    tracks: tuple[ExportTrack, ...]
    opacity: float
    with_audio: bool

    @property
    def title(self) -> str:
        return tr("Writing the overlay video")

    def run(self, context: JobContext) -> ExportDone:
        """Raises: UserError: the disk or the encoder refuses; there is no file of that name then."""
        info = self.reader.info
        nothing = empty(info.height, info.width)
        style = OverlayStyle(opacity=self.opacity, colours=tuple(track.colour for track in self.tracks))
        with (
            _closing(self.tracks),
            self.reader.reopen() as reader,
            OverlayVideoWriter(self.path, info=info, span=self.span, style=style, with_audio=self.with_audio) as writer,
        ):
            for done, (index, frame) in enumerate(zip(self.span, reader.frames(self.span), strict=True), start=1):
                context.checkpoint()
                found = (track.results.get(index) for track in self.tracks)
                writer.write(frame, [nothing if result is None else result.mask for result in found])
                _report(context, done, len(self.span))
        return ExportDone((self.path,), tuple(writer.notes))


@contextmanager
def _closing(tracks: tuple[ExportTrack, ...]) -> Iterator[None]:
    try:
        yield
    finally:
        for track in tracks:
            track.results.close()


def _report(context: JobContext, done: int, total: int) -> None:
    if done % _REPORT_EVERY == 0 or done == total:
        context.report(ExportProgress(done, total))
