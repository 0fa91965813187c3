"""The clip that ships with the program: its files agree with each other and with the code that draws it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rvos_core.synthetic.demo import CONFIG, demo_expressions, demo_scene, make_demo, render_scene
from rvos_resources.paths import demo_dir, photographs_dir

av = pytest.importorskip("av")


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def masks(folder: Path) -> np.ndarray:
    pictures = [Image.open(path) for path in sorted((folder / "masks").glob("*.png"))]
    assert {picture.mode for picture in pictures} == {"P"}
    assert pictures[0].getpalette()[3:9] == [128, 0, 0, 0, 128, 0]
    return np.stack([np.asarray(picture) for picture in pictures])


def test_shipped_files_agree() -> None:
    frames, labels = decoded(demo_dir() / "street.mp4"), masks(demo_dir())
    assert frames.shape == (96, 480, 854, 3)
    assert labels.shape == (96, 480, 854)
    listing = json.loads((demo_dir() / "expressions.json").read_text())
    assert (listing["clip"], listing["fps"]) == ("street.mp4", 24)
    texts = [entry["text"] for entry in listing["expressions"]]
    assert texts[0] == "the man in red riding a bike"
    assert len(set(texts)) == len(texts) == 4
    ids = [entry["object_id"] for entry in listing["expressions"]]
    assert len(set(ids)) == 4
    for object_id in ids:
        assert (labels == object_id).any(axis=(1, 2)).mean() > 0.5
    assert sum(path.stat().st_size for path in demo_dir().rglob("*") if path.is_file()) < 3_500_000


def test_the_riders_wear_what_the_sentences_say() -> None:
    frames, labels = decoded(demo_dir() / "street.mp4"), masks(demo_dir())
    for object_id, channel in ((1, 0), (2, 2)):
        heights, shirt = [], []
        for index in range(0, 96, 8):
            rows, columns = np.nonzero(labels[index] == object_id)
            heights.append(rows.max() - rows.min())
            upper = rows < rows.min() + 0.45 * (rows.max() - rows.min())
            shirt.append(frames[index][rows[upper], columns[upper]].mean(axis=0))
        assert 130 <= np.median(heights) <= 220
        assert np.argmax(np.median(shirt, axis=0)) == channel


def test_the_code_still_draws_the_shipped_masks(tmp_path: Path) -> None:
    shipped = masks(demo_dir())
    scene = demo_scene()
    rendering = render_scene(scene, np.random.Generator(np.random.PCG64(0)), CONFIG)
    assert (rendering.labels == shipped).mean() > 0.999
    assert [e.target for e in demo_expressions(scene, rendering)] == [0, 1, 2, 3]


def test_a_rebuild_writes_the_same_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = np.arange(24, 27)
    scene = demo_scene()
    camera = type(scene.camera)(scene.camera.x[short], scene.camera.y[short], scene.camera.zoom[short])
    trimmed = type(scene)(
        scene.horizon, scene.camera_height, scene.times[short], scene.actors, scene.props, camera, scene.sun
    )
    monkeypatch.setattr("rvos_core.synthetic.demo.demo_scene", lambda: trimmed)
    monkeypatch.setattr("rvos_core.synthetic.demo.CONFIG", type(CONFIG)(**{**vars(CONFIG), "frames": 3}))
    make_demo(tmp_path / "new" / "demo")
    out = tmp_path / "new" / "demo"
    assert np.array_equal(masks(out), masks(demo_dir())[short])
    assert decoded(out / "street.mp4").shape == (3, 480, 854, 3)
    assert json.loads((out / "expressions.json").read_text()) == json.loads(
        (demo_dir() / "expressions.json").read_text()
    )


def test_photographs_are_small_and_credited() -> None:
    credits = (photographs_dir() / "CREDITS.md").read_text()
    pictures = sorted(photographs_dir().glob("*.jpg"))
    assert 3 <= len(pictures) <= 12
    for picture in pictures:
        assert picture.stat().st_size <= 150_000
        assert picture.name in credits
