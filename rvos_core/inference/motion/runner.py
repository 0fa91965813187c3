"""One expression over one span with the engine `motion`: look once, choose a track, follow it both ways.

The span is read twice, forward the first time; frames are handed out as they are followed. Memory stops growing
where the first look has all the moments it may keep. No torch here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.errors import UsageError, UserError
from rvos_core.inference.cost import check_request
from rvos_core.inference.events import (
    Candidate,
    FrameResult,
    RunCost,
    RunEvent,
    RunFinished,
    RunRequest,
    RunStarted,
    RunSummary,
    Timings,
    WindowDone,
)
from rvos_core.inference.expression import checked_expression
from rvos_core.inference.motion.appearance import Appearance
from rvos_core.inference.motion.engine import MOTION, MotionEngine
from rvos_core.inference.motion.moments import MOST_MOMENTS, FirstLook, Moment
from rvos_core.inference.motion.ranking import Ranked, rank
from rvos_core.inference.motion.seeds import choose_seeds, shot_spans
from rvos_core.inference.motion.still import still_moments
from rvos_core.inference.motion.tracks import Track, find_tracks
from rvos_core.inference.motion.verdict import Verdict, judge
from rvos_core.inference.propagation import follow
from rvos_core.language.reading import Reading, read_expression
from rvos_core.masks import bbox, decode, empty, encode, guide_of, mask_along_edges
from rvos_core.types import CancelToken, FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.media import MediaReader
    from rvos_core.models.api import ModelCard

_BLOCK = 16  # frames that are handed out together
_MOMENT_MIB = 0.3
_THUMBNAILS = 8  # candidates that are told of


@dataclass
class _State:
    """What a run knows so far."""

    began: float = field(default_factory=time.perf_counter)
    moments: list[Moment] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    windows_done: int = 0
    visible: int = 0
    confidences: float = 0.0
    look_s: float = 0.0
    choose_s: float = 0.0


@dataclass(frozen=True)
class Choices:
    """What could be meant, the best first, and what is to be said of it."""

    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


class MotionRunner:
    """Runs requests on a loaded engine. One run at a time."""

    def __init__(self, engine: MotionEngine) -> None:
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """The engine's."""
        return self._engine.card

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._engine.device

    def estimate(self, info: MediaInfo, request: RunRequest) -> RunCost:
        """Memory, time and windows of a request. Raises: UsageError: the span makes no sense."""
        check_request(info, request)
        memory = self._engine.propagator.memory_mib(info.height, info.width, given=4) + MOST_MOMENTS * _MOMENT_MIB
        return RunCost(memory, self._engine.seconds(info, request.span), 2 * _blocks(len(request.span)))

    def run(self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        """Events as of `Runner.run`; the first windows are the first look and bring no masks yet.

        Raises:
            UsageError: the expression or span makes no sense, or no candidate has that number.
            UserError: the clip is shorter than it claims.
            Cancelled: the person stopped it; frames that were yielded stay valid.
        """
        check_request(reader.info, request)
        checked_expression(request.expression)
        return self._events(request, reader, cancel)

    def candidates(
        self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken
    ) -> Iterator[WindowDone | Choices]:
        """The first look alone: `WindowDone` as it goes on, at the end the `Choices`. Raises: as `run`."""
        check_request(reader.info, request)
        checked_expression(request.expression)
        state = _State()
        yield from self._look(state, request.span, reader, cancel)
        verdict, ranked = self._choose(state, request, read_expression(request.expression))
        found = _candidates(ranked, state.moments, reader.info, chosen={id(t) for t in verdict.tracks})
        yield Choices(found, verdict.notes)

    def _events(self, request: RunRequest, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        state = _State()
        notes = (self._engine.note,) if self._engine.note else ()
        cost = self.estimate(reader.info, request)
        yield RunStarted(cost, cost.windows, notes)
        yield from self._look(state, request.span, reader, cancel)
        reading = read_expression(request.expression)
        began = time.perf_counter()
        verdict, ranked = self._choose(state, request, reading)
        candidates = _candidates(ranked, state.moments, reader.info, chosen={id(t) for t in verdict.tracks})
        state.choose_s = time.perf_counter() - began
        yield from self._follow(state, request.span, verdict.tracks, reader, cancel)
        yield RunFinished(self._summary(state, request, reading, verdict, candidates, reader.info))

    def _look(self, state: _State, span: FrameSpan, reader: MediaReader, cancel: CancelToken) -> Iterator[WindowDone]:
        look = FirstLook(self._engine.segmenter, span)
        windows = 2 * _blocks(len(span))
        began = block_began = time.perf_counter()
        read = 0
        for index, frame in zip(span, reader.frames(span), strict=False):
            cancel.raise_if_cancelled()
            state.moments += look.see(index, frame)
            if (index + 1 - span.start) % _BLOCK == 0:
                seconds, block_began = time.perf_counter() - block_began, time.perf_counter()
                state.windows_done += 1
                yield WindowDone(state.windows_done, windows, (), seconds, seconds * (windows - state.windows_done))
            read += 1
        if read < len(span):
            raise UserError(
                f"The clip ends after {span.start + read} frames, although it claims at least {span.stop}.",
                hint=f"End the span at frame {span.start + read}.",
                code="media.short_clip",
            )
        state.moments += look.finish()
        state.cuts = look.cuts
        state.windows_done = _blocks(len(span))
        state.look_s = time.perf_counter() - began

    def _choose(self, state: _State, request: RunRequest, reading: Reading) -> tuple[Verdict, tuple[Ranked, ...]]:
        """The tracks that are meant, at most one a shot, and all of them ranked."""
        tracks = find_tracks(state.moments)
        still = not tracks
        if still:
            state.moments = still_moments(state.moments, reading.slots)
            tracks = find_tracks(state.moments)
        shots = sorted({track.shot for track in tracks})
        by_shot = [
            rank([track for track in tracks if track.shot == shot], state.moments, reading.slots) for shot in shots
        ]
        if request.candidate is not None:
            return judge_candidate(tracks, request.candidate), _flat(by_shot)
        return judge(reading, by_shot, still=still, believe=request.believe), _flat(by_shot)

    def _follow(
        self, state: _State, span: FrameSpan, tracks: Sequence[Track], reader: MediaReader, cancel: CancelToken
    ) -> Iterator[RunEvent]:
        by_shot = {track.shot: track for track in tracks}
        windows = 2 * _blocks(len(span))
        waiting: list[FrameResult] = []
        began, done = time.perf_counter(), 0
        for shot, frames in enumerate(shot_spans(span, state.cuts)):
            for result in self._shot(state, frames, by_shot.get(shot), reader, cancel):
                waiting.append(result)
                done += 1
                state.visible += result.visible
                state.confidences += result.confidence
                if len(waiting) >= _BLOCK or done == len(span):
                    state.windows_done = min(windows, state.windows_done + 1)
                    seconds = (time.perf_counter() - began) * len(waiting) / done
                    left = (time.perf_counter() - began) * (len(span) - done) / done
                    yield WindowDone(state.windows_done, windows, tuple(waiting), seconds, left)
                    waiting = []

    def _shot(
        self, state: _State, frames: FrameSpan, track: Track | None, reader: MediaReader, cancel: CancelToken
    ) -> Iterator[FrameResult]:
        """Every frame of a shot once, seeds first."""
        height, width = reader.info.height, reader.info.width
        if track is None:
            for index in frames:
                yield FrameResult(index, empty(height, width), 0.0, None, visible=False)
            return
        seeds = choose_seeds(track, state.moments, frames=len(frames))
        appearance = Appearance(track, state.moments)
        given: dict[int, dict[int, np.ndarray]] = {}
        for seed in sorted(seeds, key=lambda each: each.frame_index):
            cancel.raise_if_cancelled()
            guide = guide_of(reader.frame(seed.frame_index))
            mask = mask_along_edges(appearance.logits(seed), guide, height, width)
            if mask.any():
                given[seed.frame_index] = {1: mask}
                yield _result(seed.frame_index, mask, confidence=seed.certainty)
        if not given:
            for index in frames:
                yield FrameResult(index, empty(height, width), 0.0, None, visible=False)
            return
        for found in follow(self._engine.propagator, reader, given, span=frames, direction="nearest", cancel=cancel):
            for each in found.objects:
                yield _result(found.frame_index, decode(each.mask), confidence=each.confidence)

    def _summary(
        self,
        state: _State,
        request: RunRequest,
        reading: Reading,
        verdict: Verdict,
        candidates: tuple[Candidate, ...],
        info: MediaInfo,
    ) -> RunSummary:
        frames = len(request.span)
        total = time.perf_counter() - state.began
        return RunSummary(
            model=MOTION,
            expression=request.expression,
            span=request.span,
            vote=request.vote,
            score=state.confidences / frames if not verdict.absent else 0.0,
            consensus=None if verdict.fit is None else verdict.fit,
            absent=verdict.absent,
            unknown_words=reading.unknown,
            notes=((self._engine.note,) if self._engine.note else ()) + verdict.notes,
            device=self._engine.device,
            window=1,
            stride=1,
            size=self._engine.card.size,
            input_size=self._engine.propagator.input_size(info.height, info.width),
            queries=len(candidates),
            windows=state.windows_done,
            cuts=tuple(state.cuts),
            visible_frames=state.visible,
            revised_frames=0,
            timings=Timings(state.look_s, state.choose_s, total - state.look_s - state.choose_s, 0.0, total),
            candidates=candidates,
        )


def judge_candidate(tracks: Sequence[Track], number: int) -> Verdict:
    """A person chose the track. Raises: UsageError: there is no such track."""
    found = [track for track in tracks if track.track_id == number]
    if not found:
        ways = f"There are 1 to {len(tracks)}" if tracks else "Nothing was found to choose from"
        raise UsageError(
            f"There is no candidate {number}.",
            hint=f"{ways}; --list-candidates shows them.",
            code="motion.no_candidate",
        )
    return Verdict(tuple(found), absent=False, fit=1.0, notes=(f"Candidate {number} was chosen by hand.",))


def _flat(by_shot: Sequence[Sequence[Ranked]]) -> tuple[Ranked, ...]:
    return tuple(each for ranked in by_shot for each in ranked)


def _candidates(
    ranked: Sequence[Ranked], moments: Sequence[Moment], info: MediaInfo, *, chosen: set[int]
) -> tuple[Candidate, ...]:
    """What a person can choose from, the best first."""
    found = []
    order = sorted(ranked, key=lambda each: (id(each.track) not in chosen, bool(each.failing), -each.total))
    for each in order[:_THUMBNAILS]:
        best = max(each.track.sightings, key=lambda sighting: sighting.certainty * sighting.area**0.5)
        logits = np.where(best.mask, moments[best.moment].moving, -2.0).astype(np.float32)
        mask = mask_along_edges(np.maximum(logits, np.where(best.mask, 0.5, -9)), _blank(), info.height, info.width)
        found.append(
            Candidate(
                number=each.track.track_id,
                frame_index=best.frame_index,
                mask=encode(mask),
                first=each.track.sightings[0].frame_index,
                last=each.track.sightings[-1].frame_index,
                words=each.words,
                fit=each.fit,
                chosen=id(each.track) in chosen,
            )
        )
    return tuple(found)


def _blank() -> np.ndarray:
    return np.zeros((1, 1, 3), np.uint8)


def _result(index: int, mask: np.ndarray, *, confidence: float) -> FrameResult:
    rle = encode(mask)
    box = bbox(rle)
    return FrameResult(index, rle, float(confidence) if box else 0.0, box, visible=box is not None)


def _blocks(frames: int) -> int:
    return max(1, -(-frames // _BLOCK))
