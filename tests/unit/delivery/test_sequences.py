"""PNG sequences: every frame of the span, lossless, all or nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rvos_core.delivery import sequences
from rvos_core.delivery.sequences import (
    CutoutPngWriter,
    IndexedPngWriter,
    MaskPngWriter,
    frame_file_name,
    write_mask_pngs,
)
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import encode, read_indexed_png, read_mask_png
from rvos_core.types import FrameSpan

SIZE = {"height": 48, "width": 64}
SPAN = FrameSpan(10, 15)


@pytest.fixture
def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random((48, 64)) < share for share in (0.0, 0.1, 0.5, 0.9, 1.0)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_frame_has_its_file_under_its_own_number(tmp_path: Path, masks: list[np.ndarray]) -> None:
    with MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE) as writer:
        for index, mask in zip(SPAN, masks, strict=True):
            writer.write(index, encode(mask) if index % 2 else mask)
        assert not (tmp_path / "masks").exists()
    assert names(tmp_path) == ["masks"]
    assert names(tmp_path / "masks") == [f"000{index}.png" for index in SPAN]
    for index, mask in zip(SPAN, masks, strict=True):
        with Image.open(tmp_path / "masks" / frame_file_name(index)) as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), mask * np.uint8(255))


def test_frames_come_in_any_order_and_the_last_one_counts(tmp_path: Path, masks: list[np.ndarray]) -> None:
    with MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE) as writer:
        for index in reversed(list(SPAN)):
            writer.write(index, masks[0])
        writer.write(12, masks[2])
    np.testing.assert_array_equal(read_mask_png(tmp_path / "masks" / "00012.png"), masks[2])


def test_a_short_run_is_no_result(tmp_path: Path, masks: list[np.ndarray]) -> None:
    with (
        pytest.raises(UserError, match="4 of 5 frames; frame 14 is the first that is missing") as caught,
        MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE) as writer,
    ):
        for index in list(SPAN)[:-1]:
            writer.write(index, masks[0])
    assert caught.value.code == "delivery.incomplete"
    assert names(tmp_path) == []


def test_cancel_keeps_the_earlier_result(tmp_path: Path, masks: list[np.ndarray]) -> None:
    folder = tmp_path / "masks"
    write_mask_pngs(folder, zip(SPAN, masks, strict=True), span=SPAN, **SIZE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Cancelled), MaskPngWriter(folder, span=SPAN, **SIZE) as writer:
        writer.write(10, masks[4])
        raise Cancelled("cancelled")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert names(tmp_path) == ["masks"]


def test_a_longer_earlier_result_leaves_nothing_behind(tmp_path: Path, masks: list[np.ndarray]) -> None:
    folder = tmp_path / "masks"
    write_mask_pngs(folder, ((index, masks[0]) for index in range(9)), span=FrameSpan(0, 9), **SIZE)
    seen: list[tuple[int, int]] = []
    write_mask_pngs(
        folder,
        zip(SPAN, masks, strict=True),
        span=SPAN,
        **SIZE,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert names(folder) == [f"000{index}.png" for index in SPAN]
    assert seen == [(done, 5) for done in range(1, 6)]


def test_what_does_not_read_back_is_not_delivered(tmp_path: Path, masks: list[np.ndarray]) -> None:
    with (
        pytest.raises(UserError, match=r"00012\.png does not read back") as caught,
        MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE) as writer,
    ):
        for index, mask in zip(SPAN, masks, strict=True):
            writer.write(index, mask)
        part = next(tmp_path.glob(".masks.rvos-part-*"))
        (part / "00012.png").write_bytes((part / "00012.png").read_bytes()[:60])
    assert caught.value.code == "delivery.verify"
    assert names(tmp_path) == []


def test_frames_outside_the_span_and_masks_of_another_size(tmp_path: Path, masks: list[np.ndarray]) -> None:
    writer = MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE)
    with pytest.raises(ValueError, match="not open"):
        writer.write(10, masks[0])
    with pytest.raises(ValueError, match="frame 9 is not one of"), writer:
        writer.write(9, masks[0])
    with (
        pytest.raises(ValueError, match=r"shape \(9, 9\)"),
        MaskPngWriter(tmp_path / "masks", span=SPAN, **SIZE) as again,
    ):
        again.write(10, np.eye(9, dtype=bool))
    assert names(tmp_path) == []


def test_object_ids_of_every_frame(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 5, (len(SPAN), 48, 64))
    with IndexedPngWriter(tmp_path / "davis", span=SPAN, **SIZE) as writer:
        for index, frame in zip(SPAN, labels, strict=True):
            writer.write(index, frame)
    for index, frame in zip(SPAN, labels, strict=True):
        np.testing.assert_array_equal(read_indexed_png(tmp_path / "davis" / frame_file_name(index)), frame)


def test_too_many_objects_are_named_and_leave_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"davis/00010\.png cannot hold object 300"),
        IndexedPngWriter(tmp_path / "davis", span=SPAN, **SIZE) as writer,
    ):
        writer.write(10, np.full((48, 64), 300))
    assert names(tmp_path) == []


def test_cut_outs_are_straight_and_have_no_black_rim(tmp_path: Path, noise: np.ndarray) -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[12:30, 20:40] = True
    span = FrameSpan(0, len(noise))
    with CutoutPngWriter(tmp_path / "cut", span=span, **SIZE) as writer:
        for index, frame in enumerate(noise):
            writer.write(index, frame, encode(mask))
    with Image.open(tmp_path / "cut" / "00003.png") as image:
        assert image.mode == "RGBA"
        rgba = np.asarray(image)
    np.testing.assert_array_equal(rgba[..., 3], mask * np.uint8(255))
    near = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    np.testing.assert_array_equal(rgba[near][:, :3], noise[3][near])
    assert not rgba[~near].any()


def test_a_disk_that_is_too_small_is_refused_before_the_first_frame(small_disk: Path, masks: list[np.ndarray]) -> None:
    with (
        pytest.raises(UserError, match="MB free; this needs about"),
        MaskPngWriter(small_disk / "masks", span=FrameSpan(0, 5000), **SIZE),
    ):
        pytest.fail("opened")
    assert names(small_disk) == []


def test_a_disk_that_fills_up_keeps_the_earlier_result(
    small_disk: Path, masks: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mask_pngs(small_disk / "masks", zip(SPAN, masks, strict=True), span=SPAN, **SIZE)
    before = {path.name: path.read_bytes() for path in (small_disk / "masks").iterdir()}
    monkeypatch.setattr(sequences, "require_free_space", lambda folder, expected_bytes: None)
    noisy = np.random.default_rng(1).random((48, 64)) < 0.5
    with pytest.raises(UserError, match="the disk is full") as caught:
        write_mask_pngs(small_disk / "masks", ((i, noisy) for i in range(500)), span=FrameSpan(0, 500), **SIZE)
    assert str(small_disk / "masks") in caught.value.message
    assert {path.name: path.read_bytes() for path in (small_disk / "masks").iterdir()} == before
    assert names(small_disk) == ["masks"]
