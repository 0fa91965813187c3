"""Video-Swin as ReferFormer uses it (Liu et al., "Video Swin Transformer", CVPR 2022): a map for every frame.

Patches are one frame deep, (1, 4, 4), so that time is not halved; windows are (8, 7, 7). Relied on for the names of
public ReferFormer checkpoints (wjn922/ReferFormer, `models/video_swin_transformer.py`): `backbone.0.body.` +
`patch_embed.{proj,norm}`, `layers.{i}.blocks.{j}....` as Swin has, but the patch mergings apart from their stages, in
`downsamples.{0..2}.{norm,reduction}`, and no norm on the outputs. The action-recognition checkpoints of Video-Swin's
authors (`backbone.layers.{i}.downsample`, patches two frames deep) become these by moving the mergings and summing
`patch_embed.proj.weight` over its time axis.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.shifted_windows import (
    PatchMerging,
    SwinStage,
    drop_path_rates,
    fitted_partition,
    initialise,
)
from rvos_core.models.configs import BackboneConfig

_PATCH = 4


class VideoSwin(nn.Module):
    """Four stages of blocks at strides 4, 8, 16, 32; every frame of a clip has its own map, all see each other."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.patch_embed = TubeEmbedding(config.widths[0])
        t, h, w = config.window
        rates = drop_path_rates(config.blocks, last=config.drop_path)
        self.layers = nn.ModuleList(
            SwinStage(width, heads=config.heads[stage], window=(t, h, w), cut=fitted_partition, drop_paths=rates[stage])
            for stage, width in enumerate(config.widths)
        )
        self.downsamples = nn.ModuleList(PatchMerging(a, b) for a, b in itertools.pairwise(config.widths))
        initialise(self)
        for part in [self.patch_embed, *self.layers][: config.frozen_stages]:
            part.requires_grad_(False)

    def forward(self, frames: Tensor, clip_length: int) -> tuple[Tensor, ...]:
        """Encode clips.

        Args:
            frames: (b t, 3, H, W) normalised, of any size, the frames of a clip one after the other.
            clip_length: t.

        Returns:
            Four maps (b t, c, ceil(H / stride), ceil(W / stride)).
        """
        x = self.patch_embed(torch.unflatten(frames, 0, (-1, clip_length)))
        maps = []
        for stage, layer in enumerate(self.layers):
            x = layer(x)
            maps.append(x.flatten(0, 1).permute(0, 3, 1, 2).contiguous())
            if stage < len(self.downsamples):
                x = self.downsamples[stage](x)
        return tuple(maps)


class TubeEmbedding(nn.Module):
    """1x4x4 pixels -> one token, with a norm; frames are padded to whole patches, right and below."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, width, (1, _PATCH, _PATCH), stride=(1, _PATCH, _PATCH))
        self.norm = nn.LayerNorm(width)

    def forward(self, clips: Tensor) -> Tensor:
        """clips: (b, t, 3, H, W) -> (b, t, h, w, c)."""
        height, width = clips.shape[-2:]
        x = F.pad(clips.transpose(1, 2), (0, -width % _PATCH, 0, -height % _PATCH))
        return self.norm(self.proj(x).permute(0, 2, 3, 4, 1))  # type: ignore[no-any-return]
