"""R2-VOS: referring segmentation that also notices when the object is not there.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 4: ReferFormer with an
early grounding of the words, from which the sentence is read back, mixed into the queries and compared with what was
said. State-dict names are those of the authors' code. The cycle's losses: `rvos_core.training.cycle`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rvos_core.models.blocks.consensus import pair_classifier
from rvos_core.models.blocks.early_grounding import EarlyGroundingFpn
from rvos_core.models.blocks.pyramid import Scene
from rvos_core.models.blocks.text_pooling import FeatureResizer
from rvos_core.models.configs import R2vosConfig
from rvos_core.models.referformer import Referformer
from rvos_core.models.referring_values import Reading


class R2vos(Referformer):
    """The network; 135.9 M parameters with ResNet-50 and distilroberta-base."""

    config: R2vosConfig
    pixel_decoder: EarlyGroundingFpn

    def __init__(self, config: R2vosConfig) -> None:
        super().__init__(config)

    def _pyramid(self) -> EarlyGroundingFpn:
        return EarlyGroundingFpn(self.config)

    def _add_consensus(self) -> None:
        config, c = self.config, self.config.hidden
        if config.query_mix:
            self.transformer.add_module("query_mixer", FeatureResizer(2 * c, c, dropout=config.dropout))
        if config.consensus:
            self.neg_classifier = pair_classifier(c)

    def reconstruct(self, grounded: Tensor, scene: Scene) -> Tensor | None:
        """Section 4.3, "V-T projection"."""
        return self.pixel_decoder.read_back(grounded, scene) if self.config.reconstruct else None

    def judge(self, sentence: Tensor, reconstructed: Tensor) -> Tensor | None:
        """Section 4.4 in our sign: the authors' head is trained to say 1 for a *mismatched* pair."""
        if not self.config.consensus:
            return None
        mismatch: Tensor = self.neg_classifier(torch.cat([sentence, reconstructed], dim=-1))
        return -mismatch[:, 0]

    def mix(self, query: Tensor, reading: Reading | None) -> Tensor:
        """The decoder's input also carries what was read back (the paper's Table 3, "FT")."""
        if reading is None or not self.config.query_mix:
            return query
        mixer = self.transformer.get_submodule("query_mixer")
        return query + mixer(torch.cat([query, reading.reconstructed], dim=-1))  # type: ignore[no-any-return]
