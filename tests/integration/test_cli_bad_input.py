"""What the command line says to input it cannot use: one sentence, an exit code, and nothing under a final name."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_cli import Said, rvos, rvos_process, write_clip, write_sound, write_tiny_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def assert_refused(capsys, *call: str | Path, out: Path, code: int, names: str, kind: str) -> None:
    """Refused with exit `code` and error code `kind`, one sentence with `names` in it, nothing written to `out`."""
    for said in (rvos(capsys, *call), rvos(capsys, *call, "--json")):
        assert said.code == code, said
        assert not out.exists() or not any(out.rglob("*")), "nothing is left behind"
    error = said.json["error"]
    assert set(error) == {"code", "message", "hint"}
    assert re.fullmatch(kind, error["code"]), error
    assert names in error["message"]
    plain: Said = rvos(capsys, *call)
    assert plain.out == ""
    sentence = plain.err.strip().splitlines()[-1]
    assert sentence == f"rvos: {error['message']} {error['hint']}".strip()
    assert "Traceback" not in plain.err
    assert error["hint"], "says what to do"


def broken_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    """Name -> path, error code."""
    paths = {name: folder / name for name in ("zero.mp4", "page.mp4", "list.mp4", "sound.mp4", "empty", "noise.mp4")}
    paths["zero.mp4"].touch()
    paths["page.mp4"].write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    write_clip(folder / "other.mp4", frames=2)
    paths["list.mp4"].write_text("ffconcat version 1.0\nfile other.mp4\n")
    write_sound(paths["sound.mp4"])
    paths["empty"].mkdir()
    paths["noise.mp4"].write_bytes(np.random.default_rng(0).bytes(5000))
    return {"gone.mp4": (folder / "gone.mp4", r"media\..*"), **{n: (p, r"media\..*") for n, p in paths.items()}}


@pytest.mark.parametrize("name", ["gone.mp4", "zero.mp4", "page.mp4", "list.mp4", "sound.mp4", "empty", "noise.mp4"])
def test_a_file_that_is_no_clip(capsys, name: str, model: Path, tmp_path: Path):
    path, kind = broken_inputs(tmp_path)[name]
    out = tmp_path / "out"
    call = ("segment", path, "a man", "-o", out, "--model", model)
    assert_refused(capsys, *call, out=out, code=1, names=name, kind=kind)


@pytest.mark.parametrize(
    ("expression", "code", "kind"),
    [
        ("", 2, "expression.empty"),
        ("  \t ", 2, "expression.empty"),
        ("🚲", 2, "expression.no_words"),
        ("...", 2, "expression.no_words"),
        ("男人 骑 自行车", 1, "expression.unknown_words"),
        ("zebra giraffe", 1, "expression.unknown_words"),
    ],
)
def test_an_expression_that_says_nothing_the_model_knows(
    capsys, expression: str, code: int, kind: str, clip: Path, model: Path, tmp_path: Path
):
    out = tmp_path / "out"
    call = ("segment", clip, expression, "-o", out, "--model", model)
    assert_refused(capsys, *call, out=out, code=code, names="", kind=re.escape(kind))


def test_five_hundred_words_are_shortened_and_said_so(capsys, clip: Path, model: Path, tmp_path: Path):
    call = ("segment", clip, "the red car " * 167, "-o", tmp_path / "out", "--model", model)
    said = rvos(capsys, *call, "--json")
    assert said.code == 0, said.err
    assert any("501 words" in note for note in said.json["notes"])


@pytest.mark.parametrize(
    ("options", "code", "kind", "names"),
    [
        (["--start", "6"], 2, "usage.span", "6 frames"),
        (["--start", "3", "--end", "3"], 2, "usage.span", "6 frames"),
        (["--end", "7"], 2, "usage.span", "6 frames"),
        (["--window", "0"], 2, "usage.window", "0"),
        (["--window", "some"], 2, "usage.window", "some"),
        (["--stride", "9"], 2, "run.bad_stride", "9"),
        (["--size", "5"], 2, "run.bad_size", "5"),
        (["--fps", "none"], 2, "usage.fps", "none"),
        (["--format", "gif"], 2, "usage.format", "gif"),
        (["--device", "cuda:9"], 2, "device.unknown", "cuda:9"),
        (["--model", "no-such-model"], 2, "model.unknown", "no-such-model"),
        (["--vote", "twice"], 2, "usage", "twice"),
        (["--frobnicate"], 2, "usage", "--frobnicate"),
    ],
)
def test_an_option_that_makes_no_sense(
    capsys, options: list[str], code: int, kind: str, names: str, clip: Path, model: Path, tmp_path: Path
):
    out = tmp_path / "out"
    call = ("segment", clip, "a man", "-o", out, "--model", model, *options)
    assert_refused(capsys, *call, out=out, code=code, names=names, kind=re.escape(kind))


def test_cuda_that_is_not_there_gives_the_reason(capsys, clip: Path, model: Path, tmp_path: Path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    out = tmp_path / "out"
    call = ("segment", clip, "a man", "-o", out, "--model", model, "--device", "cuda")
    assert_refused(capsys, *call, out=out, code=1, names="CUDA", kind=r"device\.unavailable")


def test_a_damaged_model_is_named(capsys, clip: Path, tmp_path: Path):
    broken = write_tiny_model(tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    out = tmp_path / "out"
    call = ("segment", clip, "a man", "-o", out, "--model", broken)
    assert_refused(capsys, *call, out=out, code=1, names="model.safetensors", kind=r"model\..*")


def test_a_file_where_the_folder_should_be(capsys, clip: Path, model: Path, tmp_path: Path):
    blocked = tmp_path / "out"
    blocked.write_text("mine")
    said = rvos(capsys, "segment", clip, "a man", "-o", blocked, "--model", model, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "files.not_a_folder")
    assert blocked.read_text() == "mine"


def test_a_read_only_folder_is_said_before_the_model_is_loaded(capsys, clip: Path, model: Path, tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    said = rvos(capsys, "segment", clip, "a man", "-o", locked / "out", "--model", model, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "files.no_permission")
    assert "loading" not in said.err


def test_other_peoples_files_in_the_masks_folder_are_not_deleted(capsys, clip: Path, model: Path, tmp_path: Path):
    holiday = tmp_path / "out" / "masks" / "holiday.jpg"
    holiday.parent.mkdir(parents=True)
    holiday.write_text("sun")
    said = rvos(capsys, "segment", clip, "a man", "-o", tmp_path / "out", "--model", model, "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "files.foreign_files")
    assert holiday.read_text() == "sun"
    assert "loading" not in said.err, "said before the long work"


def test_a_disk_that_fills_up_leaves_no_piece(model: Path, tmp_path: Path):
    """RLIMIT_FSIZE makes every write beyond 2 kB fail, as a full disk does."""
    clip = write_clip(tmp_path / "wide.mp4", width=640, height=480)
    out = tmp_path / "out"

    def full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    call = ("segment", clip, "a man", "-o", out, "--model", model, "--json")
    with rvos_process(*call, preexec_fn=full_disk) as process:
        said_out, said_err = process.communicate(timeout=60)
    assert process.returncode == 1, said_err
    assert '"code": "files.' in said_out
    assert not out.exists() or not any(out.iterdir()), sorted(out.rglob("*"))


def test_ctrl_c_ends_with_130_and_leaves_nothing(model: Path, tmp_path: Path):
    clip = write_clip(tmp_path / "long.mp4", frames=600)
    out = tmp_path / "out"
    with rvos_process("segment", clip, "a man", "-o", out, "--model", model, "--json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "windows" in line:  # the run has begun
                break
        process.send_signal(signal.SIGINT)
        said_out, said_err = process.communicate(timeout=60)
    assert process.returncode == 130, said_err
    assert '"code": "interrupted"' in said_out
    assert not any(out.rglob("*")) if out.exists() else True


def test_an_unforeseen_error_is_one_sentence_and_its_traceback_is_in_the_log(tmp_path: Path):
    script = (
        "import sys; from rvos_core.cli import main as m; import rvos_core.models.registry as r\n"
        "r.list_cards = lambda: 1 / 0\n"
        "sys.exit(m.main(sys.argv[1:]))\n"
    )
    for options, on_stderr in (([], 1), (["--debug"], None)):
        ran = subprocess.run(
            [sys.executable, "-c", script, "models", "list", *options], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 1
        if on_stderr:
            assert len(ran.stderr.splitlines()) == on_stderr
            assert "Traceback" not in ran.stderr
            log = Path(re.search(r"details are in (.*)\.$", ran.stderr.strip()).group(1))
            assert "ZeroDivisionError" in log.read_text()
            assert "RVOS Studio 0." in log.read_text()
        else:
            assert "Traceback" in ran.stderr


def test_a_refusal_of_the_system_is_a_sentence(capsys, monkeypatch: pytest.MonkeyPatch):
    import rvos_core.models.registry as registry

    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")

    monkeypatch.setattr(registry, "list_cards", refuse)
    said = rvos(capsys, "models", "list", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "output.disk_full")
    monkeypatch.setattr(registry, "list_cards", lambda: (_ for _ in ()).throw(MemoryError))
    said = rvos(capsys, "models", "list", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "memory.exhausted")


def test_mask_folders_that_do_not_pair_are_an_error(capsys, tmp_path: Path):
    for name, count in (("gt", 3), ("pred", 2)):
        (tmp_path / name).mkdir()
        for index in range(count):
            Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / name / f"{index:05d}.png")
    said = rvos(capsys, "eval", "jf", "--gt", tmp_path / "gt", "--pred", tmp_path / "pred", "--json")
    assert (said.code, said.json["error"]["code"]) == (1, "evaluation.unpaired")
