"""Losses of R2-VOS's relational cycle: what is read back from the picture relates as what was said.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 4.5, equations 8-10;
the L2 and hinge terms and all weights are the authors' code. Every sum is in float32. b expressions, c channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.models.referring_values import Reading


@dataclass(frozen=True)
class CycleWeights:
    """Weights of the terms, as the authors' code has them.

    Attributes:
        distance, angle: the relational terms, equations 9 and 10.
        l2: distance of each reconstructed sentence from its own; off by default there.
        hinge: sentences that do not fit their clip are to be read back at least `margin` away. Not in the paper.
        consensus: the pair classifier's cross entropy.
        margin: of the hinge.
    """

    distance: float = 1.0
    angle: float = 1.0
    l2: float = 0.0
    hinge: float = 0.1
    consensus: float = 1.0
    margin: float = 0.5


@dataclass(frozen=True)
class CycleTerms:
    """The unweighted terms, scalars; 0 where the batch has no expression that a term could speak of."""

    distance: Tensor
    angle: Tensor
    l2: Tensor
    hinge: Tensor
    consensus: Tensor

    def weighted(self, weights: CycleWeights) -> Tensor:
        """Their weighted sum."""
        return (
            weights.distance * self.distance
            + weights.angle * self.angle
            + weights.l2 * self.l2
            + weights.hinge * self.hinge
            + weights.consensus * self.consensus
        )


def cycle_losses(reading: Reading, present: Tensor, *, margin: float = 0.5) -> CycleTerms:
    """All terms of a batch in which some expressions fit their clip and others do not.

    The relations are those among the expressions that fit; two of them relate alike whatever they are, so a batch
    wants at least three. The sentences themselves get no gradient: they are the teacher.

    Args:
        reading: of b pairs of clip and expression.
        present: (b,) bool, the clip shows what its expression means.
        margin: of the hinge.
    """
    teacher, student = reading.sentence.detach().float(), reading.reconstructed.float()
    apart = torch.linalg.vector_norm(student - teacher, dim=-1)
    zero = student.new_zeros(())
    fitting, other = apart[present], apart[~present]
    consensus = zero
    if reading.consensus_logit is not None:
        consensus = F.binary_cross_entropy_with_logits(reading.consensus_logit.float(), present.float())
    return CycleTerms(
        distance=distance_loss(student[present], teacher[present]),
        angle=angle_loss(student[present], teacher[present]),
        l2=fitting.mean() if len(fitting) else zero,
        hinge=(margin - other.mean()).clamp(min=0) if len(other) else zero,
        consensus=consensus,
    )


def distance_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Equation 9: Huber loss of the relative distances of all pairs, averaged over b^2 entries. Both (b, c)."""
    return _huber(_relative_distances(student), _relative_distances(teacher.detach()))


def angle_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Equation 10: Huber loss of the cosines at each sentence between any two others, over b^3 entries. Both (b, c)."""
    return _huber(_cosines(student), _cosines(teacher.detach()))


def _relative_distances(x: Tensor) -> Tensor:
    """(b, b) Euclidean distances in units of their mean over pairs that differ."""
    distances: Tensor = torch.linalg.vector_norm(x[:, None] - x[None], dim=-1)
    count = (distances > 0).sum().clamp(min=1)
    mean = distances.sum() / count
    return distances / torch.where(mean > 0, mean, torch.ones_like(mean))


def _cosines(x: Tensor) -> Tensor:
    """(b, b, b) entry i, j, k: cosine at x_i between x_j and x_k; 0 where one of them is x_i itself."""
    away = x[None] - x[:, None]
    length = torch.linalg.vector_norm(away, dim=-1, keepdim=True)
    directions = away / torch.where(length > 0, length, torch.ones_like(length))
    return directions @ directions.transpose(1, 2)


def _huber(student: Tensor, teacher: Tensor) -> Tensor:
    return F.smooth_l1_loss(student, teacher) if len(student) else student.sum()
