"""Configurations: sizes as published, JSON both ways, clear errors."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.models.configs import (
    BackboneConfig,
    IfirvosConfig,
    ReferformerConfig,
    TextConfig,
    ifirvos_mini_config,
    ifirvos_r50_config,
)
from rvos_core.models.ifirvos import Ifirvos

PAPER_PARAMETERS = 177_906_239  # released checkpoint, aliases counted once
PAPER_TRAINABLE = 53_038_207  # text encoder, conv1 and layer1 frozen
FP16_LIMIT_BYTES = 14_000_000


def test_r50_has_the_published_numbers_of_parameters() -> None:
    with torch.device("meta"):
        parameters = list(Ifirvos(ifirvos_r50_config()).parameters())
    assert sum(p.numel() for p in parameters if p.requires_grad) == PAPER_TRAINABLE
    assert sum(p.numel() for p in parameters) == PAPER_PARAMETERS


def test_mini_fits_its_file() -> None:
    with torch.device("meta"):
        model = Ifirvos(ifirvos_mini_config(400))
    count = sum(p.numel() for p in model.parameters())
    assert 5_000_000 <= count <= 6_800_000
    assert 2 * count <= FP16_LIMIT_BYTES
    assert all(p.requires_grad for p in model.parameters())


@settings(max_examples=50, deadline=None)
@given(
    config=st.builds(
        IfirvosConfig,
        backbone=st.builds(BackboneConfig, kind=st.sampled_from(["resnet50", "residual"])),
        text=st.builds(TextConfig, vocab_size=st.integers(8, 60000), pooler=st.booleans()),
        hidden=st.sampled_from([64, 128, 256]),
        fpn_block_strides=st.sets(st.sampled_from([4, 8, 16, 32])).map(tuple),
        gate_bias_init=st.floats(0, 1),
        fusion=st.sampled_from(["multiply", "attention_ffn"]),
        vewl_text=st.sampled_from(["fixed", "dynamic"]),
        vision_language=st.booleans(),
        share_ifi=st.booleans(),
    )
)
def test_json_round_trip(config: IfirvosConfig) -> None:
    assert IfirvosConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("build", [ifirvos_r50_config, lambda: ifirvos_mini_config(400)])
def test_named_configurations_survive_json(build: Any) -> None:
    assert IfirvosConfig.from_dict(json.loads(json.dumps(build().to_dict()))) == build()


def test_missing_keys_take_their_default() -> None:
    assert IfirvosConfig.from_dict({"hidden": 64}) == IfirvosConfig(hidden=64)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"hiden": 64}, "'hiden'"),
        ({"text": {"vocab": 3}}, "'vocab'"),
        ({"fusion": "add"}, "'add'"),
        ({"hidden": "64"}, "'hidden'"),
        ({"hidden": True}, "'hidden'"),
        ({"inter_frame": 1}, "'inter_frame'"),
        ({"backbone": [1]}, "'backbone'"),
        ({"backbone": {"widths": [1, 2, 3]}}, "'widths'"),
        ({"dropout": None}, "'dropout'"),
    ],
)
def test_bad_values_are_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        IfirvosConfig.from_dict(values)


@pytest.mark.parametrize("wrong", [{"hidden": 100}, {"levels": 2}, {"fpn_block_strides": (2,)}])
def test_impossible_networks_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        IfirvosConfig(**wrong)


def test_longest_expression_follows_from_the_position_table() -> None:
    assert ifirvos_r50_config().text.max_tokens == 512
    assert dataclasses.replace(ifirvos_r50_config().text, positions=40).max_tokens == 38


@pytest.mark.parametrize(
    ("part", "change"),
    [("", {"heads": 0}), ("", {"queries": -1}), ("", {"hidden": 0}), ("text", {"heads": 0}), ("text", {"heads": 3})],
)
def test_impossible_numbers_are_refused(part: str, change: dict[str, int]) -> None:
    values = ifirvos_mini_config(vocab_size=50).to_dict()
    (values[part] if part else values).update(change)
    with pytest.raises(ValueError, match=next(iter(change))):
        IfirvosConfig.from_dict(values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "swin"},
        {"kind": "swin", "heads": (3, 6, 12, 24), "window": (8, 7, 7)},
        {"kind": "video_swin", "heads": (3, 6, 12, 24), "window": (7, 7)},
        {"kind": "swin", "heads": (3, 6), "window": (7, 7)},
        {"kind": "resnet50", "window": (7, 7)},
    ],
)
def test_a_backbone_has_the_windows_and_heads_of_its_kind(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="do not fit the backbone"):
        BackboneConfig(**wrong)


def test_only_video_swin_looks_at_whole_clips() -> None:
    three = BackboneConfig(kind="video_swin", heads=(1, 1, 1, 1), window=(8, 7, 7))
    assert not three.frames_on_their_own
    assert BackboneConfig(kind="swin", heads=(1, 1, 1, 1), window=(7, 7)).frames_on_their_own


def test_a_sentence_from_the_pooler_wants_a_pooler() -> None:
    with pytest.raises(ValueError, match="pooler"):
        ReferformerConfig(text=TextConfig(pooler=False))
