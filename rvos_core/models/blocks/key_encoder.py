"""The enhanced key encoder of ISVOS (section 3.2, eq. 2): keys that know which instance a cell belongs to."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.deformable_attention import DeformableAttention
from rvos_core.models.isvos_configs import IsvosConfig


class EnhancedKeyEncoder(nn.Module):
    """F_res4 and the instance queries -> keys. Queries and memory share them, so one key a frame is enough."""

    def __init__(self, config: IsvosConfig) -> None:
        super().__init__()
        instance = config.instance
        self.image = nn.Conv2d(config.backbone.widths[config.key_level], instance.hidden, 3, padding=1)
        width = instance.hidden
        if config.enhance_query:
            self._centred = config.agreement == "centred"
            self.reference_points = nn.Linear(instance.hidden, 2)
            self.attention = DeformableAttention(
                instance.hidden, levels=1, heads=instance.heads, points=instance.points
            )
            width += instance.queries
        self.projection = nn.Conv2d(width, config.key_dim, 3, padding=1)
        nn.init.orthogonal_(self.projection.weight.detach())  # STCN: keys begin as a rotation of what they read
        nn.init.zeros_(self.projection.get_parameter("bias"))

    def forward(self, features: Tensor, queries: Tensor) -> Tensor:
        """Keys of n frames.

        Args:
            features: F_res4, (n, c, h, w) at the keys' stride.
            queries: the updated instance queries, (n, q, hidden).

        Returns:
            (n, key_dim, h, w).
        """
        image = self.image(features)
        if not hasattr(self, "attention"):
            return self.projection(image)  # type: ignore[no-any-return]
        instances = self.instance_maps(image, queries)
        return self.projection(torch.cat([image, instances], dim=1))  # type: ignore[no-any-return]

    def instance_maps(self, image: Tensor, queries: Tensor) -> Tensor:
        """How much each cell agrees with each query: sigmoid(q_vos . Q_g), (n, q, h, w) in [0, 1].

        `image`: Q_g, (n, hidden, h, w). q_vos is eq. 2: each query reads Q_g around one learned point, the sigmoid of
        a linear map of the query.
        """
        shape = (int(image.shape[2]), int(image.shape[3]))
        cells = image.flatten(2).transpose(1, 2)
        points = self.reference_points(queries).sigmoid()[:, :, None]
        informed = self.attention(queries, points, memory=cells, shapes=[shape], padding=None)
        agreement = torch.einsum("nqc,nchw->nqhw", informed, image)
        if self._centred:
            agreement = (agreement - agreement.mean((2, 3), keepdim=True)) / math.sqrt(image.shape[1])
        return agreement.sigmoid()
