"""`rvos demo`: the first thing a stranger runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_cli import rvos, write_tiny_model
from rvos_core.cli.demo import MAIN_EXPRESSION, _read_questions, _score
from rvos_core.cli.session import Segmentation
from rvos_core.errors import UserError
from rvos_core.inference import FrameResult, RunRequest
from rvos_core.masks import encode, read_indexed_png
from rvos_core.media import open_media
from rvos_core.types import CancelToken, FrameSpan
from rvos_resources.paths import demo_dir, weights_dir

OUTPUTS = ("overlay", "matte", "cutout", "masks", "result")


def read_frames(path: Path) -> np.ndarray:
    with open_media(path) as reader:
        return np.stack(list(reader.frames()))


def test_it_writes_what_it_lists_and_scores_every_expression(capsys, tmp_path: Path):
    model = write_tiny_model(tmp_path / "tiny")
    said = rvos(capsys, "demo", "-o", tmp_path / "out", "--model", model, "--json")
    assert said.code == 0, said.err
    found = said.json
    assert set(found["outputs"]) == set(OUTPUTS)
    assert found["jf"] == found["expressions"][0]["jf"]
    assert found["expressions"][0]["expression"] == MAIN_EXPRESSION
    assert len(found["expressions"]) == 4
    assert all(0 <= row["jf"] <= 1 for row in found["expressions"])

    clip = read_frames(demo_dir() / "street.mp4")
    overlay = read_frames(Path(found["outputs"]["overlay"]))
    matte = read_frames(Path(found["outputs"]["matte"]))
    assert overlay.shape == matte.shape == clip.shape
    for index in (0, len(clip) - 1):
        name = f"{index:05d}.png"
        mask = np.asarray(Image.open(tmp_path / "out" / "masks" / name)) > 0
        cutout = np.asarray(Image.open(tmp_path / "out" / "cutout" / name))
        assert np.array_equal(cutout[..., 3] > 0, mask)
        assert np.mean((matte[index, ..., 0] > 127) == mask) > 0.99


def test_the_true_masks_score_one():
    truth = sorted((demo_dir() / "masks").glob("*.png"))
    labels = [read_indexed_png(path) for path in truth[:3]]
    frames = tuple(
        FrameResult(index, encode(each == 2), confidence=1.0, box=None, visible=True)
        for index, each in enumerate(labels)
    )
    with open_media(demo_dir() / "street.mp4") as reader:
        run = Segmentation(
            info=reader.info,
            request=RunRequest(MAIN_EXPRESSION, FrameSpan(0, 3)),
            frames=frames,
            summary=None,  # type: ignore[arg-type]  # scoring looks at the masks alone
            seconds=0.0,
        )
    assert _score(run, demo_dir() / "masks", object_id=2, cancel=CancelToken()).j_and_f == 1.0
    assert _score(run, demo_dir() / "masks", object_id=1, cancel=CancelToken()).j_and_f < 0.3


def test_the_bundled_expressions_begin_with_the_one_of_the_readme():
    questions = _read_questions(demo_dir() / "expressions.json")
    assert questions[0].text == MAIN_EXPRESSION
    assert len({question.object_id for question in questions}) == 4


def test_damaged_resources_are_a_sentence(tmp_path: Path):
    (tmp_path / "expressions.json").write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        _read_questions(tmp_path / "expressions.json")


@pytest.mark.slow
def test_the_bundled_model_finds_the_man_in_red_and_not_the_one_in_blue(capsys, tmp_path: Path):
    if not (weights_dir() / "ifirvos-mini").is_dir():
        pytest.skip("this checkout has no bundled weights")
    found = rvos(capsys, "demo", "-o", tmp_path / "demo", "--json").json
    assert found["jf"] >= 0.84
    clip = demo_dir() / "street.mp4"
    rvos(capsys, "segment", clip, "the man in blue riding a bike", "-o", tmp_path / "blue")
    masks = [
        np.stack([np.asarray(Image.open(path)) > 0 for path in sorted((tmp_path / name / "masks").iterdir())])
        for name in ("demo", "blue")
    ]
    assert (masks[0] & masks[1]).sum() < 0.2 * (masks[0] | masks[1]).sum()
