"""Presets write what they promise, survive JSON, and refuse what cannot be told apart or understood."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rvos_core.delivery.preset_files import (
    import_preset,
    load_presets,
    read_preset,
    remove_preset,
    save_preset,
    write_preset,
)
from rvos_core.delivery.presets import PRESETS, RECIPES, Preset
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError

OWN = Preset(
    "my-vfx", "Mine, für später", (DeliverySpec("exr", start_number=7), DeliverySpec("h264")),
    ("otio",), "nuke", ("A “note”.",),
)  # fmt: skip


@pytest.mark.parametrize("preset", [*PRESETS.values(), OWN], ids=lambda preset: preset.id)
def test_json_there_and_back(preset: Preset) -> None:
    assert Preset.from_dict(json.loads(json.dumps(preset.as_dict()))) == preset


@pytest.mark.parametrize("name", ["premiere", "aftereffects", "resolve", "finalcut"])
def test_editors_get_a_straight_cutout_and_a_luma_matte(name: str) -> None:
    cutout, matte = PRESETS[name].specs
    assert (cutout.format, cutout.kind_token) == ("prores4444", "cutout_straight")
    assert (matte.format, matte.kind_token) == ("prores422hq", "matte")
    assert not cutout.audio  # the source below has it
    assert {cutout.timing, matte.timing} == {"constant"}


def test_nuke_gets_numbers_from_1001_and_premultiplied_exr() -> None:
    exr, png = PRESETS["nuke"].specs
    assert exr.premultiplied and exr.chosen_depth == 16
    assert (png.format, png.chosen_content, png.chosen_depth) == ("png", "matte", 16)
    assert {exr.start_number, png.start_number} == {1001}


def test_web_gets_webm_and_h264() -> None:
    assert [each.format for each in PRESETS["web"].specs] == ["webm", "h264"]
    assert not PRESETS["web"].timelines


def test_every_preset_has_its_recipe() -> None:
    assert [each.recipe for each in PRESETS.values()] == list(RECIPES)


def test_in_and_out_come_with_the_clip() -> None:
    specs = PRESETS["premiere"].specs_between(3, 9)
    assert [(each.start, each.stop) for each in specs] == [(3, 9), (3, 9)]
    with pytest.raises(UserError, match="in to out"):
        replace(PRESETS["premiere"], specs=specs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "Not An Id"), ("id", ""), ("id", 3), ("id", "../up"), ("title", " "), ("title", "two\nlines"),
        ("title", None), ("specs", []), ("specs", "png"), ("specs", ["png"]), ("specs", [{"format": "betamax"}]),
        ("specs", [{"format": "png", "colour": 1}]), ("specs", [{"format": "png"}] * 2), ("timelines", ["edl"]),
        ("timelines", ["otio", "otio"]), ("timelines", "otio"), ("recipe", "avid"), ("notes", [1]), ("color", "x"),
        ("rvos_preset", 2), ("rvos_preset", True), ("rvos_preset", None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UserError) as caught:
        Preset.from_dict({**OWN.as_dict(), name: value})
    assert caught.value.hint
    assert caught.value.code in ("delivery.preset", "delivery.spec")


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="PNG sequence and TIFF sequence"):
        Preset("two", "Two", (DeliverySpec("png"), DeliverySpec("tiff")))


def test_saved_presets_come_back_after_the_programs_own(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    assert load_presets(folder).presets == tuple(PRESETS.values())
    path = save_preset(folder, OWN)
    shelf = load_presets(folder)
    assert shelf.presets == (*PRESETS.values(), OWN)
    assert not shelf.problems
    assert read_preset(path) == OWN
    assert shelf.find("my-vfx") is shelf.presets[-1]
    assert shelf.find("mine, FÜR später") == OWN
    with pytest.raises(UserError, match="no preset “avid”"):
        shelf.find("avid")
    remove_preset(folder, "my-vfx")
    assert load_presets(folder).presets == tuple(PRESETS.values())


def test_names_that_clash_are_refused(tmp_path: Path) -> None:
    save_preset(tmp_path, OWN)
    for clash in (
        OWN,
        replace(OWN, id="other"),
        replace(OWN, id="web"),
        replace(OWN, id="a", title="adobe PREMIERE pro"),
    ):
        with pytest.raises(UserError) as caught:
            save_preset(tmp_path, clash)
        assert caught.value.code == "delivery.preset_taken"
    changed = replace(OWN, notes=())
    save_preset(tmp_path, changed, replace=True)
    assert load_presets(tmp_path).find("my-vfx") == changed
    with pytest.raises(UserError):
        save_preset(tmp_path, replace(OWN, id="web"), replace=True)
    with pytest.raises(UserError, match="comes with the program"):
        remove_preset(tmp_path, "web")
    with pytest.raises(UserError, match="no preset “gone”"):
        remove_preset(tmp_path, "gone")


def test_a_preset_is_shared_by_its_file(tmp_path: Path) -> None:
    sent = tmp_path / "for you & me.rvospreset"
    write_preset(sent, OWN)
    assert import_preset(tmp_path / "theirs", sent) == OWN
    assert load_presets(tmp_path / "theirs").find(OWN.id) == OWN


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"), (b"[1]", "not a JSON object"), (b"\xff\xfe", "not UTF-8"), (b"[" * 100_000, "not JSON"),
        (b'{"id": "a", "id": "b"}', "“id” is there twice"), (b" " * (1 << 20) + b" ", "larger than 1 MiB"),
        (b"{}", "rvos_preset is None"),
    ],
)  # fmt: skip
def test_files_that_are_no_presets_are_named_and_keep_nobody_away(tmp_path: Path, content: bytes, says: str) -> None:
    save_preset(tmp_path, OWN)
    bad = tmp_path / "bad.rvospreset"
    bad.write_bytes(content)
    shelf = load_presets(tmp_path)
    assert shelf.presets[-1] == OWN
    (problem,) = shelf.problems
    assert str(bad) in problem.message and says in problem.message and problem.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_preset(tmp_path / "gone.rvospreset")


def test_two_files_with_one_id_are_told(tmp_path: Path) -> None:
    save_preset(tmp_path, OWN)
    write_preset(tmp_path / "copy.rvospreset", OWN)
    shelf = load_presets(tmp_path)
    assert len(shelf.presets) == len(PRESETS) + 1
    assert [each.code for each in shelf.problems] == ["delivery.preset_taken"]
