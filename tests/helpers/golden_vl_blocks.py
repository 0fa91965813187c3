"""Golden check of the fusion modules (both directions) and of the pixel decoder's vision-language block."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from golden_cases import GoldenFolder, fill_weights, standard_normal
from golden_report import Finding, GoldenArrays
from rvos_core.models.blocks.layout import clip_maps, clip_tokens
from rvos_core.models.blocks.vision_language import MultiplyFusion, VisionLanguageBlock

_TOLERANCE = 5e-5
_HEADS, _FFN, _FRAMES = 8, 64, 2
_TEXT_SHAPE = (6, 2, 32)
_SIZES = {8: (17, 26), 4: (12, 17), 2: (7, 9), 1: (3, 4)}  # of one frame, by reduction


@torch.no_grad()
def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare vl_blocks.npz."""
    words, word_codes = _tokens(501, _TEXT_SHAPE), _tokens(502, _TEXT_SHAPE)
    word_padding = torch.zeros(words.shape[:2], dtype=torch.bool)
    word_padding[1, 4:6] = True
    for name in arrays.names():
        channels = arrays.take(name).shape[2]
        if name == "fusion.vision_by_text":
            visual = _tokens(503, arrays.take(name).shape)
            module = _fusion("fusion_module.", channels, folder.salt)
            output = module(visual, words, positions=word_codes, padding=word_padding)
        elif name == "fusion.text_by_vision":
            visual_shape = arrays.take("fusion.vision_by_text").shape
            visual, visual_codes = _tokens(503, visual_shape), _tokens(504, visual_shape)
            padding = torch.zeros(visual.shape[:2], dtype=torch.bool)
            padding[1, 30:40] = True
            module = _fusion("text_fusion_module.", channels, folder.salt)
            output = module(words, visual, positions=visual_codes, padding=padding)
        elif match := re.fullmatch(r"vlblock\.sr([1248])", name):
            reduction = int(match[1])
            block = VisionLanguageBlock(channels, heads=_HEADS, ffn=_FFN, dropout=0.0, reduction=reduction).eval()
            fill_weights(block, salt=folder.salt, prefix="vlblock.")
            output = _run_block(block, reduction, words=words, word_codes=word_codes, word_padding=word_padding)
        else:
            yield Finding(name, problem="unknown array")
            continue
        yield arrays.compare(name, output.transpose(0, 1), tolerance=_TOLERANCE, relative=True)


def _run_block(
    block: VisionLanguageBlock, reduction: int, *, words: Tensor, word_codes: Tensor, word_padding: Tensor
) -> Tensor:
    size = _SIZES[reduction]
    shape = (_FRAMES * size[0] * size[1], words.shape[0], words.shape[2])
    padding = torch.zeros((words.shape[0], _FRAMES, *size), dtype=torch.bool)
    padding[1, :, :, -2:] = True
    result: Tensor = block(
        clip_maps(_tokens(510 + reduction, shape), (_FRAMES, *size)),
        clip_maps(_tokens(530 + reduction, shape), (_FRAMES, *size)),
        padding=padding,
        words=words,
        word_positions=word_codes,
        word_padding=word_padding,
    )
    return clip_tokens(result)


def _fusion(prefix: str, channels: int, salt: int) -> MultiplyFusion:
    module = MultiplyFusion(channels, heads=_HEADS).eval()
    fill_weights(module, salt=salt, prefix=prefix)
    return module


def _tokens(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Normals drawn as (length, b, c), the golden files' layout, returned as (b, length, c)."""
    return torch.from_numpy(standard_normal(seed, shape)).transpose(0, 1)
