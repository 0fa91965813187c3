"""A model's folder: what is saved comes back, what is damaged is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from helpers_inference import CARD, WORDS
from rvos_core.errors import UsageError, UserError
from rvos_core.language import WordTokenizer
from rvos_core.models import registry
from rvos_core.weights import CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE
from rvos_core.weights.bundle import load_bundle, save_bundle
from rvos_core.weights.cards import sha256
from tiny_ifirvos import tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "weights" / "tiny"
    save_bundle(target, tiny_model(), tokenizer=WordTokenizer.from_words(WORDS), card=CARD)
    return target


def sign_again(folder: Path) -> None:
    """Make the card agree with changed files, so that the checks behind the checksum are reached."""
    document = json.loads((folder / CARD_FILE).read_text())
    document["sha256"] = {name: sha256(folder / name) for name in document["sha256"]}
    (folder / CARD_FILE).write_text(json.dumps(document))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    state = load_file(str(folder / WEIGHTS_FILE))
    change(state)
    save_file(state, str(folder / WEIGHTS_FILE))
    sign_again(folder)


def test_a_bundle_comes_back_as_it_was_in_half_precision(folder: Path) -> None:
    model, bundle = tiny_model(), load_bundle(folder)
    assert bundle.config == model.config
    assert bundle.card == replace(CARD, parameters=sum(p.numel() for p in model.parameters()))
    assert bundle.tokenizer.encode("a red car") == WordTokenizer.from_words(WORDS).encode("a red car")
    assert not bundle.model.training
    loaded = bundle.model.state_dict()
    for name, value in model.state_dict().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value.half().to(value.dtype) if value.is_floating_point() else value), name
    assert sorted(path.name for path in folder.iterdir()) == [CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE]


def test_saving_again_replaces_and_a_loaded_bundle_saves_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    for target in (folder, tmp_path / "copy"):
        save_bundle(target, bundle.model, tokenizer=bundle.tokenizer, card=bundle.card)
    for name in (CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE):
        assert (folder / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()


def test_loading_does_not_move_the_callers_dice(folder: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_bundle(folder)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", [CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "changed", "html"])
def test_a_damaged_file_is_named(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        changed = content.replace(b"a", b"b", 1) if name != CARD_FILE else content.replace(b'"size": 64', b'"size": -3')
        written = {"empty": b"", "cut": content[: len(content) // 2], "changed": changed, "html": b"<html></html>"}
        path.write_bytes(written[damage])
    with pytest.raises(UserError, match=name.replace(".", r"\.")) as caught:
        load_bundle(folder)
    assert str(folder) in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("class_embed.0.weight"), r"lacks class_embed\.0\.weight \(1 missing, 0 too many\)"),
        (lambda state: state.update(extra=torch.zeros(1)), "has extra"),
        (lambda state: state.update({"class_embed.0.weight": torch.zeros(2, 2)}), r"\(2, 2\) instead of \(1, 32\)"),
        (lambda state: state["class_embed.0.weight"].fill_(torch.nan), r"not finite in class_embed\.0\.weight"),
        (lambda state: state["query_embed.weight"].fill_(torch.inf), "not finite in query_embed"),
    ],
)
def test_weights_that_do_not_fit_the_network_are_refused(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str
) -> None:
    change_weights(folder, change)
    with pytest.raises(UserError, match=message):
        load_bundle(folder)


def test_a_bundle_of_a_newer_version_says_so(folder: Path) -> None:
    document = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(UserError, match="newer version"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("entry", "value"),
    [("window", "8"), ("window", 0), ("stride", 9), ("visible_off", 0.9), ("name", None), ("colour", 1)],
)
def test_a_card_that_makes_no_sense_is_refused(folder: Path, entry: str, value: object) -> None:
    document = json.loads((folder / CARD_FILE).read_text())
    document["card"][entry] = value
    (folder / CARD_FILE).write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"card\.json"):
        registry.card(folder)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e6])
def test_weights_that_half_precision_cannot_hold_are_not_saved(tmp_path: Path, value: float) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.query_embed.weight[0, 0] = value
    with pytest.raises(UserError, match=r"query_embed\.weight"):
        save_bundle(tmp_path / "x", model, tokenizer=WordTokenizer.from_words(WORDS), card=CARD)
    assert list(tmp_path.iterdir()) == []


def test_the_registry_names_bundled_models_and_the_nearest_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_resources.paths.weights_dir", lambda: folder.parent)
    (card,) = registry.list_cards()
    assert card.name == "tiny" and card.bundled and card.parameters > 10_000
    assert registry.card("tiny") == card
    with pytest.raises(UsageError, match="Did you mean 'tiny'") as caught:
        registry.card("tinny")
    assert caught.value.code == "model.unknown" and "tiny" in caught.value.hint
    engine = registry.load_engine("tiny", device="cpu")
    assert engine.card == card and engine.device == "cpu"
    assert engine.pace.seconds(frames=1, pixels=10**6) is not None


def test_a_model_of_ones_own_loads_by_its_folder_or_file(folder: Path) -> None:
    for path in (folder, str(folder), folder / WEIGHTS_FILE):
        assert not registry.load_engine(path, device="cpu").card.bundled
    with pytest.raises(UserError, match="There is no model in"):
        registry.load_engine(folder / "nowhere", device="cpu")
    with pytest.raises(UserError, match="There is no model in"):
        registry.card(folder / CARD_FILE)
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        registry.card(folder / ("x" * 300))
    with pytest.raises(UsageError, match="There is no model named"):
        registry.card("x" * 300)


def test_a_damaged_bundled_card_does_not_hide_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_resources.paths.weights_dir", lambda: folder.parent)
    (folder.parent / "broken").mkdir()
    (folder.parent / "broken" / CARD_FILE).write_text("{")
    assert [card.name for card in registry.list_cards()] == ["tiny"]


def test_only_models_that_take_a_sentence_are_offered_for_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_resources.paths.weights_dir", lambda: folder.parent)
    monkeypatch.setattr("rvos_core.models.registry.stored_names", tuple)
    follower = folder.parent / "follower"
    follower.mkdir()
    for path in folder.iterdir():
        (follower / path.name).write_bytes(path.read_bytes())
    document = json.loads((follower / CARD_FILE).read_text())
    document["card"] |= {"name": "follower", "arch": "isvos"}
    (follower / CARD_FILE).write_text(json.dumps(document))
    assert [card.name for card in registry.list_cards()] == ["follower", "tiny"]
    assert [card.name for card in registry.referrer_cards()] == ["tiny"]


def test_no_memory_for_the_weights_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("rvos_core.weights.bundle.load_file", fail)
    with pytest.raises(UserError, match="too little memory to load") as caught:
        registry.load_engine(folder, device="cpu")
    assert caught.value.code == "model.out_of_memory"
