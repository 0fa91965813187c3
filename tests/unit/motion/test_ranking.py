"""Sentences pick tracks, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rvos_core.inference.motion.moments import Moment
from rvos_core.inference.motion.ranking import in_words, rank
from rvos_core.inference.motion.tracks import Sighting, Track, colour_shares
from rvos_core.inference.motion.verdict import Verdict, judge
from rvos_core.language.reading import read_expression

SIZE = (96, 168)
COUNT = 10


def scene(*things: dict[str, object]) -> tuple[list[Moment], list[Track]]:
    """Boxes: `x`, `y` of the middle at the start, `side`, `rgb`, `way` cells a moment, `begins`."""
    moments, tracks = [], [Track(k + 1, 0) for k in range(len(things))]
    for index in range(COUNT):
        picture = np.full((*SIZE, 3), (90, 140, 80), np.uint8)
        drift = np.zeros((*SIZE, 2), np.float32)
        for track, thing in zip(tracks, things, strict=True):
            if index < thing.get("begins", 0):
                continue
            way = np.array(thing.get("way", (0.5, 0.0)))
            middle = np.array([thing["x"], thing["y"]]) + way * index
            half = thing.get("side", 16) // 2
            mask = np.zeros(SIZE, bool)
            x, y = middle.round().astype(int)
            mask[max(0, y - half) : y + half, max(0, x - half) : x + half] = True
            picture[mask] = thing["rgb"]
            drift[mask] = way / 3
            track.sightings.append(
                Sighting(index, 3 * index, mask, middle, 0.9, way / 3, colour_shares(np.zeros((1, 3), np.uint8)))
            )
        empty = np.zeros(SIZE, np.float32)
        moments.append(Moment(3 * index, 0, picture, empty, np.zeros((*SIZE, 2), np.float32), drift, np.zeros(2)))
    return moments, tracks


def verdict(sentence: str, moments: Sequence[Moment], tracks: Sequence[Track], *, believe: bool = False) -> Verdict:
    reading = read_expression(sentence)
    return judge(reading, [rank(tracks, moments, reading.slots)] if tracks else [], still=False, believe=believe)


RED_LEFT = {"x": 40, "y": 50, "rgb": (200, 20, 30), "side": 20, "way": (1.5, 0.0)}
WHITE_RIGHT = {"x": 130, "y": 50, "rgb": (245, 245, 245), "side": 30, "way": (-1.5, 0.0), "begins": 3}


@pytest.mark.parametrize(
    ("sentence", "chosen"),
    [
        ("the red one", 1),
        ("a white car", 2),
        ("the one on the left", 1),
        ("the one on the right", 2),
        ("the smaller one", 1),
        ("the bigger one", 2),
        ("the one going right", 1),
        ("the one going left", 2),
        ("the first to appear", 1),
        ("the second to appear", 2),
        ("the one to the left of the white one", 1),
        ("second from the left", 2),
    ],
)
def test_a_sentence_picks_the_track_it_means(sentence: str, chosen: int) -> None:
    moments, tracks = scene(RED_LEFT, WHITE_RIGHT)
    found = verdict(sentence, moments, tracks)
    assert [track.track_id for track in found.tracks] == [chosen] and not found.absent


def test_nothing_fits_and_it_says_what_does_not() -> None:
    found = verdict("the blue one", *scene(RED_LEFT, WHITE_RIGHT))
    assert found.absent and not found.tracks
    assert "No moving object here is blue" in found.notes[0]
    assert [track.track_id for track in verdict("the blue one", *scene(RED_LEFT), believe=True).tracks] == [1]


def test_a_sentence_that_contradicts_itself_is_told_so() -> None:
    found = verdict("the red one that is blue", *scene(RED_LEFT))
    assert found.absent and "contradicts itself" in found.notes[0]


@pytest.mark.parametrize("sentence", ["the wibbly wobble", "der rote Wagen", "das Ding da"])
def test_unknown_words_and_two_movers_ask_which(sentence: str) -> None:
    found = verdict(sentence, *scene(RED_LEFT, WHITE_RIGHT))
    assert found.absent and "choose a candidate" in found.notes[0]
    alone = verdict(sentence, *scene(RED_LEFT))
    assert [track.track_id for track in alone.tracks] == [1] and "is not known" in alone.notes[0]


def test_what_is_not_checked_is_said() -> None:
    found = verdict("a feathered black swan", *scene(RED_LEFT | {"rgb": (15, 15, 18)}))
    assert "black 1.00" in found.notes[0]
    assert "“swan” is not checked" in found.notes[0] and "“feathered” is not known" in found.notes[0]


def test_nothing_moves() -> None:
    found = verdict("a dog", [], [])
    assert found.absent and "Nothing moves" in found.notes[0] and "rvos track" in found.notes[1]


def test_fragments_are_not_the_smallest_thing() -> None:
    moments, tracks = scene(RED_LEFT, WHITE_RIGHT | {"begins": 0})
    small = scene({"x": 80, "y": 20, "rgb": (0, 0, 0), "side": 6})[1][0]
    piece = replace(small, track_id=3, sightings=small.sightings[::4])
    best = rank([*tracks, piece], moments, read_expression("the smaller one").slots)[0]
    assert best.track.track_id == 1 and in_words(best) == "smallest 1.00"
