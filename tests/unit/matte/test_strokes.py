"""Strokes over the automatic trimap: painted pixels are as they say, all others as without them, in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.evaluation.matte import hairy_clip
from rvos_core.masks import TrimapStrokes, empty
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED
from rvos_core.matte import MatteRenderer, MatteSettings, MatteStack, Refine, closed_form_alpha, frame_trimap
from rvos_core.matte.look import Look
from rvos_core.matte.scene import Scene

FRAMES, MASKS, _ = hairy_clip(count=4, side=72)
EDGE = MatteSettings(refine=Refine.EDGE, inside_px=5, outside_px=4)
LABELS = (OUTSIDE, UNPAINTED, UNKNOWN, INSIDE)


def blank(shape: tuple[int, ...] = (72, 72)) -> np.ndarray:
    return np.full(shape, UNPAINTED, dtype=np.uint8)


def rendered(labels: np.ndarray | None, frame: int = 2, settings: MatteSettings = EDGE) -> np.ndarray:
    strokes = None if labels is None else TrimapStrokes.of(labels)
    return (
        MatteRenderer(
            lambda i: FRAMES[i], lambda i: MASKS[i], MatteStack(settings), strokes=lambda i: strokes if i == 2 else None
        )
        .matte(frame)
        .alpha
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**20))
def test_strokes_are_kept_as_painted(height: int, width: int, seed: int) -> None:
    labels = np.random.default_rng(seed).choice(np.array(LABELS, np.uint8), (height, width), p=(0.1, 0.6, 0.1, 0.2))
    strokes = TrimapStrokes.of(labels)
    assert strokes.size == (height, width)
    assert np.array_equal(strokes.labels(), labels)
    assert strokes.is_empty == (labels == UNPAINTED).all()
    assert TrimapStrokes.of(strokes.labels()) == strokes


def test_what_is_no_label_is_refused() -> None:
    for labels in (np.full((4, 4), 7, np.uint8), np.zeros((4, 4), bool), np.zeros(4, np.uint8)):
        with pytest.raises(ValueError, match="painted"):
            TrimapStrokes.of(labels)
    with pytest.raises(ValueError, match="sizes"):
        TrimapStrokes(empty(4, 4), empty(4, 4), empty(4, 5))


def test_where_nothing_is_painted_nothing_changes() -> None:
    np.testing.assert_array_equal(rendered(blank()), rendered(None))
    painted = blank()
    painted[30:40, 30:40] = INSIDE
    np.testing.assert_array_equal(rendered(painted, frame=1), rendered(None, frame=1))
    plain = MatteSettings()
    np.testing.assert_array_equal(rendered(painted, settings=plain), rendered(None, settings=plain))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 12), st.sampled_from([OUTSIDE, INSIDE]))
def test_what_is_painted_sure_is_sure_wherever_it_lies(top: int, left: int, side: int, label: int) -> None:
    painted = blank()
    painted[top : top + side, left : left + side] = label
    alpha = rendered(painted)
    assert (alpha[painted == label] == (1.0 if label == INSIDE else 0.0)).all()


def test_unknown_far_outside_the_masks_box_is_solved_for() -> None:
    frame = np.full((90, 120, 3), (30, 60, 200), dtype=np.uint8)
    mask = np.zeros((90, 120), dtype=bool)
    mask[50:80, 20:50] = True
    frame[mask] = (220, 160, 40)
    frame[5:80, 30:36] = (220, 160, 40)  # a stalk that the mask misses
    painted = blank((90, 120))
    painted[0:60, 22:46] = UNKNOWN
    renderer = MatteRenderer(
        lambda _: frame, lambda _: mask, MatteStack(EDGE), strokes=lambda _: TrimapStrokes.of(painted)
    )
    alpha = renderer.matte(0).alpha
    assert alpha[10:45, 31:35].min() > 0.9
    assert alpha[2:45, 24:28].max() < 0.1
    without = MatteRenderer(lambda _: frame, lambda _: mask, MatteStack(EDGE)).matte(0).alpha
    assert without[10:40, 31:35].max() < 0.1


def test_it_is_the_automatic_trimap_with_the_strokes_on_it() -> None:
    painted = blank()
    painted[20:50, 20:26], painted[30:36, 40:60] = UNKNOWN, OUTSIDE
    trimap = frame_trimap(MASKS[2], EDGE, height=72, width=72)
    whole = np.where(painted == UNPAINTED, trimap, painted)
    np.testing.assert_allclose(rendered(painted), closed_form_alpha(FRAMES[2], whole), atol=2e-3)
    given_whole = MatteRenderer(
        lambda i: FRAMES[i],
        lambda i: MASKS[i],
        MatteStack(EDGE),
        trimaps=lambda _: trimap,
        strokes=lambda _: TrimapStrokes.of(painted),
    )
    np.testing.assert_allclose(given_whole.matte(2).alpha, rendered(painted), atol=2e-3)


def test_any_order_gives_equal_bits_and_a_scene_hands_strokes_on() -> None:
    painted = blank()
    painted[10:60, 5:12] = INSIDE
    steady = EDGE.changed({"steady": 0.8})
    strokes = {(1, 1): TrimapStrokes.of(painted)}

    def scene() -> Scene:
        looks = {1: Look(MatteStack(steady)), 2: Look(MatteStack(steady))}
        return Scene(
            lambda i: FRAMES[i], lambda _, i: MASKS[i], looks, strokes=lambda number, i: strokes.get((number, i))
        )

    forwards, other = scene(), scene()
    exported = [forwards.matte(1, index).alpha for index in range(4)]
    for index in (3, 1, 2, 0):
        np.testing.assert_array_equal(other.matte(1, index).alpha, exported[index])
    assert (exported[1] != other.matte(2, 1).alpha).any()
    strokes.clear()
    forwards.forget(1)
    np.testing.assert_array_equal(forwards.matte(1, 1).alpha, other.matte(2, 1).alpha)


def test_without_a_mask_strokes_say_nothing_and_those_of_another_size_are_told() -> None:
    painted = np.full((20, 30), INSIDE, dtype=np.uint8)
    frame, mask = np.full((20, 30, 3), 90, np.uint8), np.zeros((20, 30), bool)
    strokes = TrimapStrokes.of(painted)
    absent = MatteRenderer(lambda _: frame, lambda _: None, MatteStack(EDGE), strokes=lambda _: strokes)
    assert absent.matte(0).is_empty
    there = MatteRenderer(lambda _: frame, lambda _: mask, MatteStack(EDGE), strokes=lambda _: strokes)
    assert (there.matte(0).alpha == 1).all()
    wrong = TrimapStrokes.of(painted[:10])
    other = MatteRenderer(lambda _: frame, lambda _: mask, MatteStack(EDGE), strokes=lambda _: wrong)
    with pytest.raises(UserError, match="30x10"):
        other.matte(0)
