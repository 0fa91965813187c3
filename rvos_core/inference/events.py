"""What a run is asked and what it tells while it works.

Plain frozen data; no torch, so that a window can be built on it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rvos_core.masks import QueryMasks, Rle
from rvos_core.types import FrameSpan

Vote: TypeAlias = Literal["span", "window"]


@dataclass(frozen=True)
class RunRequest:
    """One expression on one span of a clip.

    Attributes:
        expression: what to look for, as typed.
        span: frames of the clip, not empty.
        window: frames the model sees together; None: the model card's; 0: the whole span at once.
        stride: frames from one window's start to the next; None: windows overlap as on the card.
        size: short side of the network input, pixels; None: the card's.
        vote: "span": one object for the whole span; "window": each window chooses for itself (the papers' chunks).
        believe: take the expression for true, whatever the model's consensus says.
        along_edges: outlines follow the picture's edges; otherwise the network's masks are enlarged as they are.
        candidate: number of the moving thing that a person chose (see `Candidate`); None: the sentence chooses.
        keep_queries: tell the masks of all queries too (see `QueriesSettled`), for a later choice among them.
    """

    expression: str
    span: FrameSpan
    window: int | None = None
    stride: int | None = None
    size: int | None = None
    vote: Vote = "span"
    believe: bool = False
    along_edges: bool = True
    candidate: int | None = None
    keep_queries: bool = False


@dataclass(frozen=True)
class FrameResult:
    """The object on one frame.

    Attributes:
        frame_index: row of the clip's frame table.
        mask: display size; empty where the object is out of sight.
        confidence: class probability x mask certainty, 0..1 (see `visibility.mask_certainty`).
        box: x1, y1, x2, y2 of the mask, display pixels, as `masks.bbox` gives it; None for an empty mask.
        visible: False where the object is out of sight: by the class probability, because nothing of it is drawn, or
            because it is not in the clip.
        absence: why it is out of sight, where a person said so: "occluded" or "out_of_frame".
    """

    frame_index: int
    mask: Rle
    confidence: float
    box: tuple[float, float, float, float] | None
    visible: bool
    absence: str | None = None


@dataclass(frozen=True)
class RunCost:
    """What a run will take, estimated before it starts.

    Attributes:
        memory_mib: peak of weights, features and one window, beyond what the program already holds.
        seconds: approximate; None until the model's pace on this device is known.
        windows: number of windows without scene cuts (each cut may add one).
    """

    memory_mib: float
    seconds: float | None
    windows: int


@dataclass(frozen=True)
class Timings:
    """Seconds of a finished run, by kind of work.

    `total_s` is wall time from start to finish, the consumer's own time included.
    """

    read_s: float
    encode_s: float
    refer_s: float
    masks_s: float
    total_s: float


@dataclass(frozen=True)
class Candidate:
    """A thing that moves and could be meant.

    Attributes:
        number: names it in `RunRequest.candidate`, from 1; the same clip and span always give the same numbers.
        frame_index: where it is seen best.
        mask: there, display size, coarse.
        first, last: frames where it is seen moving first and last.
        words: (what was said, how far it holds, 0..1).
        fit: geometric mean of these, 1 where nothing was said that can be seen.
        chosen: it is what the run followed.
    """

    number: int
    frame_index: int
    mask: Rle = field(repr=False)
    first: int
    last: int
    words: tuple[tuple[str, float], ...]
    fit: float
    chosen: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without the mask."""
        return {
            "number": self.number,
            "chosen": self.chosen,
            "fit": round(self.fit, 4),
            "words": dict(self.words),
            "frame": self.frame_index,
            "first": self.first,
            "last": self.last,
        }


@dataclass(frozen=True)
class RunSummary:
    """What a finished run did.

    Attributes:
        model: name on the model card.
        expression: as typed.
        span: frames that have a result.
        score: mean class probability of the chosen object over the span, 0..1.
        consensus: P(the object is in the span at all), or None where the model does not say.
        absent: the object is nowhere in the span: every mask is empty.
        unknown_words: words the model has never seen, as typed.
        notes: sentences for a person: what was shortened, halved or doubtful.
        device: `cpu`, `mps`, `cuda:0`, ...
        window, stride: the rule at the end of the run, frames.
        size: short side of the network input, pixels.
        input_size: (height, width) of the network input, pixels.
        queries: objects the model proposed in each window.
        windows: windows computed.
        cuts: first frames of the shots that scene cuts opened.
        visible_frames: frames where the object is in sight.
        revised_frames: frames that the final vote changed after they were shown.
        candidates: what else could be meant, the chosen first; empty where the engine does not look for such.
        why: why this engine was taken, where it was chosen for the person; else empty.
    """

    model: str
    expression: str
    span: FrameSpan
    vote: Vote
    score: float
    consensus: float | None
    absent: bool
    unknown_words: tuple[str, ...]
    notes: tuple[str, ...]
    device: str
    window: int
    stride: int
    size: int
    input_size: tuple[int, int]
    queries: int
    windows: int
    cuts: tuple[int, ...]
    visible_frames: int
    revised_frames: int
    timings: Timings
    candidates: tuple[Candidate, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class RunStarted:
    """The first event."""

    cost: RunCost
    windows: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WindowDone:
    """One window is computed; `frames` are its frames.

    Where windows overlap a frame comes again: the later result replaces the earlier.

    Attributes:
        window: 1, 2, ...
        windows: how many there will be, by what is known now (scene cuts and halving add some).
        seconds: time this window took.
        eta_s: approximate seconds to the end.
    """

    window: int
    windows: int
    frames: tuple[FrameResult, ...] = field(repr=False)
    seconds: float
    eta_s: float


@dataclass(frozen=True)
class FramesRevised:
    """The whole span is known, and these frames are not as the preview showed them: another object, or none.

    They replace the earlier ones. Comes in blocks.
    """

    frames: tuple[FrameResult, ...] = field(repr=False)


@dataclass(frozen=True)
class QueriesSettled:
    """The masks of all queries on frames that no later window changes any more; only where a request asked for them."""

    queries: QueryMasks


@dataclass(frozen=True)
class RunFinished:
    """The last event."""

    summary: RunSummary


RunEvent: TypeAlias = RunStarted | WindowDone | FramesRevised | QueriesSettled | RunFinished
