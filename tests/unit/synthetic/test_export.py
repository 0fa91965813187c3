"""`rvos synth`: a data set that our reader of Ref-YouTube-VOS reads back, and a picture; wrong calls say so."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import rvos
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.errors import Cancelled
from rvos_core.masks import read_indexed_png
from rvos_core.synthetic import make_clip, split_config, split_seeds
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.export import export_dataset
from rvos_core.types import CancelToken

TINY = ("--size", "80x48", "--frames", "3")


def test_a_made_data_set_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    said = rvos(capsys, "synth", "make", "-o", out, "--split", "val", "--clips", "2", *TINY, "--json")
    assert said.code == 0, said
    assert (said.json["clips"], said.json["frames"], said.json["folder"]) == (2, 6, "valid")
    dataset = read_refytvos(out, split="valid")
    assert len(dataset.videos) == 2
    world = json.loads((out / "world.json").read_text())
    for video in dataset.videos:
        clip = make_clip(world["videos"][video.name]["seed"], WorldConfig(**_settings(world["settings"])))
        positives = [e for e in clip.expressions if e.target is not None]
        assert [e.text for e in video.expressions] == [e.text for e in positives]
        for index, labels in enumerate(clip.labels):
            stem = f"{video.name}/{index:05d}"
            assert np.array_equal(read_indexed_png(out / "valid" / "Annotations" / f"{stem}.png"), labels)
            picture = cv2.imread(str(out / "valid" / "JPEGImages" / f"{stem}.jpg"))[..., ::-1]
            assert np.abs(picture.astype(int) - clip.frames[index]).mean() < 8
        assert world["videos"][video.name]["means_nothing"] == [e.text for e in clip.expressions if e.target is None]
    assert said.json["expressions"] == sum(len(video.expressions) for video in dataset.videos)


def _settings(stored: dict[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}


def test_a_contact_sheet_is_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sheet.png"
    said = rvos(capsys, "synth", "look", "-o", path, "--clips", "2", "--columns", "2", "--lines", "3", *TINY, "--json")
    assert said.code == 0, said
    picture = cv2.imread(str(path))
    assert picture.shape[:2] == (said.json["height"], said.json["width"])
    assert picture.std() > 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("make",), "no end"),
        (("make", "--split", "test", "--clips", "201"), "200 clips"),
        (("make", "--clips", "1", "--size", "80"), "--size 80"),
        (("make", "--clips", "1", "--size", "8x8"), "--size 8x8"),
        (("make", "--clips", "1", "--frames", "0"), "--frames 0"),
        (("look", "--clips", "61"), "contact sheet"),
        (("look", "--clips", "1", "--size", "80x48", "--frames", "1"), "no picture"),
    ],
)
def test_wrong_calls_say_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    said = rvos(capsys, "synth", *arguments, "-o", tmp_path / "out.txt")
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "out.txt").exists()


def test_a_folder_of_other_files_is_refused_and_a_cancelled_run_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    said = rvos(capsys, "synth", "make", "-o", tmp_path / "mine", "--clips", "1", *TINY)
    assert said.code == 1
    assert "thesis.txt" in said.err
    cancel = CancelToken()

    def stop(done: int, total: int) -> None:
        assert (done, total) == (1, 2)
        cancel.cancel()

    config = split_config("train")
    with pytest.raises(Cancelled):
        export_dataset(tmp_path / "new", split_seeds("train")[:2], config, progress=stop, cancel=cancel)
    assert not list(tmp_path.glob("*new*"))  # no part of it either, and parts are hidden beside it
