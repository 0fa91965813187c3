"""The small networks that ablations are run with: the papers' parts at width 64, trained in about a minute each.

All of them begin with the same image and text weights (`runs.pretrained_parts`), as the papers' begin with ImageNet's
and RoBERTa's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rvos_core.models.configs import (
    BackboneConfig,
    IfirvosConfig,
    R2vosConfig,
    ReferformerConfig,
    ReferringConfig,
    TextConfig,
)
from rvos_core.models.isvos_configs import InstanceConfig, IsvosConfig, MemoryConfig, ValueConfig, isvos_mini_config

_WIDTH = 64

_COMMON = ReferringConfig(
    backbone=BackboneConfig(
        kind="residual", widths=(24, 48, 80, 96), blocks=(1, 1, 1, 1), stem_width=16, frozen_stages=0
    ),
    text=TextConfig(
        width=_WIDTH, layers=1, heads=4, ffn=128, positions=64, dropout=0.0, pooler=True, frozen=False, vocab_size=2
    ),
    hidden=_WIDTH,
    encoder_layers=1,
    decoder_layers=2,
    ffn=128,
    heads=4,
    mask_dim=8,
    dropout=0.0,
    projection_norm_groups=8,
    fpn_block_strides=(8, 16, 32),
    gate_bias_init=1.0,
    consensus_layers=1,
    consensus_ffn=128,
)


def small_ifirvos(vocab_size: int) -> IfirvosConfig:
    """IFIRVOS whole: both interactions, product fusion, fixed text."""
    return IfirvosConfig(**_values(vocab_size, pooler=False))


def small_referformer(vocab_size: int) -> ReferformerConfig:
    """ReferFormer whole."""
    return ReferformerConfig(**_values(vocab_size, pooler=True))


def small_r2vos(vocab_size: int) -> R2vosConfig:
    """R2-VOS whole: early grounding, the sentence read back and mixed into the queries, the pair classifier."""
    return R2vosConfig(**_values(vocab_size, pooler=True) | {"fpn_block_strides": (), "consensus": True})


def small_isvos() -> IsvosConfig:
    """ISVOS whole: query enhancement and multi-path fusion; memory as in the paper, without the frame before."""
    return replace(
        isvos_mini_config(),
        backbone=BackboneConfig(
            kind="residual", widths=(24, 40, 64, 80), blocks=(1, 1, 1, 1), stem_width=16, frozen_stages=0
        ),
        instance=InstanceConfig(
            pixel_decoder="plain",
            hidden=48,
            mask_dim=24,
            queries=12,
            classes=1,
            heads=4,
            decoder_layers=2,
            decoder_ffn=128,
            laterals=(16, 8, 4),
            norm_groups=8,
        ),
        value=ValueConfig(kind="residual", widths=(24, 48), blocks=(1, 1), stem_width=16),
        memory=MemoryConfig(every=3, most=16, previous=False),
        key_dim=32,
        value_dim=64,
        fusion_widths=(48, 24),
    )


def _values(vocab_size: int, *, pooler: bool) -> dict[str, Any]:
    """Fields of `_COMMON` with a text encoder for this vocabulary."""
    text = replace(_COMMON.text, vocab_size=vocab_size, pooler=pooler)
    return vars(_COMMON) | {"text": text}
