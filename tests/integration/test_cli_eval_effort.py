"""`rvos eval effort`, `suspicion` and `both-ways` from end to end, with a network that has learned nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from helpers_cli import rvos
from isvos_small import CARD, moving_squares, tiny
from rvos_core.masks import write_mask_png
from rvos_core.weights.bundle import save_bundle

FRAMES = 5


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-isvos"
    save_bundle(folder, tiny(), tokenizer=None, card=CARD)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("davis")
    pictures, labels = moving_squares(frames=FRAMES, objects=1, size=(48, 64))
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / "square").mkdir(parents=True)
    for index, (picture, truth) in enumerate(zip(pictures, labels, strict=True)):
        cv2.imwrite(str(root / "JPEGImages" / "square" / f"{index:05d}.jpg"), picture[..., ::-1])
        write_mask_png(root / "Annotations" / "square" / f"{index:05d}.png", truth > 0)
    return root


def test_effort_corrects_until_nothing_is_left(capsys: pytest.CaptureFixture[str], data: Path, follower: Path) -> None:
    for more in ((), ("--oracle",)):
        said = rvos(capsys, "eval", "effort", "--data", data, "--target", "1", "--model", follower, *more, "--json")
        assert said.code == 0, said.err
        assert said.json["corrected_share"] == 1.0, "a network that knows nothing needs every frame"
        (clip,) = said.json["per_clip"]
        assert (clip["clip"], clip["frames"], clip["reached"]) == ("square", FRAMES, True)
        assert sorted(clip["corrected"]) == list(range(FRAMES))
        assert clip["j_after"][-1] == 1.0
        assert said.json["oracle"] is bool(more)
    said = rvos(capsys, "eval", "effort", "--data", data, "--target", "0.2", "--model", follower)
    assert said.code == 0 and "square" in said.out and "to mean J 0.2" in said.out


def test_sides_are_told_apart(capsys: pytest.CaptureFixture[str], data: Path, follower: Path) -> None:
    said = rvos(capsys, "eval", "both-ways", "--data", data, "--model", follower, "--size", "64", "--json")
    assert said.code == 0, said.err
    assert {"forward", "backward", "nearest", "both", "better_side", "worst_drop"} <= said.json.keys()
    assert len(said.json["objects"]) == 1


def test_what_cannot_be_measured_is_said(
    capsys: pytest.CaptureFixture[str], data: Path, follower: Path, tmp_path: Path
) -> None:
    for call, words, code in (
        (("effort", "--data", data, "--target", "0"), "--target 0.0 is not above 0", 2),
        (("effort", "--data", tmp_path / "nowhere"), "nowhere", 1),
        (("effort", "--data", data, "--clip", "horse"), "horse", 1),
        (("suspicion", "--data", tmp_path / "nowhere"), "nowhere", 1),
        (("both-ways", "--data", data, "--clip", "horse"), "horse", 1),
    ):
        said = rvos(capsys, "eval", *call, "--model", follower)
        assert (said.code, words in said.err) == (code, True), (call, said.err)
