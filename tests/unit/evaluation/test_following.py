"""Following given first masks over a folder in DAVIS's layout, and the bundle that is made of a training run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from helpers_data import REPOSITORY, shared_data
from isvos_small import CARD, MINI_LIKE, moving_squares, tiny
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.propagation import evaluate_following, followed_clips
from rvos_core.masks import write_indexed_png, write_mask_png
from rvos_core.models.api import FramePrediction
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.training.engine import StageConfig
from rvos_core.training.propagation_curriculum import FollowStage, train
from rvos_core.training.propagation_data import ClipMix
from rvos_core.types import CancelToken
from rvos_core.weights.bundle import load_bundle

FRAMES = 6


class Stubborn:
    """A propagator that says of every frame what it was shown last."""

    card = CARD

    def __init__(self) -> None:
        self.shown: dict[int, np.ndarray] = {}

    @property
    def object_ids(self) -> tuple[int, ...]:
        return tuple(self.shown)

    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        self.shown |= masks

    def step(self, frame: np.ndarray) -> FramePrediction:
        # A network whose cells are smaller than the picture's pixels: outlines stay exactly where they are.
        chances = torch.from_numpy(np.stack([*self.shown.values()])).float().repeat_interleave(4, 1)
        chances = chances.repeat_interleave(4, 2)
        return FramePrediction(self.object_ids, chances, chances)

    def forget(self, object_id: int) -> None:
        self.shown.pop(object_id)

    def restart(self) -> None:
        """Nothing is on the way."""


def write_clip(root: Path, name: str, *, objects: int, every: int = 1, folder: str = "", seed: int = 0) -> np.ndarray:
    """A clip of squares in DAVIS's layout with a mask in each `every`th frame; returns its labels (t, H, W)."""
    pictures, labels = moving_squares(frames=FRAMES, objects=objects, size=(48, 64), seed=seed)
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / folder / name).mkdir(parents=True, exist_ok=True)
    for index, (picture, truth) in enumerate(zip(pictures, labels, strict=True)):
        cv2.imwrite(str(root / "JPEGImages" / folder / name / f"{index:05d}.jpg"), picture[..., ::-1])
        path = root / "Annotations" / folder / name / f"{index:05d}.png"
        if index % every == 0 and objects == 1:
            write_mask_png(path, truth > 0)
        elif index % every == 0:
            write_indexed_png(path, truth)
    return labels


def plain_j(a: np.ndarray, b: np.ndarray) -> float:
    inner = sum(x and y for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    either = sum(x or y for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    return inner / either


def test_copying_the_first_mask_scores_as_counted_by_hand(tmp_path: Path) -> None:
    one = write_clip(tmp_path, "one", objects=1)
    two = write_clip(tmp_path, "two", objects=2, seed=1)
    steps: list[tuple[int, int]] = []
    report = evaluate_following(Stubborn(), tmp_path, progress=lambda done, total: steps.append((done, total)))
    assert [(each.clip, each.object_id) for each in report.objects] == [("one", 1), ("two", 1), ("two", 2)]
    assert report.protocol == "davis2017"
    for scores, labels in zip(report.objects, (one, two, two), strict=True):
        assert scores.frames == (1, 2, 3, 4), "neither the first nor the last"
        wanted = [plain_j(labels[t] == scores.object_id, labels[0] == scores.object_id) for t in scores.frames]
        assert scores.j == pytest.approx(wanted)
    assert steps[-1] == (10, 10)


def test_only_annotated_frames_count_and_the_480p_folder_is_found(tmp_path: Path) -> None:
    write_clip(tmp_path, "sparse", objects=2, every=2, folder="480p")
    clip = followed_clips(tmp_path)[0]
    assert tuple(clip.masks) == (0, 2, 4)
    report = evaluate_following(Stubborn(), tmp_path, clips=["sparse"])
    assert {each.frames for each in report.objects} == {(2,)}


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    write_clip(tmp_path, "good", objects=1)
    with pytest.raises(UserError, match="annotations of bad"):
        evaluate_following(Stubborn(), tmp_path, clips=["bad"])
    write_clip(tmp_path / "short", "clip", objects=1, every=4)
    with pytest.raises(UserError, match="2 annotated"):
        evaluate_following(Stubborn(), tmp_path / "short")
    (tmp_path / "JPEGImages" / "good" / "00003.jpg").unlink()
    with pytest.raises(UserError, match=r"00003\.png has no picture"):
        evaluate_following(Stubborn(), tmp_path)
    write_clip(tmp_path / "empty", "clip", objects=1)
    write_mask_png(tmp_path / "empty/Annotations/clip/00000.png", np.zeros((48, 64), bool))
    with pytest.raises(UserError, match="no object"):
        evaluate_following(Stubborn(), tmp_path / "empty")


def test_it_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    write_clip(tmp_path, "one", objects=1)
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        evaluate_following(Stubborn(), tmp_path, progress=lambda done, total: cancel.cancel(), cancel=cancel)


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle_isvos", REPOSITORY / "packaging" / "bundle_isvos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_run_becomes_a_bundle_whose_figures_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = FollowStage(StageConfig("run", steps=1, bf16=False), ClipMix(sizes=((64, 64),), clips=1, world=0.0))
    train(tiny(MINI_LIKE), tmp_path, device=torch.device("cpu"), workers=0, stages=(stage,))
    write_clip(tmp_path / "davis", "one", objects=1)
    out = tmp_path / "isvos-mini"
    arguments = [str(tmp_path / "run.pt"), "--davis", str(tmp_path / "davis"), "--size", "64", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["bundle_isvos.py", *arguments])
    assert script().main() == 0
    bundle = load_bundle(out)
    assert bundle.card.arch == "isvos"
    assert bundle.tokenizer is None
    assert "1 steps" in bundle.card.trained_on
    figures = bundle.card.measured["davis-first-mask"]
    report = evaluate_following(IsvosPropagator(bundle.model, card=bundle.card), tmp_path / "davis")
    assert figures["J_of_clips"]["one"] == pytest.approx(report.objects[0].j_statistics.mean, abs=1e-4)
    assert figures["jf"] == pytest.approx(report.jf, abs=1e-4)


@pytest.mark.slow
def test_real_clips_are_read(tmp_path: Path) -> None:
    root = shared_data() / "davis16"
    found = {clip.name: clip.frames for clip in followed_clips(root)}
    assert found == {"blackswan": 50, "camel": 90, "car-shadow": 40, "dog": 60}
    report = evaluate_following(Stubborn(), root, clips=["car-shadow"])
    assert report.objects[0].j_statistics.mean == pytest.approx(0.40, abs=0.05), "as known of copying the first mask"
