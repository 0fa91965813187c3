"""ISVOS's joint training (section 4.1): the video branch on clips, the instance branch on COCO's pictures."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from rvos_core.models.isvos import Isvos
from rvos_core.training.instance_losses import instance_loss
from rvos_core.training.propagation import PropagationObjective, PropagationWeights, instance_targets
from rvos_core.training.set_batches import LabelledBatch


class JointPropagationObjective:
    """As `PropagationObjective` where a batch has no pictures; with them, instances are learned from those alone.

    The sets of clips do not know COCO's categories and leave objects unlabelled, which the instance branch would be
    punished for finding.
    """

    def __init__(self, weights: PropagationWeights | None = None) -> None:
        self._weights = weights or PropagationWeights()
        self._alone = PropagationObjective(self._weights)
        self._clips = PropagationObjective(replace(self._weights, instances=0.0))
        self.heads: nn.Module = nn.ModuleList()

    def __call__(self, model: Isvos, batch: LabelledBatch, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Loss to minimise and the figures to log."""
        if batch.images is None:
            return self._alone(model, batch, progress)
        loss, figures = self._clips(model, batch, progress)
        predictions = model.encode_frames(batch.images.pixels().flatten(0, 1), auxiliary=True).instances
        targets = instance_targets(batch.images, classes=model.config.instance.classes)
        instances, last = instance_loss(predictions, targets, self._weights.instance_loss)
        said = {"instances": instances} | {f"instance_{name}": value for name, value in vars(last).items()}
        figures |= {name: float(value.detach()) for name, value in said.items()}
        return loss + self._weights.instances * instances, figures
