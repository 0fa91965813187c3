"""The state: what a person did is what it says, and every change is told once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_app.state import RunStatus, StudioState
from rvos_core.inference.events import FrameResult
from rvos_core.masks import encode
from rvos_core.types import FrameSpan, MediaInfo


def clip(frames: int = 40) -> MediaInfo:
    return MediaInfo(
        path=Path("street.mp4"),
        kind="video",
        width=8,
        height=4,
        frame_count=frames,
        rate=Fraction(24),
        rate_is_assumed=False,
        is_variable_rate=False,
        pts=tuple(range(frames)),
        time_base=Fraction(1, 24),
        codec="h264",
        pixel_format="yuv420p",
        coded_width=8,
        coded_height=4,
        rotation_deg=0,
        sample_aspect=Fraction(1),
        has_audio=False,
    )


def result(index: int, *, visible: bool = True) -> FrameResult:
    mask = np.zeros((4, 8), dtype=bool)
    mask[1:3, 1:3] = visible
    return FrameResult(index, encode(mask), 0.9, (1.0, 1.0, 3.0, 3.0) if visible else None, visible)


@pytest.fixture
def state() -> StudioState:
    made = StudioState()
    made.set_clip(clip())
    return made


def test_a_new_clip_empties_everything_and_raises_the_generation(state: StudioState) -> None:
    thing = state.add_object("a red car")
    state.put_results(thing.object_id, [result(3)])
    before = state.generation
    state.set_clip(clip(10))
    assert state.generation == before + 1
    assert (state.objects, state.selected, state.has_results) == ((), None, False)
    assert state.span == FrameSpan(0, 10)


def test_object_ids_are_never_used_again(state: StudioState) -> None:
    first = state.add_object("a red car")
    state.remove_object(first.object_id)
    assert state.add_object("a red car").object_id != first.object_id


def test_objects_have_different_colours_and_a_freed_one_is_taken_again(state: StudioState) -> None:
    made = [state.add_object(f"object {n}") for n in range(20)]
    assert len({thing.colour for thing in made}) == 20
    state.remove_object(made[4].object_id)
    assert state.add_object("another").colour == made[4].colour


def test_removing_the_selected_object_selects_the_last_one_left(state: StudioState) -> None:
    first, second = state.add_object("a"), state.add_object("b")
    state.remove_object(second.object_id)
    assert state.selected == first.object_id
    state.remove_object(first.object_id)
    assert state.selected is None


def test_later_results_replace_earlier_ones_frame_by_frame(state: StudioState) -> None:
    thing = state.add_object("a")
    told: list[tuple[int, tuple[int, ...]]] = []
    state.results_changed.connect(lambda object_id, frames: told.append((object_id, frames)))
    state.put_results(thing.object_id, [result(0), result(1)])
    state.put_results(thing.object_id, [result(1, visible=False), result(2)])
    assert [state.results(thing.object_id)[i].visible for i in range(3)] == [True, False, True]
    assert told == [(thing.object_id, (0, 1)), (thing.object_id, (1, 2))]


def test_results_of_a_removed_object_are_dropped(state: StudioState) -> None:
    thing = state.add_object("a")
    state.remove_object(thing.object_id)
    state.put_results(thing.object_id, [result(0)])
    assert not state.has_results


def test_clearing_touches_only_the_span(state: StudioState) -> None:
    thing = state.add_object("a")
    state.put_results(thing.object_id, [result(i) for i in range(10)])
    state.clear_results(thing.object_id, FrameSpan(3, 6))
    assert sorted(state.results(thing.object_id)) == [0, 1, 2, 6, 7, 8, 9]


def test_nothing_is_told_where_nothing_changes(state: StudioState) -> None:
    thing = state.add_object("a")
    told: list[str] = []
    state.objects_changed.connect(lambda: told.append("objects"))
    state.run_changed.connect(lambda _run: told.append("run"))
    state.span_changed.connect(lambda _span: told.append("span"))
    state.change_object(thing.object_id, visible=True)
    state.set_run(RunStatus())
    state.set_span(state.span)
    assert told == []


@given(moves=st.lists(st.tuples(st.sampled_from(["in", "out", "clear"]), st.integers(0, 39)), max_size=30))
def test_in_and_out_always_enclose_at_least_one_frame_of_the_clip(moves: list[tuple[str, int]]) -> None:
    state = StudioState()
    state.set_clip(clip())
    for kind, index in moves:
        if kind == "clear":
            state.clear_span()
            assert state.span == FrameSpan(0, 40)
        elif kind == "in":
            state.set_in(index)
            assert state.span.start == index
        else:
            state.set_out(index)
            assert state.span.stop == index + 1
        assert len(state.span) >= 1
        assert state.span.stop <= 40
