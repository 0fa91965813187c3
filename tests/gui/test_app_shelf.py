"""The shelf of one object's results: flags for every frame, few masks in memory, the rest read when asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_app.mask_shelf import MaskShelf
from rvos_app.timeline.lanes import EMPTY, MASK, NO_RESULT
from rvos_core.inference.events import FrameResult
from rvos_core.masks import encode
from rvos_core.types import FrameSpan


def result(index: int, *, visible: bool = True, confidence: float = 0.75) -> FrameResult:
    mask = np.zeros((4, 8), dtype=bool)
    mask[1, index % 8] = visible
    return FrameResult(index, encode(mask), confidence, None, visible)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 3000), st.booleans()),
        st.tuples(st.just("clear"), st.integers(0, 3000), st.integers(0, 900)),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(max_examples=60, deadline=None)
def test_it_is_a_dictionary(steps: list[tuple[str, int, int]]) -> None:
    shelf, truth = MaskShelf(), {}
    for what, first, more in steps:
        if what == "put":
            made = result(first, visible=bool(more))
            assert shelf.put([made]) == (first,)
            truth[first] = made
        else:
            gone = {index for index in truth if first <= index < first + more}
            assert set(shelf.clear(FrameSpan(first, first + more))) == gone
            truth = {index: each for index, each in truth.items() if index not in gone}
    assert dict(shelf) == truth
    assert len(shelf) == len(truth)
    assert shelf.seen()[0] == sum(each.visible for each in truth.values())
    missing = next((index for index in range(3200) if index not in truth), None)
    assert shelf.first_missing(FrameSpan(0, 3200)) == missing


def test_masks_beyond_a_few_thousand_are_read_back() -> None:
    read: list[int] = []

    def from_project(index: int) -> FrameResult:
        read.append(index)
        return result(index)

    shelf = MaskShelf(from_project)
    shelf.put(result(index) for index in range(5000))
    assert shelf[4999] == result(4999)
    assert read == []
    assert shelf[3] == result(3)
    assert shelf[3] == result(3)
    assert read == [3], "it is in memory again"
    assert 5001 not in shelf


def test_a_million_frames_cost_a_few_bytes_each() -> None:
    frames = np.arange(1_000_000)
    shelf = MaskShelf(result)
    shelf.load(frames, frames % 3 > 0, np.full(len(frames), 0.5, np.float32))
    assert len(shelf) == 1_000_000
    states, confidence = shelf.states(np.array([0, 1, 999_999]))
    assert states.tolist() == [EMPTY, MASK, EMPTY]
    assert confidence.tolist() == [0.5, 0.5, 0.5]
    assert shelf[777_777].frame_index == 777_777
    assert len(shelf.clear(FrameSpan(0, 999_990))) == 999_990
    assert len(shelf) == 10
    assert shelf.states(np.array([5]))[0].tolist() == [NO_RESULT]


def test_what_is_loaded_replaces_what_was_in_memory() -> None:
    shelf = MaskShelf(lambda index: result(index, visible=False, confidence=0.25))
    shelf.put([result(5)])
    shelf.load(np.array([5]), np.array([False]), np.array([0.25], np.float32))
    assert not shelf[5].visible
