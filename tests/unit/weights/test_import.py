"""Good checkpoints in every form in which they come: each becomes the model whose weights it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from helpers_checkpoints import (
    VOCABULARY,
    official_wrapper,
    tiny_family_config,
    tiny_family_model,
    write_byte_level_tokenizer,
)
from rvos_core.errors import Cancelled, UserError
from rvos_core.files import write_error
from rvos_core.language import WordTokenizer
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.registry import load_engine
from rvos_core.types import CancelToken
from rvos_core.weights import WEIGHTS_FILE, importing, read_card
from rvos_core.weights.bundle import load_bundle
from rvos_core.weights.importing import Imported, ImportRequest, import_model
from rvos_core.weights.job import Job
from rvos_core.weights.sources import Source, find_source
from rvos_core.weights.store import store_dir
from rvos_core.weights.worker import ImportWorker

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return dict(tiny_family_model("referformer").state_dict())


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    return write_byte_level_tokenizer(tmp_path / "vocabulary.json")


def do_import(worker: ImportWorker, file: Path, tokenizer: Path | None, **options: Any) -> Imported:
    request = ImportRequest(find_source(file), "mine", tokenizer=tokenizer, **options)
    return import_model(request, worker=worker)


def stored(imported: Imported) -> State:
    return load_file(str(imported.folder / WEIGHTS_FILE))


def assert_same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], value.float()), name


def _prefixed(state: State) -> State:
    return {f"module.{name}": value for name, value in state.items()}


def _doubly(state: State) -> State:
    return {f"_orig_mod.module.{name}": value for name, value in state.items()}


def _old_entries(state: State) -> State:
    extra = {
        "text_encoder.embeddings.position_ids": torch.arange(40)[None],
        "backbone.0.body.bn1.num_batches_tracked": torch.tensor(7),
        "transformer.total_ops": torch.zeros(1, dtype=torch.float64),
    }
    return {**state, **extra}


def _without_aliases(state: State) -> State:
    """As `safetensors.torch.save_model` writes: one name a tensor."""
    return {name: value for name, value in state.items() if not name.startswith("transformer.decoder.bbox_embed.")}


def _without_first_names(state: State) -> State:
    return {name: value for name, value in state.items() if not name.startswith("bbox_embed.")}


FORMS: Mapping[str, Callable[[State], Any]] = {
    "official wrapper": official_wrapper,
    "bare": dict,
    "DataParallel": lambda state: official_wrapper(_prefixed(state)),
    "compiled and parallel": _doubly,
    "old entries": lambda state: official_wrapper(_old_entries(state)),
    "aliases left out": _without_aliases,
    "the other aliases left out": _without_first_names,
    "averaged": lambda state: {"model": {n: v + 1 for n, v in state.items()}, "model_ema": state, "epoch": 2},
    "state_dict": lambda state: {"state_dict": state, "meta": {"iter": 3}},
    "parameters": lambda state: {n: torch.nn.Parameter(v) if v.is_floating_point() else v for n, v in state.items()},
    "views of one storage": lambda state: _views(state),
}


def _views(state: State) -> State:
    flat = torch.cat([value.reshape(-1) for value in state.values()])
    parts = flat.split([value.numel() for value in state.values()])
    return {name: part.view(value.shape) for (name, value), part in zip(state.items(), parts, strict=True)}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_weights(
    form: str, worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    torch.save(FORMS[form](state), tmp_path / "a.pth")
    assert_same(stored(do_import(worker, tmp_path / "a.pth", tokenizer)), state)


def test_shared_box_heads_stay_shared(worker: ImportWorker, tokenizer: Path, tmp_path: Path) -> None:
    """A network without box refinement saves its one head under every layer's name."""
    state = dict(tiny_family_model("referformer", box_refinement=False).state_dict())
    torch.save(official_wrapper(state), tmp_path / "a.pth")
    imported = do_import(worker, tmp_path / "a.pth", tokenizer)
    assert load_bundle(imported.folder).config.box_refinement is False
    assert_same(stored(imported), state)


def test_the_form_before_1_6(worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path) -> None:
    torch.save(official_wrapper(state), tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert_same(stored(do_import(worker, tmp_path / "a.pth", tokenizer)), state)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_the_name_of_a_file_says_nothing(
    suffix: str, worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    save_file({name: value.contiguous().clone() for name, value in state.items()}, str(path))
    assert_same(stored(do_import(worker, path, tokenizer)), state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(
    dtype: torch.dtype, worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    other = {name: value.to(dtype) for name, value in state.items()}
    torch.save(other, tmp_path / "a.pth")
    assert_same(stored(do_import(worker, tmp_path / "a.pth", tokenizer)), other)


def test_half_precision_only_if_asked(worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "a.pth")
    found = stored(do_import(worker, tmp_path / "a.pth", tokenizer, half=True))
    assert {value.dtype for value in found.values()} == {torch.float16}
    state = {**state, "query_embed.weight": state["query_embed.weight"] + 1e6}
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"query_embed\.weight that are too large for half precision"):
        do_import(worker, tmp_path / "a.pth", tokenizer, half=True)


@pytest.mark.parametrize("arch", ["referformer", "ifirvos", "r2vos"])
def test_every_system_imports_and_refers(arch: str, worker: ImportWorker, tokenizer: Path, tmp_path: Path) -> None:
    model = tiny_family_model(arch)
    torch.save(official_wrapper(dict(model.state_dict())), tmp_path / "a.pth")
    imported = do_import(worker, tmp_path / "a.pth", tokenizer)
    assert imported.card.arch == arch
    assert imported.card.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert load_bundle(imported.folder).config.to_dict() == tiny_family_config(arch).to_dict()
    engine = load_engine("mine", device="cpu")
    text = engine.encode_text("the man on the left")
    assert text.unknown_words == () and int(text.token_ids[0, 0]) == 0
    assert (engine.card.present_at is not None) == (arch == "r2vos")


def test_what_the_authors_code_no_longer_reads_is_left_out_and_said(
    worker: ImportWorker, tokenizer: Path, tmp_path: Path
) -> None:
    state = dict(tiny_family_model("r2vos").state_dict())
    torch.save(official_wrapper({**state, "negative_anchor.weight": torch.zeros(1, 32)}), tmp_path / "a.pth")
    imported = do_import(worker, tmp_path / "a.pth", tokenizer)
    assert_same(stored(imported), state)
    assert any("negative_anchor.weight is left out" in note for note in imported.notes)


SWINS = {
    "swin": BackboneConfig(
        kind="swin", widths=(8, 16, 32, 64), blocks=(1, 1, 1, 1), heads=(1, 1, 2, 2), window=(7, 7), frozen_stages=0
    ),
    "video_swin": BackboneConfig(
        kind="video_swin",
        widths=(8, 16, 32, 64),
        blocks=(1, 2, 1, 1),
        heads=(1, 1, 2, 2),
        window=(8, 7, 7),
        frozen_stages=0,
    ),
}


@pytest.mark.parametrize("kind", SWINS)
def test_swin_backbones_import_too(kind: str, worker: ImportWorker, tokenizer: Path, tmp_path: Path) -> None:
    model = tiny_family_model("referformer", backbone=SWINS[kind])
    torch.save(official_wrapper(dict(model.state_dict())), tmp_path / "a.pth")
    imported = do_import(worker, tmp_path / "a.pth", tokenizer)
    assert load_bundle(imported.folder).config.backbone == SWINS[kind]
    assert_same(stored(imported), model.state_dict())


def test_the_card_says_what_is_known_and_no_more(
    worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    import hashlib

    path = tmp_path / "ytvos_r50.pth"
    torch.save(official_wrapper(state), path)
    imported = do_import(worker, path, tokenizer, origin="ytvos_r50.pth", licence="MIT")
    card = read_card(imported.folder)
    assert card == imported.card
    assert card.source == "ytvos_r50.pth" and card.licence == "MIT" and not card.bundled
    assert card.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card.measured == {} and card.claimed == {} and "Not measured here" in card.description
    assert card.visible_on == card.visible_off == 0.0, "the papers hide no frame"


def test_a_known_name_must_be_that_network(worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "a.pth")
    request = ImportRequest(Source(tmp_path / "a.pth"), "ifirvos-r50-ytvos", tokenizer=tokenizer)
    with pytest.raises(UserError, match="is a checkpoint of ReferFormer, not of IFIRVOS"):
        import_model(request, worker=worker)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("ifirvos", "is a checkpoint of ReferFormer, not of IFIRVOS"),
        ("isvos-mini", "is a checkpoint of ReferFormer, not of ISVOS"),
        ("referformer-r50", "does not fit referformer-r50"),
        ("referformer-r5", "Did you mean 'referformer-r50'"),
    ],
)
def test_another_network_than_asked_is_named(
    wanted: str, message: str, worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=message):
        do_import(worker, tmp_path / "a.pth", tokenizer, arch=wanted)


def test_a_model_of_our_own_moves_with_its_configuration(
    worker: ImportWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text encoder has heads that no rule would guess, and a list of words."""
    from helpers_cli import write_tiny_model

    source = write_tiny_model(tmp_path / "tiny")
    imported = import_model(ImportRequest(find_source(source), "moved"), worker=worker)
    before, after = load_bundle(source), load_bundle(imported.folder)
    assert after.config == before.config and isinstance(after.tokenizer, WordTokenizer)
    assert after.card.window == before.card.window and after.card.name == "moved"
    assert_same(after.model.state_dict(), before.model.state_dict())


def test_a_model_without_text_needs_no_tokeniser(worker: ImportWorker, tmp_path: Path) -> None:
    from rvos_core.models.architectures import configuration

    entry, config = configuration("isvos-mini")
    state = entry.build(config).state_dict()
    torch.save({"model": state}, tmp_path / "a.pth")
    imported = do_import(worker, tmp_path / "a.pth", None)
    bundle = load_bundle(imported.folder)
    assert bundle.config == config and bundle.tokenizer is None
    with pytest.raises(UserError, match="does not read expressions"):
        load_engine("mine", device="cpu")


@pytest.mark.parametrize("content", ["folder of files", "vocab beside the checkpoint"])
def test_a_tokeniser_beside_the_checkpoint_is_found(
    content: str, worker: ImportWorker, state: State, tmp_path: Path
) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    torch.save(state, folder / "pytorch_model.bin")
    write_byte_level_tokenizer(folder if content.startswith("folder") else folder / "tokenizer.json")
    assert do_import(worker, folder, None).card.arch == "referformer"


def test_without_a_tokeniser_it_says_which_one(worker: ImportWorker, state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=f"one with {VOCABULARY} tokens"):
        do_import(worker, tmp_path / "a.pth", None)
    WordTokenizer.from_words(f"w{index}" for index in range(VOCABULARY)).save(tmp_path / "large.json")
    with pytest.raises(UserError, match=f"has {VOCABULARY + 4} tokens, the text encoder"):
        do_import(worker, tmp_path / "a.pth", tmp_path / "large.json")


def test_roberta_is_asked_for_only_where_it_fits(
    worker: ImportWorker, tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its vocabulary shrunk to ours, the question comes; the answer decides."""
    monkeypatch.setattr(importing, "ROBERTA_TOKENS", VOCABULARY)
    torch.save(tiny_family_model("ifirvos").state_dict(), tmp_path / "a.pth")
    asked: list[Path | None] = []

    def answer(path: Path | None) -> Callable[[], Path | None]:
        return lambda: asked.append(path) or path  # type: ignore[func-returns-value]

    with pytest.raises(UserError, match="it needs roberta-base's"):
        do_import(worker, tmp_path / "a.pth", None, find_roberta=answer(None))
    do_import(worker, tmp_path / "a.pth", None, find_roberta=answer(tokenizer))
    do_import(worker, tmp_path / "a.pth", tokenizer, find_roberta=answer(None))
    assert asked == [None, tokenizer]


def _full_disk(part: Path) -> Path:
    return Path("/dev/full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_leaves_the_old_weights(
    worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(state, tmp_path / "a.pth")
    do_import(worker, tmp_path / "a.pth", tokenizer)
    before = {path.name: path.read_bytes() for path in (store_dir() / "mine").iterdir()}
    torch.save({name: value + 1 for name, value in state.items()}, tmp_path / "a.pth")
    with monkeypatch.context() as patch:
        patch.setattr(importing, "_weights_path", _full_disk)
        with pytest.raises(UserError, match="the disk is full"):
            do_import(worker, tmp_path / "a.pth", tokenizer)
    for spoiler in ("write_card", "_tokenizer"):
        with monkeypatch.context() as patch:
            patch.setattr(importing, spoiler, _fails_for_lack_of_space)
            with pytest.raises(UserError, match="the disk is full"):
                do_import(worker, tmp_path / "a.pth", tokenizer)
    assert {path.name: path.read_bytes() for path in (store_dir() / "mine").iterdir()} == before
    assert [path.name for path in store_dir().iterdir()] == ["mine"]


def _fails_for_lack_of_space(*arguments: object) -> None:
    import errno

    raise write_error(Path("x"), OSError(errno.ENOSPC, "full"))


def test_cancel_leaves_nothing_and_the_worker_starts_again(
    worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "a.pth")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        import_model(
            ImportRequest(Source(tmp_path / "a.pth"), "mine", tokenizer=tokenizer), worker=worker, cancel=cancel
        )
    assert not list(store_dir().iterdir())
    assert do_import(worker, tmp_path / "a.pth", tokenizer).card.name == "mine"


def test_a_new_import_replaces_the_old(worker: ImportWorker, state: State, tokenizer: Path, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "a.pth")
    do_import(worker, tmp_path / "a.pth", tokenizer)
    other = {name: value + 1 for name, value in state.items()}
    torch.save(other, tmp_path / "a.pth")
    assert_same(stored(do_import(worker, tmp_path / "a.pth", tokenizer)), other)


def test_only_checking_writes_nothing(worker: ImportWorker, state: State, tmp_path: Path) -> None:
    torch.save(official_wrapper(state), tmp_path / "a.pth")
    result = worker.convert(Job(str(tmp_path / "a.pth")))
    assert result["precision"] == "float32" and result["kind"] == "torch"
    assert [path.name for path in tmp_path.iterdir() if path.name != "log"] == ["a.pth"]
