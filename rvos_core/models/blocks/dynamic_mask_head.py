"""Masks by conditional convolutions (Tian et al., CondInst, ECCV 2020): each instance brings its own three kernels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MASK_STRIDE = 4


def kernel_sizes(in_channels: int, *, channels: int = 8) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of weights and of biases of the three 1x1 convolutions; `in_channels` counts the coordinates too."""
    return (in_channels * channels, channels * channels, channels), (channels, channels, 1)


def parameter_count(in_channels: int, *, channels: int = 8) -> int:
    """Number of values that define one instance's kernels."""
    weights, biases = kernel_sizes(in_channels, channels=channels)
    return sum(weights) + sum(biases)


def dynamic_mask_head(
    features: Tensor, parameters: Tensor, *, centres_px: Tensor | None, channels: int = 8, stride: int = MASK_STRIDE
) -> Tensor:
    """Mask logits of every instance, in float32 whatever autocast says: coordinates reach hundreds of pixels.

    Args:
        features: (n, c, h, w) mask features of n frames.
        parameters: (n, q, p) values of each instance: the weights of all three layers, row-major (out, in), then all
            biases. The first layer reads the c features, then relative x, then relative y.
        centres_px: (n, q, 2) centres (x, y) in pixels of the network input, or None for kernels without coordinates.
        channels: hidden channels.
        stride: pixels a cell.

    Returns:
        (n, q, h, w) logits.
    """
    with torch.autocast(features.device.type, enabled=False):
        centres_px = None if centres_px is None else centres_px.float()
        return _apply(features.float(), parameters.float(), centres_px, channels=channels, stride=stride)


def cell_locations(size: tuple[int, int], *, stride: int = MASK_STRIDE, device: torch.device) -> Tensor:
    """(h * w, 2) centres (x, y) of the cells in pixels, row-major."""
    h, w = size
    y, x = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2).float() * stride + stride // 2


def aligned_bilinear(maps: Tensor, factor: int) -> Tensor:
    """CondInst's enlargement, which keeps cell centres of a strided grid in place: (n, c, h, w) -> (n, c, f h, f w)."""
    if factor == 1:
        return maps
    h, w = maps.shape[-2:]
    maps = F.pad(maps, (0, 1, 0, 1), mode="replicate")
    maps = F.interpolate(maps, size=(factor * h + 1, factor * w + 1), mode="bilinear", align_corners=True)
    maps = F.pad(maps, (factor // 2, 0, factor // 2, 0), mode="replicate")
    return maps[..., : factor * h, : factor * w]


def _apply(features: Tensor, parameters: Tensor, centres_px: Tensor | None, *, channels: int, stride: int) -> Tensor:
    n, c, h, w = features.shape
    queries = parameters.shape[1]
    coordinates = 0 if centres_px is None else 2
    weight_counts, bias_counts = kernel_sizes(c + coordinates, channels=channels)
    w1, w2, w3, b1, b2, b3 = torch.split(parameters, [*weight_counts, *bias_counts], dim=-1)
    # The features are the same for all instances of a frame, so their share of the first layer is one product.
    w1 = torch.unflatten(w1, -1, (channels, c + coordinates))
    x = (w1[..., :c].flatten(1, 2) @ features.flatten(2)).view(n, queries, channels, h * w)
    if centres_px is not None:
        relative = centres_px[..., None] - cell_locations((h, w), stride=stride, device=features.device).T
        x = x + w1[..., c:] @ relative
    x = (x + b1[..., None]).relu()
    x = (torch.unflatten(w2, -1, (channels, channels)) @ x + b2[..., None]).relu()
    x = w3[..., None, :] @ x + b3[..., None]
    return x.view(n, queries, h, w)
