"""A small IFIRVOS of every part with scattered weights, and inputs for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from rvos_core.models.configs import BackboneConfig, IfirvosConfig, TextConfig
from rvos_core.models.ifirvos import Ifirvos

VOCABULARY = 50


def tiny_config(**changes: Any) -> IfirvosConfig:
    """Width 32, two layers each, a residual backbone of a few channels."""
    config = IfirvosConfig(
        backbone=BackboneConfig(
            kind="residual", widths=(8, 16, 16, 16), blocks=(1, 1, 1, 1), stem_width=8, norm_groups=4, frozen_stages=0
        ),
        text=TextConfig(
            vocab_size=VOCABULARY, width=16, layers=1, heads=2, ffn=32, positions=24, pooler=False, frozen=False
        ),
        hidden=32,
        encoder_layers=2,
        decoder_layers=2,
        ffn=48,
        heads=4,
        points=2,
        queries=3,
        mask_dim=8,
        projection_norm_groups=8,
        gate_bias_init=1.0,
    )
    return dataclasses.replace(config, **changes)


def tiny_model(*, seed: int = 0, **changes: Any) -> Ifirvos:
    """A model in evaluation mode whose every weight was moved, so that no part is silent as after initialisation."""
    torch.manual_seed(seed)
    model = Ifirvos(tiny_config(**changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def clips(b: int, t: int, *, size: tuple[int, int] = (64, 96), seed: int = 1) -> Tensor:
    """(b, t, 3, H, W) normals."""
    return torch.randn(b, t, 3, *size, generator=torch.Generator().manual_seed(seed))


def expressions(b: int, length: int, *, seed: int = 2) -> Tensor:
    """(b, length) token ids `<s> words </s>`."""
    ids = torch.randint(3, VOCABULARY, (b, length), generator=torch.Generator().manual_seed(seed))
    ids[:, 0], ids[:, -1] = 0, 2
    return ids
