"""Every command explains itself, at once: no heavy library is imported for help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_cli import rvos, write_tiny_model
from rvos_core import __version__

HEAVY = ("torch", "transformers", "cv2", "av", "numba", "numpy", "PySide6")
COMMANDS = {
    (): ("demo", "segment", "eval", "models", "bench", "--version"),
    ("demo",): ("--output", "--json", "--model", "--device"),
    ("segment",): (
        *("VIDEO", "EXPRESSION", "-o", "--model", "--start", "--end", "--window", "--stride", "--size", "--vote"),
        *("--device", "--fps", "--format", "--json", "result.json"),
    ),
    ("eval",): ("jf", "synth"),
    ("eval", "jf"): ("--gt", "--pred", "--protocol", "--json"),
    ("eval", "synth"): ("--model", "--split", "--json"),
    ("models",): ("list", "info"),
    ("models", "list"): ("--json",),
    ("models", "info"): ("NAME", "--json"),
    ("bench",): ("kernels", "masks", "media", "--json"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "rvos")
def test_help_names_what_can_be_given(capsys, command: tuple[str, ...]):
    said = rvos(capsys, *command, "--help")
    assert said.code == 0
    for word in COMMANDS[command]:
        assert word in said.out, f"{word} is not in the help"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["segment", "--help"], ["bench", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]):
    script = (
        "import sys; from rvos_core.cli.main import main; code = main(sys.argv[1:])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_version(capsys):
    assert rvos(capsys, "--version").out == f"rvos {__version__}\n"


def test_nothing_at_all_is_a_wrong_call(capsys):
    assert rvos(capsys).code == 2


def test_a_wrong_call_is_a_json_error_too(capsys):
    said = rvos(capsys, "segment", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "usage")
    assert "rvos segment --help" in said.json["error"]["hint"]


def test_eval_jf_scores_two_folders(capsys, tmp_path: Path):
    square = np.zeros((40, 40), dtype=np.uint8)
    square[10:30, 10:30] = 255
    for folder, shift in (("gt", 0), ("pred", 10)):
        (tmp_path / folder).mkdir()
        for index in range(4):
            mask = np.roll(square, shift, axis=1)
            Image.fromarray(mask).save(tmp_path / folder / f"{folder}_{index:05d}.png")
    said = rvos(capsys, "eval", "jf", "--gt", tmp_path / "gt", "--pred", tmp_path / "pred", "--json")
    assert said.code == 0, said.err
    scores = said.json
    assert scores["J"] == pytest.approx(200 / 600)
    assert scores["jf"] == pytest.approx((scores["J"] + scores["F"]) / 2)
    assert (scores["J_recall"], scores["J_decay"], scores["frames"]) == (0, 0, 4)
    plain = rvos(capsys, "eval", "jf", "--gt", tmp_path / "gt", "--pred", tmp_path / "gt", "--protocol", "davis2017")
    assert plain.out.startswith("J&F 1.0000")
    assert "2 frames" in plain.out


def test_models_list_is_the_cards_of_what_is_installed(capsys):
    from rvos_core.models.registry import list_cards

    models = rvos(capsys, "models", "list", "--json").json["models"]
    assert [model["name"] for model in models] == [card.name for card in list_cards()]
    for model in models:
        assert set(model) >= {"name", "arch", "parameters", "bundled", "licence", "measured"}


def test_models_info_reads_a_folder(capsys, tmp_path: Path):
    folder = write_tiny_model(tmp_path / "tiny")
    said = rvos(capsys, "models", "info", folder, "--json")
    assert said.json["name"] == "tiny"
    assert said.json["bundled"] is False
    assert "trained on: nothing" in rvos(capsys, "models", "info", folder).out


def test_bench_rows_have_the_promised_keys(capsys):
    rows = rvos(capsys, "bench", "masks", "--json").json["rows"]
    assert rows
    for row in rows:
        assert set(row) == {"name", "ratio", "ours_ms", "reference_ms", "limit", "note"}
        assert json.dumps(row["ratio"]) == json.dumps(row["reference_ms"] / row["ours_ms"])
