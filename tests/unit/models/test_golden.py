"""Our models against numbers of the authors' published code, and the checker that says so."""

from __future__ import annotations

import filecmp
import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import golden
from golden_cases import GoldenFolder, golden_weight
from golden_report import Finding, GoldenArrays
from helpers_data import REPOSITORY, shared_goldens

TRACKED = REPOSITORY / "tests" / "golden"


@pytest.mark.parametrize("name", sorted({*golden.MODELS, *golden.files_of(TRACKED)}))
def test_tracked_arrays_are_reproduced(name: str) -> None:
    findings = list(golden.check_file(GoldenFolder.read(TRACKED), name))
    assert len(findings) >= 4
    assert [str(finding) for finding in findings if not finding.passed] == []


def test_whole_shared_folder_is_reproduced() -> None:
    """Files that are tracked word for word are compared above."""
    folder = GoldenFolder.read(shared_goldens())
    names = golden.files_of(folder.path)
    assert names
    new = [name for name in names if not _is_tracked(folder.path, name)]
    assert [str(f) for name in new for f in golden.check_file(folder, name) if not f.passed] == []


def _is_tracked(folder: Path, name: str) -> bool:
    found = [folder / "cases.json", *folder.glob(f"{name}.npz"), *folder.glob(f"{name}_keys.json.gz")]
    return all(
        (TRACKED / path.name).exists() and filecmp.cmp(path, TRACKED / path.name, shallow=False) for path in found
    )


@pytest.mark.parametrize(
    ("key", "shape", "first"),
    [
        ("backbone.0.body.conv1.weight", (64, 3, 7, 7), (0.0076457914, 0.0560307465, 0.0591743924)),
        ("query_embed.weight", (5, 64), (0.5020233393, 1.5848522186, -0.0963379666)),
        ("controller.layers.2.weight", (617, 64), (0.0518308803, -0.0298399813, -0.0285329502)),
    ],
)
def test_weight_rule_gives_the_published_values(
    key: str, shape: tuple[int, ...], first: tuple[float, float, float]
) -> None:
    assert golden_weight(key, shape, salt=0).flatten()[:3] == pytest.approx(first, abs=5e-10)


def test_input_rule_gives_the_published_values() -> None:
    first = {case.name: case.pixels()[0, 0, 0, 0, :3].numpy() for case in GoldenFolder.read(TRACKED).cases}
    assert first["A"] == pytest.approx([-1.5085732, -1.4133825, -1.1184996], abs=1e-6)
    assert first["B"] == pytest.approx([1.4958100, 3.0397320, 1.5464525], abs=1e-6)
    assert first["C"] == pytest.approx([3.1273215, 3.4249113, 2.8210423], abs=1e-6)
    ids = {case.name: case.text()[0].tolist() for case in GoldenFolder.read(TRACKED).cases}
    assert ids["B"] == [[0, 4, 110, 53, 47, 54, 2], [0, 11, 40, 2, 1, 1, 1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TRACKED / "cases.json", tmp_path)
    return tmp_path


def _save(folder: Path, name: str, **changes: np.ndarray) -> None:
    with np.load(TRACKED / f"{name}.npz") as archive:
        np.savez(folder / f"{name}.npz", **{key: archive[key] for key in archive.files} | changes)


def test_a_passing_folder_exits_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _save(folder, "sine_position")
    assert golden.main([str(folder)]) == 0
    assert "1 of 1 files pass" in capsys.readouterr().out


@pytest.mark.parametrize("value", [1e-3, np.nan])
def test_a_wrong_or_nan_entry_exits_1(folder: Path, value: float, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(TRACKED / "dynamic_mask_head.npz") as archive:
        logits = archive["logits"].copy()
    logits.flat[7] += value
    _save(folder, "dynamic_mask_head", logits=logits)
    assert golden.main([str(folder), "--only", "dynamic_mask_head"]) == 1
    assert "FAIL logits" in capsys.readouterr().out


def test_an_unknown_array_exits_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _save(folder, "sine_position", surprise=np.zeros(3))
    assert golden.main([str(folder)]) == 1
    assert "FAIL surprise" in capsys.readouterr().out


def test_a_model_of_another_version_exits_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(folder / "isvos.npz", pred_masks=np.zeros(3))
    assert golden.main([str(folder)]) == 1
    assert "not supported by this version" in capsys.readouterr().out


@pytest.mark.parametrize(("change", "passes"), [({}, True), ({"query_embed.weight": [4, 256]}, False)])
def test_a_key_file_may_stand_alone(folder: Path, change: dict[str, list[int]], passes: bool) -> None:
    keys = json.loads(gzip.decompress((TRACKED / "r2vos_keys.json.gz").read_bytes()))
    keys["full"]["shapes"] |= change
    (folder / "r2vos_keys.json.gz").write_bytes(gzip.compress(json.dumps(keys).encode()))
    assert golden.main([str(folder)]) == (0 if passes else 1)


def test_absent_pieces_are_fine_and_absent_models_are_not(folder: Path) -> None:
    assert golden.main([str(folder), "--only", "vl_blocks"]) == 0
    assert golden.main([str(folder), "--only", "ifirvos"]) == 1


def test_pieces_follow_the_folders_salt(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text())
    (folder / "cases.json").write_text(json.dumps(cases | {"salt": 7}))
    _save(folder, "vl_blocks")
    assert golden.main([str(folder)]) == 1


def test_entries_outside_the_compared_region_do_not_count(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)))
    arrays = GoldenArrays(tmp_path / "a.npz")
    actual = np.array([[0.0, 9.0], [0.0, 0.0]])
    assert arrays.compare("x", actual, tolerance=1e-6, where=actual < 1).passed
    assert not arrays.compare("x", actual, tolerance=1e-6).passed
    assert not arrays.compare("x", actual[0], tolerance=100).passed
    assert arrays.untaken() == ()
    assert not Finding("x", error=float("nan"), tolerance=1.0).passed
