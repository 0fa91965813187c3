"""One renderer for preview and export: any order gives equal bits; borders, nothing there, odd sizes, trimaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.matte import hairy_clip
from rvos_core.matte import Matte, MatteRenderer, MatteSettings, MatteStack, Refine
from rvos_core.types import CancelToken

FRAMES, MASKS, _ = hairy_clip(count=7, side=72)


def renderer(stack: MatteStack, **others: object) -> MatteRenderer:
    return MatteRenderer(lambda i: FRAMES[i], lambda i: MASKS[i], stack, **others)  # type: ignore[arg-type]


def one(frame: np.ndarray, mask: np.ndarray | None, **knobs: object) -> Matte:
    return MatteRenderer(lambda _: frame, lambda _: mask, MatteStack(MatteSettings().changed(knobs))).matte(0)


def test_preview_in_any_order_and_export_in_order_are_equal_to_the_bit() -> None:
    full = MatteSettings(
        refine=Refine.EDGE, inside_px=6, outside_px=5, steady=0.7, grow_px=0.4, feather_px=1.5, despill=0.5
    )
    stack = MatteStack().with_keyframe(1, full).with_keyframe(5, full.changed({"grow_px": -1.0, "inside_px": 8}))
    export = renderer(stack)
    exported = [export.matte(index) for index in range(7)]
    preview = renderer(MatteStack())
    preview.matte(6)
    preview.draft(4)
    preview.stack = stack
    for index in (6, 2, 5, 0, 3, 6):
        again = preview.matte(index)
        np.testing.assert_array_equal(again.alpha, exported[index].alpha)
        np.testing.assert_array_equal(again.colours, exported[index].colours)


def test_a_knob_behind_the_refinement_does_not_refine_again() -> None:
    asked: list[int] = []

    def frames(index: int) -> np.ndarray:
        asked.append(index)
        return FRAMES[index]

    each = MatteRenderer(frames, lambda i: MASKS[i], MatteStack(MatteSettings(refine=Refine.EDGE)))
    before = each.matte(3).alpha
    each.stack = MatteStack(MatteSettings(refine=Refine.EDGE, grow_px=2))
    assert each.matte(3).alpha.sum() > before.sum()
    assert asked == [3]
    each.forget()
    each.matte(3)
    assert asked == [3, 3]


def test_a_draft_leaves_out_what_takes_long() -> None:
    stack = MatteStack(MatteSettings(refine=Refine.EDGE, steady=1, grow_px=1))
    quick = renderer(MatteStack(MatteSettings(grow_px=1))).matte(3)
    np.testing.assert_array_equal(renderer(stack).draft(3).alpha, quick.alpha)


@pytest.mark.parametrize("mask", [None, np.zeros((31, 45), dtype=bool)])
@pytest.mark.parametrize("refine", ["none", "edge"])
def test_without_a_mask_there_is_nothing(mask: np.ndarray | None, refine: str) -> None:
    found = one(np.full((31, 45, 3), 90, dtype=np.uint8), mask, refine=refine, steady=1.0, grow_px=5, feather_px=9)
    assert found.is_empty
    assert not found.colours.any()
    assert found.alpha.shape == (31, 45)


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"refine": "edge"},
        {"soft_edge": False},
        {"feather_px": 12},
        {"grow_px": 3.5},
        {"soft_edge": False, "grow_px": 2},
    ],
)
def test_an_object_at_the_border_has_no_rim_there(knobs: dict[str, object]) -> None:
    frame = np.full((60, 80, 3), (30, 80, 40), dtype=np.uint8)
    mask = np.zeros((60, 80), dtype=bool)
    mask[25:, 20:60] = True
    frame[mask] = (220, 160, 140)
    alpha = one(frame, mask, **knobs).alpha
    np.testing.assert_allclose(alpha[-1], alpha[-12], atol=0.02)
    assert alpha[-1, 40] > 0.99
    full = one(frame, np.ones((60, 80), dtype=bool), **knobs)
    assert full.alpha.min() > 0.999
    assert (full.colours == frame).all()


def test_a_mask_that_stops_short_is_mended() -> None:
    frame = np.full((60, 80, 3), 120, dtype=np.uint8)
    mask = np.zeros((60, 80), dtype=bool)
    mask[20:58, 20:60] = True
    assert one(frame, mask, soft_edge=False).alpha[-1].max() == 0
    assert one(frame, mask, soft_edge=False, border_fix_px=3).alpha[-1, 20:60].min() == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**20), st.booleans())
def test_any_size_and_mask(height: int, width: int, seed: int, refine: bool) -> None:
    dice = np.random.default_rng(seed)
    frame = dice.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), dtype=bool)
    top, left = dice.integers(0, height), dice.integers(0, width)
    mask[top : top + dice.integers(1, 20), left : left + dice.integers(1, 20)] = True
    found = one(frame, mask, refine="edge" if refine else "none", grow_px=1.5, feather_px=2, steady=0.5, despill=0.5)
    assert found.alpha.shape == (height, width)
    assert found.alpha.dtype == np.float32
    assert found.colours.dtype == np.uint8
    assert 0 <= found.alpha.min() <= found.alpha.max() <= 1


def test_logits_of_any_size_are_enlarged() -> None:
    rows, columns = np.indices((15, 20))
    logits = 4.0 - np.hypot(rows - 7, columns - 10).astype(np.float32)
    frame = np.full((120, 160, 3), 110, dtype=np.uint8)
    alpha = one(frame, logits).alpha
    assert alpha.shape == (120, 160)
    assert alpha[60, 84] == 1
    assert alpha[5, 5] == 0
    assert np.sqrt(alpha.sum() / np.pi) == pytest.approx(32, abs=2)
    with pytest.raises(ValueError, match="mask of shape"):
        one(frame, logits > 0)


def test_a_painted_trimap_takes_the_place_of_the_automatic_one() -> None:
    painted = np.full((72, 72), 0, dtype=np.uint8)
    painted[20:50, 10:60], painted[30:40, 25:45] = 128, 255
    stack = MatteStack(MatteSettings(refine=Refine.EDGE))
    found = renderer(stack, trimaps=lambda i: painted if i == 2 else None).matte(2).alpha
    assert (found[painted == 255] == 1).all()
    assert (found[painted == 0] == 0).all()
    wrong = renderer(stack, trimaps=lambda _: painted[:5])
    with pytest.raises(UserError, match="painted trimap"):
        wrong.matte(2)
    plain = renderer(stack, trimaps=lambda _: None).matte(2).alpha
    np.testing.assert_array_equal(plain, renderer(stack).matte(2).alpha)


def test_frames_without_the_object_do_not_count_as_earlier_ones() -> None:
    stack = MatteStack(MatteSettings(steady=1.0))
    gone = MatteRenderer(lambda i: FRAMES[i], lambda i: MASKS[i] if i == 4 else None, stack)
    alone = renderer(MatteStack())
    np.testing.assert_array_equal(gone.matte(4).alpha, alone.matte(4).alpha)
    assert gone.matte(5).is_empty


def test_the_frames_own_colours_are_kept_where_they_are_wanted() -> None:
    found = one(FRAMES[0], MASKS[0], straight_colours=False)
    np.testing.assert_array_equal(found.colours, FRAMES[0])


def test_a_refinement_stops_when_it_is_told_to() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        renderer(MatteStack(MatteSettings(refine=Refine.EDGE)), cancel=cancel).matte(0)
