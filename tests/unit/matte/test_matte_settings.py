"""Knobs of a matte: round trips, keyframes, and messages that name what is wrong."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.matte import RANGES, MatteSettings, MatteStack, Refine

_numbers = {
    name: st.floats(limits.low, limits.high, allow_nan=False)
    for name, limits in RANGES.items()
    if name not in ("clean_black", "clean_white")
}
_settings = st.builds(
    MatteSettings,
    **_numbers,
    clean_black=st.floats(0, 0.4),
    clean_white=st.floats(0.5, 1),
    fill_holes=st.booleans(),
    soft_edge=st.booleans(),
    refine=st.sampled_from(Refine),
    straight_colours=st.booleans(),
    despill_colour=st.tuples(*[st.integers(0, 255)] * 3),
)
_stacks = st.builds(
    lambda default, keys: MatteStack(default, tuple(sorted(keys.items()))),
    _settings,
    st.dictionaries(st.integers(0, 500), _settings, max_size=4),
)


@given(_stacks)
def test_a_stack_comes_back_from_json_unchanged(stack: MatteStack) -> None:
    assert MatteStack.from_dict(json.loads(json.dumps(stack.as_dict()))) == stack


@given(_stacks, st.integers(0, 600))
def test_settings_between_keyframes_are_settings(stack: MatteStack, frame: int) -> None:
    found = stack.at(frame)
    assert MatteSettings.from_dict(found.as_dict()) == found


def test_numbers_go_linearly_and_switches_stay() -> None:
    first = MatteSettings(grow_px=0, feather_px=2, fill_holes=True, despill_colour=(0, 255, 0))
    last = MatteSettings(grow_px=4, feather_px=0, refine=Refine.EDGE, despill_colour=(0, 0, 255))
    stack = MatteStack().with_keyframe(20, last).with_keyframe(10, first)
    between = stack.at(15)
    assert (between.grow_px, between.feather_px) == (2, 1)
    assert (between.fill_holes, between.refine, between.despill_colour) == (True, Refine.NONE, (0, 255, 0))
    assert [stack.at(frame) for frame in (0, 10, 20, 99)] == [first, first, last, last]
    assert stack.without_keyframe(10).at(0) == last
    assert MatteStack(first).at(7) == first


def test_a_changed_stack_leaves_the_old_one_alone() -> None:
    stack = MatteStack()
    stack.with_keyframe(3, MatteSettings(grow_px=1))
    assert stack == MatteStack()
    with pytest.raises(FrozenInstanceError):
        stack.default = MatteSettings()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"default": {"grow_px": "wide"}}, "grow_px must be a number"),
        ({"default": {"grow_px": float("nan")}}, "grow_px"),
        ({"default": {"grow_px": True}}, "grow_px"),
        ({"default": {"steady": 1.5}}, "steady must be between 0 and 1"),
        ({"default": {"clean_black": 0.8, "clean_white": 0.5}}, "clean_black must be below clean_white"),
        ({"default": {"refine": "hair"}}, "refine must be one of none, edge"),
        ({"default": {"fill_holes": 1}}, "fill_holes must be true or false"),
        ({"default": {"despill_colour": [0, 256, 0]}}, "despill_colour"),
        ({"default": {"glow": 3}}, "glow is no knob"),
        ({"default": 5}, "settings must be an object"),
        ({"keyframes": 5}, "keyframes must be a list"),
        ({"keyframes": [{"frame": -1, "settings": {}}]}, "keyframes[0].frame"),
        ({"keyframes": [{"frame": 1, "settings": {"steady": 2}}]}, "keyframes[0]: steady"),
        ({"keyframes": [{"frame": 2, "settings": {}}, {"frame": 1, "settings": {}}]}, "keyframes must name frames"),
        ({"keys": []}, "stack"),
    ],
)
def test_what_is_wrong_is_named(values: object, named: str) -> None:
    with pytest.raises(UserError) as caught:
        MatteStack.from_dict(values)
    assert named in caught.value.message
    assert caught.value.code == "matte.bad_setting"
