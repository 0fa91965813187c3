"""Run lengths: the bytes of pycocotools, the set operations of pixels, and a clear refusal of damaged counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from rvos_core.errors import UserError
from rvos_core.masks import (
    Rle,
    area,
    bbox,
    decode,
    difference,
    empty,
    encode,
    from_coco,
    intersection,
    intersection_area,
    iou,
    to_coco,
    union,
)

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def masks(draw: st.DrawFn, size: tuple[int, int] | None = None) -> np.ndarray:
    """Noise, blocks, full, empty and their mixtures."""
    height, width = size or draw(SIZES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random((height, width)) < draw(st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
    if draw(st.booleans()):
        top, left = rng.integers(0, height), rng.integers(0, width)
        mask[top : top + rng.integers(1, height + 1), left : left + rng.integers(1, width + 1)] ^= True
    return mask


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(SIZES)
    return draw(masks(size)), draw(masks(size))


def coco_of(mask: np.ndarray) -> dict:
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))


@settings(deadline=None)
@given(masks())
def test_bytes_area_and_box_are_those_of_pycocotools(mask: np.ndarray) -> None:
    rle, theirs = encode(mask), coco_of(mask)
    assert rle == Rle(*mask.shape, counts=theirs["counts"])
    assert area(rle) == coco.area(theirs) == mask.sum()
    x, y, width, height = coco.toBbox(theirs)
    assert bbox(rle) == ((x, y, x + width, y + height) if mask.any() else None)


@settings(deadline=None)
@given(masks())
def test_decoding_gives_the_mask_back_in_reading_order(mask: np.ndarray) -> None:
    pixels = decode(encode(mask))
    assert pixels.dtype == bool
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, mask)


@settings(deadline=None)
@given(mask_pairs())
def test_runs_combine_like_pixels(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    runs_a, runs_b = encode(a), encode(b)
    assert union(runs_a, runs_b) == encode(a | b)
    assert intersection(runs_a, runs_b) == encode(a & b)
    assert difference(runs_a, runs_b) == encode(a & ~b)
    assert intersection_area(runs_a, runs_b) == (a & b).sum()
    assert iou(runs_a, runs_b) == ((a & b).sum() / (a | b).sum() if (a | b).any() else 1.0)
    if (a | b).any():
        assert iou(runs_a, runs_b) == pytest.approx(float(coco.iou([coco_of(a)], [coco_of(b)], [0])[0, 0]))


@settings(deadline=None)
@given(masks())
def test_json_form_and_plain_counts_come_back(mask: np.ndarray) -> None:
    rle = encode(mask)
    document = to_coco(rle)
    assert from_coco(document) == rle
    plain = [len(run) for run in runs_of(mask)]
    assert from_coco({"size": list(mask.shape), "counts": plain}) == rle
    assert from_coco({"size": list(mask.shape), "counts": rle.counts}) == rle


def runs_of(mask: np.ndarray) -> list[list[bool]]:
    """Column-major runs, zeros first, in the plainest way."""
    runs: list[list[bool]] = [[]]
    for value in mask.ravel(order="F").tolist():
        if value != (len(runs) % 2 == 0):
            runs.append([])
        runs[-1].append(value)
    return runs


def test_runs_of_length_zero_are_accepted_and_made_canonical() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    mask[:, 1] = True
    assert from_coco({"size": [3, 4], "counts": [3, 2, 0, 1, 6, 0, 0]}) == encode(mask)


def test_integers_and_other_memory_orders_are_masks_too() -> None:
    mask = np.random.default_rng(0).random((17, 23)) < 0.4
    assert encode(mask.astype(np.uint8) * 255) == encode(np.asfortranarray(mask)) == encode(mask)
    assert encode(np.pad(mask, 3)[3:-3, 3:-3]) == encode(mask)


def test_a_large_ragged_mask() -> None:
    rng = np.random.default_rng(1)
    mask = rng.random((1080, 1920)) < 0.3
    rle = encode(mask)
    assert rle.counts == coco_of(mask)["counts"]
    np.testing.assert_array_equal(decode(rle), mask)


def test_long_runs_need_many_characters() -> None:
    mask = np.zeros((5000, 5000), dtype=bool)
    mask[4321, 4000] = True
    assert encode(mask).counts == coco_of(mask)["counts"]
    assert bbox(encode(mask)) == (4000, 4321, 4001, 4322)


def test_empty() -> None:
    assert empty(5, 7) == encode(np.zeros((5, 7), dtype=bool))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"size": [3, 4], "counts": ""}, "no runs"),
        ({"size": [3, 4], "counts": "\x1f"}, "character"),
        ({"size": [3, 4], "counts": "12~"}, "character"),
        ({"size": [3, 4], "counts": "1é"}, "ASCII"),
        ({"size": [3, 4], "counts": "1o"}, "middle of a run"),
        ({"size": [3, 4], "counts": "ooooooooooo0"}, "longer"),
        ({"size": [3, 4], "counts": "5"}, "cover 5 pixels"),
        ({"size": [3, 4], "counts": "=6"}, "cover 19 pixels|impossible"),
        ({"size": [3, 4], "counts": "O"}, "impossible"),
        ({"size": [3, 4], "counts": [13]}, "impossible"),
        ({"size": [3, 4], "counts": [5, -1, 8]}, "whole numbers"),
        ({"size": [3, 4], "counts": [6.0, 6.0]}, "whole numbers"),
        ({"size": [3, 4], "counts": [2**80]}, "whole numbers"),
        ({"size": [3, 4], "counts": [True, 11]}, "whole numbers"),
        ({"size": [3, 4], "counts": []}, "cover 0"),
        ({"size": [3, 4], "counts": None}, "whole numbers"),
        ({"size": [3, 4]}, "whole numbers"),
        ({"size": [0, 4], "counts": [0]}, "size"),
        ({"size": [3], "counts": [3]}, "size"),
        ({"size": "34", "counts": [12]}, "size"),
        ({"counts": [12]}, "size"),
        ({"size": [2**20, 2**20], "counts": [2**40]}, "too many"),
    ],
)
def test_damaged_masks_are_refused_with_the_reason(document: dict, why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        from_coco(document)
    assert caught.value.code == "masks.bad_rle"
    assert caught.value.hint


@settings(deadline=None)
@given(SIZES, st.one_of(st.binary(max_size=24), st.binary(max_size=24).map(lambda b: bytes(48 + c % 64 for c in b))))
def test_any_counts_are_one_mask_or_one_error(size: tuple[int, int], counts: bytes) -> None:
    """What decodes is measured, boxed, compared and combined as its pixels are, however odd its runs."""
    rle = Rle(*size, counts)
    try:
        mask = decode(rle)
    except UserError:
        for use in (area, bbox, lambda rle: iou(rle, rle), lambda rle: union(rle, rle)):
            with pytest.raises(UserError):
                use(rle)
        return
    plain = encode(mask)
    assert (area(rle), bbox(rle), iou(rle, plain)) == (mask.sum(), bbox(plain), 1.0)
    assert union(rle, empty(*size)) == intersection(rle, plain) == from_coco(to_coco(rle)) == plain
    assert difference(rle, plain) == empty(*size)


def test_counts_that_are_not_text_are_no_coco_text() -> None:
    with pytest.raises(UserError, match="not ASCII"):
        to_coco(Rle(2, 2, b"\xff\xfe"))


def test_masks_of_different_size_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different size"):
        iou(empty(3, 4), empty(4, 3))
    with pytest.raises(ValueError, match="different size"):
        union(empty(3, 4), empty(4, 3))


@pytest.mark.parametrize("size", [(0, 3), (3, 0), (-1, 5), (2**16, 2**16)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a mask size"):
        Rle(*size, counts=b"0")
