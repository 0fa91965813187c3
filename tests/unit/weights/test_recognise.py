"""Every published network is recognised by its names and shapes alone, and the official key lists are among them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import SwinBackbone, SwinConfig

from helpers_checkpoints import tiny_family_config, tiny_family_model
from helpers_data import REPOSITORY
from rvos_core.errors import UserError
from rvos_core.models.architectures import ARCHITECTURES, architecture, configuration
from rvos_core.models.blocks.swin import Swin
from rvos_core.models.configs import BackboneConfig
from rvos_core.weights.families import foreign_title, system_of
from rvos_core.weights.known import KNOWN, known_checkpoint
from rvos_core.weights.naming import is_derived, joined_name, our_name
from rvos_core.weights.recognise import recognise
from rvos_core.weights.strict import expected_shapes, fit, renamed, shapes_of

PUBLISHED = [(entry.name, name) for entry in ARCHITECTURES.values() for name in entry.configurations]
HERE = Path("checkpoint.pth")


@pytest.mark.parametrize(("arch", "name"), PUBLISHED)
def test_a_published_network_is_recognised_by_its_shapes(arch: str, name: str) -> None:
    config = configuration(name)[1]
    found = recognise(expected_shapes(arch, config), path=HERE)
    assert (found.arch, found.published, found.config) == (arch, name, config)


@pytest.mark.parametrize("file", sorted((REPOSITORY / "tests" / "golden").glob("*_keys.json.gz")), ids=lambda p: p.name)
@pytest.mark.parametrize("size", ["small", "full"])
def test_the_official_key_lists_are_recognised_and_complete(file: Path, size: str) -> None:
    official = json.loads(gzip.decompress(file.read_bytes()))
    shapes = {name: tuple(shape) for name, shape in official[size]["shapes"].items()}
    found = recognise(shapes, path=HERE)
    assert found.arch == official["model"]
    assert expected_shapes(found.arch, found.config) == shapes
    if size == "full":
        assert found.published == f"{official['model']}-r50"


SWITCHES: list[tuple[str, dict[str, Any]]] = [
    ("referformer", {"classes": 65}),
    ("referformer", {"relative_coordinates": False}),
    ("referformer", {"box_refinement": False}),
    ("referformer", {"vision_language": False}),
    ("referformer", {"fpn_block_strides": ()}),
    ("referformer", {"consensus": True, "consensus_layers": 2, "consensus_ffn": 24}),
    ("referformer", {"dynamic_channels": 4, "queries": 7, "levels": 3, "points": 2}),
    ("ifirvos", {"fusion": "attention_ffn"}),
    ("ifirvos", {"inter_frame": False}),
    ("ifirvos", {"share_ifi": False}),
    ("ifirvos", {"consensus": True}),
    ("r2vos", {"query_mix": False}),
    ("r2vos", {"consensus": False}),
    ("r2vos", {"early_grounding": False}),
    ("r2vos", {"text_kernels": 5}),
]


@pytest.mark.parametrize(("arch", "changes"), SWITCHES, ids=lambda value: str(value))
def test_every_switch_that_changes_weights_is_read_off_them(arch: str, changes: dict[str, Any]) -> None:
    config = tiny_family_config(arch, **changes)
    found = recognise(expected_shapes(arch, config), path=HERE)
    assert found.arch == arch and found.config.to_dict() == config.to_dict()
    assert len(found.notes) == 2, "two numbers of heads had to be assumed"


def test_options_of_the_training_script_say_what_shapes_do_not() -> None:
    config = tiny_family_config("ifirvos", heads=4, points=2)
    found = recognise(expected_shapes("ifirvos", config), path=HERE, arguments={"nheads": 4, "text_heads": 4})
    assert found.config.to_dict() == config.to_dict() and found.notes == ()


def test_a_skeleton_is_the_network() -> None:
    """It is built without drawing; names, shapes and shared entries are those of the real one."""
    for arch in ("referformer", "r2vos"):
        model = tiny_family_model(arch)
        real = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        assert dict(expected_shapes(arch, tiny_family_config(arch))) == real


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["model.pixel_level_module.decoder.mask_projection.weight", "class_predictor.weight"], "Mask2Former"),
        (["sem_seg_head.pixel_decoder.mask_features.weight"], "Mask2Former"),
        (["memory_attention.layers.0.norm1.weight"], "SAM 2"),
        (["transformer.encoder.layers.0.self_attn.sampling_offsets.weight"], "Deformable DETR"),
        (["transformer.encoder.layers.0.self_attn.in_proj_weight", "query_embed.weight"], "a DETR"),
        (["key_proj.key_proj.weight", "value_encoder.conv1.weight"], "memory network"),
        (["roberta.embeddings.word_embeddings.weight"], "RoBERTa"),
        (["layers.0.blocks.0.attn.qkv.weight"], "Swin"),
        (["layer1.0.conv1.weight", "layer4.0.conv1.weight"], "ResNet"),
        (["a.b", "c.d"], "not known here"),
    ],
)
def test_others_are_called_by_their_names(names: list[str], title: str) -> None:
    assert system_of(names) is None
    assert title in foreign_title(names)


def test_another_published_network_than_asked_is_named() -> None:
    shapes = expected_shapes("referformer", configuration("referformer-r101")[1])
    with pytest.raises(UserError, match="is a checkpoint of referformer-r101, not of referformer-r50"):
        recognise(shapes, path=HERE, wanted="referformer-r50")
    assert recognise(shapes, path=HERE, wanted="referformer").published == "referformer-r101"


def _as_before_5(name: str) -> str:
    """How transformers spelled its Swin before version 5, as checkpoints on the hub still do."""
    for now, then in (
        ("attention.q_proj", "attention.self.query"),
        ("attention.k_proj", "attention.self.key"),
        ("attention.v_proj", "attention.self.value"),
        ("attention.o_proj", "attention.output.dense"),
        ("attention.relative_position_bias.", "attention.self."),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ):
        name = name.replace(now, then)
    return name.removeprefix("swin.")


@pytest.mark.parametrize("spelling", [str, _as_before_5])
def test_a_swin_in_the_spellings_of_transformers_gives_the_same_maps(spelling: Callable[[str], str]) -> None:
    """Random weights, carried over by name: query, key and value come apart there."""
    torch.manual_seed(0)
    stages = ["stage1", "stage2", "stage3", "stage4"]
    theirs = SwinBackbone(
        SwinConfig(embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4], drop_path_rate=0.0, out_features=stages)
    ).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    spelled = {f"backbone.0.body.{spelling(name)}": value for name, value in theirs.state_dict().items()}
    config = BackboneConfig(
        kind="swin", widths=(16, 32, 64, 128), blocks=(1, 1, 1, 1), heads=(1, 2, 2, 4), window=(7, 7), frozen_stages=0
    )
    ours = Swin(config).eval()
    entries = renamed(spelled, HERE).items()
    ours.load_state_dict({name.removeprefix("backbone.0.body."): entry.value(torch.float32) for name, entry in entries})
    frames = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for mine, other in zip(ours(frames), theirs(frames).feature_maps, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_an_instance_branch_in_the_spelling_of_mask2former_fits_isvos() -> None:
    config = configuration("isvos-r50")[1]
    shapes = expected_shapes("isvos", config)
    theirs = {
        "instance.pixel_decoder.": "model.pixel_level_module.decoder.",
        "instance.transformer_module.": "model.transformer_module.",
        "instance.class_predictor.": "class_predictor.",
    }

    def spelled(name: str) -> str:
        prefix = next((ours for ours in theirs if name.startswith(ours)), "")
        return theirs[prefix] + name.removeprefix(prefix) if prefix else name

    tensors = {spelled(name): torch.zeros(1).expand(shape) for name, shape in shapes.items()}
    assert tensors.keys() != shapes.keys()
    assert shapes_of(renamed(tensors, HERE)) == shapes
    assert recognise(shapes_of(renamed(tensors, HERE)), path=HERE).published == "isvos-r50"


def test_names_that_are_ours_stay() -> None:
    for arch in ARCHITECTURES:
        for make in architecture(arch).configurations.values():
            for name in expected_shapes(arch, make()):
                assert our_name(name) == name and joined_name(name) is None and not is_derived(name)
            break


def test_a_joined_matrix_must_be_whole() -> None:
    prefix = "backbone.0.body.encoder.layers.0.blocks.0.attention.self."
    with pytest.raises(UserError, match=r"only a part of backbone\.0\.body\.layers\.0\.blocks\.0\.attn\.qkv\.weight"):
        renamed({f"{prefix}query.weight": torch.zeros(2, 2), f"{prefix}key.weight": torch.zeros(2, 2)}, HERE)


def test_half_a_checkpoint_names_what_is_missing() -> None:
    state = tiny_family_model("ifirvos").state_dict()
    entries = renamed({name: value for name, value in state.items() if "pixel_decoder.layer" not in name}, HERE)
    found = recognise(shapes_of(entries), path=HERE)
    with pytest.raises(UserError, match=r"lacks pixel_decoder\.layer_1\.norm\.bias, .* and 7 more"):
        fit(entries, found, HERE)


@pytest.mark.parametrize("name", KNOWN)
def test_known_checkpoints_are_described_in_full(name: str) -> None:
    entry = known_checkpoint(name)
    arch, _ = configuration(entry.configuration)
    assert name.startswith(f"{arch.name}-") and entry.page.startswith("https://") and entry.where
    assert entry.claimed, "what its paper claims"
    for figures in entry.claimed.values():
        assert figures["table"] and all(0 <= value <= 100 for key, value in figures.items() if key != "table")
        if "jf" in figures and name != "referformer-video-swin-t-joint":  # printed so in the paper: (59.9 + 63.3) / 2
            assert abs(figures["jf"] - (figures["J"] + figures["F"]) / 2) <= 0.1001


def test_the_papers_figures_are_typed_as_printed() -> None:
    claimed = known_checkpoint("ifirvos-r50-ytvos").claimed
    assert claimed["ref-youtube-vos"] == {"jf": 59.9, "J": 58.4, "F": 61.4, "table": "IFIRVOS, table 1"}
    assert known_checkpoint("r2vos-r50-ytvos").claimed["r2-youtube-vos"]["R"] == 94.1
    assert known_checkpoint("referformer-video-swin-b-a2d").claimed["a2d-sentences"]["mAP"] == 55.0
    with pytest.raises(UserError, match="Did you mean 'r2vos-r50-ytvos'"):
        known_checkpoint("r2vos-r50")
