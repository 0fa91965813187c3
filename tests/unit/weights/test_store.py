"""The person's own models: names, places, and a removal that takes nothing else along."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from helpers_cli import write_tiny_model
from rvos_core.errors import UsageError, UserError
from rvos_core.models import registry
from rvos_core.weights import CARD_FILE
from rvos_core.weights.sources import find_source
from rvos_core.weights.store import name_for, remove_model, store_dir, stored_folder, stored_names


@pytest.fixture
def mine() -> Path:
    return write_tiny_model(stored_folder("mine"))


def test_the_place_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RVOS_MODELS", str(tmp_path / "elsewhere"))
    assert store_dir() == tmp_path / "elsewhere" and stored_names() == []
    monkeypatch.delenv("RVOS_MODELS")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name, appauthor: f"/data/{name}")
    assert store_dir() == Path("/data/rvos-studio/models")


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", ".hidden", "x" * 65, "con", "lpt1.x", "ä", "a b"])
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="can be no name of a model"):
        stored_folder(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ytvos_r50.pth", "ytvos_r50"),
        ("Video Swin (Base).safetensors", "video-swin-base"),
        ("checkpoint.pth.tar", "checkpoint.pth"),
        ("…", "imported-model"),
        ("con.pth", "imported-model"),
        ("x" * 99 + ".pt", "x" * 64),
    ],
)
def test_any_text_gives_a_name(text: str, name: str) -> None:
    assert name_for(text) == name
    stored_folder(name)


def test_own_models_are_found_beside_the_bundled(mine: Path) -> None:
    assert stored_names() == ["mine"]
    cards = {card.name: card.bundled for card in registry.list_cards()}
    assert cards["ifirvos-mini"] is True and cards["tiny"] is False
    assert registry.model_folder("mine") == mine and not registry.is_bundled("mine")
    assert registry.load_engine("mine", device="cpu").card.bundled is False
    with pytest.raises(UsageError, match="Did you mean 'mine'"):
        registry.card("mime")


def test_a_damaged_one_does_not_hide_the_others(mine: Path) -> None:
    write_tiny_model(stored_folder("other"))
    (mine / CARD_FILE).write_text("{")
    assert registry.all_names() == ["flow-mini", "ifirvos-mini", "isvos-mini", "mine", "other"]
    assert [card.name for card in registry.list_cards() if not card.bundled] == ["tiny"]
    assert remove_model("mine") > 0, "a damaged one can go"


def test_a_bundled_model_is_not_hidden_by_an_own_one_of_its_name() -> None:
    write_tiny_model(stored_folder("ifirvos-mini"))
    assert registry.card("ifirvos-mini").bundled is True
    assert registry.all_names() == ["flow-mini", "ifirvos-mini", "isvos-mini"]


def test_remove_takes_its_own_files_only(mine: Path, tmp_path: Path) -> None:
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds other files too, for example notes\.txt"):
        remove_model("mine")
    (mine / "notes.txt").unlink()
    size = sum(path.stat().st_size for path in mine.iterdir())
    assert remove_model("mine") == size and not mine.exists()
    assert list(store_dir().iterdir()) == []
    with pytest.raises(UsageError, match="no imported model named 'mine'"):
        remove_model("mine")


def test_removing_a_link_keeps_what_it_leads_to(tmp_path: Path) -> None:
    real = write_tiny_model(tmp_path / "real")
    store_dir().mkdir(parents=True)
    stored_folder("linked").symlink_to(real)
    assert remove_model("linked") == 0
    assert (real / CARD_FILE).is_file()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no checkpoint"),
        (["readme.txt"], "holds no checkpoint"),
        (["a.pth", "b.pth"], "holds 2 checkpoints"),
        (["model-00001-of-00002.safetensors", "model.safetensors.index.json"], "in several parts"),
    ],
)
def test_folders_that_give_no_one_checkpoint(files: list[str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "from"
    folder.mkdir()
    for name in files:
        (folder / name).write_bytes(b"x")
    with pytest.raises(UserError, match=message):
        find_source(folder)


def test_safetensors_go_before_pickles(tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    assert find_source(tmp_path).file.name == "model.safetensors"
