"""The robot that corrects, against counts made by hand; doubts and sides on clips whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from isvos_small import CARD
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.effort import measure_effort
from rvos_core.evaluation.suspicion import area_under_curve, judge_suspicion
from rvos_core.evaluation.two_sided import compare_sides
from rvos_core.masks import write_mask_png
from rvos_core.models.api import FramePrediction
from rvos_core.types import CancelToken

FRAMES, SIZE, STEP = 9, (32, 96), 3


class Copier:
    """Says of every frame what it was shown last in time before its walk; unsure by the frames it went since."""

    card = CARD

    def __init__(self) -> None:
        self._shown: dict[int, dict[int, np.ndarray]] = {}
        self._ids: tuple[int, ...] = ()

    @property
    def object_ids(self) -> tuple[int, ...]:
        return self._ids

    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        self._shown[number_in(frame)] = dict(masks)
        self._ids = tuple(dict.fromkeys((*self._ids, *masks)))

    def step(self, frame: np.ndarray) -> FramePrediction:
        here = number_in(frame)
        nearest = min(self._shown, key=lambda index: abs(index - here))
        sure = 0.95 - 0.03 * abs(nearest - here)
        rows = [torch.from_numpy(self._shown[nearest][each].astype(np.float32)) * sure for each in self._ids]
        return FramePrediction(self._ids, torch.stack(rows), torch.stack(rows))

    def forget(self, object_id: int) -> None:
        self._shown.clear()
        self._ids = ()

    def restart(self) -> None:
        """Nothing is on the way."""


def number_in(frame: np.ndarray) -> int:
    return round(int(frame[-1, -1].mean()) / 20)


def truth(index: int) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[8:24, STEP * index : STEP * index + 24] = True
    return mask


def expected_j(index: int, shown: int) -> float:
    shared = max(0, 24 - STEP * abs(index - shown))
    return shared / (48 - shared)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind / "sliding").mkdir(parents=True)
    for index in range(FRAMES):
        picture = np.full((*SIZE, 3), 20 * index, np.uint8)
        cv2.imwrite(str(tmp_path / "JPEGImages" / "sliding" / f"{index:05d}.jpg"), picture)
        write_mask_png(tmp_path / "Annotations" / "sliding" / f"{index:05d}.png", truth(index))
    return tmp_path


def curve(corrected: list[int]) -> list[float]:
    """Mean J after each correction, where every frame is a copy of the nearest given one."""
    found = []
    for count in range(1, len(corrected) + 1):
        given = corrected[:count]
        each = [
            max(expected_j(i, g) for g in given if abs(g - i) == min(abs(h - i) for h in given)) for i in range(FRAMES)
        ]
        found.append(float(np.mean(each)))
    return found


@pytest.mark.parametrize("oracle", [True, False])
def test_the_robot_corrects_the_worst_frame_until_the_clip_is_right(root: Path, oracle: bool) -> None:
    seen: list[tuple[int, int]] = []
    report = measure_effort(
        Copier(), root, target=0.8, oracle=oracle, progress=lambda done, all_: seen.append((done, all_))
    )
    (clip,) = report.clips
    assert clip.corrected[:2] == (0, FRAMES - 1), "the last frame is farthest from what was given"
    assert clip.j[:2] == pytest.approx(curve(list(clip.corrected[:2])), abs=0.02)
    assert clip.reached and clip.j[-1] >= 0.8 > clip.j[-2]
    assert list(clip.j) == sorted(clip.j), "no correction makes the clip worse"
    assert report.corrected_share == pytest.approx(len(clip.corrected) / FRAMES)
    said = report.as_dict()
    assert said["corrected_share"] == round(len(clip.corrected) / FRAMES, 4)
    assert said["per_clip"][0]["j_after"] == [round(each, 4) for each in clip.j]
    assert seen[-1] == (FRAMES, FRAMES)


def test_a_target_of_one_takes_every_frame(root: Path) -> None:
    report = measure_effort(Copier(), root, target=1.0)
    assert report.corrected_share == 1.0
    assert report.clips[0].reached


def test_it_can_be_stopped_and_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        measure_effort(Copier(), root, cancel=cancel)
    write_mask_png(root / "Annotations" / "sliding" / "00000.png", np.zeros(SIZE, bool))
    with pytest.raises(UserError, match="no object in it"):
        measure_effort(Copier(), root)


def test_doubt_ranks_what_is_wrong(root: Path) -> None:
    report = judge_suspicion(Copier(), root)
    wrong = [expected_j(index, 0) < 0.75 for index in range(1, FRAMES)]
    assert (report.masks, report.wrong) == (FRAMES - 1, sum(wrong))
    assert report.auroc["suspicion"] == report.auroc["doubt"] == 1.0


def test_the_area_under_the_curve_is_the_chance_that_a_wrong_one_ranks_above_a_right_one() -> None:
    dice = np.random.default_rng(3)
    values, positive = dice.integers(0, 6, 60).astype(float), dice.random(60) < 0.4
    pairs = [(a > b) + (a == b) / 2 for a in values[positive] for b in values[~positive]]
    assert area_under_curve(values, positive) == pytest.approx(float(np.mean(pairs)))


def test_sides_are_compared_between_the_first_and_the_last_frame(root: Path) -> None:
    report = compare_sides(Copier(), root)
    (only,) = report.objects
    between = range(1, FRAMES - 1)
    nearest = [min((abs(i - g), expected_j(i, g)) for g in (0, FRAMES - 1))[1] for i in between]
    for way in ("forward", "backward", "nearest"):
        assert only.j[way] == pytest.approx(float(np.mean(nearest)), abs=0.03), "the copier takes the nearer one anyway"
    assert only.true_lowest_iou == pytest.approx(expected_j(0, 1))
    assert report.better_side >= max(report.j("forward"), report.j("backward"))
    assert report.worst_drop == pytest.approx(only.true_lowest_iou - only.lowest_iou)
