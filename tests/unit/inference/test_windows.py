"""Window plans: every frame covered, nothing across a cut, the last window ends with its shot."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.errors import UsageError
from rvos_core.inference.windows import WindowRule, count_windows, next_window, plan_windows, window_rule
from rvos_core.models.api import ModelCard
from rvos_core.types import FrameSpan

CARD = ModelCard("m", "ifirvos", 1, "", "", "", size=256, long_side=512, window=8, stride=6)


@st.composite
def rules(draw: st.DrawFn) -> WindowRule:
    size = draw(st.integers(1, 12))
    return WindowRule(size, draw(st.integers(1, size)))


@st.composite
def spans(draw: st.DrawFn) -> FrameSpan:
    start = draw(st.integers(0, 50))
    return FrameSpan(start, start + draw(st.integers(0, 60)))


@given(spans(), rules(), st.sets(st.integers(0, 110), max_size=6))
def test_windows_cover_every_frame_inside_one_shot_each(span: FrameSpan, rule: WindowRule, cuts: set[int]) -> None:
    plan = plan_windows(span, rule, cuts=cuts)
    inner = sorted(cut for cut in cuts if span.start < cut < span.stop)
    assert {frame for window in plan for frame in window} == set(span)
    assert all(not any(window.start < cut < window.stop for cut in inner) for window in plan)
    assert all(a.start < b.start and a.stop < b.stop for a, b in pairwise(plan))
    for stop in (*inner, span.stop):
        ending = [window for window in plan if window.stop == stop]
        assert len(ending) == (1 if len(span) else 0)
    for window in plan:
        shot_start = max([span.start, *(cut for cut in inner if cut <= window.start)])
        shot_stop = min([span.stop, *(cut for cut in inner if cut >= window.stop)])
        assert len(window) == min(rule.size, shot_stop - shot_start)


@given(spans(), rules())
def test_windows_of_one_shot_start_a_stride_apart_but_for_the_last(span: FrameSpan, rule: WindowRule) -> None:
    starts = [window.start for window in plan_windows(span, rule)]
    assert starts[:-1] == [span.start + rule.stride * i for i in range(len(starts) - 1)] if starts else not len(span)


@given(spans().filter(len), rules())
def test_windows_are_counted_without_a_plan(span: FrameSpan, rule: WindowRule) -> None:
    assert count_windows(len(span), rule) == len(plan_windows(span, rule))


@given(spans().filter(len), st.lists(rules(), min_size=1, max_size=20))
def test_no_frame_is_left_out_when_the_rule_shrinks_on_the_way(span: FrameSpan, changes: list[WindowRule]) -> None:
    sizes = sorted(changes, key=lambda rule: -rule.size)
    seen: set[int] = set()
    window, step = next_window(span, sizes[0], previous=None), 0
    while window is not None:
        seen |= set(window)
        step += 1
        before = window
        window = next_window(span, sizes[min(step, len(sizes) - 1)], previous=window)
        assert window is None or before.start < window.start <= before.stop
    assert seen == set(span)


def test_the_plan_of_the_readme() -> None:
    plan = plan_windows(FrameSpan(10, 30), WindowRule(8, 6))
    assert [(window.start, window.stop) for window in plan] == [(10, 18), (16, 24), (22, 30)]
    plan = plan_windows(FrameSpan(0, 21), WindowRule(8, 6))
    assert [(window.start, window.stop) for window in plan] == [(0, 8), (6, 14), (12, 20), (13, 21)]
    assert plan_windows(FrameSpan(5, 8), WindowRule(8, 6)) == (FrameSpan(5, 8),)


@pytest.mark.parametrize(
    ("frames", "window", "stride", "expected"),
    [
        (100, None, None, (8, 6)),
        (100, 0, None, (100, 98)),
        (100, 5, None, (5, 3)),
        (100, 2, None, (2, 1)),
        (100, 1, None, (1, 1)),
        (100, 8, 8, (8, 8)),
        (5, None, None, (5, 5)),
        (100, 500, 500, (100, 100)),
    ],
)
def test_rules_are_completed_from_the_card(
    frames: int, window: int | None, stride: int | None, expected: tuple[int, int]
) -> None:
    rule = window_rule(CARD, frames, window=window, stride=stride)
    assert (rule.size, rule.stride) == expected


@pytest.mark.parametrize(("window", "stride"), [(-1, None), (8, 0), (8, -2), (8, 9), (None, 9)])
def test_impossible_rules_are_usage_errors(window: int | None, stride: int | None) -> None:
    with pytest.raises(UsageError, match="not"):
        window_rule(CARD, 100, window=window, stride=stride)


def test_halving_ends_at_single_frames() -> None:
    rule, sizes = WindowRule(24, 18), []
    while rule.size > 1:
        rule = rule.halved()
        sizes.append((rule.size, rule.stride))
    assert sizes == [(12, 9), (6, 5), (3, 3), (1, 1)]
    assert rule.halved() == rule
