"""`rvos train` from a recipe to a checkpoint, on miniature data sets in their official layouts."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers_cli import rvos, rvos_process
from helpers_datasets import (
    CATEGORIES,
    mini_videos,
    write_a2d,
    write_coco,
    write_davis17,
    write_refcoco,
    write_refytvos,
    write_static_images,
    write_youtube_vos,
)
from helpers_training import CHANGES
from rvos_core.language import WordTokenizer
from rvos_core.training.recipes import RECIPES

ISVOS: dict[str, Any] = {
    "backbone": {"widths": [8, 8, 8, 16], "blocks": [1, 1, 1, 1], "stem_width": 8},
    "instance": {
        "hidden": 16, "mask_dim": 8, "queries": 4, "heads": 2, "decoder_layers": 1, "decoder_ffn": 16,
        "encoder_layers": 1, "encoder_ffn": 16, "points": 2, "norm_groups": 4,
    },
    "value": {"widths": [8, 8, 8], "blocks": [1, 1, 1], "stem_width": 8},
    "key_dim": 8,
    "value_dim": 16,
    "fusion_widths": [16, 8, 8],
    "attention_reduction": 4,
}  # fmt: skip
_QUICK = ("world-pictures", "referformer-joint", "isvos-main")  # the others run with the slow tests
WORDS = ("the", "a", "red", "blue", "yellow", *CATEGORIES, "moving", "along", "thing", "on", "left")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sets that recipes speak of, with a tokeniser beside them."""
    root = tmp_path_factory.mktemp("sets")
    videos = mini_videos(2, frames=4)
    write_refytvos(root / "ref-youtube-vos", videos, split="train")
    write_youtube_vos(root / "youtube-vos", videos)
    write_davis17(root / "davis17", videos)
    (root / "davis17" / "ImageSets" / "2017" / "val.txt").write_text("clip0\n")
    write_a2d(root / "a2d", videos, split="train")
    for name, by in (("refcoco", "unc"), ("refcoco+", "unc"), ("refcocog", "umd")):
        write_refcoco(root / "refcoco", name=name, by=by)
    write_coco(root / "coco")
    write_static_images(root / "static-images")
    WordTokenizer.from_words(WORDS).save(root / "tokenizer.json")
    return root


def small(name: str, root: Path) -> list[str]:
    """Settings that make a recipe's network, batch and pictures small and leave the rest as it is."""
    plan = RECIPES[name]
    augment = '{"sides": [32], "longest": 48, "crop_first": [48], "crop_sides": [32, 48]}'
    given = {"data.augment": augment, "data.world": '{"sizes": [[32, 48]], "clips": 2}', "data.batch": "4"}
    if plan.objective.kind == "propagation":
        given["model.changes"] = json.dumps(ISVOS)
    else:
        changes = CHANGES | {"backbone": {k: v for k, v in CHANGES["backbone"].items() if k != "norm_groups"}}
        changes = changes | {"decoder_layers": 2}
        if plan.model.name != "ifirvos-mini":
            changes["backbone"] = changes["backbone"] | {"widths": [16, 32, 64, 128]}
            given["model.tokenizer"] = str(root / "tokenizer.json")
        given["model.changes"] = json.dumps(changes)
    return [part for key, value in given.items() for part in ("--set", f"{key}={value}")]


@pytest.mark.parametrize(
    "name", [each if each in _QUICK else pytest.param(each, marks=pytest.mark.slow) for each in RECIPES]
)
def test_a_dry_run_of_every_recipe_checks_its_data_and_says_what_it_costs(
    name: str, sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = rvos(capsys, "train", name, "--dry-run", "--data", sets, "--device", "cpu", "--json", *small(name, sets))
    assert said.code == 0, said.out
    found, plan = said.json, RECIPES[name]
    epochs, items = plan.schedule.epochs, found["items"]
    assert found["steps"] == (epochs * -(-items // 4) if epochs else plan.schedule.steps)
    assert found["seconds"] > 0 and found["memory_mib"] > 0 and found["disk_mib"] > 0
    assert 0 < found["trained"] <= found["parameters"]
    assert not plan.after or f"is meant to begin with the weights of {plan.after}" in said.err


def test_the_recipes_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    listed = rvos(capsys, "train", "--list", "--json").json["recipes"]
    assert [each["name"] for each in listed] == list(RECIPES) and all(each["source"] for each in listed)


@pytest.mark.parametrize("name", ["referformer-joint", "r2vos-ytvos", "isvos-main"])
def test_a_recipe_trains_resumes_and_starts_the_next(
    name: str, sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    once = ["--data", sets, "--device", "cpu", "--workers", "0", *small(name, sets), "--set", "schedule.epochs=0"]
    once += ["--set", "schedule.drops=[]", "--set", "schedule.steps=2", "--set", "save_every=1"]
    once += ["--set", "validation_clips=1"]
    done = rvos(capsys, "train", name, "-o", tmp_path, "--json", *once)
    assert done.code == 0, done.out
    outputs = done.json["outputs"]
    assert Path(outputs["checkpoint"]).exists() and ("best" in outputs) == bool(RECIPES[name].validation)
    again = rvos(capsys, "train", name, "-o", tmp_path, *once)
    assert again.code == 2 and "--resume" in again.err
    assert rvos(capsys, "train", name, "-o", tmp_path, "--resume", *once).code == 0
    other = rvos(capsys, "train", name, "-o", tmp_path, "--resume", *once, "--set", "optimiser.rate=0.5")
    assert other.code == 1 and "optimiser.rate was" in other.err
    started = ["--start", outputs["checkpoint"], "--dry-run"]
    assert rvos(capsys, "train", name, *started, *once).code == 0


def test_ctrl_c_leaves_a_checkpoint_and_says_130(tmp_path: Path) -> None:
    changes = [
        "--set",
        "schedule.steps=100000",
        "--set",
        "data.world={sizes: [[32, 48]], clips: 1}",
        "--set",
        "log_every=1",
    ]
    changes += ["--set", f"model.changes={json.dumps(CHANGES)}", "--set", "validation=[]", "--device", "cpu"]
    with rvos_process("train", "world-pictures", "-o", tmp_path, *changes) as process:
        while not (tmp_path / "world-pictures.jsonl").exists():
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    state = torch.load(tmp_path / "world-pictures.pt", weights_only=True)
    assert state["step"] >= 1 and "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ifirvos-ytvos"], "Give the folder that holds ref-youtube-vos with --data"),
        (["ifirvos-ytvos", "--data", "nowhere"], "nowhere"),
        (["ifirvos-ytvo"], "did you mean 'ifirvos-ytvos'"),
        (["world-pictures", "--set", "optimizer.rate=1"], "did you mean 'optimiser'"),
        (["world-pictures", "--set", "model.changes.hiden=8"], "did you mean 'hidden'"),
        (["world-pictures", "--set", "objective.kind=propagation"], "is not for ifirvos-mini"),
        (["world-pictures", "--set", "model.name=ifirvos-r5"], "ifirvos-r50"),
        (["world-pictures", "--set", "schedule.steps=0"], "schedule.steps is 0"),
        (["world-pictures", "--start", "no-such-model"], "There is no model named"),
        ([], "--list"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = rvos(capsys, "train", *arguments, "--device", "cpu")
    assert answer.code in (1, 2) and said in answer.err and "Traceback" not in answer.err
    assert not (tmp_path / "runs").exists()
