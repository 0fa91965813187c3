"""Scene cuts: found where a real clip has them, not invented by pans, flashes, noise or motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers_data import shared_data
from rvos_core.inference.cuts import CutDetector


def cuts_of(frames: list[np.ndarray]) -> list[int]:
    detector = CutDetector()
    return [index for index, frame in enumerate(frames) if detector.is_cut(frame)]


def scene(seed: int) -> np.ndarray:
    """(240, 1200, 3) uint8: a wide landscape of smooth colour patches."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 40, 3), dtype=np.uint8)
    return cv2.resize(small, (1200, 240), interpolation=cv2.INTER_CUBIC)


def test_a_change_of_scene_is_found_at_its_first_frame() -> None:
    first, second = scene(1)[:, :320], scene(2)[:, :320] // 3
    assert cuts_of([first] * 6 + [second] * 6) == [6]


def test_a_pan_over_the_whole_landscape_is_no_cut() -> None:
    landscape = scene(3)
    assert cuts_of([landscape[:, x : x + 320] for x in range(0, 880, 16)]) == []


def test_noise_is_no_cut() -> None:
    random = np.random.default_rng(0)
    assert cuts_of([random.integers(0, 256, (120, 160, 3), dtype=np.uint8) for _ in range(20)]) == []


def test_a_flash_opens_at_most_one_shot() -> None:
    frame = scene(4)[:, :320] // 2
    flash = np.full_like(frame, 250)
    assert len(cuts_of([frame] * 5 + [flash] + [frame] * 5)) <= 1


def test_an_object_that_crosses_the_picture_is_no_cut() -> None:
    frames = []
    for x in range(-120, 340, 30):
        frame = scene(5)[:, :320].copy()
        cv2.rectangle(frame, (x, 60), (x + 120, 180), (250, 20, 20), -1)
        frames.append(frame)
    assert cuts_of(frames) == []


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 500), (2000, 3)])
def test_any_frame_size_works(size: tuple[int, int]) -> None:
    dark, bright = np.zeros((*size, 3), np.uint8), np.full((*size, 3), 255, np.uint8)
    assert cuts_of([dark, dark, bright, bright]) == [2]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [("bikes.mp4", [30, 76, 137, 187, 242]), ("flipping_a_pancake.mkv", [])],
)
def test_real_clips(clip: str, expected: list[int]) -> None:
    media = pytest.importorskip("rvos_core.media")
    with media.open_media(shared_data() / "clips" / clip) as reader:
        assert (
            cuts_of([cv2.resize(frame, (160, 90), interpolation=cv2.INTER_AREA) for frame in reader.frames()])
            == expected
        )
