"""Clickers on drawn pictures whose masks are known, and what can be said of any answer."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import UsageError, UserError
from rvos_core.evaluation.metrics import jaccard
from rvos_core.inference.clicks import ClickSession, PlainClicker, agreement, enforced, load_clickers
from rvos_core.models.api import Around, Clicks

HEIGHT, WIDTH = 120, 200
MIDDLE = (100, 60)


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A red ellipse with a blue stripe beside it, on noisy green: frame and the ellipse's mask."""
    dice = np.random.default_rng(seed)
    frame = np.full((HEIGHT, WIDTH, 3), (60, 130, 60), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, MIDDLE, (34, 22), 20, 0, 360, 1, -1)
    frame[:, 150:165] = (40, 60, 190)
    frame[mask > 0] = (190, 50, 50)
    noisy = frame.astype(np.int16) + dice.normal(0, 8, frame.shape).astype(np.int16)
    return noisy.clip(0, 255).astype(np.uint8), mask > 0


def test_one_click_on_a_plain_thing_finds_it() -> None:
    frame, truth = scene()
    found = PlainClicker().segment(frame, Clicks(positive=(MIDDLE,)))
    assert found.dtype == np.bool_ and found.shape == truth.shape
    assert jaccard(truth, found) > 0.9


def test_a_box_alone_finds_what_is_in_it() -> None:
    frame, truth = scene()
    found = PlainClicker().segment(frame, Clicks(box=(60, 30, 142, 90)))
    assert jaccard(truth, found) > 0.85
    assert not found[:, 145:].any()


def test_a_click_takes_away_what_is_too_much() -> None:
    frame, truth = scene()
    wrong = truth.copy()
    wrong[40:80, 150:165] = True
    found = PlainClicker().segment(frame, Clicks(positive=(MIDDLE,), negative=((157, 60),)), current=wrong)
    assert jaccard(truth, found) > max(0.9, jaccard(truth, wrong))
    assert not found[45:75, 152:163].any()


def test_a_click_adds_what_is_missing_and_leaves_the_rest() -> None:
    frame, truth = scene()
    cut = truth.copy()
    cut[:, :86] = False
    cut[52:58, 104:112] = False  # a hole far from the click that nobody complained about
    found = PlainClicker().segment(frame, Clicks(positive=(MIDDLE, (76, 50))), current=cut)
    assert jaccard(truth, found) > jaccard(truth, cut) + 0.1
    assert found[50, 76]


def test_far_from_a_correction_nothing_changes() -> None:
    dice = np.random.default_rng(1)
    frame = dice.integers(90, 140, (360, 640, 3)).astype(np.uint8)
    current = np.zeros((360, 640), dtype=bool)
    current[40:140, 30:130] = True
    current[200:330, 420:600] = True
    clicks = Clicks(positive=((80, 90), (500, 260)), negative=((590, 320),))
    found = PlainClicker().segment(frame, clicks, current=current)
    assert np.array_equal(found[:, :300], enforced(current, clicks)[:, :300])
    assert not found[320, 590]


def test_without_a_contradiction_the_mask_stays_bit_for_bit() -> None:
    frame, truth = scene()
    clicks = Clicks(positive=(MIDDLE,), negative=((5, 5),))
    assert np.array_equal(PlainClicker().segment(frame, clicks, current=truth), truth)


def test_the_same_question_has_the_same_answer_whatever_was_asked_before() -> None:
    frame, _ = scene()
    asked = Clicks(positive=(MIDDLE,), negative=((20, 20),))
    used = PlainClicker()
    used.segment(scene(5)[0], Clicks(positive=((10, 10),)))
    first = used.segment(frame, asked)
    assert np.array_equal(first, PlainClicker().segment(frame, asked))
    frame[:] = frame[::-1]  # the caller may fill its array anew
    assert np.array_equal(used.segment(frame, asked), PlainClicker().segment(frame, asked))


def test_a_mirrored_picture_has_the_mirrored_answer() -> None:
    frame, _ = scene(3)
    plain = PlainClicker().segment(frame, Clicks(positive=(MIDDLE,), negative=((157, 60),)))
    turned = Clicks(positive=((WIDTH - 1 - MIDDLE[0], MIDDLE[1]),), negative=((WIDTH - 1 - 157, 60),))
    mirrored = PlainClicker().segment(np.ascontiguousarray(frame[:, ::-1]), turned)
    assert jaccard(plain, mirrored[:, ::-1]) > 0.95


POINTS = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1))


@settings(max_examples=25, deadline=None)
@given(st.lists(POINTS, min_size=1, max_size=4, unique=True), st.lists(POINTS, max_size=4, unique=True), st.booleans())
def test_every_click_is_on_its_side(
    positive: list[tuple[int, int]], negative: list[tuple[int, int]], corrected: bool
) -> None:
    frame, truth = scene()
    clicks = Clicks(tuple(positive), tuple(each for each in negative if each not in positive))
    found = ClickSession([PlainClicker()]).answer(frame, clicks, truth if corrected else None).mask
    assert all(found[y, x] for x, y in clicks.positive)
    assert not any(found[y, x] for x, y in clicks.negative)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (7, 900)])
def test_odd_frames_are_answered(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    found = PlainClicker().segment(frame, Clicks(positive=((size[1] - 1, size[0] - 1),)))
    assert found.shape == size and found[-1, -1]
    again = PlainClicker().segment(frame, Clicks(positive=((0, 0),)), current=np.zeros(size, dtype=bool))
    assert again[0, 0]


def test_one_colour_everywhere_is_no_trouble() -> None:
    frame = np.full((90, 160, 3), 77, np.uint8)
    found = PlainClicker().segment(frame, Clicks(positive=((80, 45),), negative=((5, 5),)))
    assert found[45, 80] and not found[5, 5] and found.mean() < 0.9


BAD = {
    "outside": (Clicks(positive=((WIDTH, 5),)), None, "clicks.outside", f"({WIDTH}, 5)"),
    "negative number": (Clicks(positive=((3, 3),), negative=((-1, 5),)), None, "clicks.outside", "(-1, 5)"),
    "contradiction": (Clicks(positive=((3, 4),), negative=((3, 4),)), None, "clicks.contradiction", "(3, 4)"),
    "box without area": (Clicks(box=(10, 10, 10, 40)), None, "clicks.empty_box", "no area"),
    "box turned round": (Clicks(box=(40, 10, 10, 40)), None, "clicks.empty_box", "no area"),
    "box outside": (Clicks(box=(WIDTH, 0, WIDTH + 9, 9)), None, "clicks.outside", "outside the frame"),
    "nothing": (Clicks(), None, "clicks.no_object", "no click on it"),
    "only negative": (Clicks(negative=((3, 3),)), np.zeros((HEIGHT, WIDTH), bool), "clicks.no_object", "no mask yet"),
    "other size": (Clicks(positive=((3, 3),)), np.zeros((9, 7), bool), "clicks.mask_size", "7 x 9"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_questions_are_refused_in_words(what: str) -> None:
    clicks, current, code, words = BAD[what]
    frame = scene()[0]
    for ask in (
        lambda: ClickSession([PlainClicker()]).answer(frame, clicks, current),
        lambda: PlainClicker().segment(frame, clicks, current=current),
    ):
        with pytest.raises(UserError) as refused:
            ask()
        assert refused.value.code == code
        assert words in refused.value.message and refused.value.hint


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(UserError, match="no picture to click on"):
        PlainClicker().segment(np.zeros((0, 10, 3), np.uint8), Clicks(positive=((0, 0),)))


class Fixed:
    """Always the same answer."""

    def __init__(self, name: str, mask: np.ndarray) -> None:
        self.name = name
        self._mask = mask

    def segment(
        self, frame: np.ndarray, clicks: Clicks, *, current: np.ndarray | None = None, around: Around | None = None
    ) -> np.ndarray:
        """The fixed mask."""
        del frame, clicks, current, around
        return self._mask.copy()


def test_the_answer_that_agrees_with_the_clicks_is_taken_and_named() -> None:
    frame, truth = scene()
    session = ClickSession([Fixed("first", ~truth), Fixed("second", truth)])
    answer = session.answer(frame, Clicks(positive=(MIDDLE,), negative=((5, 5),)))
    assert (answer.clicker, answer.agreement) == ("second", 1.0)
    assert np.array_equal(answer.mask, truth)
    assert session.clickers == ("first", "second")


def test_of_equal_answers_the_preferred_one_is_taken() -> None:
    frame, truth = scene()
    answer = ClickSession([Fixed("a", truth), Fixed("b", truth)]).answer(frame, Clicks(positive=(MIDDLE,)))
    assert answer.clicker == "a"


def test_an_answer_that_changes_what_is_far_from_the_clicks_is_passed_over() -> None:
    frame, truth = scene()
    elsewhere = truth.copy()
    elsewhere[90:, :30] = True
    asked = Clicks(positive=(MIDDLE,), negative=((157, 20),))
    current = truth.copy()
    current[18:23, 155:160] = True
    session = ClickSession([Fixed("restless", elsewhere), Fixed("quiet", truth)])
    assert session.answer(frame, asked, current).clicker == "quiet"
    lost = int((elsewhere & ~truth).sum()) / int(current.sum())
    assert agreement(elsewhere, asked, current) == pytest.approx(1 - 0.5 * lost)


def test_neighbourhoods_of_opposite_clicks_are_shared_by_distance() -> None:
    clicks = Clicks(positive=((500, 300),), negative=((503, 300),))
    found = enforced(np.zeros((600, 1000), dtype=bool), clicks)
    assert found[300, 496:502].all() and not found[300, 502:].any()
    assert found.sum() < 60


def test_importing_the_clickers_loads_no_torch() -> None:
    code = "import sys, rvos_core.inference.clicks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_weights_the_plain_clicker_is_there(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise UserError("The weights are damaged.", code="model.damaged")

    monkeypatch.setattr("rvos_core.models.registry.load_propagator", damaged)
    assert [each.name for each in load_clickers()] == ["plain"]
    assert "clicks are answered without isvos-mini: The weights are damaged." in caplog.text


def test_a_device_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        load_clickers(device="abacus")
