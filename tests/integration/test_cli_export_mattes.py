"""`rvos export PROJECT --format NAME`: mattes, cut-outs, masks and overlays from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import rvos, write_clip
from ordered_projects import write_project
from rvos_core.delivery.preset_files import write_preset
from rvos_core.delivery.presets import Preset
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.masks import object_colour
from rvos_core.media import open_media
from rvos_core.project.edits import AddObject
from rvos_core.project.records import ObjectRecord
from rvos_core.project.relink import take_in
from rvos_core.project.store import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def test_export_writes_what_it_says(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    said = rvos(
        capsys,
        *("export", project, "--format", "png16", "--format", "masks", "--format", "overlay", "-o", tmp_path / "out"),
        *("--object", "dog", "--start", "1", "--end", "4", "--json"),
    )
    assert said.code == 0, said.err
    found = {
        name: [Path(each).relative_to(tmp_path / "out").as_posix() for each in paths]
        for name, paths in said.json["outputs"].items()
    }
    assert found == {"png16": ["street_dog_matte"], "masks": ["street_masks/2_dog"], "overlay": ["street_overlay.mp4"]}
    assert len(list((tmp_path / "out" / "street_dog_matte").iterdir())) == 3
    (report,) = said.json["exports"][0]["reports"]
    assert json.loads(Path(report).read_text(encoding="utf-8"))["frames"] == 3
    assert "checks passed" in said.json["exports"][0]["findings"][0]


def test_the_plan_writes_nothing(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    said = rvos(capsys, "export", project, "--format", "prores4444", "-o", target, "--plan", "--json")
    assert said.code == 0, said.err
    (plan,) = said.json["plans"]
    assert plan["frames"] == 16
    assert len(plan["outputs"]) == 2
    assert not target.exists()
    text = rvos(capsys, "export", project, "--format", "prores4444", "-o", target, "--plan")
    assert "16 frames" in text.out


def test_a_preset_makes_everything_that_its_program_wants(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    said = rvos(capsys, "export", project, "--preset", "premiere", "-o", tmp_path, "--object", "dog", "--json")
    assert said.code == 0, said.err
    assert [Path(each).name for each in said.json["outputs"]["premiere"]] == [
        "street_dog_cutout_straight.mov",
        "street_dog_matte.mov",
    ]
    (xml, otio, page) = map(Path, said.json["exports"][0]["beside"])
    assert (xml.name, otio.name) == ("street_timeline.xml", "street_timeline.otio")
    assert "street_dog_matte.mov" in page.read_text(encoding="utf-8")
    assert "street_dog_cutout_straight.mov" in xml.read_text(encoding="utf-8")
    planned = rvos(capsys, "export", project, "--preset", "premiere", "-o", tmp_path, "--plan", "--json")
    assert str(xml) in planned.json["plans"][0]["replaces"]
    assert rvos(capsys, "export", project, "--preset", "avid", "-o", tmp_path).code == 1


def test_annotations_are_exported_by_the_same_command(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    said = rvos(capsys, "export", project, "--format", "coco", "-o", tmp_path / "c.json", "--object", "dog", "--json")
    assert said.code == 0, said.err
    assert said.json["objects"] == 1
    assert rvos(capsys, "export", project, "--format", "coco", "--format", "png8", "-o", tmp_path / "x").code == 2


def test_options_reach_the_files(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    said = rvos(
        capsys,
        *("export", project, "--format", "png8", "-o", tmp_path, "--together", "--start-number", "1001"),
        *("--naming", "{clip}/all.{frame:05}", "--proxy", "2", "--handles", "1", "--start", "2", "--end", "4"),
    )
    assert said.code == 0, said.err
    assert sorted(each.name for each in (tmp_path / "street").iterdir()) == [
        f"all.{n:05}.png" for n in range(1001, 1005)
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "vhs"), "annotation format 'vhs'"),
        ((), "Nothing says"),
        (("--format", "png8", "--object", "cat"), "no object 'cat'"),
        (("--format", "png8", "--clip", "cat"), "no clip called 'cat'"),
        (("--format", "png8", "--start", "9"), "no span"),
        (("--format", "png8", "--proxy", "3"), "--proxy"),
        (("--format", "png8", "--naming", "{nonsense}"), "nonsense"),
        (("--format", "png8", "--spec", "depth=7"), "8 bits"),
        (("--format", "png8", "--spec", "codec=x"), "There are content, depth"),
        (("--format", "png8", "--spec", "depth"), "has no value"),
        (("--format", "png8", "--naming", "same"), "Two sequences"),
        (("--format", "prores4444", "--odd-size", "stretch"), "--odd-size"),
    ],
)
def test_a_wrong_call_is_told_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    said = rvos(capsys, "export", project, "-o", tmp_path / "out", *arguments)
    assert said.code in (1, 2), said.out
    assert says in said.err
    assert not (tmp_path / "out").exists()


def test_an_odd_size_names_the_option_that_helps(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project = write_project(tmp_path, width=63)
    call = ("export", project, "--format", "h264", "-o", tmp_path / "out", "--object", "1")
    said = rvos(capsys, *call)
    assert said.code == 1
    assert "63x48" in said.err
    assert "--odd-size pad|crop|444" in said.err
    assert rvos(capsys, *call, "--odd-size", "pad").code == 0


def test_a_project_without_objects_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    project = write_project(tmp_path, names=())
    said = rvos(capsys, "export", project, "--format", "png8", "-o", tmp_path / "out", "--json")
    assert said.code == 2
    assert said.json["error"]["code"] == "export.nothing"


def test_clips_that_would_have_one_name_are_told_before_the_first_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = tmp_path / "p.rvos"
    clips = [write_clip(tmp_path / name, frames=count) for name, count in (("a street.mp4", 3), ("a_street.mp4", 4))]
    with Project.create(project, program="test") as made:
        for number, clip in enumerate(clips, start=1):
            with open_media(clip) as reader:
                record = take_in(made, reader.info)
            made.apply(AddObject(ObjectRecord(number, record.media_id, 0, "the dog", object_colour(0))))
    out = tmp_path / "out"
    said = rvos(capsys, "export", project, "--format", "png8", "-o", out, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "delivery.same_name")
    assert "a_street_the_dog_matte" in said.json["error"]["message"]
    assert not out.exists()
    one = rvos(capsys, "export", project, "--format", "png8", "-o", out, "--clip", "a street", "--json")
    assert [Path(each).name for each in one.json["outputs"]["png8"]] == ["a_street_the_dog_matte"]
    both = rvos(
        capsys, "export", project, "--preset", "premiere", "--preset", "resolve", "-o", out, "--clip", "a street"
    )
    assert both.code == 0, "two presets may want the very same file"


def test_settings_reach_what_formats_have_no_name_for(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    call = ("export", project, "--format", "pngcutout8,tiffcutout8", "-o", tmp_path, "--object", "1", "--end", "2")
    said = rvos(capsys, *call, "--spec", "alpha=premultiplied", "--json")
    assert said.code == 0, said.err
    places = [Path(path) for paths in said.json["outputs"].values() for path in paths]
    assert [path.name for path in places] == [
        "street_red_car_cutout_premult_png8",
        "street_red_car_cutout_premult_tiff8",
    ], "told apart, as both would have one folder"
    for place in places:
        pixels = cv2.imread(str(sorted(place.iterdir())[0]), -1)
        assert (pixels[..., :3].max(axis=2) <= pixels[..., 3]).all(), "multiplied by alpha"
    green = (*call[:3], "h264", *call[4:], "--spec", "background=#00ff00", "--json")
    (path,) = rvos(capsys, *green).json["outputs"]["h264"]
    with open_media(Path(path)) as reader:
        assert np.abs(reader.frame(0)[-1, -1].astype(int) - (0, 255, 0)).max() < 12


def test_a_preset_that_was_sent_is_a_file(capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path) -> None:
    write_preset(tmp_path / "theirs.rvospreset", Preset("theirs", "Theirs", (NAMED_SPECS["png8"],)))
    call = ("export", project, "-o", tmp_path / "out", "--object", "1", "--end", "1", "--json")
    said = rvos(capsys, *call, "--preset", tmp_path / "theirs.rvospreset")
    assert said.code == 0, said.err
    assert [Path(path).name for path in said.json["outputs"]["theirs"]] == ["street_red_car_matte"]
    said = rvos(capsys, *call, "--preset", tmp_path / "nobodys.rvospreset")
    assert said.code == 1
    assert "nobodys.rvospreset" in said.json["error"]["message"]
