"""A run followed from its surest frames: which they are, and what stays as it was."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_inference import MemoryReader
from isvos_small import CARD, moving_squares, tiny
from rvos_core.inference import FrameResult
from rvos_core.inference.propagation import follow
from rvos_core.inference.refining import best_frames, refined
from rvos_core.masks import area, bbox, empty, encode
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.types import FrameSpan


def results(confidences: list[float], *, hidden: frozenset[int] = frozenset(), start: int = 0) -> list[FrameResult]:
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:5] = True
    return [
        FrameResult(start + i, empty(8, 8), c, None, visible=False)
        if i in hidden
        else FrameResult(start + i, encode(mask), c, (2.0, 2.0, 5.0, 5.0), visible=True)
        for i, c in enumerate(confidences)
    ]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.integers(1, 4),
    st.sets(st.integers(0, 11), max_size=4),
    st.integers(0, 50),
)
def test_the_surest_frames_apart_from_one_another(
    confidences: list[float], most: int, hidden: set[int], start: int
) -> None:
    frames = results(confidences, hidden=frozenset(hidden), start=start)
    chosen = best_frames(frames, most=most)
    seen = {each.frame_index: each.confidence for each in frames if each.visible}
    assert list(chosen) == sorted(set(chosen)) and len(chosen) <= most and set(chosen) <= set(seen)
    apart = max(1, len(frames) // (2 * most))
    assert all(two - one >= apart for one, two in combinations(chosen, 2))
    if seen:
        assert max(seen.values()) in [seen[index] for index in chosen]
    for index in set(seen) - set(chosen):
        near = [other for other in chosen if abs(other - index) < apart and seen[other] >= seen[index]]
        assert near or (len(chosen) == most and min(seen[other] for other in chosen) >= seen[index])


def test_given_frames_stay_and_the_others_are_what_following_gives() -> None:
    pictures, labels = moving_squares(frames=7, objects=1)
    height, width = labels[0].shape
    reader = MemoryReader(lambda index: pictures[index], 7)
    frames = []
    for index, label in enumerate(labels):
        mask = encode(label == 1)
        box = bbox(mask)
        assert box is not None
        frames.append(FrameResult(index, mask, [0.1, 0.9, 0.2, 0.3, 0.2, 0.8, 0.1][index], box, visible=True))
    propagator = IsvosPropagator(tiny(), card=CARD)
    assert best_frames(frames, most=2) == (1, 5)
    found = refined(frames, propagator, reader, most=2)
    assert [each.frame_index for each in found] == list(range(7))
    assert (found[1], found[5]) == (frames[1], frames[5])
    known = {index: {1: labels[index] == 1} for index in (1, 5)}
    expected = {
        each.frame_index: each.objects[0]
        for each in follow(IsvosPropagator(tiny(), card=CARD), reader, known, span=FrameSpan(0, 7))
    }
    for index, each in expected.items():
        assert (found[index].mask, found[index].confidence) == (each.mask, each.confidence)
        assert found[index].visible == (area(each.mask) > 0) == (found[index].box is not None)
    assert (found[0].mask.height, found[0].mask.width) == (height, width)


def test_behind_a_cut_and_where_nothing_was_found_a_run_stays_as_it_is() -> None:
    pictures, labels = moving_squares(frames=8, objects=1)
    other = [255 - picture // 2 for picture in pictures]
    reader = MemoryReader(lambda index: pictures[index] if index < 4 else other[index], 8)
    mask = encode(labels[0] == 1)
    frames = [FrameResult(index, mask, 0.9 if index < 4 else 0.1, bbox(mask), visible=True) for index in range(8)]
    found = refined(frames, IsvosPropagator(tiny(), card=CARD), reader, most=1)
    assert found[4:] == tuple(frames[4:]), "another shot"
    assert any(one != two for one, two in zip(found[:4], frames[:4], strict=True))
    hidden = [replace(each, mask=empty(mask.height, mask.width), visible=False, box=None) for each in frames]
    assert refined(hidden, IsvosPropagator(tiny(), card=CARD), reader) == tuple(hidden)


@pytest.mark.parametrize("most", [1, 3])
def test_one_frame_is_its_own_best(most: int) -> None:
    frames = results([0.4])
    assert best_frames(frames, most=most) == (0,)
    assert best_frames(results([0.4], hidden=frozenset({0})), most=most) == ()
