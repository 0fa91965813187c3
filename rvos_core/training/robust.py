"""Training with expressions that mean nothing in their clip: segmentation, and R2-VOS's relational cycle.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 4.5, equation 7.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import EncodedFrames, Reading, ReferringOutput
from rvos_core.training.batches import NO_OBJECT, ReferringBatch
from rvos_core.training.cycle import CycleWeights, cycle_losses
from rvos_core.training.objectives import ReferringObjective, ReferringWeights, decode_batch


class SentenceQueue(nn.Module):
    """Sentences that fitted their clips in earlier steps, with what was read back of them; neither has a gradient.

    A relation needs three sentences and says more of many: on one device with a small batch the queue brings them. It
    is part of a checkpoint.
    """

    sentence: Tensor
    reconstructed: Tensor
    used: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("sentence", torch.zeros(size, width))
        self.register_buffer("reconstructed", torch.zeros(size, width))
        self.register_buffer("used", torch.zeros((), dtype=torch.int64))

    def behind(self, reading: Reading, present: Tensor) -> tuple[Reading, Tensor]:
        """`reading` followed by the queue's sentences, which fit their clips; they have no consensus logit."""
        count = int(self.used)
        if not count:
            return reading, present
        longer = Reading(
            torch.cat([reading.sentence, self.sentence[:count].to(reading.sentence.dtype)]),
            torch.cat([reading.reconstructed, self.reconstructed[:count].to(reading.reconstructed.dtype)]),
            None,
        )
        return longer, torch.cat([present, present.new_ones(count)])

    @torch.no_grad()
    def take(self, reading: Reading, present: Tensor) -> None:
        """Put in the sentences that fit, the newest first; the oldest leave."""
        size = len(self.sentence)
        for kept, new in ((self.sentence, reading.sentence), (self.reconstructed, reading.reconstructed)):
            joined = torch.cat([new[present].detach().to(kept.dtype), kept])
            kept.copy_(joined[:size])
        self.used.fill_(min(size, int(self.used) + int(present.sum())))


class RobustObjective:
    """Equation 7: segmentation losses of the expressions that fit, cycle and consensus losses of all.

    Args:
        model: reads the sentence back from the picture (R2-VOS, or a network with a consensus head).
        weights: of the segmentation; None leaves it out, to train the head of a network that segments already.
        cycle: weights of the cycle's terms.
        queue: sentences of earlier steps that relations are compared among, too.
        deny: weight of "no query is the object" for expressions that mean nothing. The decoder hears of them then, and
            its class scores say whether the object is there; with 0 only the reading does, as in R2-VOS.
    """

    def __init__(
        self,
        model: ReferringNetwork,
        weights: ReferringWeights | None,
        cycle: CycleWeights | None = None,
        *,
        queue: int = 0,
        deny: float = 0.0,
    ) -> None:
        self._referring = None if weights is None else ReferringObjective(model, weights)
        self._cycle = cycle or CycleWeights()
        self._deny = deny
        self.heads: nn.Module = nn.ModuleList() if self._referring is None else self._referring.heads
        self._queue = SentenceQueue(queue, model.config.hidden) if queue else None
        if self._queue is not None:
            self.heads = nn.ModuleList([self.heads, self._queue])

    def __call__(
        self, model: ReferringNetwork, batch: ReferringBatch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        frames = model.encode_frames(batch.pixels(), batch.padding())
        loss = batch.frames.new_zeros((), dtype=torch.float32)
        figures: dict[str, float] = {}
        readings: list[Reading] = []
        present = batch.objects != NO_OBJECT
        decoded = torch.zeros_like(present)
        if self._referring is not None:
            decoded = torch.ones_like(present) if self._deny else present
            heard, fits = batch.items(decoded), present[decoded]
            output = decode_batch(model, frames, heard)
            loss, figures = self._referring.of_output(output.select(fits), heard.items(fits), progress)
            if self._deny:
                denial = denial_loss(output, ~fits)
                loss, figures = loss + self._deny * denial, figures | {"denial": float(denial.detach())}
            readings.append(_known(output.reading))
        unread = batch.items(~decoded)
        if len(unread.texts):
            readings.append(_read(model, frames, unread))
        present = torch.cat([present[decoded], present[~decoded]])
        reading = _joined(readings)
        terms = cycle_losses(reading, present, margin=self._cycle.margin)
        if self._queue is not None:
            longer = self._queue.behind(reading, present)
            related = cycle_losses(*longer, margin=self._cycle.margin)
            terms = replace(terms, distance=related.distance, angle=related.angle)
            self._queue.take(reading, present)
        figures |= {name: float(value.detach()) for name, value in vars(terms).items()}
        return loss + terms.weighted(self._cycle), figures


def denial_loss(output: ReferringOutput, absent: Tensor) -> Tensor:
    """Binary cross entropy of every class score of the expressions that mean nothing with "not the object".

    The mean over frames and queries, summed over decoder layers. absent: (b,) bool.
    """
    layers = [layer.pred_logits[absent].float() for layer in (output, *output.aux)]
    if not bool(absent.any()):
        return output.pred_logits.new_zeros((), dtype=torch.float32)
    return torch.stack([F.softplus(logits).mean() for logits in layers]).sum()


def _read(model: ReferringNetwork, frames: EncodedFrames, batch: ReferringBatch) -> Reading:
    text = model.encode_text(batch.token_ids, batch.token_padding)
    return _known(model.read(frames.select(batch.clip_of), text))


def _known(reading: Reading | None) -> Reading:
    if reading is None:
        raise ValueError("this network does not read the sentence back: it has neither R2-VOS's parts nor their head")
    return reading


def _joined(readings: list[Reading]) -> Reading:
    """The readings of several parts of a batch, one after the other."""
    logits = [reading.consensus_logit for reading in readings]
    known = [logit for logit in logits if logit is not None]
    return Reading(
        torch.cat([reading.sentence for reading in readings]),
        torch.cat([reading.reconstructed for reading in readings]),
        torch.cat(known) if len(known) == len(logits) else None,
    )
