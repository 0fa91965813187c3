"""The parts of R2-VOS against other formulations, and where it differs from its authors' code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.models.blocks.consensus import read_sentence, sentence_decoder
from rvos_core.models.blocks.early_grounding import DualBlock, pool_words
from rvos_core.models.configs import R2vosConfig, ReferringConfig, TextConfig
from tiny_family import tiny_network
from tiny_ifirvos import clips, expressions


@pytest.mark.parametrize(("length", "bins"), [(7, 3), (3, 3), (2, 3), (1, 3), (12, 5), (4, 1)])
def test_pooling_of_one_text_is_adaptive_average_pooling(length: int, bins: int) -> None:
    words = torch.randn(2, length, 6)
    expected = F.adaptive_avg_pool1d(words.transpose(1, 2), bins).transpose(1, 2)
    torch.testing.assert_close(pool_words(words, bins, padding=None), expected)


def test_pooling_leaves_out_what_fills_up() -> None:
    words, lengths = torch.randn(4, 9, 6), (9, 5, 2, 1)
    padding = torch.stack([torch.arange(9) >= length for length in lengths])
    pooled = pool_words(words.masked_fill(padding[..., None], 1e6), 3, padding=padding)
    for index, length in enumerate(lengths):
        torch.testing.assert_close(
            pooled[index : index + 1], pool_words(words[index : index + 1, :length], 3, padding=None)
        )


def test_text_kernels_multiply_channel_by_channel() -> None:
    """Equation 6 as the authors' code has it, in loops: K times all channels, side by side, then 1x1 and norm."""
    model = tiny_network("r2vos", text_kernels=2)
    decoder = model.pixel_decoder
    seen: dict[str, Any] = {}
    handles = [
        getattr(decoder, name).register_forward_hook(lambda _m, i, o, name=name: seen.update({name: (i, o)}))
        for name in ("cross_attn", "dyn_conv", "dyn_filter", "pool_conv", "layer_4")
    ]
    with torch.inference_mode():
        model(clips(2, 2), None, expressions(2, 5), None)
    for handle in handles:
        handle.remove()
    features, kernels = seen["dyn_conv"][1].relu(), seen["dyn_filter"][1]  # (4, c, h, w), (2, 2, c)
    stacked = torch.empty(4, 2 * features.shape[1], *features.shape[2:])
    for n, k, channel in itertools.product(range(4), range(2), range(features.shape[1])):
        stacked[n, k * features.shape[1] + channel] = features[n, channel] * kernels[n // 2, k, channel]
    torch.testing.assert_close(seen["pool_conv"][0][0], stacked)
    grounded = seen["dyn_conv"][0][0]
    torch.testing.assert_close(seen["layer_4"][0][0], grounded + seen["pool_conv"][1].relu())


def test_padded_cells_and_words_do_not_count_in_the_dual_block() -> None:
    torch.manual_seed(0)
    block = DualBlock(16, heads=4, ffn=24, dropout=0.1).eval()
    x, codes, words, word_codes = (torch.randn(2, count, 16) for count in (10, 10, 6, 6))
    cells, tokens = torch.arange(10).expand(2, -1) >= 7, torch.arange(6).expand(2, -1) >= 4
    with torch.inference_mode():
        grounded, read = block(x, codes, padding=cells, words=words, word_codes=word_codes, word_padding=tokens)
        short, short_read = block(
            x[:, :7],
            codes[:, :7],
            padding=None,
            words=words[:, :4],
            word_codes=word_codes[:, :4],
            word_padding=None,
        )
    torch.testing.assert_close(grounded[:, :7], short, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(read[:, :4], short_read, atol=1e-5, rtol=1e-5)


def test_each_clip_has_its_own_padding_when_its_sentence_is_read_back() -> None:
    """The authors' code gives every clip the padding of the first one."""
    torch.manual_seed(0)
    decoder = sentence_decoder(ReferringConfig(hidden=16, heads=4, consensus_layers=2, consensus_ffn=24)).eval()
    query, grounded, codes = torch.randn(1, 16), torch.randn(4, 16, 3, 5), torch.randn(4, 16, 3, 5)
    widths = (5, 2)
    padding = torch.stack([(torch.arange(5) >= width).expand(3, -1) for width in widths]).repeat_interleave(2, dim=0)

    def read(maps: Tensor, places: Tensor, ignored: Tensor | None) -> Tensor:
        return read_sentence(decoder, query, maps, codes=places, padding=ignored, frames=2)

    with torch.inference_mode():
        together = read(grounded, codes, padding)
        for clip, width in enumerate(widths):
            frames = slice(2 * clip, 2 * clip + 2)
            alone = read(grounded[frames, :, :, :width], codes[frames, :, :, :width], None)
            torch.testing.assert_close(together[clip : clip + 1], alone, atol=1e-5, rtol=1e-5)


def test_consensus_is_the_published_head_with_its_sign_turned() -> None:
    model = tiny_network("r2vos")
    said: list[Tensor] = []
    model.neg_classifier.register_forward_hook(lambda _m, _i, mismatch: said.append(mismatch))
    with torch.inference_mode():
        output = model(clips(2, 1), None, expressions(2, 5), None)
    torch.testing.assert_close(output.consensus_logit, -said[0][:, 0])
    torch.testing.assert_close(output.consensus_logit.sigmoid(), 1 - said[0][:, 0].sigmoid())


def test_the_queries_hear_what_was_read_back_only_through_the_mix() -> None:
    for mixes in (True, False):
        model = tiny_network("r2vos", query_mix=mixes)
        before = model(clips(1, 1), None, expressions(1, 5), None).pred_logits
        with torch.no_grad():
            model.pixel_decoder.text_query.weight += 1.0
        after = model(clips(1, 1), None, expressions(1, 5), None).pred_logits
        assert torch.equal(before, after) != mixes


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"reconstruct": False}, "reconstruct"),
        ({"reconstruct": False, "query_mix": False}, "reconstruct"),
        ({"fpn_block_strides": (32,)}, "fpn_block_strides"),
        ({"text_kernels": 0}, "text_kernels"),
        ({"text": TextConfig(pooler=False)}, "pooler"),
    ],
)
def test_impossible_networks_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        R2vosConfig(**wrong)
