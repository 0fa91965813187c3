"""The learning curves of a training's stages: read from its folder, drawn one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from helpers_cli import rvos
from rvos_core.errors import UserError
from rvos_core.evaluation.learning_curves import read_curves, write_curves


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A folder with two stages; the second was killed while it wrote a line."""
    first = [{"step": 20, "loss": 3.0}, {"step": 40, "loss": 2.0}, {"step": 40, "val_J": 0.4, "val_right": 0.5}]
    second = [{"step": 10, "val_J": 0.5, "val_right": 0.75}, {"step": 30, "val_J": 0.6, "val_right": 0.8}]
    for name, records in (("1-parts", first), ("2-films", second)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with (tmp_path / "2-films.jsonl").open("a") as file:
        file.write('{"step": 50, "val')
    return tmp_path


def test_stages_are_read_in_order_and_only_what_is_whole(training: Path) -> None:
    first, second = read_curves(training)
    assert (first.name, first.steps) == ("1-parts", 40)
    assert first.validated == ((40, {"val_J": 0.4, "val_right": 0.5}),)
    assert second.steps == 30 and [step for step, _ in second.validated] == [10, 30]


def test_a_stage_begins_where_the_one_before_ended(training: Path) -> None:
    path = training / "curves.svg"
    write_curves(path, read_curves(training), title="a training")
    text = path.read_text()
    # 936 - 64 points are 70 steps; the curves' points are at steps 40, 50 and 70, J .4, .5 and .6 of 368 points.
    points = [(64 + 872 * step / 70, 424 - 368 * value) for step, value in ((40, 0.4), (50, 0.5), (70, 0.6))]
    assert " ".join(f"{x:.2f},{y:.2f}" for x, y in points) in text
    assert "optimiser steps (1-parts, 2-films)" in text and "right object" in text and "best query" not in text


def test_the_command_draws_and_says_the_last_figures(training: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = rvos(capsys, "eval", "curves", training, "--plot", training / "curves.png", "--json")
    assert said.json["stages"][1] == {"stage": "2-films", "step": 30, "figures": {"val_J": 0.6, "val_right": 0.8}}
    with Image.open(training / "curves.png") as picture:
        assert picture.size == (960, 480) and len(picture.convert("RGB").getcolors(100_000) or []) > 5


def test_a_folder_without_curves_and_a_picture_of_another_kind_are_refused(
    tmp_path: Path, training: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "results.jsonl").write_text('{"run": "a", "figures": {}}\n[1, 2]\n')  # of something else
    with pytest.raises(UserError, match="no learning curve"):
        read_curves(empty)
    said = rvos(capsys, "eval", "curves", training, "--plot", training / "curves.gif")
    assert said.code == 2 and "neither a .png nor an .svg" in said.err
