"""Quick figures during training: fixed held-out clips at the training size, without the product's windows."""

from __future__ import annotations

import torch
from torch import Tensor

from rvos_core.language import WordTokenizer
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.training.batches import BatchShape, ReferringBatch, WorldBatches
from rvos_core.training.objectives import run_batch


class QuickValidation:
    """J of the voted query, J of the best query, share of items whose mask fits the meant object best, and
    coverage of the other objects by some query. Masks are compared at stride 4.
    """

    def __init__(
        self, tokenizer: WordTokenizer, shape: BatchShape, *, device: torch.device, clips: int = 96, bf16: bool = True
    ) -> None:
        steps = max(1, clips // shape.clips)
        dataset = WorldBatches(shape, tokenizer, seed=7, steps=steps, split="val")
        self._batches = [dataset[step].to(device) for step in range(steps)]
        self._bf16 = bf16
        self._device = device

    @torch.no_grad()
    def __call__(self, model: Ifirvos) -> dict[str, float]:
        rows = [row for batch in self._batches for row in self._rows(model, batch)]
        voted, oracle, right, covered = (torch.tensor(column, dtype=torch.float) for column in zip(*rows, strict=True))
        return {
            "val_J": float(voted.mean()),
            "val_oracle": float(oracle.mean()),
            "val_right": float(right.mean()),
            "val_others_covered": float(covered[covered >= 0].mean()) if bool((covered >= 0).any()) else 0.0,
        }

    def _rows(self, model: Ifirvos, batch: ReferringBatch) -> list[tuple[float, float, float, float]]:
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            output = run_batch(model, batch)
        best = output.pred_logits[..., 0].float().sigmoid().mean(1).argmax(1)
        masks = output.pred_masks.float() > 0
        rows = []
        for item, target in enumerate(batch.targets()):
            ious = volume_iou(masks[item], target.masks > 0)
            others = [volume_iou(masks[item], other.masks > 0) for other in batch.others(item)]
            chosen = int(best[item])
            right = all(float(ious[chosen]) > float(other[chosen]) for other in others) and float(ious[chosen]) > 0
            covered = sum(float(other.max()) > 0.5 for other in others) / len(others) if others else -1.0
            rows.append((float(ious[chosen]), float(ious.max()), float(right), covered))
        return rows


def volume_iou(masks: Tensor, target: Tensor) -> Tensor:
    """IoU over the whole clip: masks (t, q, h, w) bool, target (t, h, w) bool -> (q,)."""
    inner = (masks & target[:, None]).sum((0, 2, 3)).float()
    union = (masks | target[:, None]).sum((0, 2, 3)).float()
    return torch.where(union > 0, inner / union.clamp(min=1), torch.ones_like(inner))
