"""`rvos models ...` from end to end: a public checkpoint in, the authors' numbers and masks out."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from golden_cases import GoldenFolder, golden_weight
from golden_report import MODEL_TOLERANCE, GoldenArrays
from helpers_checkpoints import VOCABULARY, official_wrapper, tiny_family_model, write_byte_level_tokenizer
from helpers_cli import rvos, rvos_process, write_clip
from helpers_data import REPOSITORY
from loopback_hub import COMMIT, HubState, loopback_hub
from rvos_core.cli import models_import
from rvos_core.language import WordTokenizer
from rvos_core.weights.bundle import load_bundle
from rvos_core.weights.hub import Hub
from rvos_core.weights.store import downloads_dir, store_dir
from rvos_core.weights.worker import ImportWorker

GOLDEN = REPOSITORY / "tests" / "golden"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ytvos_r50.pth` in the official wrapper, and `tokenizer.json` of RoBERTa's kind."""
    folder = tmp_path_factory.mktemp("download")
    torch.save(official_wrapper(dict(tiny_family_model("referformer").state_dict())), folder / "ytvos_r50.pth")
    write_byte_level_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def worker() -> Iterator[ImportWorker]:
    with ImportWorker() as worker:
        yield worker


@pytest.fixture(autouse=True)
def one_worker(worker: ImportWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of this process share a warm worker; Ctrl-C is tested in a process of its own."""
    monkeypatch.setattr("rvos_core.weights.worker.ImportWorker", lambda: contextlib.nullcontext(worker))


@pytest.fixture
def imported(files: Path, capsys: Capture) -> dict[str, Any]:
    said = rvos(capsys, "models", "import", files, "--name", "mine", "--licence", "Apache-2.0", "--json")
    assert said.code == 0, said.err
    return said.json


def official_checkpoint(arch: str, path: Path) -> None:
    """The authors' names from their key list, the weights from the golden rule: nothing of our networks is in it."""
    official = json.loads(gzip.decompress((GOLDEN / f"{arch}_keys.json.gz").read_bytes()))["small"]
    salt = GoldenFolder.read(GOLDEN).salt
    state = {}
    for name, shape in official["shapes"].items():
        smallest = min(name, official["aliases"].get(name, name))
        state[name] = torch.from_numpy(golden_weight(smallest, tuple(shape), salt=salt))
    state["text_encoder.embeddings.position_ids"] = torch.arange(40)[None]
    torch.save(official_wrapper(state), path)


@pytest.mark.parametrize("arch", ["referformer", "ifirvos", "r2vos"])
def test_an_official_checkpoint_gives_the_authors_outputs(arch: str, capsys: Capture, tmp_path: Path) -> None:
    official_checkpoint(arch, tmp_path / "checkpoint.pth")
    WordTokenizer.from_words(f"w{index}" for index in range(116)).save(tmp_path / "tokenizer.json")
    said = rvos(capsys, "models", "import", tmp_path, "--name", "golden", "--json")
    assert said.code == 0, said.err
    model, _ = load_bundle(store_dir() / "golden").referring()
    arrays = GoldenArrays(GOLDEN / f"{arch}.npz")
    case = next(case for case in GoldenFolder.read(GOLDEN).cases if case.name == "A")
    with torch.no_grad():
        output = model(case.pixels(), case.padding(), *case.text())
    for name in ("pred_logits", "pred_boxes", "pred_masks"):
        finding = arrays.compare(f"A.{name}", getattr(output, name), tolerance=MODEL_TOLERANCE, relative=True)
        assert finding.passed, str(finding)


def test_an_imported_model_is_a_model_like_any_other(imported: dict[str, Any], capsys: Capture, tmp_path: Path) -> None:
    assert imported["arch"] == "referformer" and imported["source"].endswith("/ytvos_r50.pth")
    assert any("attention heads" in note for note in imported["notes"])
    listed = rvos(capsys, "models", "list", "--json").json["models"]
    (mine,) = [entry for entry in listed if entry["name"] == "mine"]
    assert mine["bundled"] is False and mine["licence"] == "Apache-2.0" and mine["measured"] == {}
    assert mine["parameters"] == imported["parameters"]
    assert rvos(capsys, "models", "info", "mine", "--json").json["source_sha256"] == imported["source_sha256"]
    clip = write_clip(tmp_path / "clip.mp4", frames=4)
    out = tmp_path / "out"
    said = rvos(capsys, "segment", clip, "the man in red", "--model", "mine", "-o", out, "--json")
    assert said.code == 0, said.err
    assert said.json["model"] == "mine" and len(list((out / "masks").iterdir())) == 4


def test_progress_is_on_stderr_and_the_answer_for_people_on_stdout(files: Path, capsys: Capture) -> None:
    said = rvos(capsys, "models", "import", files)
    assert said.code == 0 and "in a process of its own" in said.err
    assert said.out.startswith("ytvos_r50: ReferFormer, imported from ytvos_r50.pth")
    again = rvos(capsys, "models", "import", files / "ytvos_r50.pth", "--tokenizer", files / "tokenizer.json")
    assert again.out.startswith("ytvos_r50-2: "), "a name that was not given replaces nothing"


def test_verify_says_which_file_is_not_whole(imported: dict[str, Any], capsys: Capture) -> None:
    assert rvos(capsys, "models", "verify", "mine", "--json").json["models"][0]["ok"] is True
    weights = Path(imported["folder"]) / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    said = rvos(capsys, "models", "verify", "mine", "--json")
    assert said.code == 1 and "checksum differs" in said.json["error"]["message"]
    both = rvos(capsys, "models", "verify", "mine", "ifirvos-mini", "--json")
    assert both.code == 1 and [entry["ok"] for entry in both.json["models"]] == [False, True]
    assert rvos(capsys, "models", "verify", "no-such").code == 2


def test_remove_takes_imported_models_only(imported: dict[str, Any], capsys: Capture) -> None:
    assert rvos(capsys, "models", "remove", "ifirvos-mini", "--yes").code == 2
    assert rvos(capsys, "models", "remove", "../mine", "--yes").code == 2
    said = rvos(capsys, "models", "remove", "mine", "--json")
    assert said.json["removed"] is True and said.json["freed_bytes"] > 100_000
    assert not Path(imported["folder"]).exists() and list(store_dir().iterdir()) == []
    gone = rvos(capsys, "models", "remove", "mine", "--json")
    assert gone.code == 2 and gone.json["error"]["code"] == "model.unknown"


@pytest.mark.parametrize(
    ("options", "code", "exit_code"),
    [
        (["--arch", "r2vos"], "checkpoint.other_architecture", 1),
        (["--arch", "r3vos"], "model.unknown", 2),
        (["--name", "ifirvos-mini"], "usage.model_name", 2),
        (["--name", "../x"], "usage.model_name", 2),
        (["--tokenizer", "nothing.json"], "model.bad_tokenizer", 1),
    ],
)
def test_wrong_calls_are_errors_of_the_agreed_form(
    options: list[str], code: str, exit_code: int, files: Path, capsys: Capture
) -> None:
    said = rvos(capsys, "models", "import", files, *options, "--json")
    assert said.code == exit_code
    assert set(said.json["error"]) == {"code", "message", "hint"} and said.json["error"]["code"] == code
    assert not store_dir().exists() or list(store_dir().iterdir()) == []


@pytest.mark.parametrize("make", ["missing", "text", "empty folder", "two files"])
def test_what_is_no_checkpoint_needs_no_worker(
    make: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_worker() -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("rvos_core.weights.worker.ImportWorker", no_worker)
    source = tmp_path / "from"
    source.mkdir()
    match make:
        case "missing":
            source = source / "model.pth"
        case "text":
            source = source / "model.pth"
            source.write_text("hello")
        case "two files":
            for name in ("a.pth", "b.pth"):
                (source / name).write_bytes(b"x")
    said = rvos(capsys, "models", "import", source, "--json")
    assert said.code == 1 and said.json["error"]["code"].startswith("checkpoint.")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, files: Path) -> Iterator[HubState]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with loopback_hub() as state:
        state.files["owner/net"] = {"model.pth": (files / "ytvos_r50.pth").read_bytes()}
        state.tags["owner/net"] = ["license:mit"]
        state.files["FacebookAI/roberta-base"] = {"tokenizer.json": (files / "tokenizer.json").read_bytes()}
        monkeypatch.setattr(models_import, "_hub", lambda: Hub(downloads_dir(), endpoint=state.address))
        yield state


def test_a_hub_id_is_downloaded_imported_and_pinned_on_the_card(hub: HubState, files: Path, capsys: Capture) -> None:
    for command in ("download", "import"):
        said = rvos(capsys, "models", command, "owner/net", "--tokenizer", files / "tokenizer.json", "--json")
        assert said.code == 0, said.err
        assert said.json["source"] == f"hub:owner/net@{COMMIT}:model.pth" and said.json["licence"] == "MIT"
        assert said.json["name"] == ("net" if command == "download" else "net-2")
        assert "downloading model.pth from owner/net" in said.err
    assert not any(path.is_file() for path in downloads_dir().rglob("*")), "what became a model is not kept twice"


def test_a_hub_id_that_does_not_exist(hub: HubState, capsys: Capture) -> None:
    said = rvos(capsys, "models", "download", "owner/nothing", "--json")
    assert said.code == 1 and said.json["error"]["code"] == "hub.not_found"


def test_a_refused_download_is_kept_for_another_try(hub: HubState, capsys: Capture) -> None:
    said = rvos(capsys, "models", "download", "owner/net", "--json")
    assert said.json["error"]["code"] == "checkpoint.no_tokenizer"
    assert [path.name for path in downloads_dir().rglob("*") if path.is_file()] == ["model.pth"]


def test_roberta_comes_from_the_hub_only_if_asked_for(
    hub: HubState, files: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pinned revision is not on this hub's branch, so the known file is changed to what the hub has."""
    from rvos_core.weights.known import HubFile

    monkeypatch.setattr("rvos_core.weights.importing.ROBERTA_TOKENS", VOCABULARY)
    pinned = HubFile("FacebookAI/roberta-base", COMMIT, "tokenizer.json")
    monkeypatch.setattr("rvos_core.weights.known.ROBERTA_TOKENIZER", pinned)
    file = files / "ytvos_r50.pth"
    refused = rvos(capsys, "models", "import", file, "--json")
    assert refused.json["error"]["code"] == "checkpoint.no_tokenizer" and "--tokenizer" in refused.json["error"]["hint"]
    assert not any("roberta" in path for _, path, _ in hub.requests), "not without a yes"
    monkeypatch.setattr(sys, "stdin", _Terminal("n\n"))
    assert rvos(capsys, "models", "import", file).code == 1
    monkeypatch.setattr(sys, "stdin", _Terminal("y\n"))
    said = rvos(capsys, "models", "import", file)
    assert said.code == 0 and "roberta-base's vocabulary" in said.err
    before = len(hub.requests)
    assert rvos(capsys, "models", "import", file, "--json").code == 0, "it is here now"
    assert len(hub.requests) == before


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_checkpoint_on_a_page_is_asked_for_by_hand(
    files: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = rvos(capsys, "models", "download", "r2vos-r50-ytvos", "--json")
    assert said.code == 1 and "https://github.com/lxa9867/R2VOS" in said.json["error"]["message"]
    assert "rvos models import FILE --name r2vos-r50-ytvos" in said.json["error"]["hint"]
    monkeypatch.setattr(sys, "stdin", _Terminal(f"{files / 'ytvos_r50.pth'}\n"))
    wrong = rvos(capsys, "models", "download", "r2vos-r50-ytvos")
    assert wrong.code == 1 and "is a checkpoint of ReferFormer, not of R2-VOS" in wrong.err
    near = rvos(capsys, "models", "download", "r2vos-r50", "--json")
    assert near.code == 2 and "Did you mean 'r2vos-r50-ytvos'" in near.json["error"]["message"]


def test_the_known_checkpoints_are_listed_with_their_papers_claims(capsys: Capture) -> None:
    known = {entry["name"]: entry for entry in rvos(capsys, "models", "list", "--known", "--json").json["known"]}
    assert known["referformer-video-swin-b-joint"]["claimed"]["ref-youtube-vos"]["jf"] == 64.9
    assert "J&F 59.9" in rvos(capsys, "models", "list", "--known").out
    assert rvos(capsys, "models", "info", "ifirvos-r50-ytvos", "--json").json["configuration"] == "ifirvos-r50"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_during_an_import_leaves_nothing(files: Path, tmp_path: Path) -> None:
    import os
    import signal
    import time

    models = tmp_path / "store"
    with rvos_process(
        "models", "import", files, "--name", "mine", env={**os.environ, "RVOS_MODELS": str(models)}
    ) as process:
        assert process.stderr is not None and "process of its own" in process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in err
    assert not models.exists() or list(models.iterdir()) == []
