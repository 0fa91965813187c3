"""Every page names the real files, says how alpha is meant, stays one page, and does not claim to have been tried."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from helpers_delivery import DOG, picture_clip, plan_for
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.presets import PRESETS, RECIPES
from rvos_core.delivery.recipe_steps import STEPS
from rvos_core.delivery.recipes import recipe_text, write_recipe
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import DeliveredFile, delivered_files
from rvos_core.errors import UserError
from rvos_core.types import MediaInfo

CAT = DeliveryObject(2, 'the "ünlucky" cat & co', "a cat")
SUFFIXES = {"fcpxml": ".fcpxml", "xmeml": ".xml", "otio": ".otio"}


def export(
    folder: Path, preset: str, *, items: tuple[DeliveryObject, ...] = (DOG,)
) -> tuple[MediaInfo, list[DeliveredFile]]:
    info = picture_clip(folder, frames=9, rate=Fraction(24000, 1001))
    specs = PRESETS[preset].specs_between(2, 8)
    files = [each for spec in specs for each in delivered_files(plan_for(folder, info, spec, items=items))]
    return info, [replace(each, timecode=Timecode.read("01:00:00:02", info.rate)) for each in files]


def page(folder: Path, recipe: str, *, items: tuple[DeliveryObject, ...] = (DOG,)) -> str:
    info, files = export(folder, recipe, items=items)
    timelines = [folder / f"clip{SUFFIXES[kind]}" for kind in PRESETS[recipe].timelines]
    return recipe_text(recipe, folder, info, files, timelines=timelines, notes=["A remark."])


def test_every_recipe_has_steps() -> None:
    assert tuple(STEPS) == RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_page_names_what_is_there_and_says_that_it_was_not_tried(tmp_path: Path, recipe: str) -> None:
    text = page(tmp_path, recipe)
    joined = " ".join(text.split())
    info, files = export(tmp_path, recipe)
    for each in files:
        name = each.path.name if each.pictures is None else f"{each.path.name}/{each.pictures.name(0)}"
        assert name in joined
    for kind in PRESETS[recipe].timelines:
        assert f"clip{SUFFIXES[kind]}" in joined
    assert "not tried" in joined
    assert "23.976 a second" in joined and "frame 2 of" in joined and "01:00:00:02" in joined
    assert "If it looks wrong" in text and "A remark." in text
    assert info.path.name in text.splitlines()[0]
    assert len(text.splitlines()) <= 75
    assert max(map(len, text.splitlines())) <= 130  # a name is never broken
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("recipe", "straight", "premultiplied"),
    [
        ("premiere", "premultiplied off", "premultiplied on"),
        ("aftereffects", "Straight - Unmatted", "Premultiplied - Matted With Color"),
        ("resolve", "Alpha Mode: Straight", "Alpha Mode: Premultiplied"),
        ("finalcut", "Alpha Handling: Straight", "Alpha Handling: Premultiplied"),
        ("nuke", "a Premult node first", "No Premult"),
    ],
)
def test_the_alpha_setting_is_that_of_the_files(tmp_path: Path, recipe: str, straight: str, premultiplied: str) -> None:
    info, files = export(tmp_path, "premiere")
    for alpha, said, unsaid in (("straight", straight, premultiplied), ("premultiplied", premultiplied, straight)):
        changed = [replace(each, alpha=alpha) if each.content == "cutout" else each for each in files]
        text = " ".join(recipe_text(recipe, tmp_path, info, changed).split())
        assert said in text and unsaid not in text


def test_mattes_alone_are_told_as_mattes(tmp_path: Path) -> None:
    info, files = export(tmp_path, "premiere")
    for recipe in ("premiere", "aftereffects", "resolve", "finalcut"):
        text = recipe_text(recipe, tmp_path, info, files[1:])
        assert "By hand" not in text and "With the timeline" not in text and "With the matte instead" in text
        assert "clip_dog_matte.mov" in text and "cutout" not in text
    assert "With the matte" not in recipe_text("premiere", tmp_path, info, files[:1])


def test_several_objects_are_listed_once_and_named_together(tmp_path: Path) -> None:
    text = " ".join(page(tmp_path, "premiere", items=(DOG, CAT)).split())
    assert "the cut-outs" in text and CAT.name in text
    many = tuple(DeliveryObject(number, f"object {number}") for number in range(1, 31))
    assert "48 more" in page(tmp_path, "premiere", items=many)


def test_a_sequence_is_told_with_its_numbers(tmp_path: Path) -> None:
    text = " ".join(page(tmp_path, "nuke").split())
    assert "clip_dog_cutout_premult.####.exr”, frames 1001 to 1006" in text
    assert "lies on 1001" in text
    assert "tick Sequence" in " ".join(recipe_text("aftereffects", tmp_path, *export(tmp_path, "nuke")).split())
    assert "no sequences" in recipe_text("finalcut", tmp_path, *export(tmp_path, "nuke"))


def test_the_web_page_plays_the_very_files(tmp_path: Path) -> None:
    items = (CAT,)
    text = page(tmp_path, "web", items=items)
    addresses = [unquote(unescape(found)) for found in re.findall(r'<source src="([^"]+)" type="[^"]+">', text)]
    assert addresses == [each.path.name for each in export(tmp_path, "web", items=items)[1]]
    assert 'type="video/webm; codecs=&quot;vp9&quot;"' in text


def test_the_page_lies_beside_the_export(tmp_path: Path) -> None:
    info, files = export(tmp_path, "resolve")
    for _ in range(2):  # an older page is replaced
        path = write_recipe("resolve", tmp_path, info, files)
    assert path == tmp_path / "HOWTO-resolve.txt"
    assert path.read_text(encoding="utf-8").startswith("clip in DaVinci Resolve\n")
    with pytest.raises(UserError, match="no how-to “avid”"):
        write_recipe("avid", tmp_path, info, files)


def test_files_elsewhere_are_told_with_their_folder(tmp_path: Path) -> None:
    info, files = export(tmp_path / "elsewhere", "finalcut")
    assert str(tmp_path / "elsewhere" / "clip_dog_matte.mov") in recipe_text("finalcut", tmp_path / "here", info, files)
