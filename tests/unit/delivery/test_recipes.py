"""Recipes name the files that are there, say only what applies to them, and never claim to have been tried."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from helpers_delivery import picture_clip
from rvos_core.delivery.presets import RECIPES
from rvos_core.delivery.recipe_steps import EDITORS
from rvos_core.delivery.recipes import delivered_before, recipe, recipe_path, write_recipe
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import DeliveredFile, Pictures
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan

RATE = Fraction(24000, 1001)
OUT = Path("/out & about")
CLIP = replace(picture_clip(Path("/media"), frames=60, rate=RATE), path=Path("/media/street {x}.mov"), kind="video")
CUTOUT = DeliveredFile(
    OUT / "street_dog_cutout_straight.mov", "cutout", "straight", FrameSpan(10, 60), 50, RATE, 64, 48,
    timecode=Timecode.read("01:00:00:10", RATE), title="ProRes 4444", object_name="dog", expression="a {brown} dog",
)  # fmt: skip
MATTE = replace(CUTOUT, path=OUT / "street_dog_matte.mov", content="matte", alpha="none", title="ProRes 422 HQ")
EXR = replace(
    CUTOUT, path=OUT / "dog", alpha="premultiplied", timecode=None, title="OpenEXR",
    pictures=Pictures("dog.", 4, ".exr", 1001),
)  # fmt: skip


def test_there_is_one_for_every_preset() -> None:
    assert tuple(EDITORS) == RECIPES


@pytest.mark.parametrize("editor", EDITORS)
def test_it_names_what_is_there_and_is_honest(editor: str) -> None:
    text = recipe(editor, CLIP, [CUTOUT, MATTE], folder=OUT, timelines=[OUT / "street.xml"])
    for name in (CLIP.path.name, CUTOUT.path.name, MATTE.path.name, "street.xml", "23.976", "a {brown} dog"):
        assert name in text
    assert "/out & about" not in text, "names are those seen from the folder"
    for word in ("opaque", "halo", "shifted", "nobody tried"):
        assert word in text
    assert "frames 10 to 59 of the clip" in text and "01:00:00:10" in text
    assert len(text.splitlines()) <= 60, "one page"
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("editor", "straight", "premultiplied"),
    [
        ("premiere", "Premultiplied Alpha not ticked", "Premultiplied Alpha ticked"),
        ("aftereffects", "Straight - Unmatted", "Premultiplied - Matted With Color, black"),
        ("resolve", "Alpha mode: Straight", "Alpha mode: Premultiplied"),
        ("finalcut", "Alpha Handling: Straight", "Alpha Handling: Premultiplied"),
    ],
)
def test_alpha_is_named_as_the_program_names_it(editor: str, straight: str, premultiplied: str) -> None:
    for alpha, wanted, other in (("straight", straight, premultiplied), ("premultiplied", premultiplied, straight)):
        text = " ".join(recipe(editor, CLIP, [replace(CUTOUT, alpha=alpha)], folder=OUT).split())
        assert wanted in text and other not in text


def test_sections_need_what_they_are_about() -> None:
    only_matte = recipe("premiere", CLIP, [MATTE], folder=OUT)
    assert "Track Matte Key" in only_matte and "Matte Luma" in only_matte
    assert "With the timeline" not in only_matte and "By hand, with the cut-out" not in only_matte
    assert "Image Sequence" not in only_matte
    assert "Image Sequence" in recipe("premiere", CLIP, [EXR], folder=OUT)


def test_nuke_is_told_where_the_clip_begins() -> None:
    text = recipe("nuke", CLIP, [EXR], folder=OUT)
    assert "dog/dog.####.exr (1001 to 1050)" in text
    assert "“start at” 991" in text  # frame 10 of the clip lies on 1001
    assert "“start at” -9" in recipe("nuke", CLIP, [CUTOUT], folder=OUT)  # movies begin at 1 there
    assert "matte.<object>" in text and "behind a Premult" not in text
    straight = recipe("nuke", CLIP, [replace(EXR, alpha="straight")], folder=OUT)
    assert "behind a Premult" in straight


def test_the_web_gets_a_line_to_paste() -> None:
    webm = replace(CUTOUT, path=OUT / 'a "dog" & cat.webm')
    mp4 = replace(CUTOUT, path=OUT / "dog.mp4", alpha="none")
    text = recipe("web", CLIP, [mp4, webm], folder=OUT)
    assert text.index('src="a%20%22dog%22%20%26%20cat.webm" type="video/webm"') < text.index('src="dog.mp4"')


def test_it_is_written_beside_the_export(tmp_path: Path) -> None:
    path = write_recipe("resolve", CLIP, [replace(CUTOUT, path=tmp_path / "b\udcff.mov")], folder=tmp_path)
    assert path == recipe_path("resolve", CLIP, tmp_path) == tmp_path / "HOWTO-resolve_street_x.txt"
    assert "DaVinci Resolve" in path.read_text(encoding="utf-8")


def test_an_unknown_editor_is_named() -> None:
    with pytest.raises(UserError, match="no recipe for “avid”") as caught:
        recipe("avid", CLIP, [CUTOUT], folder=OUT)
    assert "premiere" in caught.value.hint


def test_the_web_page_plays_only_what_browsers_play() -> None:
    text = recipe("web", CLIP, [CUTOUT, replace(CUTOUT, path=OUT / "dog.webm")], folder=OUT)
    assert text.count("<source ") == 1


def test_clips_have_a_page_each_and_what_was_delivered_before_is_named(tmp_path: Path) -> None:
    def report(name: str, source: Path, text: str = "") -> Path:
        said = text or json.dumps({"file": name, "source": str(source)})
        (tmp_path / f"{name}.report.json").write_text(said, encoding="utf-8")
        (tmp_path / name).touch()
        return tmp_path / name

    other = replace(CLIP, path=Path("/media/dog.mov"))
    first = write_recipe("premiere", other, [replace(CUTOUT, path=report("dog.mov", other.path))], folder=tmp_path)
    earlier = report("street_cat.mov", CLIP.path)
    now = report("street_dog.mov", CLIP.path)
    report("broken.mov", CLIP.path, "{")
    report("list.mov", CLIP.path, "[]")
    report("up.mov", CLIP.path, json.dumps({"file": "../up.mov", "source": str(CLIP.path)}))
    report("gone.mov", CLIP.path).unlink()
    assert delivered_before(CLIP, tmp_path, besides=[now]) == [earlier]
    second = write_recipe("premiere", CLIP, [replace(CUTOUT, path=now)], folder=tmp_path)
    assert first != second and first.exists()
    text = second.read_text(encoding="utf-8")
    assert "Earlier   street_cat.mov" in text and "dog.mov" in text
    assert "Earlier" not in first.read_text(encoding="utf-8")
    long = replace(CLIP, path=Path("/media") / f"{'x' * 250}.mov")
    assert len(recipe_path("aftereffects", long, tmp_path).name) <= 220
