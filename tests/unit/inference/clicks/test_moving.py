"""What moves, as evidence about what was clicked at: on drawn clips, with the bundled networks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from rvos_core.errors import UserError
from rvos_core.evaluation.metrics import jaccard
from rvos_core.inference.clicks import ClickSession, DeepClicker, Movement, MovingClicker, load_clickers
from rvos_core.models.api import Around, Clicks

HEIGHT, WIDTH = 192, 320
MIDDLE = (150, 100)


@pytest.fixture(scope="module")
def clickers() -> tuple[MovingClicker, DeepClicker]:
    moving, deep, _ = load_clickers(device="cpu")
    assert isinstance(moving, MovingClicker) and isinstance(deep, DeepClicker)
    return moving, deep


def pattern(seed: int) -> np.ndarray:
    """(2 * HEIGHT, 2 * WIDTH, 3) uint8: soft spots of all colours."""
    dice = np.random.default_rng(seed)
    spots = np.stack([cv2.GaussianBlur(dice.normal(size=(2 * HEIGHT, 2 * WIDTH)), (0, 0), 3) for _ in range(3)], -1)
    return np.asarray((128 + 40 * spots / spots.std()).clip(0, 255), dtype=np.uint8)


GROUND, THING = pattern(0), pattern(1)


def mask_at(time: int) -> np.ndarray:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(drawn, (MIDDLE[0] + 5 * time, MIDDLE[1] + 2 * time), (60, 40), 0, 0, 360, 1, -1)
    return drawn > 0


def drawn(time: int) -> np.ndarray:
    """A spotted ellipse on ground with the same spots, seen by a camera that moves, too: only movement tells them."""
    frame = GROUND[40 : 40 + HEIGHT, 60 - 2 * time : 60 - 2 * time + WIDTH].copy()
    own = np.roll(THING, (2 * time, 5 * time), axis=(0, 1))[:HEIGHT, :WIDTH]
    mask = mask_at(time)
    frame[mask] = own[mask]
    return frame


def moving_around(away: int) -> np.ndarray:
    return drawn(away)


def standing_around(away: int) -> np.ndarray:
    del away
    return drawn(0)


def nothing_around(away: int) -> None:
    del away


def cut_around(away: int) -> np.ndarray:
    del away
    return np.full((HEIGHT, WIDTH, 3), (250, 240, 20), np.uint8)


def other_size_around(away: int) -> np.ndarray:
    return drawn(away)[::2, ::2]


ASKED = Clicks(positive=(MIDDLE,))


def test_a_camouflaged_thing_is_found_by_its_movement(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    moving, deep = clickers
    found = jaccard(mask_at(0), moving.segment(drawn(0), ASKED, around=moving_around))
    assert found > 0.7
    assert found > jaccard(mask_at(0), deep.segment(drawn(0), ASKED)) + 0.2


def test_one_neighbour_is_enough(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    found = clickers[0].segment(drawn(0), ASKED, around=lambda away: drawn(away) if away > 0 else None)
    assert jaccard(mask_at(0), found) > 0.7


@pytest.mark.parametrize("around", [None, nothing_around, standing_around, cut_around, other_size_around])
def test_without_movement_it_answers_as_the_clicker_of_one_frame(
    clickers: tuple[MovingClicker, DeepClicker], around: Callable[[int], np.ndarray | None] | None
) -> None:
    moving, deep = clickers
    first = deep.segment(drawn(0), ASKED)
    assert np.array_equal(moving.segment(drawn(0), ASKED, around=around), first)
    more = Clicks((MIDDLE, (190, 110)), ((20, 20), (300, 150)))
    assert np.array_equal(
        moving.segment(drawn(0), more, current=first, around=around), deep.segment(drawn(0), more, current=first)
    )


def parked_and_driving(time: int) -> np.ndarray:
    """A parked red thing on spotted ground, and a blue one that passes to its right."""
    frame = GROUND[40 : 40 + HEIGHT, 60 : 60 + WIDTH] // 3 + np.uint8(80)
    frame[70:130, 50:120] = (200, 40, 40)
    frame[60:140, 200 + 5 * time : 260 + 5 * time] = (40, 40, 200)
    return frame


def test_a_parked_thing_beside_a_moving_one_is_found_as_before(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    truth = np.zeros((HEIGHT, WIDTH), dtype=bool)
    truth[70:130, 50:120] = True
    asked = Clicks(positive=((85, 100),))
    found = clickers[0].segment(parked_and_driving(0), asked, around=parked_and_driving)
    assert jaccard(truth, found) > 0.9
    assert jaccard(truth, found) > jaccard(truth, clickers[1].segment(parked_and_driving(0), asked)) - 0.02


def test_clicks_win_over_movement(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    frame = drawn(0)
    clicks = Clicks(positive=((20, 20), (300, 170)), negative=(MIDDLE, (150, 70)))
    for current in (None, mask_at(0)):
        answer = ClickSession(clickers).answer(frame, clicks, current, moving_around)
        assert all(answer.mask[y, x] for x, y in clicks.positive)
        assert not any(answer.mask[y, x] for x, y in clicks.negative)


def test_the_same_question_has_the_same_answer(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    moving = clickers[0]
    first = moving.segment(drawn(0), ASKED, around=moving_around)
    still = moving.segment(drawn(0), ASKED, around=standing_around)
    assert np.array_equal(moving.segment(drawn(0), ASKED, around=lambda away: drawn(away)), first)
    assert not np.array_equal(still, first), "other neighbours, another answer"
    assert np.array_equal(moving.segment(drawn(0), ASKED, around=moving_around), first)


def test_neighbours_are_read_once_while_clicks_are_added(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    read: list[int] = []

    def around(away: int) -> np.ndarray:
        read.append(away)
        return drawn(away)

    session = ClickSession(clickers)
    mask = session.answer(drawn(0), ASKED, None, around).mask
    session.answer(drawn(0), Clicks((MIDDLE,), ((5, 5),)), mask, around)
    assert sorted(read) == [-2, -1, 1, 2]


def test_movement_counts_as_far_as_the_clicks_agree_with_it() -> None:
    logits = np.full((40, 60), -4.0, np.float32)
    logits[10:30, 20:40] = 4.0
    movement = Movement(logits)
    on, beside = (30, 20), (5, 5)
    assert movement.agreement([on], [beside]) > 0.95
    assert movement.agreement([on], []) > 0.95
    assert movement.agreement([beside], []) < 0.05
    assert movement.agreement([on], [(25, 15)]) < 0.05
    assert movement.agreement([], []) == 0.5
    object_ = np.zeros((40, 60), np.float32)
    object_[30:, :15] = 1.0  # what is believed lies on nothing that moves
    evidence = movement.evidence([(5, 35)], [], object_, 1 - object_)
    assert evidence[20, 30] < 0, "what moves is then something else"
    assert abs(float(evidence[35, 50])) < 0.3, "what stands still may be either"


def test_without_the_flow_network_the_others_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise UserError("The weights are damaged.", code="model.damaged")

    monkeypatch.setattr("rvos_core.inference.motion.segmenters.NetworkSegmenter.__init__", damaged)
    assert [each.name for each in load_clickers(device="cpu")] == ["deep", "plain"]
    assert "clicks are answered without what moves" in caplog.text


class Counting:
    """Answers with a fixed mask and counts how often it is asked."""

    name = "counting"

    def __init__(self, mask: np.ndarray) -> None:
        self.asked = 0
        self._mask = mask

    def segment(
        self, frame: np.ndarray, clicks: Clicks, *, current: np.ndarray | None = None, around: Around | None = None
    ) -> np.ndarray:
        """The fixed mask."""
        del frame, clicks, current, around
        self.asked += 1
        return self._mask.copy()


def test_nobody_else_is_asked_once_an_answer_agrees_with_everything() -> None:
    good, other = Counting(mask_at(0)), Counting(mask_at(0))
    ClickSession([good, other]).answer(drawn(0), ASKED)
    assert (good.asked, other.asked) == (1, 0)
    ClickSession([Counting(~mask_at(0)), other]).answer(drawn(0), ASKED)
    assert other.asked == 1


def test_a_still_picture_is_not_said_to_be_answered_by_movement(clickers: tuple[MovingClicker, DeepClicker]) -> None:
    session = ClickSession(clickers)
    assert session.answer(drawn(0), ASKED).clicker == "deep"
    assert session.answer(drawn(0), ASKED, None, moving_around).clicker == "motion"
    assert ClickSession(clickers[:1]).answer(drawn(0), ASKED).clicker == "motion", "nobody else is there"
