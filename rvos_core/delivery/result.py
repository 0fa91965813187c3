"""`result.json`: what was asked, what came out and how sure it is, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rvos_core.files import write_file
from rvos_core.types import FrameSpan, MediaInfo

_DECIMALS = 4


@dataclass(frozen=True)
class FrameLine:
    """One frame of a result. `box`: x0, y0, x1, y1 in display pixels, or None; `area_px`: pixels of the mask."""

    frame_index: int
    confidence: float
    visible: bool
    box: tuple[float, float, float, float] | None
    area_px: int


@dataclass(frozen=True)
class SegmentResult:
    """One expression's result on one span of a clip.

    Attributes:
        model: name on the model card.
        expression: as typed.
        media: the clip.
        span: frames that have a mask.
        frames: one line a frame, in order.
        score: mean probability of the chosen object, 0..1.
        consensus: P(the object is there at all), or None where the model does not say.
        absent: the model finds that the object is nowhere in the span.
        unknown_words: words that the model does not know.
        notes: sentences for a person.
        settings: window, stride, size and the like.
        timings: seconds by kind of work.
        outputs: files and folders that were written, by kind.
        why: why this engine was taken, where the program chose it.
        candidates: what else could be meant, the chosen first.
    """

    model: str
    expression: str
    media: MediaInfo
    span: FrameSpan
    frames: Sequence[FrameLine]
    score: float
    consensus: float | None = None
    absent: bool = False
    unknown_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    why: str = ""
    candidates: Sequence[dict[str, Any]] = ()

    def as_dict(self) -> dict[str, Any]:
        """The document, ready for JSON."""
        return {
            "model": self.model,
            "why": self.why,
            "expression": self.expression,
            "media": _media(self.media),
            "span": {"start": self.span.start, "stop": self.span.stop},
            "score": round(self.score, _DECIMALS),
            "consensus": None if self.consensus is None else round(self.consensus, _DECIMALS),
            "absent": self.absent,
            "unknown_words": list(self.unknown_words),
            "notes": list(self.notes),
            "settings": self.settings,
            "timings": _rounded(self.timings),
            "outputs": self.outputs,
            "candidates": list(self.candidates),
            "frames": [_line(self.media, line) for line in self.frames],
        }


@dataclass(frozen=True)
class TrackedObject:
    """One followed object: its id, the frames in which its mask was given, and one line a frame, in order."""

    object_id: int
    given: Sequence[int]
    frames: Sequence[FrameLine]


@dataclass(frozen=True)
class TrackResult:
    """What became of given masks on one span of a clip.

    Attributes:
        model: name on the model card.
        media: the clip.
        span: frames that have masks.
        objects: by id.
        notes, settings, timings, outputs: as in `SegmentResult`.
    """

    model: str
    media: MediaInfo
    span: FrameSpan
    objects: Sequence[TrackedObject]
    notes: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The document, ready for JSON."""
        return {
            "model": self.model,
            "media": _media(self.media),
            "span": {"start": self.span.start, "stop": self.span.stop},
            "notes": list(self.notes),
            "settings": self.settings,
            "timings": _rounded(self.timings),
            "outputs": self.outputs,
            "objects": [
                {
                    "id": each.object_id,
                    "given": list(each.given),
                    "frames": [_line(self.media, line) for line in each.frames],
                }
                for each in self.objects
            ],
        }


def _media(media: MediaInfo) -> dict[str, Any]:
    return {
        "path": str(media.path),
        "width": media.width,
        "height": media.height,
        "frame_count": media.frame_count,
        "rate": str(media.rate),
        "rate_is_assumed": media.rate_is_assumed,
        "is_variable_rate": media.is_variable_rate,
    }


def _rounded(timings: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, _DECIMALS) for name, seconds in timings.items()}


def _line(media: MediaInfo, line: FrameLine) -> dict[str, Any]:
    return {
        "frame": line.frame_index,
        "time_s": round(float(media.time_s(line.frame_index)), 6),
        "confidence": round(line.confidence, _DECIMALS),
        "visible": line.visible,
        "box": None if line.box is None else [round(float(side), 2) for side in line.box],
        "area_px": line.area_px,
    }


def write_result_json(path: Path, result: SegmentResult | TrackResult) -> None:
    """Write `result` as UTF-8 JSON, atomically.

    Raises:
        UserError: if the disk refuses.
        ValueError: if a number is not finite.
    """
    text = json.dumps(result.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)
    # A path that is not valid UTF-8 has lone surrogates; they are written as escapes.
    write_file(path, (text + "\n").encode("utf-8", "backslashreplace"))
