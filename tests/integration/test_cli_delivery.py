"""`rvos segment ... --format prores4444` and its kin: what lies on the disk, and what is said before the long work."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from helpers_cli import rvos, write_clip, write_tiny_model
from helpers_data import shared_data
from helpers_delivery import ffprobe
from rvos_core.delivery.pixels import shown_plane
from rvos_core.matte import MatteRenderer, MatteStack
from rvos_core.media import open_media


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def alpha_of(path: Path, index: int) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return next(shown_plane(frame, alpha=True) for n, frame in enumerate(frames) if n == index)


def soft_edge(source: Path, folder: Path, index: int) -> np.ndarray:
    """What the renderer makes of a frame's mask as it lies on the disk; it stays on the mask's outline."""
    mask = np.asarray(Image.open(folder / "masks" / f"{index:05d}.png")) > 0
    with open_media(source) as reader:
        alpha = MatteRenderer(reader.frame, lambda _: mask, MatteStack()).matte(index).alpha
    inside = alpha > 0.5
    assert (inside & mask).sum() > 0.97 * (inside | mask).sum()
    return alpha


def test_mattes_and_cutouts_with_their_reports(capsys, model: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=10)
    out = tmp_path / "out"
    call = ("segment", clip, "a man", "-o", out, "--model", model, "--start", "2", "--json")
    said = rvos(capsys, *call, "--format", "prores4444,png16", "--format", "h264matte")
    assert said.code == 0, said.err
    outputs = said.json["outputs"]
    assert set(outputs) == {"masks", "prores4444", "png16", "h264matte", "result"}
    assert outputs["prores4444"] == str(out / "clip_cutout_straight_prores4444.mov")
    assert np.abs(alpha_of(Path(outputs["prores4444"]), 3) - soft_edge(clip, out, 5)).max() <= 1.5 / 1023
    pictures = sorted(path.name for path in Path(outputs["png16"]).iterdir())
    assert pictures == [f"clip_matte_png16.{n:04d}.png" for n in range(2, 10)], "numbered as the clip's frames"
    for name in ("prores4444", "png16", "h264matte"):
        path = Path(outputs[name])
        report = json.loads(path.with_name(f"{path.name}.report.json").read_text())
        assert report["verification"]["right"] is True
        assert (report["frames"], report["source_frames"]) == (8, [2, 10])
    assert "Lossy" in said.err


def test_an_unknown_format_is_named_with_those_that_there_are(capsys, tmp_path: Path) -> None:
    said = rvos(capsys, "segment", tmp_path / "x.mp4", "a man", "-o", tmp_path, "--format", "betamax", "--json")
    assert said.code == 2
    assert said.json["error"]["code"] == "usage.format"
    assert "prores4444" in said.json["error"]["hint"]


def test_what_is_in_the_way_is_said_before_the_model_is_loaded(capsys, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=4)
    (tmp_path / "out" / "clip_cutout_straight_prores4444.mov").mkdir(parents=True)
    call = ("segment", clip, "a man", "-o", tmp_path / "out", "--model", "there-is-none", "--format", "prores4444")
    said = rvos(capsys, *call, "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == "files.is_a_folder"


@pytest.mark.slow
def test_the_dog_becomes_one_prores_file(capsys, tmp_path: Path) -> None:
    source = shared_data() / "davis16" / "JPEGImages" / "dog"
    call = ("segment", source, "a dog walking", "-o", tmp_path, "--model", "motion", "--format", "prores4444")
    said = rvos(capsys, *call, "--json")
    assert said.code == 0, said.err
    (path,) = tmp_path.glob("*.mov")
    seen = ffprobe(path)
    assert (int(seen["nb_read_frames"]), seen["width"], seen["height"]) == (60, 854, 480)
    assert seen["pix_fmt"].startswith("yuva444")
    assert np.abs(alpha_of(path, 30) - soft_edge(source, tmp_path, 30)).max() <= 1.5 / 1023
