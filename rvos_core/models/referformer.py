"""ReferFormer: a few language queries find the referred object in every frame and keep its identity over the clip.

Wu et al., "Language as Queries for Referring Video Object Segmentation" (CVPR 2022). It is the family's base: all of
its section 3 stands in `ReferringNetwork`, its options in `ReferformerConfig`.
"""

from __future__ import annotations

from rvos_core.models.configs import ReferformerConfig
from rvos_core.models.referring import ReferringNetwork


class Referformer(ReferringNetwork):
    """The network; 176.3 M parameters with ResNet-50 and roberta-base."""

    config: ReferformerConfig

    def __init__(self, config: ReferformerConfig) -> None:
        super().__init__(config)
