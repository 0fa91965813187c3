"""Swin against Hugging Face's implementation of it, by name, and its promises at any size."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rvos_core.models.blocks.shifted_windows import (
    DropPath,
    Extent,
    Partition,
    WindowAttention,
    drop_path_rates,
    fitted_partition,
    padded_partition,
    relative_position_rows,
)
from rvos_core.models.blocks.swin import Swin
from rvos_core.models.configs import BackboneConfig

WIDTHS, BLOCKS, HEADS = (12, 24, 48, 96), (2, 1, 3, 2), (2, 3, 4, 6)


def scatter(network: nn.Module, *, seed: int = 0) -> nn.Module:
    """Moves every weight, so that no bias, norm or table is silent as after initialisation."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return network.eval()


def small_config(**changes: Any) -> BackboneConfig:
    config = BackboneConfig(kind="swin", widths=WIDTHS, blocks=BLOCKS, heads=HEADS, window=(7, 7), frozen_stages=0)
    return dataclasses.replace(config, **changes)


def from_hugging_face(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names (the authors' detection code's) for the state dict of transformers' `SwinBackbone`."""
    renamings = (
        (r"^swin\.embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
        (r"^swin\.embeddings\.norm\.", "patch_embed.norm."),
        (r"^swin\.encoder\.", ""),
        (r"^hidden_states_norms\.stage([1-4])\.", lambda found: f"norm{int(found[1]) - 1}."),
        (r"layernorm_before\.", "norm1."),
        (r"layernorm_after\.", "norm2."),
        (r"attention\.relative_position_bias\.", "attn."),
        (r"attention\.o_proj\.", "attn.proj."),
    )
    ours, separate = {}, {}
    for name, value in weights.items():
        for pattern, becomes in renamings:
            name = re.sub(pattern, becomes, name)
        if found := re.match(r"(.*)attention\.([qkv])_proj\.(weight|bias)", name):
            separate[found[1], found[3], found[2]] = value
        elif not name.startswith("swin.layernorm."):  # of the classifier, which a backbone does not use
            ours[name] = value
    for block, kind in {key[:2] for key in separate}:
        ours[f"{block}attn.qkv.{kind}"] = torch.cat([separate[block, kind, letter] for letter in "qkv"])
    return ours


@pytest.mark.parametrize("size", [(224, 224), (45, 61), (90, 122), (9, 250), (30, 17)])
def test_swin_equals_hugging_faces_by_name(size: tuple[int, int]) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = scatter(
        transformers.SwinBackbone(
            transformers.SwinConfig(
                embed_dim=WIDTHS[0], depths=BLOCKS, num_heads=HEADS, window_size=7, drop_path_rate=0.0,
                out_features=["stage1", "stage2", "stage3", "stage4"],
            )
        )
    )  # fmt: skip
    ours = Swin(small_config()).eval()
    ours.load_state_dict(from_hugging_face(theirs.state_dict()))
    frames = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected, maps = theirs(frames).feature_maps, ours(frames)
    assert len(maps) == 4
    for stage, (map_, wanted) in enumerate(zip(maps, expected, strict=True)):
        assert map_.shape == wanted.shape == (2, WIDTHS[stage], *(-(-side // 4 // 2**stage) for side in size))
        torch.testing.assert_close(map_, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def test_state_dict_has_the_names_of_public_checkpoints() -> None:
    names = set(Swin(small_config()).state_dict())
    block = {
        *(f"norm{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")),
        "attn.relative_position_bias_table",
        *(f"attn.{layer}.{kind}" for layer in ("qkv", "proj") for kind in ("weight", "bias")),
        *(f"mlp.fc{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")),
    }
    expected = {f"patch_embed.{layer}.{kind}" for layer in ("proj", "norm") for kind in ("weight", "bias")}
    for stage, depth in enumerate(BLOCKS):
        expected |= {f"layers.{stage}.blocks.{index}.{name}" for index in range(depth) for name in block}
        expected |= {f"norm{stage}.weight", f"norm{stage}.bias"}
        if stage < 3:
            merging = ("norm.weight", "norm.bias", "reduction.weight")
            expected |= {f"layers.{stage}.downsample.{name}" for name in merging}
    assert names == expected


def test_index_tables_of_checkpoints_are_read_and_not_kept() -> None:
    attention = WindowAttention(8, heads=2, window=(1, 3, 3))
    weights = attention.state_dict() | {"relative_position_index": torch.zeros(9, 9, dtype=torch.int64)}
    attention.load_state_dict(weights)
    assert "relative_position_index" not in attention.state_dict()


def test_batched_equals_single() -> None:
    swin, frames = scatter(Swin(small_config())), torch.randn(3, 3, 50, 70)
    with torch.no_grad():
        together = swin(frames)
        for index in range(3):
            for whole, single in zip(together, swin(frames[index : index + 1]), strict=True):
                torch.testing.assert_close(whole[index], single[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frozen_stages", [0, 2])
def test_gradients_reach_every_trainable_parameter(frozen_stages: int) -> None:
    swin = scatter(Swin(small_config(frozen_stages=frozen_stages))).train()
    sum(map_.square().mean() for map_ in swin(torch.randn(1, 3, 66, 58))).backward()
    frozen = {name for name, parameter in swin.named_parameters() if not parameter.requires_grad}
    assert {name.split(".")[0] for name in frozen} == ({"patch_embed", "layers"} if frozen_stages else set())
    assert all(name.startswith(("patch_embed.", "layers.0.")) for name in frozen)
    silent = {name for name, p in swin.named_parameters() if p.grad is None or not p.grad.any()} - frozen
    assert not silent


def test_small_steps_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    swin, frames = scatter(Swin(small_config())), torch.randn(1, 3, 90, 122)
    with torch.no_grad():
        whole = swin(frames)
        monkeypatch.setattr("rvos_core.models.blocks.shifted_windows._SCORES_A_STEP", 3 * 2 * 49**2)
        monkeypatch.setattr("rvos_core.models.blocks.shifted_windows._TOKENS_A_STEP", 50)
        for one, stepped in zip(whole, swin(frames), strict=True):
            torch.testing.assert_close(stepped, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "window", "shift"),
    [((1, 7, 9), (1, 3, 4), (0, 1, 2)), ((5, 6, 6), (2, 3, 3), (1, 1, 1)), ((2, 2, 3), (4, 5, 3), (0, 0, 0))],
)
def test_a_cut_map_comes_back_whole(size: Extent, window: Extent, shift: Extent) -> None:
    partition, x = Partition(size, window, shift), torch.randn(2, *size, 3)
    windows = partition.split(x)
    t, h, w = partition.counts
    assert windows.shape == (2, t * h * w, window[0] * window[1] * window[2], 3)
    assert torch.equal(partition.join(windows), x)


def test_windows_fit_the_map_in_video_only() -> None:
    assert fitted_partition((3, 20, 7), (8, 7, 7), (4, 3, 3)) == Partition((3, 20, 7), (3, 7, 7), (0, 3, 0))
    assert padded_partition((1, 5, 20), (1, 7, 7), (0, 3, 3)) == Partition((1, 5, 20), (1, 7, 7), (0, 3, 3))


def test_offsets_share_a_row_exactly_when_they_are_equal() -> None:
    window = (2, 3, 4)
    rows = relative_position_rows(window)
    seen: dict[tuple[int, ...], int] = {}
    places = [(t, h, w) for t in range(2) for h in range(3) for w in range(4)]
    for i, query in enumerate(places):
        for j, key in enumerate(places):
            offset = tuple(a - b for a, b in zip(query, key, strict=True))
            assert seen.setdefault(offset, int(rows[i, j])) == rows[i, j]
    assert sorted(seen.values()) == list(range(3 * 5 * 7))
    assert [row for _, row in sorted(seen.items())] == list(range(3 * 5 * 7))


def test_drop_path_leaves_the_mean_and_drops_whole_samples() -> None:
    torch.manual_seed(0)
    drop, ones = DropPath(0.25).train(), torch.ones(4000, 2, 3)
    dropped = drop(ones)
    values = dropped[:, 0, 0]
    assert torch.equal(dropped, values[:, None, None].expand(-1, 2, 3))
    assert sorted(set(values.tolist())) == [0.0, pytest.approx(4 / 3)]
    assert float(values.mean()) == pytest.approx(1.0, abs=0.05)
    assert torch.equal(drop.eval()(ones), ones)


def test_drop_path_rises_evenly_over_all_blocks() -> None:
    assert drop_path_rates((2, 1, 2), last=0.4) == [[0.0, pytest.approx(0.1)], [0.2], [pytest.approx(0.3), 0.4]]
    assert drop_path_rates((1,), last=0.4) == [[0.0]]
