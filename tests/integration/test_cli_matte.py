"""`rvos matte VIDEO MASKS -o FOLDER`: mattes of masks that lie in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import rvos, write_clip
from ordered_projects import square
from rvos_core.masks import write_indexed_png, write_mask_png
from rvos_core.matte.effects import EffectChain, GreyBackground
from rvos_core.matte.look import Look

_FRAMES = 5


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "street.mp4", frames=_FRAMES)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    for index in range(_FRAMES):
        write_mask_png(tmp_path / "masks" / f"{index:05}.png", square(index))
    return tmp_path / "masks"


def alpha(folder: Path, index: int) -> np.ndarray:
    picture = cv2.imread(str(sorted(folder.iterdir())[index]), -1)
    return np.asarray(picture, np.float32) / np.iinfo(picture.dtype).max


def test_masks_become_mattes_and_knobs_change_them(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path
) -> None:
    areas = {}
    for name, knobs in {
        "hard": ("--hard",),
        "soft": (),
        "grown": ("--hard", "--grow", "3"),
        "set": ("--set", "grow_px=3", "--set", "soft_edge=false"),
    }.items():
        said = rvos(capsys, "matte", clip, masks, "-o", tmp_path / name, *knobs, "--json")
        assert said.code == 0, said.err
        (path,) = said.json["outputs"]["png16"]
        assert said.json["frames"] == _FRAMES
        areas[name] = alpha(Path(path), 3)
    assert np.array_equal(areas["hard"] > 0, square(3))
    assert ((areas["soft"] > 0.02) & (areas["soft"] < 0.98)).sum() > 0
    assert areas["grown"].sum() > 1.3 * areas["hard"].sum()
    assert np.array_equal(areas["grown"], areas["set"])


def test_indexed_masks_are_several_objects_and_missing_frames_are_empty(
    capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path
) -> None:
    for index in (0, 2):
        labels = np.zeros((48, 64), np.uint8)
        labels[square(index)], labels[square(index, row=2)] = 1, 7
        write_indexed_png(tmp_path / "masks" / f"{index:05}.png", labels)
    call = ("matte", clip, tmp_path / "masks", "-o", tmp_path / "out", "--format", "png8", "--json")
    said = rvos(capsys, *call, "--start", "0", "--end", "3")
    assert said.code == 0, said.err
    assert said.json["objects"] == [1, 7]
    assert [Path(each).name for each in said.json["outputs"]["png8"]] == [
        "street_object_1_matte",
        "street_object_7_matte",
    ]
    assert "1 of 3 frames have no mask" in said.err
    second = Path(said.json["outputs"]["png8"][1])
    assert [bool(alpha(second, index).any()) for index in range(3)] == [True, False, True]


def test_a_look_from_a_file_has_its_keyframes(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path
) -> None:
    keyframes = [
        {"frame": frame, "settings": {"grow_px": grow, "soft_edge": False}} for frame, grow in ((0, 0), (4, 4))
    ]
    (tmp_path / "look.json").write_text(json.dumps({"matte": {"keyframes": keyframes}}), encoding="utf-8")
    said = rvos(capsys, "matte", clip, masks, "-o", tmp_path / "out", "--look", tmp_path / "look.json", "--json")
    assert said.code == 0, said.err
    (path,) = map(Path, said.json["outputs"]["png16"])
    assert alpha(path, 4).sum() > alpha(path, 2).sum() > alpha(path, 0).sum()


def test_masks_of_a_folder_of_pictures_pair_by_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number in (5, 10, 15):
        (tmp_path / "frames").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "frames" / f"{number:05}.jpg"), np.full((48, 64, 3), 90, np.uint8))
    write_mask_png(tmp_path / "masks" / "00010.png", square(0))
    call = ("matte", tmp_path / "frames", tmp_path / "masks", "-o", tmp_path / "out", "--json")
    said = rvos(capsys, *call)
    assert said.code == 0, said.err
    (path,) = map(Path, said.json["outputs"]["png16"])
    assert [bool(alpha(path, index).any()) for index in range(3)] == [False, True, False]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "vhs"), "no 'vhs'"),
        (("--set", "nonsense=1"), "nonsense"),
        (("--set", "grow_px"), "no value"),
        (("--grow", "1e9"), "grow_px"),
        (("--look", "missing.json"), "missing.json"),
        (("--start", "9"), "no span"),
    ],
)
def test_wrong_calls(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    said = rvos(capsys, "matte", clip, masks, "-o", tmp_path / "out", *arguments)
    assert said.code in (1, 2)
    assert says in said.err
    assert not (tmp_path / "out").exists()


def test_masks_that_fit_nothing_are_named(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path
) -> None:
    call = ("matte", clip, masks, "-o", tmp_path / "out")
    write_mask_png(masks / "00009.png", square(0))
    assert "00009.png belongs to no frame" in rvos(capsys, *call).err
    (masks / "00009.png").unlink()
    write_mask_png(masks / "x3.png", square(0))
    assert "both masks of frame 3" in rvos(capsys, *call).err
    (masks / "x3.png").unlink()
    write_mask_png(masks / "00002.png", np.ones((4, 4), bool))
    assert "00002.png" in rvos(capsys, *call).err
    for path in masks.iterdir():
        path.unlink()
    assert "no PNG files" in rvos(capsys, *call).err
    assert "cannot be read" in rvos(capsys, "matte", clip, tmp_path / "nowhere", "-o", tmp_path / "out").err


def test_two_formats_of_one_name_are_told_apart_or_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path
) -> None:
    call = ("matte", clip, masks, "-o", tmp_path / "out", "--format", "png8,png16", "--json")
    said = rvos(capsys, *call, "--naming", "{clip}_{kind}.{frame:04}")
    assert said.code == 1
    assert said.json["error"]["code"] == "delivery.same_name"
    assert "{format}" in said.json["error"]["hint"]
    assert not (tmp_path / "out").exists()
    said = rvos(capsys, *call)
    assert said.code == 0, said.err
    assert [Path(path).name for paths in said.json["outputs"].values() for path in paths] == [
        "street_object_matte_png8",
        "street_object_matte_png16",
    ]


def test_a_plan_writes_nothing_and_one_object_can_be_chosen(
    capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path
) -> None:
    labels = np.zeros((48, 64), np.uint8)
    labels[square(0)], labels[square(0, row=2)] = 1, 7
    write_indexed_png(tmp_path / "masks" / "00000.png", labels)
    call = ("matte", clip, tmp_path / "masks", "-o", tmp_path / "out", "--end", "1", "--object", "7", "--json")
    said = rvos(capsys, *call, "--plan", "--proxy", "2")
    (plan,) = said.json["plans"]
    assert [Path(each).name for each in plan["outputs"]] == ["street_object_7_matte"]
    assert not (tmp_path / "out").exists()
    assert rvos(capsys, *call).json["objects"] == [7]
    wrong = rvos(capsys, *call[:-3], "--object", "3")
    assert wrong.code == 2
    assert "There are 1, 7" in wrong.err


def test_a_look_that_cannot_be_used_says_why(
    capsys: pytest.CaptureFixture[str], clip: Path, masks: Path, tmp_path: Path
) -> None:
    call = ("matte", clip, masks, "-o", tmp_path / "out", "--look")
    said = rvos(capsys, *call, tmp_path / "nope.json")
    assert said.code == 1
    assert "nope.json cannot be read: no such file or directory." in said.err
    (tmp_path / "grey.json").write_text(Look(effects=EffectChain((GreyBackground(),))).to_json(), encoding="utf-8")
    said = rvos(capsys, *call, tmp_path / "grey.json")
    assert said.code == 1
    assert "has effects" in said.err
