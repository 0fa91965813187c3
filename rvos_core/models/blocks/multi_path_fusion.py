"""The video object segmentation decoder of ISVOS (section 3.3, eq. 4, figure 4): multi-path fusion, then a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.cbam import ResidualBlock
from rvos_core.models.blocks.mask2former_pixel_decoder import upsampled
from rvos_core.models.isvos_configs import IsvosConfig

_OBJECTS_A_STEP = 4  # without gradients: bounds the maps at stride 4, whatever number of objects


class MultiPathFusion(nn.Module):
    """O_i = Res(cat(up(O_{i-1}) + conv(B_i), up(conv(P_i)))) (ISVOS eq. 4).

    Without the pixel decoder's path (Table 3, "w/o MPF") it is STCN's upsampling block.
    """

    def __init__(self, width: int, out: int, *, backbone: int, pyramid: int | None, config: IsvosConfig) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(backbone, width, 3, padding=1)
        self.pyramid = None if pyramid is None else nn.Conv2d(pyramid, width, 3, padding=1)
        self.block = ResidualBlock(
            width if pyramid is None else 2 * width,
            out,
            norm_groups=config.block_norm_groups,
            shortcut=config.shortcut_kernel,
        )

    def align(self, backbone: Tensor, pyramid: Tensor) -> tuple[Tensor, Tensor | None]:
        """B~ and the upsampled P~, both (b, width, h, w), which no object changes."""
        aligned = self.backbone(backbone)
        if self.pyramid is None:
            return aligned, None
        return aligned, upsampled(self.pyramid(pyramid), like=aligned)

    def forward(self, x: Tensor, aligned: tuple[Tensor, Tensor | None]) -> Tensor:
        """x: O_{i-1}, (n, width, h or h/2, w or w/2); `aligned`: each (n, width, h, w) -> O_i, (n, out, h, w)."""
        backbone, pyramid = aligned
        x = upsampled(x, like=backbone) + backbone
        fused = x if pyramid is None else torch.cat([x, pyramid], dim=1)
        return self.block(fused)  # type: ignore[no-any-return]


class FusionDecoder(nn.Module):
    """F_mem -> mask logits at stride 4.

    The paper's footnote names strides 4, 8 and 32, which do not chain from a readout at stride 16; the chain here
    goes from the keys' stride to 4, each block with the backbone's map there and the pyramid's map one step coarser.
    """

    def __init__(self, config: IsvosConfig) -> None:
        super().__init__()
        self._key_level = config.key_level
        blocks = []
        width = config.value_dim
        for index, out in enumerate(config.fusion_widths):
            blocks.append(
                MultiPathFusion(
                    width,
                    out,
                    backbone=config.backbone.widths[config.key_level - index],
                    pyramid=config.instance.hidden if config.multi_path else None,
                    config=config,
                )
            )
            width = out
        self.blocks = nn.ModuleList(blocks)
        self.mask = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, readout: Tensor, maps: Sequence[Tensor], pyramid: Sequence[Tensor]) -> Tensor:
        """Mask logits of every object on its own.

        Args:
            readout: F_mem, (b, o, value_dim, h, w) at the keys' stride.
            maps: B: the backbone's maps (b, c, h, w) at strides 4, 8, 16, 32.
            pyramid: P: the pixel decoder's maps (b, c, h, w) at strides 32, 16, 8.

        Returns:
            (b, o, h, w) at stride 4.
        """
        coarser = dict(zip((3, 2, 1), pyramid, strict=True))  # by the index of their stride in `maps`
        aligned = []
        for index, block in enumerate(self.blocks):
            level = self._key_level - index
            aligned.append(cast(MultiPathFusion, block).align(maps[level], coarser[level + 1]))
        step = readout.shape[1] if torch.is_grad_enabled() else _OBJECTS_A_STEP
        parts = [self._decode(part, aligned) for part in torch.split(readout, step, dim=1)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _decode(self, readout: Tensor, aligned: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor:
        objects = readout.shape[1]
        x = readout.flatten(0, 1)
        for block, (backbone, pyramid) in zip(self.blocks, aligned, strict=True):
            repeated = backbone.repeat_interleave(objects, dim=0)
            x = block(x, (repeated, None if pyramid is None else pyramid.repeat_interleave(objects, dim=0)))
        return torch.unflatten(self.mask(F.relu(x))[:, 0], 0, (-1, objects))
