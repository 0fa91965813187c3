"""Frames on the x axis, timecode, and lanes squeezed to columns: against plain definitions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_app.timeline.lane_image import confidence_colours, lane_image
from rvos_app.timeline.lanes import EMPTY, MASK, NO_RESULT, Lane, LaneColumns, LaneTrack
from rvos_app.timeline.scale import TimeScale, minor_step, tick_step
from rvos_app.timeline.thumbnails import ThumbnailStore, filmstrip_slots
from rvos_app.timeline.timecode import timecode
from rvos_core.types import MediaInfo

SCALES = st.builds(
    lambda count, width, zoom, offset: TimeScale.fitted(count, width).zoomed(zoom, width / 3).scrolled_to(offset),
    st.integers(1, 200_000),
    st.integers(1, 3000),
    st.floats(1, 5000),
    st.integers(0, 10_000_000),
)


def clip_info(
    count: int, rate: Fraction = Fraction(25), pts: tuple[int, ...] | None = None, **changes: object
) -> MediaInfo:
    stamps = tuple(range(count)) if pts is None else pts
    values: dict[str, object] = {
        "path": Path("clip.mp4"),
        "kind": "video",
        "width": 160,
        "height": 90,
        "frame_count": count,
        "rate": rate,
        "rate_is_assumed": False,
        "is_variable_rate": pts is not None,
        "pts": stamps,
        "time_base": 1 / rate if pts is None else Fraction(1, 1000),
        "codec": "h264",
        "pixel_format": "yuv420p",
        "coded_width": 160,
        "coded_height": 90,
        "rotation_deg": 0,
        "sample_aspect": Fraction(1),
        "has_audio": False,
    }
    return MediaInfo(**(values | changes))  # type: ignore[arg-type]


@given(SCALES, st.floats(0, 1))
def test_a_frame_is_found_again_inside_its_cell(scale: TimeScale, where: float) -> None:
    frame = round(where * (scale.frame_count - 1))
    assert scale.frame_at(scale.x_of(frame + 0.5)) == frame
    assert scale.edge_at(scale.x_of(frame)) == frame


@given(SCALES)
def test_a_view_never_leaves_the_clip(scale: TimeScale) -> None:
    assert 0 <= scale.offset_px <= scale.max_offset_px
    assert scale.content_px >= scale.width_px or scale.fits
    visible = scale.visible
    assert 0 <= visible.start < visible.stop <= scale.frame_count


@given(SCALES, st.floats(0.05, 20), st.floats(0, 1))
def test_zoom_keeps_the_moment_under_the_cursor(scale: TimeScale, factor: float, where: float) -> None:
    x = where * scale.width_px
    before = (x + scale.offset_px) / scale.frame_px
    zoomed = scale.zoomed(factor, x)
    at_an_end = zoomed.offset_px in (0, zoomed.max_offset_px)
    assert at_an_end or abs(zoomed.x_of(before) - x) <= 0.5 + 1e-6


@given(SCALES, st.integers(1, 800))
def test_columns_cover_the_view_in_order(scale: TimeScale, columns: int) -> None:
    edges = scale.column_edges(columns)
    assert edges.shape == (columns + 1,)
    assert (np.diff(edges) >= 0).all()
    assert edges[0] in (scale.visible.start, scale.visible.start + 1)
    for column in (0, columns // 2, columns - 1):
        x = column * scale.width_px / columns
        if (x + scale.offset_px) / scale.frame_px < scale.frame_count - 1:
            assert abs(int(edges[column]) - scale.frame_at(x)) <= 1


@pytest.mark.parametrize("rate", [1, 10, 24, 25, 30, 60, 240])
@pytest.mark.parametrize("frame_px", [1e-6, 0.001, 0.03, 0.5, 1, 3, 17, 64])
def test_ticks_leave_room_for_their_labels(rate: int, frame_px: float) -> None:
    step = tick_step(frame_px, rate, room_px=90)
    assert step * frame_px >= 90
    assert step < rate or step % rate == 0, "from a second on, labels lie on whole seconds"
    minor = minor_step(step, frame_px, rate)
    assert step % minor == 0


def test_timecode_counts_at_the_nominal_rate() -> None:
    film = clip_info(100_000, Fraction(24000, 1001))
    assert [timecode(film, i) for i in (0, 23, 24, 24 * 60, 24 * 3600 + 5)] == [
        "00:00:00:00",
        "00:00:00:23",
        "00:00:01:00",
        "00:01:00:00",
        "01:00:00:05",
    ]


def test_a_clip_s_own_timecode_is_shown() -> None:
    film = clip_info(100_000, Fraction(24000, 1001), timecode="01:00:00:00")
    assert [timecode(film, i) for i in (0, 23, 24 * 60)] == ["01:00:00:00", "01:00:00:23", "01:01:00:00"]
    tape = clip_info(100_000, Fraction(30000, 1001), timecode="09:59:59;28")
    assert [timecode(tape, i) for i in (0, 2, 1800, 1801, 1802)] == [
        "09:59:59;28",
        "10:00:00;00",
        "10:00:59;28",
        "10:00:59;29",
        "10:01:00;02",
    ]
    assert timecode(clip_info(10, timecode="nonsense"), 9) == "00:00:00:09"


def test_timecode_of_a_variable_rate_follows_the_time_stamps() -> None:
    info = clip_info(7, pts=(500, 900, 1499, 1500, 1501, 3600, 61_000))
    shown = [timecode(info, i) for i in range(7)]
    assert shown == [f"00:{m:02d}:{s:02d}:{f:02d}" for m, s, f in
                     [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 1, 1), (0, 3, 0), (1, 0, 0)]]  # fmt: skip


@given(SCALES, st.integers(0, 2**32 - 1), st.integers(1, 400))
def test_a_column_shows_the_strongest_state_and_the_lowest_confidence(
    scale: TimeScale, seed: int, columns: int
) -> None:
    scale = TimeScale(min(scale.frame_count, 2000), scale.width_px, max(scale.frame_px, 0.02)).scrolled_to(
        scale.offset_px
    )
    rng = np.random.default_rng(seed)
    state = rng.choice([NO_RESULT, EMPTY, MASK], scale.frame_count).astype(np.uint8)
    confidence = rng.random(scale.frame_count, np.float32)
    track = LaneTrack(Lane(1, "", (0, 0, 0)), scale.frame_count)
    track.update(np.arange(scale.frame_count), state, confidence)
    edges = scale.column_edges(columns)
    squeezed = track.columns(edges)
    for column in range(columns):
        frames = slice(int(edges[column]), max(int(edges[column + 1]), int(edges[column]) + 1))
        states, sure = state[frames], confidence[frames][state[frames] == MASK]
        assert squeezed.state[column] == (states.max() if states.size else NO_RESULT)
        lowest = squeezed.confidence[column]
        assert np.isnan(lowest) if sure.size == 0 else lowest == sure.min()


def test_lane_values_come_in_pieces_and_out_of_range_ones_are_ignored() -> None:
    track = LaneTrack(Lane(1, "", (0, 0, 0)), 10)
    track.update(np.array([2, 3]), np.array([MASK, EMPTY]), np.array([0.5, 0.9]))
    track.update(np.array([3, 12, -1]), np.array([MASK, MASK, MASK]), np.array([0.25, 1, 1]))
    assert [track.value(i) for i in (1, 2, 3, 9)] == [(NO_RESULT, None), (MASK, 0.5), (MASK, 0.25), (NO_RESULT, None)]
    track.clear()
    assert track.value(2) == (NO_RESULT, None)


def test_confidence_is_told_by_height_as_well_as_colour() -> None:
    values = np.array([0.0, 0.25, 0.5, 1.0, np.nan], np.float32)
    image = lane_image(LaneColumns(np.full(5, MASK, np.uint8), values), height=24, band=12, colour=(1, 2, 3))
    heights = [sum(image.pixelColor(x, y).alpha() > 0 for y in range(13, 24)) for x in range(5)]
    assert heights[4] == 0
    assert 1 <= heights[0] < heights[1] < heights[2] < heights[3]
    ramp = confidence_colours(np.linspace(0, 1, 11))
    blue, red = (ramp & 255).astype(int), (ramp >> 16 & 255).astype(int)
    assert (np.diff(blue) > 0).all(), "blue rises all the way, which no common colour blindness hides"
    assert (np.diff(red) < 0).all()


def test_empty_is_a_line_and_a_mask_a_band() -> None:
    state = np.array([NO_RESULT, EMPTY, MASK], np.uint8)
    image = lane_image(LaneColumns(state, np.full(3, np.nan, np.float32)), height=24, band=12, colour=(200, 30, 40))
    filled = [sum(image.pixelColor(x, y).alpha() == 255 for y in range(24)) for x in range(3)]
    assert filled[0] == 0
    assert 1 <= filled[1] <= 2
    assert filled[2] == 12


@given(SCALES, st.floats(20, 150))
def test_filmstrip_places_stay_with_the_clip_while_it_scrolls(scale: TimeScale, slot_px: float) -> None:
    slots = filmstrip_slots(scale, slot_px)
    moved = filmstrip_slots(scale.scrolled_to(scale.offset_px + 7), slot_px)
    assert slots or scale.content_px < 1
    assert {frame for _, frame in slots[1:-1]} <= {frame for _, frame in moved} | {slots[0][1], slots[-1][1]}
    assert len(slots) <= scale.width_px / slot_px + 2


def test_the_nearest_thumbnail_stands_in_until_its_own_comes() -> None:
    store = ThumbnailStore(capacity=3)
    assert store.nearest(5) is None
    for frame in (10, 20, 30):
        store.put(frame, np.full((4, 6, 3), frame, np.uint8))
    shown = store.nearest(16)
    assert shown is not None and shown.pixelColor(0, 0).red() == 20
    store.nearest(10)
    store.put(40, None)
    assert 20 not in store and 10 in store and 40 in store, "the least recently painted goes first"
