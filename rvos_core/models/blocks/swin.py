"""Swin Transformer as an image encoder (Liu et al., ICCV 2021) in its form for detection: a norm for each output.

Relied on for the names of public ReferFormer checkpoints (wjn922/ReferFormer, `models/swin_transformer.py`, which is
the authors' detection code): `backbone.0.body.` + `patch_embed.{proj,norm}`, `layers.{i}.blocks.{j}.{norm1,attn,norm2,
mlp.fc1,mlp.fc2}`, `layers.{i}.downsample.{norm,reduction}` and `norm{0..3}`; no absolute positions. The maps are taken
before patch merging and normalised by `norm{i}`; nothing is frozen there.
"""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.shifted_windows import SwinStage, drop_path_rates, initialise, padded_partition
from rvos_core.models.configs import BackboneConfig

_PATCH = 4


class Swin(nn.Module):
    """Four stages of blocks at strides 4, 8, 16, 32."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(config.widths[0])
        self.layers = nn.ModuleList()
        height, width = config.window
        rates = drop_path_rates(config.blocks, last=config.drop_path)
        for stage, (channels, further) in enumerate(itertools.zip_longest(config.widths, config.widths[1:])):
            self.layers.append(
                SwinStage(
                    channels,
                    heads=config.heads[stage],
                    window=(1, height, width),
                    cut=padded_partition,
                    drop_paths=rates[stage],
                    merge_to=further,
                )
            )
            self.add_module(f"norm{stage}", nn.LayerNorm(channels))
        initialise(self)
        for part in [self.patch_embed, *self.layers][: config.frozen_stages]:
            part.requires_grad_(False)

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """frames: (n, 3, H, W) normalised, of any size -> four maps (n, c, ceil(H / stride), ceil(W / stride))."""
        x = self.patch_embed(frames)[:, None]  # one frame a clip
        maps = []
        for stage, layer in enumerate(self.layers):
            x = layer(x)
            maps.append(self.get_submodule(f"norm{stage}")(x)[:, 0].permute(0, 3, 1, 2).contiguous())
            if stage < len(self.layers) - 1:
                x = layer.get_submodule("downsample")(x)
        return tuple(maps)


class PatchEmbedding(nn.Module):
    """4x4 pixels -> one token, with a norm; frames are padded to whole patches, right and below."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, _PATCH, stride=_PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, frames: Tensor) -> Tensor:
        """frames: (n, 3, H, W) -> (n, h, w, c)."""
        height, width = frames.shape[-2:]
        x = self.proj(F.pad(frames, (0, -width % _PATCH, 0, -height % _PATCH)))
        return self.norm(x.permute(0, 2, 3, 1))  # type: ignore[no-any-return]
