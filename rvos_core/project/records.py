"""What a project holds, as plain frozen values, and how each becomes a row."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from rvos_core.masks import Rle
from rvos_core.project.codec import DamagedRow
from rvos_core.project.rows import Row
from rvos_core.types import FrameSpan

Origin: TypeAlias = Literal["model", "propagated", "manual", "imported", "interpolated"]
Absence: TypeAlias = Literal["occluded", "out_of_frame"]
RunState: TypeAlias = Literal["waiting", "running", "done", "stopped", "failed"]
Colour: TypeAlias = tuple[int, int, int]

_PTS_BLOCK = 65_536  # frames a row
_ABSENCES: dict[Absence, int] = {"occluded": -1, "out_of_frame": -2}  # in the column `visible`; from format 3 on
_SEEN: dict[int, tuple[bool, Absence | None]] = {
    1: (True, None),
    0: (False, None),
    **{number: (False, absence) for absence, number in _ABSENCES.items()},
}


@dataclass(frozen=True)
class MediaRecord:
    """One clip, by reference.

    Attributes:
        relative_path: from the project's folder, as it was when the clip was added; empty where there is no such path.
        identity: hash of the file's size, head and tail (see `relink.identity_of`).
    """

    media_id: int
    position: int
    kind: str
    relative_path: Path | None
    absolute_path: Path
    size_bytes: int
    identity: str
    width: int
    height: int
    frame_count: int
    rate: Fraction
    time_base: Fraction
    codec: str

    def row(self) -> Row:
        relative = b"" if self.relative_path is None else os.fsencode(self.relative_path)
        return (
            self.media_id,
            self.position,
            self.kind,
            relative,
            os.fsencode(self.absolute_path),
            self.size_bytes,
            self.identity,
            self.width,
            self.height,
            self.frame_count,
            str(self.rate),
            str(self.time_base),
            self.codec,
        )

    @staticmethod
    def of(row: Row) -> MediaRecord:
        """Raises: DamagedRow: a value makes no sense."""
        media_id, position, kind, relative, absolute, size, identity, width, height, frames, rate, base, codec = cast(
            "tuple[Any, ...]", row
        )
        return MediaRecord(
            media_id,
            position,
            kind,
            Path(os.fsdecode(relative)) if relative else None,
            Path(os.fsdecode(absolute)),
            size,
            identity,
            width,
            height,
            frames,
            _fraction(rate),
            _fraction(base),
            codec,
        )


@dataclass(frozen=True)
class ObjectRecord:
    """One thing in a clip. `object_id` is never used again, not even after the object is gone.

    Attributes:
        position: order in the list.
        locked: no run and no propagation changes any of its masks.
        note: one sentence on its last run.
    """

    object_id: int
    media_id: int
    position: int
    name: str
    colour: Colour
    visible: bool = True
    locked: bool = False
    note: str = ""

    def row(self) -> Row:
        red, green, blue = self.colour
        packed = red << 16 | green << 8 | blue
        return (
            self.object_id,
            self.media_id,
            self.position,
            self.name,
            packed,
            int(self.visible),
            int(self.locked),
            self.note,
        )

    @staticmethod
    def of(row: Row) -> ObjectRecord:
        object_id, media_id, position, name, colour, visible, locked, note = cast("tuple[Any, ...]", row)
        rgb = (colour >> 16 & 255, colour >> 8 & 255, colour & 255)
        return ObjectRecord(object_id, media_id, position, name, rgb, bool(visible), bool(locked), note)


@dataclass(frozen=True)
class ExpressionRecord:
    """A sentence that refers to an object.

    Attributes:
        language: BCP 47 tag, or empty where unknown.
        kind: "first_frame" or "full_video", as the data sets tell them apart.
        positive: False for a sentence that must not match.
        paraphrase_group: sentences of one group say the same; 0: none.
        span: frames that it was run on; empty where it was not.
        model, score, consensus: of its last run; empty and None where there was none.
    """

    expression_id: int
    object_id: int
    text: str
    language: str = ""
    kind: str = "full_video"
    positive: bool = True
    annotator: str = ""
    paraphrase_group: int = 0
    span: FrameSpan = field(default_factory=lambda: FrameSpan(0, 0))
    model: str = ""
    score: float | None = None
    consensus: float | None = None

    def row(self) -> Row:
        return (
            self.expression_id,
            self.object_id,
            self.text,
            self.language,
            self.kind,
            int(self.positive),
            self.annotator,
            self.paraphrase_group,
            self.span.start,
            self.span.stop,
            self.model,
            self.score,
            self.consensus,
        )

    @staticmethod
    def of(row: Row) -> ExpressionRecord:
        """Raises: DamagedRow: a value makes no sense."""
        number, object_id, text, language, kind, polarity, annotator, group, first, stop, model, score, consensus = (
            cast("tuple[Any, ...]", row)
        )
        return ExpressionRecord(
            number,
            object_id,
            text,
            language,
            kind,
            bool(polarity),
            annotator,
            group,
            _span(first, stop),
            model,
            score,
            consensus,
        )


@dataclass(frozen=True)
class MaskRecord:
    """The mask of one object on one frame.

    Attributes:
        mask: display size.
        confidence: 0..1.
        visible: False where the object is out of sight.
        locked: a person's: no run and no propagation changes it.
        run_id: the run that made it; 0: none.
        absence: why it is out of sight, where a person said so.

    Raises:
        ValueError: it is in sight and out of sight at once.
    """

    object_id: int
    frame: int
    mask: Rle = field(repr=False)
    origin: Origin
    confidence: float = 1.0
    visible: bool = True
    locked: bool = False
    run_id: int = 0
    absence: Absence | None = None

    def __post_init__(self) -> None:
        if self.visible and self.absence is not None:
            raise ValueError(f"a mask that is to be seen is not {self.absence}")

    def row(self) -> Row:
        return (
            self.object_id,
            self.frame,
            self.mask.height,
            self.mask.width,
            self.mask.counts,
            self.origin,
            float(self.confidence),
            int(self.visible) if self.absence is None else _ABSENCES[self.absence],
            int(self.locked),
            self.run_id,
        )

    @staticmethod
    def of(row: Row) -> MaskRecord:
        """Raises: DamagedRow: a value makes no sense."""
        object_id, frame, height, width, counts, origin, confidence, visible, locked, run_id = cast(
            "tuple[Any, ...]", row
        )
        if origin not in get_args(Origin):
            raise DamagedRow(f"a mask of the unknown origin {origin!r:.40}")
        if visible not in _SEEN:
            raise DamagedRow(f"a mask that is neither seen nor out of sight ({visible!r:.40})")
        try:
            mask = Rle(height, width, counts)
        except ValueError as error:
            raise DamagedRow(str(error)) from error
        seen, absence = _SEEN[visible]
        return MaskRecord(object_id, frame, mask, origin, confidence, seen, bool(locked), run_id, absence)


@dataclass(frozen=True)
class RunRecord:
    """One run of a model for one object.

    Attributes:
        edit_id: the group of the history that it belongs to.
        span: frames that were asked for.
        settings: JSON of what else was asked.
        message: why it ended, where it did not end well.
    """

    run_id: int
    object_id: int
    media_id: int
    edit_id: int
    expression: str
    span: FrameSpan
    settings: str
    model: str
    status: RunState
    message: str
    created: float
    score: float | None
    consensus: float | None

    @staticmethod
    def of(row: Row) -> RunRecord:
        """Raises: DamagedRow: a value makes no sense."""
        (
            run_id,
            object_id,
            media_id,
            edit_id,
            text,
            start,
            stop,
            settings,
            model,
            status,
            message,
            created,
            score,
            con,
        ) = cast("tuple[Any, ...]", row)
        if status not in get_args(RunState):
            raise DamagedRow(f"a run in the unknown state {status!r:.40}")
        return RunRecord(
            run_id,
            object_id,
            media_id,
            edit_id,
            text,
            _span(start, stop),
            settings,
            model,
            status,
            message,
            created,
            score,
            con,
        )


@dataclass(frozen=True)
class EditRecord:
    """One entry of the history. `undone`: it waits for redo. `bytes`: what its undo costs on disk."""

    edit_id: int
    name: str
    created: float
    bytes: int
    undone: bool


@dataclass(frozen=True)
class SnapshotRecord:
    """A state that was saved under a name."""

    snapshot_id: int
    name: str
    created: float


@dataclass(frozen=True)
class SessionRecord:
    """Who had the project open for writing. `closed` is None where it never was closed: a crash, or still open."""

    session_id: int
    pid: int
    host: str
    boot: str
    program: str
    opened: float
    closed: float | None


def pts_rows(media_id: int, pts: Sequence[int]) -> Iterator[Row]:
    """The time table of a clip in rows of up to 65,536 frames: the first time, then differences, deflated."""
    values = np.asarray(pts, dtype=np.int64)
    for first in range(0, len(values), _PTS_BLOCK):
        block = values[first : first + _PTS_BLOCK]
        deltas = np.diff(block, prepend=np.int64(0)).astype("<i8")
        yield media_id, first, len(block), zlib.compress(deltas.tobytes(), 6)


def pts_of_row(row: Row) -> np.ndarray:
    """Times of one row, (count,) int64. Raises: DamagedRow: the row is broken."""
    _, _, count, deltas = cast("tuple[int, int, int, bytes]", row)
    if not 0 < count <= _PTS_BLOCK:
        raise DamagedRow(f"a time table of {count} frames")
    try:
        content = zlib.decompressobj().decompress(deltas, count * 8 + 1)
    except zlib.error as error:
        raise DamagedRow("a time table cannot be unpacked") from error
    if len(content) != count * 8:
        raise DamagedRow("a time table of the wrong length")
    return np.cumsum(np.frombuffer(content, dtype="<i8"), dtype=np.int64)


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise DamagedRow(f"{text!r:.40} is not a rate") from error


def _span(start: int, stop: int) -> FrameSpan:
    try:
        return FrameSpan(start, stop)
    except ValueError as error:
        raise DamagedRow(str(error)) from error
