"""Every equation of ISVOS against plain loops over numbers (helpers/isvos_small.py), which share no code with it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from isvos_small import (
    MINI_LIKE,
    PAPER_LIKE,
    numbers,
    plain_conv,
    plain_resize,
    plain_sample,
    sigmoid,
    tiny,
)
from rvos_core.models.blocks.cbam import Cbam, ResidualBlock
from rvos_core.models.blocks.mask2former_decoder import MaskedAttentionLayer
from rvos_core.models.blocks.mask2former_pixel_decoder import PlainPixelDecoder
from rvos_core.models.blocks.memory_reading import aggregate, key_columns, largest, query_rows, read_memory
from rvos_core.models.blocks.multi_path_fusion import MultiPathFusion
from rvos_core.models.isvos import merge


def close(ours: torch.Tensor, plain: np.ndarray) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), plain, atol=2e-5, rtol=2e-4)


def shake(module: torch.nn.Module, *, seed: int = 1) -> None:
    """Give every parameter a value of its own: nothing may hide behind zeros and ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def test_equation_1_masked_attention() -> None:
    torch.manual_seed(0)
    config = PAPER_LIKE.instance
    layer = MaskedAttentionLayer(config).eval()
    x, positions = torch.randn(1, 4, 16), torch.randn(4, 16)
    level, codes = torch.randn(1, 6, 16), torch.randn(1, 6, 16)
    outside = torch.rand(1, 4, 6) < 0.5
    outside[..., 2] = False
    with torch.no_grad():
        blocked = outside.repeat_interleave(config.heads, dim=0)
        ours = layer.cross_attn(x + positions, level + codes, level, attn_mask=blocked)[0] + x  # eq. 1 as it stands
        whole = layer(x, positions, level=level, codes=codes, outside=outside)
    w = numbers(layer)
    query_side = (x + positions)[0].double().numpy()
    key_side, value_side = (level + codes)[0].double().numpy(), level[0].double().numpy()
    q_w, k_w, v_w = np.split(w["cross_attn.in_proj_weight"], 3)
    q_b, k_b, v_b = np.split(w["cross_attn.in_proj_bias"], 3)
    width = 16 // config.heads
    plain = np.zeros((4, 16))
    for i in range(4):
        heads = []
        for head in range(config.heads):
            rows = slice(head * width, (head + 1) * width)
            query = q_w[rows] @ query_side[i] + q_b[rows]
            scores = np.full(6, -np.inf)  # M of eq. 1: 0 inside, minus infinity outside
            for j in range(6):
                if not outside[0, i, j]:
                    scores[j] = query @ (k_w[rows] @ key_side[j] + k_b[rows]) / math.sqrt(width)
            weights = np.exp(scores - scores.max())
            weights /= weights.sum()
            heads.append(sum(weights[j] * (v_w[rows] @ value_side[j] + v_b[rows]) for j in range(6)))
        plain[i] = w["cross_attn.out_proj.weight"] @ np.concatenate(heads) + w["cross_attn.out_proj.bias"]
    close(ours[0], plain + x[0].double().numpy())
    assert whole.shape == x.shape
    moved = level.clone()
    moved[0, outside[0, 0]] += 100.0  # cells outside the first query's mask
    with torch.no_grad():
        first = layer.cross_attn(x + positions, moved + codes, moved, attn_mask=blocked)[0][0, 0]
        close(first, plain[0])


@pytest.mark.parametrize("agreement", ["plain", "centred"])
def test_equation_2_enhanced_keys(agreement: str) -> None:
    encoder = tiny(PAPER_LIKE, agreement=agreement).key_encoder
    shake(encoder)
    features, queries = torch.randn(1, 24, 4, 5), torch.randn(1, 6, 16)
    with torch.no_grad():
        ours = encoder(features, queries)
    w = numbers(encoder)
    image = plain_conv(features[0].double().numpy(), w["image.weight"], w["image.bias"])
    value = (
        np.einsum("oc,chw->ohw", w["attention.value_proj.weight"], image)
        + w["attention.value_proj.bias"][:, None, None]
    )
    heads, points, h, w_cells = 2, 2, 4, 5
    maps = []
    for query in queries[0].double().numpy():
        reference = sigmoid(w["reference_points.weight"] @ query + w["reference_points.bias"])
        offsets = w["attention.sampling_offsets.weight"] @ query + w["attention.sampling_offsets.bias"]
        offsets = offsets.reshape(heads, points, 2)
        scores = (w["attention.attention_weights.weight"] @ query + w["attention.attention_weights.bias"]).reshape(
            heads, points
        )
        read = []
        for head in range(heads):
            weights = np.exp(scores[head]) / np.exp(scores[head]).sum()
            part = value[head * 8 : (head + 1) * 8]
            places = [(reference[0] + dx / w_cells, reference[1] + dy / h) for dx, dy in offsets[head]]
            read.append(sum(weight * plain_sample(part, place) for weight, place in zip(weights, places, strict=True)))
        informed = w["attention.output_proj.weight"] @ np.concatenate(read) + w["attention.output_proj.bias"]
        dots = np.array([[informed @ image[:, i, j] for j in range(w_cells)] for i in range(h)])
        maps.append(sigmoid(dots if agreement == "plain" else (dots - dots.mean()) / math.sqrt(16)))
    joined = np.concatenate([image, np.stack(maps)])
    close(ours[0], plain_conv(joined, w["projection.weight"], w["projection.bias"]))


def test_equation_3_affinity_and_readout() -> None:
    generator = np.random.default_rng(0)
    keys, query = generator.normal(size=(3, 7)), generator.normal(size=(3, 4))
    values = generator.normal(size=(2, 5, 7))  # of two objects
    plain = np.zeros((2, 5, 4))
    for j in range(4):
        scores = [-sum((keys[c, i] - query[c, j]) ** 2 for c in range(3)) / math.sqrt(3) for i in range(7)]
        total = sum(math.exp(s) for s in scores)
        for i in range(7):
            plain[:, :, j] += math.exp(scores[i]) / total * values[:, :, i]
    ours = read_memory(
        torch.tensor(keys)[None].float(),
        torch.tensor(values)[None].float(),
        torch.tensor(query).view(1, 3, 2, 2).float(),
    )
    close(ours[0].flatten(2), plain)


def test_equation_3_with_the_nearest_positions_only() -> None:
    generator = np.random.default_rng(1)
    keys, query, values = generator.normal(size=(3, 9)), generator.normal(size=(3, 4)), generator.normal(size=(2, 5, 9))
    plain = np.zeros((2, 5, 4))
    for j in range(4):
        scores = {i: -((keys[:, i] - query[:, j]) ** 2).sum() / math.sqrt(3) for i in range(9)}
        best = sorted(scores, key=lambda i: -scores[i])[:2]
        total = sum(math.exp(scores[i]) for i in best)
        for i in best:
            plain[:, :, j] += math.exp(scores[i]) / total * values[:, :, i]
    arguments = [torch.tensor(x)[None].float() for x in (keys, values)] + [torch.tensor(query).view(1, 3, 2, 2).float()]
    close(read_memory(*arguments, top_k=2)[0].flatten(2), plain)
    close(read_memory(*arguments, top_k=9)[0].flatten(2), read_memory(*arguments)[0].flatten(2).numpy())
    close(read_memory(*arguments, top_k=50)[0].flatten(2), read_memory(*arguments)[0].flatten(2).numpy())


def test_memory_reading_by_hand() -> None:
    keys = torch.tensor([[[0.0, 10.0, 20.0]]])  # one channel, three positions
    values = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    assert read_memory(keys, values, torch.tensor([[[[0.0, 20.0]]]])).flatten().tolist() == pytest.approx([1.0, 3.0])
    assert (query_rows(torch.tensor([[[3.0]]])) @ key_columns(keys)).flatten().tolist() == pytest.approx(
        [-9.0, -49.0, -289.0]
    )
    halfway = read_memory(keys, values, torch.tensor([[[[5.0]]]]))  # as near to the first as to the second
    assert halfway.item() == pytest.approx(1.5)
    assert read_memory(keys, values, torch.tensor([[[[14.0]]]]), top_k=1).item() == pytest.approx(2.0)
    four = torch.tensor([[[3.0]] * 4])  # four channels: the distance is halved
    assert (query_rows(four) @ key_columns(torch.zeros(1, 4, 1))).item() == pytest.approx(-4 * 9 / 2)


def test_large_keys_do_not_overflow() -> None:
    keys, values = 1e4 * torch.randn(1, 8, 30), torch.randn(1, 2, 4, 30)
    readout = read_memory(keys, values, keys[:, :, :6].reshape(1, 8, 2, 3), top_k=5)
    torch.testing.assert_close(readout.flatten(3), values[..., :6], atol=1e-4, rtol=1e-4)


def test_reading_in_steps_is_reading_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keys, values, query = torch.randn(2, 4, 31), torch.randn(2, 3, 5, 31), torch.randn(2, 4, 5, 6)
    whole = read_memory(keys, values, query, top_k=4)
    monkeypatch.setattr("rvos_core.models.blocks.memory_reading._AFFINITIES_A_STEP", 200)
    with torch.no_grad():
        torch.testing.assert_close(read_memory(keys, values, query, top_k=4), whole)


@pytest.mark.parametrize("length", [21, 336, 337, 351, 352, 800, 4099])
def test_the_largest_of_many_are_those_that_topk_finds(length: int) -> None:
    generator = torch.Generator().manual_seed(length)
    for rows in (
        torch.randn(2, 7, length, generator=generator),
        torch.randint(0, 9, (3, length), generator=generator).float(),  # many are equal
        torch.full((1, length), -torch.inf).index_fill(1, torch.tensor([3, length - 1]), 0.5),
    ):
        values, places = largest(rows, 20)
        assert torch.equal(values, rows.topk(20, dim=-1).values)
        assert torch.equal(rows.gather(-1, places), values)
        assert all(len(set(row.tolist())) == 20 for row in places.flatten(0, -2))


def test_equation_4_multi_path_fusion() -> None:
    torch.manual_seed(2)
    block = MultiPathFusion(6, 4, backbone=5, pyramid=3, config=PAPER_LIKE).eval()
    before, backbone, pyramid = torch.randn(1, 6, 3, 4), torch.randn(1, 5, 5, 7), torch.randn(1, 3, 3, 4)
    with torch.no_grad():
        ours = block(before, block.align(backbone, pyramid))
    w = numbers(block)
    aligned = plain_conv(backbone[0].double().numpy(), w["backbone.weight"], w["backbone.bias"])
    instance = plain_conv(pyramid[0].double().numpy(), w["pyramid.weight"], w["pyramid.bias"])
    total = plain_resize(before[0].double().numpy(), (5, 7)) + aligned
    fused = np.concatenate([total, plain_resize(instance, (5, 7))])
    inner = plain_conv(np.maximum(fused, 0), w["block.conv1.weight"], w["block.conv1.bias"])
    inner = plain_conv(np.maximum(inner, 0), w["block.conv2.weight"], w["block.conv2.bias"])
    close(ours[0], inner + plain_conv(fused, w["block.shortcut.weight"], w["block.shortcut.bias"]))


def test_the_decoder_chains_from_the_keys_stride_to_four() -> None:
    for config, first in ((PAPER_LIKE, 16), (MINI_LIKE, 8)):
        decoder = tiny(config).decoder
        sizes = {4: (12, 16), 8: (6, 8), 16: (3, 4), 32: (2, 2)}
        maps = [torch.randn(1, c, *sizes[s]) for c, s in zip(config.backbone.widths, (4, 8, 16, 32), strict=True)]
        pyramid = [torch.randn(1, config.instance.hidden, *sizes[s]) for s in (32, 16, 8)]
        readout = torch.randn(1, 2, config.value_dim, *sizes[first])
        with torch.no_grad():
            assert decoder(readout, maps, pyramid).shape == (1, 2, 12, 16)
            by_hand = readout.flatten(0, 1)
            stride = first
            for block in decoder.blocks:
                level = {4: 0, 8: 1, 16: 2}[stride]
                coarser = pyramid[{8: 2, 16: 1, 32: 0}[2 * stride]]
                aligned = block.align(maps[level].repeat(2, 1, 1, 1), coarser.repeat(2, 1, 1, 1))
                by_hand = block(by_hand, aligned)
                stride //= 2
            expected = decoder.mask(by_hand.relu()).view(1, 2, 12, 16)
            torch.testing.assert_close(decoder(readout, maps, pyramid), expected, atol=1e-5, rtol=1e-5)


def test_cbam_weights_channels_then_cells() -> None:
    torch.manual_seed(3)
    gate = Cbam(4, reduction=2)
    x = torch.randn(1, 4, 3, 3)
    with torch.no_grad():
        ours = gate(x)
    w, plain = numbers(gate), x[0].double().numpy()

    def mlp(v: np.ndarray) -> np.ndarray:
        hidden = np.maximum(w["channel_gate.mlp.0.weight"] @ v + w["channel_gate.mlp.0.bias"], 0)
        return w["channel_gate.mlp.2.weight"] @ hidden + w["channel_gate.mlp.2.bias"]

    channels = sigmoid(mlp(plain.mean((1, 2))) + mlp(plain.max((1, 2))))
    gated = plain * channels[:, None, None]
    summary = np.stack([gated.max(0), gated.mean(0)])
    cells = sigmoid(plain_conv(summary, w["spatial_gate.conv.weight"], w["spatial_gate.conv.bias"]))
    close(ours[0], gated * cells)


def test_memory_update_fuses_the_trunk_with_f_res4_by_two_blocks_and_cbam() -> None:
    encoder, kept = tiny(PAPER_LIKE).value_encoder, []
    shake(encoder)
    encoder.trunk.register_forward_hook(lambda _, __, out: kept.append(out))
    frames, features, masks = torch.randn(1, 3, 32, 48), torch.randn(1, 24, 2, 3), torch.rand(1, 2, 32, 48)
    with torch.no_grad():
        ours = encoder(frames, features, masks)
    w = numbers(encoder)

    def block(name: str, x: np.ndarray) -> np.ndarray:
        inner = plain_conv(np.maximum(x, 0), w[f"{name}.conv1.weight"], w[f"{name}.conv1.bias"])
        inner = plain_conv(np.maximum(inner, 0), w[f"{name}.conv2.weight"], w[f"{name}.conv2.bias"])
        if f"{name}.shortcut.weight" in w:
            x = plain_conv(x, w[f"{name}.shortcut.weight"], w[f"{name}.shortcut.bias"])
        return inner + x

    for number in range(2):
        joined = np.concatenate([kept[0][number].double().numpy(), features[0].double().numpy()])
        value = block("block2", block("block1", joined))
        with torch.no_grad():
            gated = encoder.attention(torch.tensor(value)[None].float())[0]
        close(ours[0, number], gated.double().numpy())


def test_the_plain_pixel_decoder_reads_f_res4_alone_unless_told_otherwise() -> None:
    sizes = ((12, 16), (6, 8), (3, 4), (2, 2))
    maps = [torch.randn(1, c, *size, requires_grad=True) for c, size in zip((8, 8, 12, 16), sizes, strict=True)]
    for laterals, read in (((16,), [False, False, True, True]), ((16, 8), [False, True, True, True])):
        decoder = PlainPixelDecoder(replace(MINI_LIKE.instance, laterals=laterals), (8, 8, 12, 16))
        pixels = decoder(maps)
        assert [tuple(p.shape[-2:]) for p in (*pixels.pyramid, pixels.embeddings)] == list(reversed(sizes))
        total = pixels.embeddings.square().sum()
        assert [g is not None for g in torch.autograd.grad(total, maps, allow_unused=True)] == read


def test_a_residual_block_of_equal_widths_begins_from_its_input() -> None:
    block = ResidualBlock(4, 4, norm_groups=0, shortcut=3)
    torch.nn.init.zeros_(block.conv2.weight)
    torch.nn.init.zeros_(block.conv2.bias)
    x = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(block(x), x)


def test_soft_aggregation_by_its_formula() -> None:
    objects = [0.9, 0.3, 0.0]
    background = 0.1 * 0.7 * 1.0
    odds = [p / (1 - p) for p in (background, *objects)]
    merged = aggregate(torch.tensor(objects).view(1, 3, 1)).softmax(1).flatten()
    assert merged.tolist() == pytest.approx([each / sum(odds) for each in odds], abs=1e-6)
    sure = aggregate(torch.tensor([1.0, 1.0]).view(1, 2, 1))
    assert torch.isfinite(sure).all()


def test_objects_that_are_not_there_take_nothing() -> None:
    logits = torch.randn(2, 3, 4, 4)
    present = torch.tensor([[True, True, False], [True, False, False]])
    merged = merge(logits, (8, 8), present=present).softmax(1)
    for clip, count in enumerate((2, 1)):
        alone = merge(logits[clip : clip + 1, :count], (8, 8)).softmax(1)
        torch.testing.assert_close(merged[clip : clip + 1, : 1 + count], alone, atol=1e-5, rtol=1e-5)
        assert merged[clip, 1 + count :].max() < 1e-6
