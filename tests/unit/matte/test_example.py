"""Aims on a picture whose alpha, colours and trimap are known, and the command that measures them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_data import shared_data
from rvos_core.cli.main import main
from rvos_core.errors import UserError
from rvos_core.evaluation import matte
from rvos_core.evaluation.matte import measure_mattes, read_example


def lemur() -> Path:
    folder = shared_data() / "matting" / "lemur"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    return folder


def test_mattes_of_the_lemur_are_as_good_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matte, "flicker_ratio", lambda *, cancel: (0.0, 0.0))  # measured in test_steady
    report = measure_mattes(lemur())
    assert report.refined <= 0.30
    assert report.given_trimap <= 0.10
    assert report.soft_edge <= 0.70
    assert report.colours <= 0.20


def test_a_folder_without_its_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.png is not there"):
        read_example(tmp_path)
    name = tmp_path.name
    for ending, size in (("", 8), ("_alpha", 8), ("_foreground", 5)):
        cv2.imwrite(str(tmp_path / f"{name}{ending}.png"), np.zeros((size, size, 3), dtype=np.uint8))
    with pytest.raises(UserError, match=r"_foreground\.png is no picture of the right size"):
        read_example(tmp_path)
    (tmp_path / f"{name}_foreground.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"_foreground\.png"):
        read_example(tmp_path)


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "matte", "--data", str(tmp_path / "nothing"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "matte.no_example"


def test_the_command_gives_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matte, "flicker_ratio", lambda *, cancel: (0.25, 1.0))
    folder = tmp_path / "disc"
    folder.mkdir()
    alpha = cv2.GaussianBlur(cv2.circle(np.zeros((80, 80), dtype=np.uint8), (40, 40), 22, 255, -1), (0, 0), 3)
    share = alpha[..., None] / 255
    front, back = np.full((80, 80, 3), (60, 90, 220)), np.full((80, 80, 3), (90, 140, 30))
    pictures = {"": front * share + back * (1 - share), "_alpha": alpha, "_foreground": front}
    pictures["_trimap"] = np.where((alpha > 0) & (alpha < 255), 128, alpha)
    for ending, picture in pictures.items():
        cv2.imwrite(str(folder / f"disc{ending}.png"), np.rint(picture).astype(np.uint8))
    assert main(["eval", "matte", "--data", str(folder), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["flicker"] == 0.25
    assert figures["given_trimap"] < 0.1
    assert figures["refined"] < figures["soft_edge"] < 1
    assert figures["colours"] < 0.4
    assert main(["eval", "matte", "--data", str(folder)]) == 0
    assert "colour error" in capsys.readouterr().out
