"""Cells to things, things to tracks."""

from __future__ import annotations

import numpy as np

from rvos_core.inference.motion.moments import Moment
from rvos_core.inference.motion.tracks import find_tracks, things_in

SIZE = (96, 168)
Box = tuple[int, int, int, int]  # x, y, width, height


def moment(
    index: int, boxes: dict[Box, tuple[float, float]], *, shot: int = 0, pan: tuple[float, float] = (0, 0)
) -> Moment:
    """Boxes that move, each with its drift in cells a frame; each box has a colour of its own."""
    picture = np.full((*SIZE, 3), 128, np.uint8)
    moving = np.full(SIZE, -4.0, np.float32)
    offsets, drift = np.zeros((*SIZE, 2), np.float32), np.zeros((*SIZE, 2), np.float32)
    for (x, y, width, height), way in boxes.items():
        place = np.s_[y : y + height, x : x + width]
        moving[place] = 4.0
        picture[place] = (200, 30, 30) if width > height else (30, 30, 200)
        rows, columns = np.mgrid[place]
        offsets[place] = np.stack([x + width / 2 - columns, y + height / 2 - rows], -1)
        drift[place] = way
    return Moment(index, shot, picture, moving, offsets, drift, np.array(pan, dtype=np.float64))


def test_two_things_are_two_tracks_that_keep_their_ids() -> None:
    moments = [
        moment(3 * k, {(20 + 3 * k, 30, 30, 20): (1.0, 0.0), (130 - 3 * k, 60, 14, 24): (-1.0, 0.0)}) for k in range(8)
    ]
    tracks = find_tracks(moments)
    assert [(track.track_id, len(track.sightings)) for track in tracks] == [(1, 8), (2, 8)]
    assert all(sighting.area == 600 for sighting in tracks[0].sightings)
    assert all(sighting.area == 336 for sighting in tracks[1].sightings)


def test_touching_things_are_told_apart_by_their_middles_and_motions() -> None:
    together = {(40, 30, 30, 30): (2.0, 0.0), (70, 30, 28, 30): (-2.0, 0.0)}
    assert len(things_in(moment(0, together), 0)) == 2
    one_way = dict.fromkeys(together, (2.0, 0.0))
    assert len(things_in(moment(0, one_way), 0)) == 1, "parts that move alike are one thing"


def test_a_thing_that_rests_for_a_while_is_the_same_one_afterwards() -> None:
    moments = [moment(3 * k, {} if 3 <= k < 6 else {(60, 40, 40, 20): (0.1, 0.0)}) for k in range(9)]
    (track,) = find_tracks(moments)
    assert [sighting.moment for sighting in track.sightings] == [0, 1, 2, 6, 7, 8]


def test_the_camera_may_carry_a_thing_across_the_picture() -> None:
    moments = [moment(3 * k, {(20 + 12 * k, 40, 12, 10): (0.0, 0.1)}, pan=(4.0, 0.0)) for k in range(8)]
    (track,) = find_tracks(moments)
    assert len(track.sightings) == 8


def test_a_scene_cut_ends_a_track() -> None:
    moments = [moment(3 * k, {(60, 40, 40, 20): (0.5, 0.0)}, shot=k // 4) for k in range(8)]
    assert sorted((track.shot, len(track.sightings)) for track in find_tracks(moments)) == [(0, 4), (1, 4)]


def test_specks_and_flashes_are_no_things() -> None:
    moments = [
        moment(3 * k, {(10, 10, 3, 3): (1.0, 0.0)} | ({(60, 40, 40, 20): (0, 0)} if k == 2 else {})) for k in range(9)
    ]
    assert find_tracks(moments) == ()
    assert find_tracks([]) == ()
