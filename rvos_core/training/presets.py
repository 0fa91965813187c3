"""Loss settings by name: every number that a paper or its published code fixes, each with its source."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

MaskForm = Literal["focal", "bce"]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the five terms of IFIRVOS eq. 8. Defaults: the published code of ReferFormer and IFIRVOS."""

    classification: float = 2.0
    l1: float = 5.0
    giou: float = 2.0
    mask: float = 2.0
    dice: float = 5.0


@dataclass(frozen=True)
class LossConfig:
    """How predictions are matched with the referred object and what the match costs.

    Attributes:
        loss: weights of the losses, on every decoder layer.
        cost: weights of the matching costs; a weight of 0 leaves a cost out. Papers and code use those of the losses.
        mask: form of the pixel-wise mask term, in loss and cost alike.
        focal_alpha, focal_gamma: Lin et al., focal loss; of the class term and of the mask term of that form.
    """

    loss: LossWeights = field(default_factory=LossWeights)
    cost: LossWeights = field(default_factory=LossWeights)
    mask: MaskForm = "focal"
    focal_alpha: float = 0.25
    focal_gamma: float = 2.0

    @classmethod
    def of(cls, weights: LossWeights, *, mask: MaskForm = "focal") -> LossConfig:
        """The same weights for losses and costs."""
        return cls(loss=weights, cost=weights, mask=mask)


REFERFORMER = LossConfig()  # section 4.2, and the published code
IFIRVOS_PAPER = LossConfig.of(LossWeights(mask=1.0, dice=1.0))  # section 4.2
IFIRVOS_CODE = LossConfig()  # the published code's defaults
R2VOS = LossConfig()  # the published code; its paper, section 4.5, has cross entropy in place of the focal loss
R2VOS_PAPER = replace(R2VOS, mask="bce")

LOSS_PRESETS: dict[str, LossConfig] = {
    "referformer": REFERFORMER,
    "ifirvos-paper": IFIRVOS_PAPER,
    "ifirvos-code": IFIRVOS_CODE,
    "r2vos": R2VOS,
    "r2vos-paper": R2VOS_PAPER,
}
