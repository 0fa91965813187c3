"""One run as a command sees it: load, announce the cost, run with a progress bar, and stop cleanly on Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from rvos_core.cli.output import Output, plural, seconds_in_words
from rvos_core.errors import UsageError
from rvos_core.types import CancelToken, FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.cli.project_runs import ProjectRun
    from rvos_core.inference import FrameResult, RunCost, RunRequest, RunSummary
    from rvos_core.inference.engines import LoadedEngine
    from rvos_core.media import MediaReader
    from rvos_core.models.engine import Engine


@dataclass(frozen=True)
class Refinement:
    """How a run was refined: by which model, from which frames, in what quality; seconds."""

    model: str
    frames: tuple[int, ...]
    quality: str
    seconds: float


@dataclass(frozen=True)
class Segmentation:
    """What a run gave: one `FrameResult` per frame of the span, in order. `refinement`: None where there was none."""

    info: MediaInfo
    request: RunRequest
    frames: tuple[FrameResult, ...]
    summary: RunSummary
    seconds: float
    refinement: Refinement | None = None


@contextmanager
def cancel_on_interrupt() -> Iterator[CancelToken]:
    """A token that the first Ctrl-C sets, so that work stops between windows; a second Ctrl-C stops at once."""
    token = CancelToken()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    former = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, former)


def checked_span(info: MediaInfo, *, start: int | None, end: int | None) -> FrameSpan:
    """Frames `start <= index < end` of the clip; None means its first frame, or all up to its last.

    Raises:
        UsageError: the span is empty or not inside the clip.
    """
    first = 0 if start is None else start
    stop = info.frame_count if end is None else end
    if not 0 <= first < stop <= info.frame_count:
        frames = plural(info.frame_count, "frame")
        raise UsageError(
            f"There is no span from frame {first} up to frame {stop} in {info.path}, which has {frames}.",
            hint=f"--start is 0 to {info.frame_count - 1}; --end, the first frame left out, up to {info.frame_count}.",
            code="usage.span",
        )
    return FrameSpan(first, stop)


def media_notes(info: MediaInfo) -> tuple[str, ...]:
    """What a person should know about the clip before it is used, in sentences."""
    rate = f"{info.path} says no frame rate; {info.rate} frames/s are taken (--fps changes it)."
    return (rate, *info.warnings) if info.rate_is_assumed else info.warnings


def load_model(model: str, *, device: str, output: Output) -> tuple[Engine, float]:
    """A referring model, and the seconds that loading it took. Torch is imported here, not before.

    Raises:
        UserError: as `rvos_core.models.registry.load_engine`.
    """
    from rvos_core.models.registry import load_engine

    output.note(f"loading {model}")
    began = time.monotonic()
    engine = load_engine(model, device=device)
    return engine, time.monotonic() - began


def load_any(name: str, *, device: str, output: Output) -> tuple[LoadedEngine, float]:
    """As `load_model`, for `auto` and `motion`, too. Raises: the same."""
    from rvos_core.inference.engines import load

    output.note(f"loading {name}")
    began = time.monotonic()
    engine = load(name, device=device)
    return engine, time.monotonic() - began


def run_request(
    engine: LoadedEngine,
    reader: MediaReader,
    *,
    request: RunRequest,
    output: Output,
    cancel: CancelToken,
    kept: ProjectRun | None = None,
) -> Segmentation:
    """Run `request` to its end; `kept`: the project that keeps it as it goes.

    Raises:
        UserError: as `rvos_core.inference.Runner.run`.
        Cancelled: after Ctrl-C, at the end of the window in work.
    """
    from rvos_core.inference import FramesRevised, RunFinished, RunStarted, WindowDone

    cancel.raise_if_cancelled()
    began = time.monotonic()
    found: dict[int, FrameResult] = {}
    summary: RunSummary | None = None
    with output.progress("segmenting") as meter:
        events = engine.run(request, reader=reader, cancel=cancel)
        for event in events if kept is None else kept.keep(events):
            match event:
                case RunStarted():
                    _announce(event.cost, output)
                case WindowDone():
                    found.update((each.frame_index, each) for each in event.frames)
                    meter.update(event.window, event.windows, detail=f"{seconds_in_words(event.eta_s)} left")
                case FramesRevised():
                    found.update((each.frame_index, each) for each in event.frames)
                case RunFinished():
                    summary = event.summary
    assert summary is not None, "a run ends with RunFinished"
    return Segmentation(
        info=reader.info,
        request=request,
        frames=tuple(found[index] for index in request.span) if kept is None else kept.frames(),
        summary=summary,
        seconds=time.monotonic() - began,
    )


def _announce(cost: RunCost, output: Output) -> None:
    pace = "" if cost.seconds is None else f", about {seconds_in_words(cost.seconds)}"
    windows = "1 window" if cost.windows == 1 else f"{cost.windows} windows"
    output.note(f"{windows}, about {cost.memory_mib:.0f} MiB{pace}")
