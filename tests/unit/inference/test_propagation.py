"""Which frames are followed from where, and the run that does it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st

from isvos_small import CARD, moving_squares, tiny
from rvos_core.errors import Cancelled, UserError
from rvos_core.inference.propagation import Direction, FollowedFrame, follow, plan_passes
from rvos_core.inference.propagation.session import expected_iou
from rvos_core.masks import decode
from rvos_core.models.api import FramePrediction, ModelCard
from rvos_core.models.isvos_configs import MemoryConfig
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.types import CancelToken, FrameSpan

SPAN = FrameSpan(0, 10)


class Clip:
    """Frames that say their number; counts what was read."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self.read: list[int] = []

    def frame(self, index: int) -> np.ndarray:
        assert 0 <= index < self._frames
        self.read.append(index)
        return np.full((4, 6, 3), index, dtype=np.uint8)


class Recorder:
    """A propagator that finds every object everywhere and writes down what it was asked."""

    card: ModelCard = CARD

    def __init__(self) -> None:
        self.log: list[str] = []
        self._ids: list[int] = []

    @property
    def object_ids(self) -> tuple[int, ...]:
        return tuple(self._ids)

    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        self._ids += [each for each in masks if each not in self._ids]
        self.log.append(f"{'remember' if permanent else 'bridge'} {frame[0, 0, 0]} {sorted(masks)}")

    def step(self, frame: np.ndarray) -> FramePrediction:
        self.log.append(f"step {frame[0, 0, 0]}")
        probabilities = torch.zeros(len(self._ids), 4, 6)
        for row, object_id in enumerate(self._ids):
            probabilities[row, :, object_id] = 0.9
        return FramePrediction(self.object_ids, probabilities, probabilities)

    def forget(self, object_id: int) -> None:
        self._ids.remove(object_id)

    def restart(self) -> None:
        self.log.append("restart")


def masks(*object_ids: int) -> dict[int, np.ndarray]:
    return {each: np.ones((4, 6), dtype=bool) for each in object_ids}


def wanted(direction: Direction, given: Mapping[int, tuple[int, ...]]) -> list[dict[int, list[int]]]:
    plan = plan_passes(SPAN, given, direction)
    return [{frame: sorted(ids) for frame, ids in each.wanted.items()} for each in plan.passes]


def test_forward_goes_to_the_next_given_frame_or_the_end() -> None:
    assert wanted("forward", {2: (1,), 5: (1,)}) == [{3: [1], 4: [1], 6: [1], 7: [1], 8: [1], 9: [1]}]


def test_backward_is_its_mirror_image() -> None:
    (walk,) = wanted("backward", {2: (1,), 5: (1,)})
    assert list(walk) == [4, 3, 1, 0]


def test_to_the_nearest_a_frame_belongs_to_the_nearer_given_one() -> None:
    forward, backward = wanted("nearest", {2: (1,), 7: (1,)})
    assert list(forward) == [3, 4, 8, 9]
    assert list(backward) == [6, 5, 1, 0]
    forward, backward = wanted("nearest", {2: (1,), 6: (1,)})
    assert 4 in forward, "as near to both: the earlier one"


def test_both_ways_what_lies_between_is_reached_from_either_side() -> None:
    forward, backward = wanted("both", {2: (1,), 7: (1,), 4: (2,)})
    assert forward == {3: [1], 4: [1], 5: [1, 2], 6: [1, 2], 7: [2], 8: [1, 2], 9: [1, 2]}
    assert backward == {6: [1], 5: [1], 4: [1], 3: [1, 2], 2: [2], 1: [1, 2], 0: [1, 2]}
    plan = plan_passes(SPAN, {2: (1,), 7: (1,), 4: (2,)}, "both")
    assert plan.met_twice == {frame: frozenset({1}) for frame in (3, 4, 5, 6)}
    assert plan.distances(1, 3) == (1, 4)


@drawn(
    given=st.dictionaries(st.integers(0, 9), st.sets(st.integers(1, 4), min_size=1), min_size=1),
    direction=st.sampled_from(["forward", "backward", "both", "nearest"]),
)
def test_every_frame_is_reached_and_none_where_it_is_given(given: dict[int, set[int]], direction: Direction) -> None:
    plan = plan_passes(SPAN, given, direction)
    seen = [(obj, frame) for each in plan.passes for frame, ids in each.wanted.items() for obj in ids]
    twice = {(obj, frame) for frame, ids in plan.met_twice.items() for obj in ids}
    assert {each for each in seen if seen.count(each) > 1} == twice
    for obj, frame in twice:
        known = {index for index, ids in given.items() if obj in ids}
        before, after = plan.distances(obj, frame)
        assert {frame - before, frame + after} <= known
        assert not known & set(range(frame - before + 1, frame + after))
    for obj in {obj for ids in given.values() for obj in ids}:
        frames = [frame for frame, ids in given.items() if obj in ids]
        reach = {
            "forward": set(range(min(frames), 10)),
            "backward": set(range(max(frames) + 1)),
        }.get(direction, set(range(10)))
        assert {frame for each, frame in seen if each == obj} == reach - set(frames)
    assert plan.steps == sum(len(each.wanted) for each in plan.passes)


def test_a_run_shows_everything_that_is_known_of_an_object_when_it_appears() -> None:
    tool, clip = Recorder(), Clip(10)
    given = {1: masks(3), 4: masks(2), 6: masks(3)}
    found = list(follow(tool, clip, given, span=FrameSpan(1, 8), direction="forward"))
    assert tool.log == [
        "restart",
        "remember 1 [3]", "remember 6 [3]", "step 2", "step 3", "step 4", "remember 4 [2]",
        "step 5", "step 6", "restart", "bridge 6 [2]", "step 7",
    ]  # fmt: skip
    by_frame = {each.frame_index: [obj.object_id for obj in each.objects] for each in found}
    assert by_frame == {2: [3], 3: [3], 4: [3], 5: [3, 2], 6: [2], 7: [3, 2]}
    seen = found[3].objects[1]
    assert decode(seen.mask).nonzero()[1].tolist() == [2] * 4
    assert seen.confidence == pytest.approx(0.9)


def test_to_the_nearest_a_pass_jumps_over_what_the_other_one_does() -> None:
    tool, clip = Recorder(), Clip(10)
    found = follow(tool, clip, {2: masks(1), 7: masks(1)}, span=SPAN, direction="nearest")
    assert [each.frame_index for each in found] == [3, 4, 8, 9, 6, 5, 1, 0]
    assert [each for each in tool.log if each != "restart"] == [
        "remember 2 [1]", "remember 7 [1]", "step 3", "step 4", "step 8", "step 9",
        "remember 2 [1]", "remember 7 [1]", "step 6", "step 5", "step 1", "step 0",
    ]  # fmt: skip
    for first, then in (("step 4", "step 8"), ("step 5", "step 1")):
        assert "restart" in tool.log[tool.log.index(first) : tool.log.index(then)]


def test_both_ways_the_frames_between_come_twice_and_settle() -> None:
    tool = Recorder()
    found = list(follow(tool, Clip(10), {2: masks(1), 6: masks(1)}, span=SPAN, direction="both"))
    assert [(each.frame_index, each.settled) for each in found] == [
        (3, False), (4, False), (5, False), (7, True), (8, True), (9, True),
        (5, True), (4, True), (3, True), (1, True), (0, True),
    ]  # fmt: skip
    assert [each.objects[0].agreement for each in found] == [None] * 6 + [1.0] * 3 + [None] * 2


def test_frames_elsewhere_are_remembered_and_nothing_is_followed_from_them() -> None:
    tool = Recorder()
    found = follow(tool, Clip(10), {4: masks(1)}, span=FrameSpan(3, 6), elsewhere={0: masks(1), 9: masks(2)})
    assert [each.frame_index for each in found] == [5, 3]
    assert [each for each in tool.log if each != "restart"] == [
        "remember 0 [1]", "remember 4 [1]", "step 5", "remember 0 [1]", "remember 4 [1]", "step 3",
    ]  # fmt: skip


def test_going_back_reads_forward_in_stretches() -> None:
    clip = Clip(60)
    found = follow(Recorder(), clip, {59: masks(1)}, span=FrameSpan(0, 60), direction="backward")
    assert [each.frame_index for each in found] == list(range(58, -1, -1))
    assert clip.read[:3] == [59, 58, 26]
    assert clip.read[2:34] == list(range(26, 58))


def test_what_was_followed_before_is_forgotten() -> None:
    tool = Recorder()
    tool.remember(np.zeros((4, 6, 3), dtype=np.uint8), masks(5), permanent=True)
    (frame,) = follow(tool, Clip(2), {0: masks(1)}, span=FrameSpan(0, 2))
    assert [each.object_id for each in frame.objects] == [1]


class TwoShots(Clip):
    """Ten frames; from frame 5 on another place."""

    def frame(self, index: int) -> np.ndarray:
        self.read.append(index)
        picture = np.zeros((4, 6, 3), dtype=np.uint8)
        picture[..., 0 if index < 5 else 2] = 200
        return picture


def followed_frames(
    given: dict[int, dict[int, np.ndarray]], direction: Direction, *, go_on: bool
) -> dict[int, set[int]]:
    asked: list[int] = []

    def beyond(index: int) -> bool:
        asked.append(index)
        return go_on

    found = follow(Recorder(), TwoShots(10), given, span=SPAN, direction=direction, beyond_cut=beyond)
    by_object: dict[int, set[int]] = {}
    for each in found:
        for obj in each.objects:
            by_object.setdefault(obj.object_id, set()).add(each.frame_index)
    assert set(asked) == {5}, "the first frame of the second shot, whichever way"
    return by_object


def test_a_scene_cut_ends_what_is_followed_unless_one_goes_on() -> None:
    assert followed_frames({1: masks(1)}, "forward", go_on=False) == {1: {2, 3, 4}}
    assert followed_frames({1: masks(1)}, "forward", go_on=True) == {1: set(range(2, 10))}
    assert followed_frames({8: masks(1)}, "backward", go_on=False) == {1: {7, 6, 5}}


def test_behind_a_cut_it_begins_again_where_it_is_given() -> None:
    found = followed_frames({1: masks(1, 2), 7: masks(2)}, "forward", go_on=False)
    assert found == {1: {2, 3, 4}, 2: {2, 3, 4, 8, 9}}
    found = followed_frames({1: masks(1), 5: masks(1)}, "forward", go_on=False)
    assert found == {1: {2, 3, 4, 6, 7, 8, 9}}, "the given frame is itself the first of its shot"


def test_a_jump_over_what_the_other_pass_does_is_no_cut() -> None:
    asked: list[int] = []

    def beyond(index: int) -> bool:
        asked.append(index)
        return False

    given = {1: masks(1), 8: masks(1)}  # forward: 2 to 4, then 9; the cut lies in what is left out
    found = follow(Recorder(), TwoShots(10), given, span=SPAN, direction="nearest", beyond_cut=beyond)
    assert sorted(each.frame_index for each in found) == [0, 2, 3, 4, 5, 6, 7, 9]
    assert not asked


def test_between_two_shots_each_side_belongs_to_its_own_given_frame() -> None:
    asked: list[int] = []

    def beyond(index: int) -> bool:
        asked.append(index)
        return False

    given = {1: masks(1), 8: masks(1)}
    found = list(follow(Recorder(), TwoShots(10), given, span=SPAN, direction="both", beyond_cut=beyond))
    assert asked == [5], "a person is asked once, though both passes meet the cut"
    assert [each.frame_index for each in found] == [2, 3, 4, 9, 7, 6, 5, 0]
    assert all(each.objects[0].agreement is None for each in found)


def test_without_a_question_cuts_are_not_looked_for() -> None:
    found = follow(Recorder(), TwoShots(10), {1: masks(1)}, span=SPAN, direction="forward")
    assert [each.frame_index for each in found] == list(range(2, 10))


def test_cancelling_stops_between_frames() -> None:
    cancel, found = CancelToken(), []
    with pytest.raises(Cancelled):
        for each in follow(Recorder(), Clip(10), {0: masks(1)}, span=SPAN, cancel=cancel):
            found.append(each.frame_index)
            if each.frame_index == 3:
                cancel.cancel()
    assert found == [1, 2, 3]


@pytest.mark.parametrize("given", [{}, {3: {}}])
def test_nothing_given_is_said(given: dict[int, dict[int, np.ndarray]]) -> None:
    with pytest.raises(UserError, match="nothing to follow"):
        next(follow(Recorder(), Clip(10), given, span=SPAN))


def test_a_frame_outside_the_span_is_named() -> None:
    with pytest.raises(UserError, match="frame 12, outside the frames 0 to 9"):
        next(follow(Recorder(), Clip(20), {12: masks(1)}, span=SPAN))


def test_confidence_is_the_iou_to_be_expected() -> None:
    probability = np.random.default_rng(4).random((9, 11)).astype(np.float32)
    mask = probability > 0.5
    draws = np.random.default_rng(5).random((20_000, 9, 11)) < probability
    hits, unions = (draws & mask).sum((1, 2)), (draws | mask).sum((1, 2))
    assert expected_iou(torch.from_numpy(probability)) == pytest.approx(float((hits / unions).mean()), abs=0.005)
    assert expected_iou(torch.full((3, 3), 0.4)) == 0.0


def test_isvos_follows_a_clip_both_ways() -> None:
    pictures, labels = moving_squares(frames=9, objects=2)

    class Pictures:
        def frame(self, index: int) -> np.ndarray:
            return pictures[index]

    def run() -> list[FollowedFrame]:
        tool = IsvosPropagator(tiny(), card=CARD, memory=MemoryConfig(every=2, most=4, top_k=6))
        given = {4: {1: labels[4] == 1, 8: labels[4] == 2}, 7: {8: labels[7] == 2}}
        return list(follow(tool, Pictures(), given, span=FrameSpan(0, 9)))

    found = run()
    pairs = [(each.frame_index, obj.object_id) for each in found if each.settled for obj in each.objects]
    assert sorted(pairs) == sorted([(f, 1) for f in range(9) if f != 4] + [(f, 8) for f in range(9) if f not in (4, 7)])
    for each in found:
        for obj in each.objects:
            assert decode(obj.mask).shape == labels.shape[1:]
            assert 0 <= obj.confidence <= 1
    assert run() == found
