"""The cross-modal feature pyramid of ReferFormer and IFIRVOS (ReferFormer section 3.3, "CM-FPN")."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from rvos_core.models.blocks.layout import as_clips
from rvos_core.models.blocks.pyramid import FeaturePyramid, Scene
from rvos_core.models.blocks.vision_language import VisionLanguageBlock
from rvos_core.models.configs import ReferringConfig

# How much the joint self-attention of each stride is thinned out.
_REDUCTIONS = {4: 8, 8: 4, 16: 2, 32: 1}


class CrossModalFpn(FeaturePyramid):
    """A pyramid whose levels see all frames of their clip and the words, where `fpn_block_strides` says so."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__(config, partial(_block, config))

    def enhance(self, x: Tensor, scene: Scene, *, index: int) -> Tensor:
        block = getattr(self, f"cross_attn_{index}", None)
        if block is None:
            return x
        padding = scene.paddings[index - 1]
        met: Tensor = block(
            as_clips(x, scene.frames),
            as_clips(scene.codes[index - 1], scene.frames),
            padding=None if padding is None else as_clips(padding, scene.frames),
            words=scene.words,
            word_positions=scene.word_codes,
            word_padding=scene.word_padding,
        )
        return met.flatten(0, 1)


def _block(config: ReferringConfig, stride: int) -> nn.Module:
    block = VisionLanguageBlock(
        config.hidden, heads=config.heads, ffn=config.ffn, dropout=config.dropout, reduction=_REDUCTIONS[stride]
    )
    for parameter in block.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    return block
