"""One expression over one span: windows one by one, events as they finish, memory constant in the length of the clip.

No torch here.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.inference.cost import check_request, cost_of_rule, estimate_cost, rule_that_fits, too_little_memory
from rvos_core.inference.events import (
    FrameResult,
    FramesRevised,
    QueriesSettled,
    RunEvent,
    RunFinished,
    RunRequest,
    RunStarted,
    RunSummary,
    Timings,
    WindowDone,
)
from rvos_core.inference.expression import absent_note, checked_expression, expression_notes
from rvos_core.inference.feed import FrameFeed
from rvos_core.inference.results import SpanResults
from rvos_core.inference.tracks import TrackFrames, TrackMerger
from rvos_core.inference.visibility import sigmoid
from rvos_core.inference.windows import WindowRule, count_windows, window_rule
from rvos_core.masks import QueryMasks
from rvos_core.models.api import TextFeatures
from rvos_core.models.engine import Engine
from rvos_core.models.memory import unless_out_of_memory
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.media import MediaReader

__all__ = ["Runner", "estimate_cost"]

_log = logging.getLogger("rvos.model")
_HALVINGS = 3


@dataclass(frozen=True)
class _Prediction:
    """One window as numpy: mask logits (t, q, h, w), class logits (t, q), float32."""

    window: FrameSpan
    opens_shot: bool
    mask_logits: np.ndarray
    class_logits: np.ndarray
    consensus: float | None


class Runner:
    """Runs requests on one loaded model. One run at a time."""

    def __init__(self, referrer: Engine) -> None:
        self._referrer = referrer

    def run(self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        """Yields `RunStarted`, a `WindowDone` per window, `FramesRevised` where the final vote differs, and
        `RunFinished`; `QueriesSettled` between them where the request asks for it.

        Every frame of the span comes at least once; the latest result of a frame is the valid one. The request is
        checked before the first event. Closing the iterator early frees everything; `reader` stays open.

        Args:
            request: what to look for and where.
            reader: the clip; used by this run alone until it ends.
            cancel: asked before every frame and window; windows that were yielded stay valid.

        Raises:
            UsageError: the expression, span, window or size makes no sense.
            UserError: the model knows none of the words, memory does not suffice, or the clip is shorter than it
                claims.
            Cancelled: the person stopped it.
        """
        check_request(reader.info, request)
        expression = checked_expression(request.expression)
        rule = window_rule(self._referrer.card, len(request.span), window=request.window, stride=request.stride)
        text = self._referrer.encode_text(" ".join(expression.split()))  # as the models are trained
        notes = list(expression_notes(expression, text, self._referrer.card))
        input_size = self._referrer.input_size(reader.info.height, reader.info.width, size=request.size)
        fitting = rule_that_fits(self._referrer, rule, input_size=input_size)
        if fitting != rule:
            notes.append(_shorter(rule, fitting, "memory is short"))
        return _Run(
            self._referrer, request, reader=reader, cancel=cancel, text=text, rule=fitting, notes=notes
        ).events()


class _Run:
    """The state of one run."""

    def __init__(
        self,
        referrer: Engine,
        request: RunRequest,
        *,
        reader: MediaReader,
        cancel: CancelToken,
        text: TextFeatures,
        rule: WindowRule,
        notes: list[str],
    ) -> None:
        info = reader.info
        self._referrer = referrer
        self._request = request
        self._info = info
        self._cancel = cancel
        self._text = text
        self._rule = rule
        self._notes = notes
        self._input_size = referrer.input_size(info.height, info.width, size=request.size)
        self._feed = FrameFeed(
            referrer, reader, span=request.span, size=request.size, guides=request.along_edges, cancel=cancel
        )
        self._merger = TrackMerger()
        self._results: SpanResults | None = None
        self._settled: TrackFrames | None = None
        self._halvings = 0
        self._windows = 0
        self._queries = 0
        self._revised = 0
        self._refer_s = 0.0
        self._masks_s = 0.0
        self._began = time.perf_counter()

    def events(self) -> Iterator[RunEvent]:
        try:
            cost = cost_of_rule(
                self._referrer, self._info, span=self._request.span, rule=self._rule, size=self._request.size
            )
            yield RunStarted(cost, cost.windows, tuple(self._notes))
            yield from self._window_events()
            assert self._results is not None
            for frames in self._results.revisions():
                self._cancel.raise_if_cancelled()
                self._revised += len(frames)
                yield FramesRevised(frames)
            if self._results.presence.absent:
                self._notes.append(absent_note(self._request.expression))
            yield RunFinished(self._summary())
        except MemoryError as error:
            raise too_little_memory(self._referrer) from error
        finally:
            self._feed.close()
            if self._results is not None:
                self._results.close()

    def _window_events(self) -> Iterator[WindowDone | QueriesSettled]:
        previous: FrameSpan | None = None
        while True:
            self._cancel.raise_if_cancelled()
            began = time.perf_counter()
            prediction = self._predict(previous)
            if prediction is None:
                break
            previous = prediction.window
            self._windows += 1
            frames = self._take_over(prediction)
            seconds = time.perf_counter() - began
            self._referrer.pace.observe(seconds, frames=len(previous), pixels=math.prod(self._input_size))
            left = self._windows_after(previous)
            yield WindowDone(self._windows, self._windows + left, frames, seconds, left * seconds)
            if self._settled is not None and self._request.keep_queries:
                yield QueriesSettled(_queries_of(self._settled))
        assert self._results is not None
        last = self._merger.pending()
        self._results.settle(last)
        if self._request.keep_queries:
            yield QueriesSettled(_queries_of(last))

    def _windows_after(self, window: FrameSpan) -> int:
        """Windows still to come if no further cut comes."""
        stop = self._request.span.stop
        if window.stop >= stop:
            return 0
        return count_windows(stop - max(window.stop - self._rule.overlap, window.start + 1), self._rule)

    def _predict(self, previous: FrameSpan | None) -> _Prediction | None:
        """The next window, or None at the end; the window is halved where memory runs out.

        Raises:
            UserError: memory runs out again and again.
        """
        while True:
            found = unless_out_of_memory(lambda: (self._try_next_window(previous),))
            if found is not None:
                return found[0]
            self._halvings += 1
            if self._halvings > _HALVINGS or self._rule.size == 1:
                raise too_little_memory(self._referrer)
            shorter = self._rule.halved()
            self._notes.append(_shorter(self._rule, shorter, "memory ran out"))
            _log.warning("window %d: %s", self._windows + 1, self._notes[-1])
            self._rule = shorter

    def _try_next_window(self, previous: FrameSpan | None) -> _Prediction | None:
        window = self._feed.next_window(self._rule, previous=previous)
        if window is None:
            return None
        features = self._feed.features(window, block=self._rule.size)
        began = time.perf_counter()
        answer = self._referrer.refer(features, self._text)
        prediction = _Prediction(
            window,
            opens_shot=window.start == self._feed.shot_start,
            mask_logits=answer.mask_logits.float().cpu().numpy(),
            class_logits=answer.class_logits.float().cpu().numpy(),
            consensus=answer.consensus,
        )
        self._refer_s += time.perf_counter() - began
        return prediction

    def _take_over(self, prediction: _Prediction) -> tuple[FrameResult, ...]:
        """Links, averages and settles; returns the window's frames for display."""
        began = time.perf_counter()
        if self._results is None:
            self._queries = prediction.class_logits.shape[1]
            self._results = SpanResults(
                self._request.span,
                height=self._info.height,
                width=self._info.width,
                tracks=self._queries,
                visible_on=self._referrer.card.visible_on,
                visible_off=self._referrer.card.visible_off,
                present_at=None if self._request.believe else self._referrer.card.present_at,
                vote=self._request.vote,
                guide=self._feed.guide if self._request.along_edges else None,
            )
        if prediction.consensus is not None:
            self._results.presence.hear(prediction.window, prediction.consensus)
        self._settled = self._merger.add(prediction.window, prediction.mask_logits, prediction.class_logits)
        if self._settled is not None:
            self._results.settle(self._settled)
        if prediction.opens_shot:
            self._results.begin_shot()
        frames = self._results.preview(self._merger.pending())
        self._masks_s += time.perf_counter() - began
        return frames

    def _summary(self) -> RunSummary:
        assert self._results is not None
        return RunSummary(
            model=self._referrer.card.name,
            expression=self._request.expression,
            span=self._results.settled,
            vote=self._request.vote,
            score=self._results.score,
            consensus=self._results.presence.probability,
            absent=self._results.presence.absent,
            unknown_words=self._text.unknown_words,
            notes=tuple(self._notes),
            device=self._referrer.device,
            window=self._rule.size,
            stride=self._rule.stride,
            size=self._request.size or self._referrer.card.size,
            input_size=self._input_size,
            queries=self._queries,
            windows=self._windows,
            cuts=tuple(self._feed.cuts),
            visible_frames=self._results.visible_frames,
            revised_frames=self._revised,
            timings=Timings(
                read_s=self._feed.read_s,
                encode_s=self._feed.encode_s,
                refer_s=self._refer_s,
                masks_s=self._masks_s,
                total_s=time.perf_counter() - self._began,
            ),
        )


def _queries_of(frames: TrackFrames) -> QueryMasks:
    return QueryMasks(frames.span, frames.mask_logits > 0, sigmoid(frames.class_logits))


def _shorter(old: WindowRule, new: WindowRule, why: str) -> str:
    frames = "1 frame" if new.size == 1 else f"{new.size} frames"
    return f"The window was shortened from {old.size} to {frames}, because {why}: masks may be less steady."
