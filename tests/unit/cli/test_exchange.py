"""`rvos import` and `rvos export`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from documents import numbered_mask, small_project, state_of, thing, verify_file
from helpers_cli import rvos
from helpers_datasets import mini_videos, write_refytvos
from rvos_core.cli.exchange import FORMAT_NAMES
from rvos_core.formats.registry import FORMATS
from rvos_core.project.edits import AddObject
from rvos_core.project.mask_edits import PutMasks
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "p.rvos"
    made = small_project(path)
    made.apply(PutMasks(tuple(MaskRecord(1, frame, numbered_mask(frame), "model") for frame in range(10))))
    made.close()
    return path


@pytest.mark.parametrize("command", ["import", "export"])
def test_help_names_every_format(capsys, command: str) -> None:
    assert sorted(FORMATS) == sorted(FORMAT_NAMES)
    said = rvos(capsys, command, "--help")
    assert said.code == 0
    for word in ("PROJECT", "--format", "--clip", "--split", "--json", "labelme-video", "yolo-seg"):
        assert word in said.out, word


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from rvos_core.cli.main import main; main(['export', '--help'])\n"
        "print([name for name in ('numpy', 'cv2', 'apsw', 'h5py', 'PIL') if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_out_and_in_again(capsys, project: Path, tmp_path: Path) -> None:
    said = rvos(capsys, "export", project, "--format", "davis", "-o", tmp_path / "out", "--json")
    assert said.code == 0 and said.json["frames"] == 120 and said.json["outputs"]["davis"] == str(tmp_path / "out")
    assert (tmp_path / "out" / "Annotations" / "Full-Resolution" / "clip1" / "00009.png").exists()
    before = verify_file(project)
    looked = rvos(capsys, "import", project, tmp_path / "out", "--dry-run", "--json")
    assert looked.code == 0 and verify_file(project) == before
    done = rvos(capsys, "import", project, tmp_path / "out", "--format", "auto", "--map", "1=1", "--json")
    assert done.json["format"] == "davis"
    (thing,) = done.json["clips"][0]["objects"]
    assert (thing["object"], thing["new"], thing["masks"]) == (1, False, 10)
    assert {each.origin for key, each in verify_file(project).items() if key[0] == "mask"} == {"imported"}


def test_a_part_of_a_clip_has_the_frames_that_are_asked_for(capsys, project: Path, tmp_path: Path) -> None:
    part = ("export", project, "--format", "davis", "-o", tmp_path / "out", "--start", "4", "--end", "7", "--json")
    said = rvos(capsys, *part)
    assert said.code == 0 and (said.json["frames"], said.json["span"]) == (3, [4, 7])
    inside = sorted(path.name for path in (tmp_path / "out" / "Annotations" / "Full-Resolution" / "clip1").iterdir())
    assert inside == ["00004.png", "00005.png", "00006.png"]


@pytest.mark.parametrize(("name", "written"), [("ann", "ann.json"), ("ann.txt", "ann.txt")])
def test_a_file_without_a_suffix_gets_the_formats(
    capsys, project: Path, tmp_path: Path, name: str, written: str
) -> None:
    said = rvos(capsys, "export", project, "--format", "ytvis", "-o", tmp_path / name, "--json")
    assert said.code == 0
    assert said.json["outputs"]["ytvis"] == str(tmp_path / written)
    assert (tmp_path / written).is_file()


def test_a_plan_of_annotations_says_what_hinders_and_writes_nothing(capsys, project: Path, tmp_path: Path) -> None:
    with Project(project, program="test") as changed:
        for number in (2, 3):
            changed.apply(AddObject(thing(number)))
        changed.apply(PutMasks((MaskRecord(2, 4, numbered_mask(4), "model"),)))
    before = verify_file(project)
    call = ("export", project, "--format", "davis", "-o", tmp_path / "out", "--plan")
    said = rvos(capsys, *call, "--json")
    assert said.code == 0, said.err
    assert [each["code"] for each in said.json["problems"]] == ["formats.overlap", "delivery.no_masks"]
    assert [each["blocks"] for each in said.json["problems"]] == [True, False]
    assert (said.json["clips"], said.json["objects"], said.json["frames"]) == (["clip1"], 3, 120)
    assert said.json["replaces"] == []
    assert "in the way" in rvos(capsys, *call).out
    assert rvos(capsys, *call, "--overlap", "order", "--start", "5", "--json").json["frames"] == 115
    assert not (tmp_path / "out").exists()
    assert verify_file(project) == before


def test_a_folder_is_not_called_like_a_file(capsys, project: Path, tmp_path: Path) -> None:
    said = rvos(capsys, "export", project, "--format", "cvat-video", "-o", tmp_path / "cv.xml")
    assert said.code == 2
    assert "is a folder" in said.err
    assert not (tmp_path / "cv.xml").exists()


def test_a_data_set_becomes_a_project_with_its_clips(capsys, tmp_path: Path) -> None:
    root = write_refytvos(tmp_path / "data", mini_videos(2))
    said = rvos(capsys, "import", tmp_path / "new.rvos", root, "--with-clips", "--clip", "clip1", "--json")
    assert said.code == 0, said.out + said.err
    assert [each["name"] for each in said.json["clips"]] == ["clip1"]
    info = rvos(capsys, "project", "info", tmp_path / "new.rvos", "--json").json
    assert len(info["media"]) == 1 and len(info["objects"]) == 2
    assert info["objects"][0]["expressions"] == [mini_videos(2)[1].text(1)]


def test_a_split_is_chosen_and_clips_of_other_projects_are_not_read(capsys, project: Path, tmp_path: Path) -> None:
    root = tmp_path / "davis"
    said = rvos(capsys, "export", project, "--format", "davis", "-o", root, "--start", "2", "--end", "5", "--json")
    assert said.code == 0
    (root / "ImageSets" / "2017" / "val.txt").write_text("other\n", encoding="utf-8")
    other = root / "Annotations" / "Full-Resolution" / "other"
    other.mkdir()
    (other / "00000.png").write_bytes(b"damaged")
    done = rvos(capsys, "import", project, root, "--dry-run", "--json")
    assert done.code == 0, done.out
    assert (done.json["split"], done.json["splits"]) == ("", ["train", "val"])
    assert "There are the splits train, val (--split): read is all." in done.err
    assert done.json["notes"] == ["1 clips that the project does not have are left out, first: other."]
    assert done.json["clips"][0]["frames"] == {
        "matched_by": "name", "shift": 0, "first": 2, "last": 4, "beyond": 0
    }  # fmt: skip
    moved = rvos(capsys, "import", project, root, "--split", "train", "--shift", "-3", "--dry-run")
    assert "clip1 -> clip1.mp4, frames 0 to 1, by their names, shifted by -3" in moved.out
    assert "1 frames of clip1 lie beyond the clip" in moved.err
    wrong = rvos(capsys, "import", project, root, "--split", "test", "--json")
    assert wrong.code == 1 and "It has train, val." in wrong.json["error"]["hint"]
    named = rvos(capsys, "import", project, root, "--clip", "clip1=1", "--split", "train", "--dry-run", "--json")
    assert named.json["clips"][0]["media"] == 1
    assert "other" in rvos(capsys, "import", project, root, "--clip", "x", "--json").json["error"]["hint"]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("export", "P", "-o", "O"), 2, "--format"),
        (("export", "P", "--format", "nothing", "-o", "O"), 2, "no annotation format"),
        (("export", "P", "--format", "coco", "--clip", "x", "-o", "O"), 2, "no clip called"),
        (("export", "P", "--format", "coco", "--start", "200", "-o", "O"), 2, "no span from frame 200"),
        (("export", "P", "--format", "coco", "--handles", "2", "-o", "O"), 2, "have no handles"),
        (("export", "P", "--format", "coco", "--proxy", "2", "-o", "O"), 2, "have no handles"),
        (("export", "P", "--format", "coco", "--object", "9", "-o", "O"), 1, "no object 9"),
        (("import", "P", "missing"), 1, "is not there"),
        (("import", "P", "P"), 1, "no annotation format that is known"),
    ],
)
def test_wrong_calls(capsys, project: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, word: str) -> None:
    places = {"P": str(project), "O": str(tmp_path / "out")}
    said = rvos(capsys, *(places.get(each, each) for each in arguments), "--json")
    assert said.code == code and word in said.json["error"]["message"] + said.json["error"]["hint"], said.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", ["1", "a=b", "9=1", "1=77"])
def test_wrong_mappings(capsys, project: Path, tmp_path: Path, wrong: str) -> None:
    rvos(capsys, "export", project, "--format", "coco", "-o", tmp_path / "out.json")
    before = verify_file(project)
    said = rvos(capsys, "import", project, tmp_path / "out.json", "--map", wrong, "--json")
    assert said.code in (1, 2) and "error" in said.json
    assert verify_file(project) == before


def test_shared_pixels_are_refused_until_it_is_said_what_to_do(capsys, tmp_path: Path) -> None:
    from documents import thing
    from rvos_core.project.edits import AddObject

    path = tmp_path / "p.rvos"
    made = small_project(path)
    made.apply(AddObject(thing(2)))
    made.apply(PutMasks(tuple(MaskRecord(each, 0, numbered_mask(3), "model") for each in (1, 2))))
    assert state_of(made)
    made.close()
    said = rvos(capsys, "export", path, "--format", "voc", "-o", tmp_path / "out", "--json")
    assert said.code == 1 and said.json["error"]["code"] == "formats.overlap"
    done = rvos(capsys, "export", path, "--format", "voc", "-o", tmp_path / "out", "--overlap", "order")
    assert done.code == 0 and "Pascal VOC" in done.out
    files = rvos(capsys, "export", path, "--format", "davis", "-o", tmp_path / "d", "--overlap", "files")
    assert files.code == 0 and (tmp_path / "d" / "Annotations" / "Full-Resolution" / "clip1" / "002").is_dir()
    assert json.loads(json.dumps(said.json))
