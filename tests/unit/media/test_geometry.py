"""Display geometry: the eight orientations, pixel aspect, and conversion without the converter's known faults."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.media.geometry import DecodedFrame, DisplayGeometry

BT601 = np.array([[1.164384, 0.0, 1.596027], [1.164384, -0.391762, -0.812968], [1.164384, 2.017232, 0.0]])


@pytest.mark.parametrize(
    ("transpose", "columns", "rows", "turn", "mirrored"),
    [
        (False, False, False, 0, False),
        (True, True, False, 90, False),
        (False, True, True, 180, False),
        (True, False, True, 270, False),
        (False, True, False, 0, True),
        (False, False, True, 180, True),
        (True, False, False, 270, True),
        (True, True, True, 90, True),
    ],
)
def test_every_orientation_is_a_turn_after_an_optional_flip(
    transpose: bool, columns: bool, rows: bool, turn: int, mirrored: bool
) -> None:
    geometry = DisplayGeometry(5, 3, Fraction(1), transpose, columns, rows)
    picture = np.arange(15, dtype=np.uint8).reshape(3, 5)
    expected = np.rot90(picture[:, ::-1] if mirrored else picture, -turn // 90)
    assert np.array_equal(geometry.apply(picture), expected)
    assert (geometry.rotation_deg, geometry.is_mirrored) == (turn, mirrored)
    assert (geometry.height, geometry.width) == expected.shape


@given(st.integers(1, 60), st.integers(1, 60), st.fractions(Fraction(1, 10), 10, max_denominator=99), st.booleans())
def test_the_size_told_is_the_size_given(width: int, height: int, aspect: Fraction, transpose: bool) -> None:
    geometry = DisplayGeometry(width, height, aspect, transpose)
    shown = geometry.apply(np.zeros((height, width, 3), np.uint8))
    assert shown.shape == (geometry.height, geometry.width, 3)
    assert shown.flags.c_contiguous and geometry.width >= 1


def noise(width: int, height: int, pix_fmt: str, seed: int) -> av.VideoFrame:
    random = np.random.default_rng(seed)
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane in frame.planes:
        plane.update(random.integers(16, 236, plane.buffer_size, dtype=np.uint8).tobytes())
    return frame


@pytest.mark.parametrize("width", [850, 852, 854, 1080, 1366])
def test_conversion_fills_every_pixel_and_is_the_standard_formula(width: int) -> None:
    frame = noise(width, 64, "yuv420p", width)
    planes = [np.frombuffer(memoryview(p), np.uint8).reshape(p.height, -1)[:, : p.width] for p in frame.planes]
    chroma = [p.repeat(2, 0).repeat(2, 1)[:64, :width] for p in planes[1:]]
    yuv = np.stack([planes[0] - 16.0, chroma[0] - 128.0, chroma[1] - 128.0], axis=-1)
    expected = np.clip(yuv @ BT601.T, 0, 255)
    shown = DecodedFrame(frame).to_rgb(DisplayGeometry(width, 64))
    assert np.abs(shown - expected).max() <= 3


@pytest.mark.parametrize("width", [852, 854, 1366])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuva444p10le", "gray", "yuvj420p"])
def test_conversion_is_the_same_every_time(width: int, pix_fmt: str) -> None:
    geometry = DisplayGeometry(width, 90)
    pictures = [DecodedFrame(noise(width, 90, pix_fmt, 3)).to_rgb(geometry) for _ in range(4)]
    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])


def test_full_range_and_limited_range_both_reach_white() -> None:
    for pix_fmt, white in (("yuv420p", 235), ("yuvj420p", 255), ("gray", 255)):
        frame = av.VideoFrame(16, 16, pix_fmt)
        for plane, value in zip(frame.planes, (white, 128, 128), strict=False):
            plane.update(bytes([value]) * plane.buffer_size)
        assert DecodedFrame(frame).to_rgb(DisplayGeometry(16, 16)).min() >= 254, pix_fmt


def test_colours_follow_the_matrix_tag() -> None:
    shown = []
    for matrix in (1, 6):  # BT.709, BT.601
        frame = av.VideoFrame(16, 16, "yuv420p")
        for plane, value in zip(frame.planes, (120, 100, 160), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace = matrix
        shown.append(DecodedFrame(frame).to_rgb(DisplayGeometry(16, 16))[0, 0].astype(int))
    assert abs(shown[0][1] - (1.164 * 104 + 0.213 * 28 - 0.533 * 32)) < 3
    assert abs(shown[1][1] - (1.164 * 104 + 0.392 * 28 - 0.813 * 32)) < 3


@given(st.integers(0, 2), st.integers(0, 14), st.integers(0, 18))
def test_fingerprint_sees_every_sample(plane_index: int, row: int, column: int) -> None:
    frame = noise(19, 15, "yuv444p", 1)
    before = DecodedFrame(frame).fingerprint()
    plane = frame.planes[plane_index]
    samples = np.frombuffer(memoryview(plane), np.uint8).reshape(15, -1).copy()
    samples[row, column] ^= 1
    plane.update(samples.tobytes())
    assert DecodedFrame(frame).fingerprint() != before


def test_fingerprint_ignores_padding() -> None:
    frame = noise(19, 15, "yuv420p", 1)
    before = DecodedFrame(frame).fingerprint()
    plane = frame.planes[0]
    samples = np.frombuffer(memoryview(plane), np.uint8).reshape(15, -1).copy()
    assert samples.shape[1] > 19
    samples[:, 19:] ^= 255
    plane.update(samples.tobytes())
    assert DecodedFrame(frame).fingerprint() == before
