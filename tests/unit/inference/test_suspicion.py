"""Which frames a person should look at."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.inference.suspicion import LEAST_DOUBT, SuspectFrame, growth, jumps, suspicion, trusted, worth_a_look
from rvos_core.masks import encode


def disc(x: float, radius: float = 9.0) -> np.ndarray:
    rows, columns = np.mgrid[:48, :96]
    return (rows - 24) ** 2 + (columns - x) ** 2 <= radius**2


def walk(frames: int = 20, confidence: float = 0.95) -> list[SuspectFrame]:
    """A disc that goes two pixels a frame."""
    return [SuspectFrame(index, encode(disc(20 + 2 * index)), confidence) for index in range(frames)]


def changed(frames: list[SuspectFrame], index: int, mask: np.ndarray, **values: object) -> list[SuspectFrame]:
    new = SuspectFrame(index, encode(mask), frames[index].confidence, **values)  # type: ignore[arg-type]
    return [*frames[:index], new, *frames[index + 1 :]]


def test_a_sure_mask_that_moves_evenly_is_only_as_doubtful_as_the_model() -> None:
    assert suspicion(walk()) == pytest.approx(np.full(20, 0.05), abs=1e-6)
    assert worth_a_look(np.arange(20), suspicion(walk())) == []


def test_the_models_own_doubt_ranks_frames() -> None:
    frames = walk()
    frames[7] = SuspectFrame(7, frames[7].mask, 0.6)
    frames[12] = SuspectFrame(12, frames[12].mask, 0.8)
    doubt = suspicion(frames)
    assert np.argsort(-doubt)[:2].tolist() == [7, 12]
    assert worth_a_look(np.arange(20), doubt) == [7, 12]


@pytest.mark.parametrize(
    "wrong",
    [disc(80), np.zeros((48, 96), bool), disc(40, radius=20)],
    ids=["it sits on another thing", "it is lost", "it spills over"],
)
def test_a_frame_that_breaks_the_course_stands_out_though_the_model_is_sure(wrong: np.ndarray) -> None:
    doubt = suspicion(changed(walk(), 10, wrong))
    assert int(np.argmax(doubt)) in (9, 10, 11)
    assert doubt[10] > LEAST_DOUBT
    assert worth_a_look(np.arange(20), doubt)[0] in (9, 10, 11)


def test_passes_that_disagree_are_doubted() -> None:
    agreed, differing = trusted(0.9, 1.0), trusted(0.9, 0.4)
    assert agreed == trusted(0.9, None) == pytest.approx(0.9)
    assert differing == pytest.approx(0.9 * (1 - 0.5 * 0.45 / 0.85))
    assert trusted(0.9, 0.9) == pytest.approx(0.9), "they have met"
    doubt = suspicion(changed(walk(), 5, disc(30), agreement=0.2))
    assert int(np.argmax(doubt)) == 5


def test_what_a_person_locked_is_beyond_doubt() -> None:
    frames = changed(walk(confidence=0.2), 4, disc(80), locked=True)
    assert suspicion(frames)[4] == 0


def test_an_object_that_stays_away_is_doubted_only_where_it_goes() -> None:
    gone = [SuspectFrame(index, encode(np.zeros((48, 96), bool)), 0.0) for index in range(10, 30)]
    doubt = suspicion([*walk(10), *gone])
    assert doubt[20:].max() == 0
    assert doubt[9:12].max() > LEAST_DOUBT


def test_frames_that_are_apart_make_no_jump() -> None:
    frames = [SuspectFrame(index, encode(disc(x)), 0.95) for index, x in ((0, 20), (1, 21), (40, 80), (41, 81))]
    assert jumps(frames) == pytest.approx(np.zeros(4))


def test_growth_knows_no_direction() -> None:
    areas = np.full(21, 1000.0)
    twice, half = areas.copy(), areas.copy()
    twice[10], half[10] = 3000, 1000 / 3
    assert growth(twice)[10] == pytest.approx(growth(half)[10], abs=0.01)
    assert growth(areas).max() == 0


def test_a_long_stretch_is_looked_at_every_so_often() -> None:
    doubt = np.full(100, 0.3)
    doubt[[10, 40, 60, 90]] = [0.4, 0.6, 0.5, 0.45]
    assert worth_a_look(np.arange(100), doubt)[:4] == [40, 60, 90, 10]
    assert len(worth_a_look(np.arange(100), doubt)) == 5


def test_one_frame_and_none() -> None:
    assert suspicion(walk(1)) == pytest.approx([0.05], abs=1e-6)
    assert worth_a_look(np.arange(0), np.zeros(0)) == []
