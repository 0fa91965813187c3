"""A tiny ISVOS for tests, and its plain-number counterparts: loops in float64 that share no code with the network."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from rvos_core.models.api import ModelCard
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.isvos import Isvos
from rvos_core.models.isvos_configs import InstanceConfig, IsvosConfig, MemoryConfig, ValueConfig

CARD = ModelCard(
    name="isvos-tiny", arch="isvos", parameters=0, licence="Apache-2.0", description="", trained_on="",
    size=48, long_side=96, window=1, stride=1,
)  # fmt: skip
MINI_LIKE = IsvosConfig(
    backbone=BackboneConfig(
        kind="residual", widths=(8, 8, 12, 16), blocks=(1, 1, 1, 1), stem_width=8, norm_groups=4, frozen_stages=0
    ),
    instance=InstanceConfig(
        pixel_decoder="plain", hidden=16, mask_dim=8, queries=5, classes=2, heads=2, decoder_layers=3, decoder_ffn=16,
        laterals=(16, 4), norm_groups=4,
    ),
    value=ValueConfig(kind="residual", widths=(8, 8), blocks=(1, 1), stem_width=8, norm_groups=4),
    memory=MemoryConfig(most=4, top_k=6),
    key_stride=8,
    key_dim=8,
    value_dim=16,
    fusion_widths=(8, 8),
    attention_reduction=4,
    block_norm_groups=4,
    shortcut_kernel=1,
    agreement="centred",
)  # fmt: skip
PAPER_LIKE = IsvosConfig(
    backbone=BackboneConfig(widths=(16, 16, 24, 32), blocks=(1, 1, 1, 1), stem_width=8, frozen_stages=0),
    instance=InstanceConfig(
        hidden=16, mask_dim=8, queries=6, classes=3, heads=2, decoder_layers=3, decoder_ffn=16, encoder_layers=1,
        encoder_ffn=16, points=2, norm_groups=4,
    ),
    value=ValueConfig(widths=(8, 8, 8), blocks=(1, 1, 1), stem_width=8),
    memory=MemoryConfig(most=4, top_k=6),
    key_dim=8,
    value_dim=16,
    fusion_widths=(16, 8, 8),
    attention_reduction=4,
)  # fmt: skip


def tiny(config: IsvosConfig = MINI_LIKE, *, seed: int = 0, **changes: object) -> Isvos:
    """An untrained network in evaluation mode, from a seed; `changes` replace fields of the configuration."""
    torch.manual_seed(seed)
    return Isvos(replace(config, **changes)).eval()  # type: ignore[arg-type]


def moving_squares(
    *, frames: int, objects: int, size: tuple[int, int] = (48, 64), seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Textured squares that drift: frames (t, H, W, 3) uint8 and labels (t, H, W) int32, 0 the background."""
    rng = np.random.default_rng(seed)
    height, width = size
    pictures = np.repeat(rng.integers(0, 90, (1, height, width, 3), dtype=np.uint8), frames, axis=0)
    labels = np.zeros((frames, height, width), dtype=np.int32)
    side = height // 3
    for number in range(1, objects + 1):
        texture = rng.integers(90, 255, (side, side, 3), dtype=np.uint8)
        x0, y0 = int(rng.integers(0, width - side - 8)), int(rng.integers(0, height - side - 4))
        for t in range(frames):
            x, y = min(x0 + t, width - side), min(y0 + t // 2, height - side)
            pictures[t, y : y + side, x : x + side] = texture
            labels[t, y : y + side, x : x + side] = number
    return pictures, labels


def plain_conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Convolution of stride 1 with zero borders: x (c, h, w), weight (o, c, k, k), bias (o,) -> (o, h, w)."""
    out, _, k, _ = weight.shape
    _, h, w = x.shape
    edge = k // 2
    wide = np.zeros((x.shape[0], h + 2 * edge, w + 2 * edge))
    wide[:, edge : edge + h, edge : edge + w] = x
    result = np.zeros((out, h, w))
    for i in range(h):
        for j in range(w):
            patch = wide[:, i : i + k, j : j + k]
            for o in range(out):
                result[o, i, j] = (patch * weight[o]).sum() + (0.0 if bias is None else bias[o])
    return result


def plain_resize(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear, pixel centres, borders repeated: x (c, h, w) -> (c, *size)."""
    _, h, w = x.shape
    result = np.zeros((x.shape[0], *size))
    for i in range(size[0]):
        for j in range(size[1]):
            y = min(max((i + 0.5) * h / size[0] - 0.5, 0.0), h - 1.0)
            z = min(max((j + 0.5) * w / size[1] - 0.5, 0.0), w - 1.0)
            y0, z0 = int(y), int(z)
            y1, z1 = min(y0 + 1, h - 1), min(z0 + 1, w - 1)
            fy, fz = y - y0, z - z0
            top = (1 - fz) * x[:, y0, z0] + fz * x[:, y0, z1]
            bottom = (1 - fz) * x[:, y1, z0] + fz * x[:, y1, z1]
            result[:, i, j] = (1 - fy) * top + fy * bottom
    return result


def plain_sample(x: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    """Value of x (c, h, w) at (x, y) in [0, 1], bilinear between cell centres, zero outside -> (c,)."""
    _, h, w = x.shape
    column, row = place[0] * w - 0.5, place[1] * h - 0.5
    result = np.zeros(x.shape[0])
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            if 0 <= i < h and 0 <= j < w:
                result += (1 - abs(row - i)) * (1 - abs(column - j)) * x[:, i, j]
    return result


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def numbers(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """The parameters of a part as float64 arrays."""
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}
