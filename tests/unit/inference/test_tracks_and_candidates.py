"""Merging windows into tracks, keeping candidates: the stream equals the formula over all windows at once."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.inference.candidates import CandidateStore
from rvos_core.inference.results import soft_logits
from rvos_core.inference.tracks import TrackFrames, TrackMerger
from rvos_core.inference.windows import WindowRule, plan_windows
from rvos_core.masks import logits_to_mask
from rvos_core.types import FrameSpan

QUERIES, HEIGHT, WIDTH = 4, 6, 32


def object_logits(frames: int, random: np.random.Generator) -> np.ndarray:
    """(t, q, h, w): four objects far from each other that wander a little, with noise of one window."""
    logits = random.normal(-4, 0.3, (frames, QUERIES, HEIGHT, WIDTH)).astype(np.float32)
    for query in range(QUERIES):
        logits[:, query, 1:5, 8 * query : 8 * query + 6] += 8
    return logits


@st.composite
def runs(draw: st.DrawFn) -> tuple[FrameSpan, WindowRule, int]:
    size = draw(st.integers(2, 9))
    rule = WindowRule(size, draw(st.integers(1, size - 1)))
    start = draw(st.integers(0, 20))
    return FrameSpan(start, start + draw(st.integers(1, 40))), rule, draw(st.integers(0, 2**32 - 1))


@settings(deadline=None, max_examples=60)
@given(runs())
def test_shuffled_queries_come_out_as_tracks_with_averaged_logits(run: tuple[FrameSpan, WindowRule, int]) -> None:
    span, rule, seed = run
    random = np.random.default_rng(seed)
    plan = plan_windows(span, rule)
    masks = {window: object_logits(len(window), random) for window in plan}
    classes = {window: random.normal(size=(len(window), QUERIES)).astype(np.float32) for window in plan}

    merger, pieces = TrackMerger(), []
    for number, window in enumerate(plan):
        order = np.arange(QUERIES) if number == 0 else random.permutation(QUERIES)
        settled = merger.add(window, masks[window][:, order], classes[window][:, order])
        pieces += [] if settled is None else [settled]
    pieces.append(merger.pending())

    assert [frame for piece in pieces for frame in piece.span] == list(span)
    for piece in pieces:
        for row, frame in enumerate(piece.span):
            seen = [window for window in plan if frame in window]
            for got, given_by in ((piece.mask_logits, masks), (piece.class_logits, classes)):
                expected = np.mean([given_by[window][frame - window.start] for window in seen], axis=0)
                np.testing.assert_allclose(got[row], expected, atol=1e-5)


def test_without_overlap_tracks_keep_the_query_index_of_the_last_window() -> None:
    merger = TrackMerger()
    random = np.random.default_rng(0)
    swapped = np.array([1, 0, 2, 3])
    merger.add(FrameSpan(0, 4), object_logits(4, random), np.zeros((4, QUERIES), np.float32))
    merger.add(FrameSpan(2, 6), object_logits(4, random)[:, swapped], np.zeros((4, QUERIES), np.float32))
    merger.add(FrameSpan(6, 8), object_logits(2, random)[:, swapped], np.zeros((2, QUERIES), np.float32))
    visible = (merger.pending().mask_logits > 0).any(axis=(0, 2))
    assert [int(np.flatnonzero(track)[0]) for track in visible] == [0, 8, 16, 24]


def test_a_gap_between_windows_is_refused() -> None:
    merger = TrackMerger()
    frames = np.zeros((2, 1, 2, 2), np.float32), np.zeros((2, 1), np.float32)
    merger.add(FrameSpan(0, 2), *frames)
    with pytest.raises(ValueError, match="does not follow"):
        merger.add(FrameSpan(3, 5), *frames)


def test_what_was_handed_over_is_not_changed_later() -> None:
    merger = TrackMerger()
    masks, classes = np.ones((2, 1, 2, 2), np.float32), np.ones((2, 1), np.float32)
    merger.add(FrameSpan(0, 2), masks, classes)
    before: TrackFrames = merger.pending()
    merger.add(FrameSpan(1, 3), 3 * masks, 3 * classes)
    assert before.mask_logits.max() == 1 and masks.max() == 1


@given(st.integers(1, 4), st.integers(1, 7), st.integers(1, 9), st.lists(st.integers(1, 5), min_size=1, max_size=5))
@settings(deadline=None, max_examples=40)
def test_candidates_come_back_bit_for_bit_from_memory_and_from_the_file(
    queries: int, height: int, width: int, blocks: list[int]
) -> None:
    random = np.random.default_rng(queries + height + width)
    masks = random.random((sum(blocks), queries, height, width)) < 0.5
    for budget in (1, 1 << 20):
        with CandidateStore(budget_bytes=budget) as store:
            for block in np.split(masks, np.cumsum(blocks)[:-1]):
                store.append(block)
            assert len(store) == len(masks)
            for frame in random.permutation(len(masks)):
                for query in range(queries):
                    assert np.array_equal(store.mask(int(frame), query), masks[frame, query])


def test_candidates_know_their_frames_and_shape() -> None:
    with CandidateStore() as store:
        with pytest.raises(IndexError):
            store.mask(0, 0)
        store.append(np.zeros((1, 2, 3, 4), dtype=bool))
        with pytest.raises(ValueError, match="change shape"):
            store.append(np.zeros((1, 2, 4, 4), dtype=bool))


def test_a_temporary_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent/rvos")
    with CandidateStore(budget_bytes=1) as store, pytest.raises(UserError, match="/nonexistent/rvos"):
        store.append(np.ones((4, 2, 8, 8), dtype=bool))


@pytest.mark.parametrize(("radius", "least"), [(3, 0.8), (6, 0.9), (12, 0.95), (20, 0.97)])
def test_a_mask_enlarged_from_bits_is_close_to_the_one_from_logits(radius: float, least: float) -> None:
    y, x = np.mgrid[:64, :112]
    angle = np.arctan2(y - 31.3, x - 50.6)
    logits = (radius * (1 + 0.2 * np.sin(3 * angle)) - np.hypot(y - 31.3, x - 50.6)).astype(np.float32)
    soft = soft_logits(logits > 0)
    assert np.array_equal(soft > 0, logits > 0)
    one, two = logits_to_mask(logits, 480, 854), logits_to_mask(soft, 480, 854)
    assert (one & two).sum() / (one | two).sum() >= least
