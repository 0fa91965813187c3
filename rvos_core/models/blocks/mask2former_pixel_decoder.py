"""Pixel decoders of the instance branch: from the backbone's maps to a feature pyramid and per-pixel embeddings.

`DeformablePixelDecoder` is Mask2Former's (Cheng et al., CVPR 2022, section 3.2.1), under the parameter names of
`transformers`; `PlainPixelDecoder` is what ISVOS's section 3.1 says in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.deformable_attention import DeformableAttention
from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.blocks.position_encodings import sine_2d
from rvos_core.models.isvos_configs import InstanceConfig

_LEVELS = 3  # strides 32, 16, 8


@dataclass(frozen=True)
class PixelFeatures:
    """What a pixel decoder makes of n frames.

    Attributes:
        pyramid: P_0, P_1, P_2: maps (n, c, h, w) at strides 32, 16, 8.
        embeddings: F_pixel, (n, mask_dim, h, w) at stride 4.
    """

    pyramid: tuple[Tensor, Tensor, Tensor]
    embeddings: Tensor


class PixelDecoder(Protocol):
    """Maps (n, c, h, w) of the backbone at strides 4, 8, 16, 32 -> `PixelFeatures`."""

    def __call__(self, maps: Sequence[Tensor]) -> PixelFeatures: ...


def pixel_decoder(config: InstanceConfig, widths: Sequence[int]) -> DeformablePixelDecoder | PlainPixelDecoder:
    """The decoder that `config` names; `widths`: channels of the backbone's maps at strides 4, 8, 16, 32."""
    kind = DeformablePixelDecoder if config.pixel_decoder == "deformable" else PlainPixelDecoder
    return kind(config, widths)


class EncoderLayer(nn.Module):
    """Deformable self-attention over all levels and a feed-forward network, post-norm."""

    def __init__(self, config: InstanceConfig) -> None:
        super().__init__()
        c = config.hidden
        self.self_attn = DeformableAttention(c, levels=_LEVELS, heads=config.heads, points=config.points)
        self.self_attn_layer_norm = nn.LayerNorm(c)
        self.fc1 = nn.Linear(c, config.encoder_ffn)
        self.fc2 = nn.Linear(config.encoder_ffn, c)
        self.final_layer_norm = nn.LayerNorm(c)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, *, references: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
        """x: (n, s, c); positions: (1, s, c); references: (1, s, levels, 2) -> (n, s, c)."""
        places = references.expand(x.shape[0], -1, -1, -1)
        mixed = self.self_attn(x + positions, places, memory=x, shapes=shapes, padding=None)
        x = self.self_attn_layer_norm(x + self.dropout(mixed))
        return self.final_layer_norm(x + feed_forward(x, self.fc1, self.fc2, dropout=self.dropout))  # type: ignore[no-any-return]


class DeformablePixelDecoder(nn.Module):
    """Deformable attention over strides 32, 16, 8, then one top-down step to stride 4."""

    def __init__(self, config: InstanceConfig, widths: Sequence[int]) -> None:
        super().__init__()
        c, groups = config.hidden, config.norm_groups
        self.level_embed = nn.Parameter(torch.empty(_LEVELS, c))
        self.input_projections = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, c, 1), nn.GroupNorm(groups, c)) for width in reversed(widths[1:])
        )
        self.encoder = nn.ModuleDict(
            {"layers": nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))}
        )
        self.adapter_1 = nn.Sequential(nn.Conv2d(widths[0], c, 1, bias=False), nn.GroupNorm(groups, c))
        self.layer_1 = nn.Sequential(nn.Conv2d(c, c, 3, padding=1, bias=False), nn.GroupNorm(groups, c), nn.ReLU())
        self.mask_projection = nn.Conv2d(c, config.mask_dim, 1)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2 and "self_attn" not in name and name != "level_embed":
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.level_embed)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                _reset_convolution(part)

    def forward(self, maps: Sequence[Tensor]) -> PixelFeatures:
        """maps: (n, c, h, w) at strides 4, 8, 16, 32."""
        levels = [project(m) for project, m in zip(self.input_projections, reversed(maps[1:]), strict=True)]
        shapes = tuple((int(level.shape[2]), int(level.shape[3])) for level in levels)
        codes = [
            sine_2d(shape, level.shape[1], device=level.device, offset=0.0).flatten(2).transpose(1, 2) + code
            for shape, level, code in zip(shapes, levels, self.level_embed, strict=True)
        ]
        x = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)
        positions = torch.cat(codes, dim=1)
        references = cell_centres(shapes, device=x.device)[None, :, None].expand(-1, -1, _LEVELS, -1)
        for layer in self.encoder["layers"]:  # type: ignore[attr-defined]
            x = layer(x, positions, references=references, shapes=shapes)
        parts = torch.split(x, [h * w for h, w in shapes], dim=1)
        coarse, middle, fine = (
            torch.unflatten(part.transpose(1, 2), 2, shape) for part, shape in zip(parts, shapes, strict=True)
        )
        lateral = self.adapter_1(maps[0])
        top = self.layer_1(lateral + upsampled(fine, like=lateral))
        return PixelFeatures((coarse, middle, fine), self.mask_projection(top))


class PlainPixelDecoder(nn.Module):
    """Alternate convolutions and upsampling from F_res4 (ISVOS, section 3.1).

    F_res4 enters twice: through the backbone's own last stage, which makes it the map at stride 32, and as it is at
    stride 16. `laterals` names further strides at which a map of the backbone is added; the paper has none.
    """

    def __init__(self, config: InstanceConfig, widths: Sequence[int]) -> None:
        super().__init__()
        c, groups = config.hidden, config.norm_groups
        strides = dict(zip((4, 8, 16, 32), widths, strict=True))
        self.laterals = nn.ModuleDict(
            {
                str(stride): nn.Sequential(nn.Conv2d(strides[stride], c, 1, bias=False), nn.GroupNorm(groups, c))
                for stride in config.laterals
            }
        )
        self.bottom = _convolution(strides[32], c, groups=groups)
        self.layers = nn.ModuleDict({str(stride): _convolution(c, c, groups=groups) for stride in (16, 8, 4)})
        self.mask_projection = nn.Conv2d(c, config.mask_dim, 1)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                _reset_convolution(part)

    def forward(self, maps: Sequence[Tensor]) -> PixelFeatures:
        """maps: (n, c, h, w) at strides 4, 8, 16, 32."""
        x = self.bottom(maps[3])
        made = [x]
        for stride, level in ((16, maps[2]), (8, maps[1]), (4, maps[0])):
            x = upsampled(x, like=level)
            if str(stride) in self.laterals:
                x = x + self.laterals[str(stride)](level)
            x = self.layers[str(stride)](x)
            made.append(x)
        coarse, middle, fine, top = made
        return PixelFeatures((coarse, middle, fine), self.mask_projection(top))


def upsampled(x: Tensor, *, like: Tensor) -> Tensor:
    """x: (n, c, h, w) at the size of `like` (..., h', w'), bilinear."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def cell_centres(shapes: Sequence[tuple[int, int]], *, device: torch.device) -> Tensor:
    """Centres (x, y) in [0, 1] of the cells of maps (h, w), row-major, one map after the other: (s, 2)."""
    centres = []
    for h, w in shapes:
        y, x = torch.meshgrid(
            (torch.arange(h, device=device) + 0.5) / h, (torch.arange(w, device=device) + 0.5) / w, indexing="ij"
        )
        centres.append(torch.stack([x, y], dim=-1).reshape(-1, 2))
    return torch.cat(centres)


def _convolution(in_channels: int, out_channels: int, *, groups: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(groups, out_channels), nn.ReLU())


def _reset_convolution(convolution: nn.Conv2d) -> None:
    nn.init.kaiming_uniform_(convolution.weight, a=1)  # "c2_xavier_fill" of the published code
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
