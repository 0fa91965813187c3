"""Quick figures during training: fixed held-out clips at the training size, without the product's windows."""

from __future__ import annotations

import torch
from torch import Tensor

from rvos_core.language import WordTokenizer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.training.batches import BatchShape, ReferringBatch, WorldBatches
from rvos_core.training.objectives import run_batch


class QuickValidation:
    """J of the voted query, J of the best query, share of items whose mask fits the meant object best, and
    coverage of the other objects by some query. Masks are compared at stride 4.
    """

    def __init__(
        self, tokenizer: WordTokenizer, shape: BatchShape, *, device: torch.device, clips: int = 96, bf16: bool = False
    ) -> None:
        steps = max(1, clips // shape.clips)
        dataset = WorldBatches(shape, tokenizer, seed=7, steps=steps, split="val")
        self._batches = [dataset[step].to(device) for step in range(steps)]
        self._bf16 = bf16
        self._device = device

    @torch.no_grad()
    def __call__(self, model: ReferringNetwork) -> dict[str, float]:
        rows = torch.cat([self._rows(model, batch) for batch in self._batches])
        voted, oracle, right, covered = rows.unbind(-1)
        return {
            "val_J": float(voted.mean()),
            "val_oracle": float(oracle.mean()),
            "val_right": float(right.mean()),
            "val_others_covered": float(covered[covered >= 0].mean()) if bool((covered >= 0).any()) else 0.0,
        }

    def _rows(self, model: ReferringNetwork, batch: ReferringBatch) -> Tensor:
        """(items, 4): IoU of the voted query, of the best one, whether the voted one is right, others covered."""
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            output = run_batch(model, batch)
        masks = output.pred_masks.float() > 0
        ious = volume_iou(masks, batch.targets().masks[:, None] > 0)[..., 0]
        others = batch.others()
        present = others.valid.any(-1)
        rivals = volume_iou(masks, others.masks > 0) * present[:, None]
        best = output.pred_logits[..., 0].float().sigmoid().mean(1).argmax(1)
        items = torch.arange(len(best), device=best.device)
        voted = ious[items, best]
        right = voted > rivals[items, best].amax(-1)
        found = ((rivals.amax(1) > 0.5) & present).sum(-1)
        covered = torch.where(present.any(-1), found / present.sum(-1).clamp(min=1), -1.0)
        return torch.stack([voted, ious.amax(-1), right.float(), covered], -1)


def volume_iou(masks: Tensor, wanted: Tensor) -> Tensor:
    """IoU over the whole clip of every query with every object; 1 where both are empty.

    Args:
        masks: (b, t, q, h, w) bool. wanted: (b, k, t, h, w) bool.

    Returns:
        (b, q, k) float32.
    """
    drawn, objects = masks.transpose(1, 2).flatten(2).float(), wanted.flatten(2).float()
    inner = drawn @ objects.transpose(1, 2)
    union = drawn.sum(-1)[..., None] + objects.sum(-1)[:, None] - inner
    return torch.where(union > 0, inner / union.clamp(min=1), 1.0)
