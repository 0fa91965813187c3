"""Training and scoring the small referring networks: the same clips and sentences in the same order for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rvos_core.evaluation.ablations.budget import TINY_WORLD, Budget
from rvos_core.evaluation.ablations.studies import ReferringRun
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.language import WordTokenizer
from rvos_core.masks import logits_to_mask
from rvos_core.models.configs import IfirvosConfig, R2vosConfig, ReferformerConfig, ReferringConfig
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.r2vos import R2vos
from rvos_core.models.referformer import Referformer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import ReferringOutput
from rvos_core.training.batches import NO_OBJECT, BatchShape, ReferringBatch, StepData, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer, Watch
from rvos_core.training.objectives import Objective, Ramp, ReferringObjective, ReferringWeights, run_batch
from rvos_core.training.parts import PartsObjective
from rvos_core.training.presets import LossConfig, LossWeights
from rvos_core.training.robust import RobustObjective
from rvos_core.training.validation import volume_iou

FRAMES = 5  # of every clip; a run trains on some of them and is scored on all

_PARTS = ("backbone.", "text_encoder.")
_WEIGHTS = ReferringWeights(
    matched=LossConfig.of(LossWeights(mask=4.0, dice=8.0)),
    all_queries=Ramp(1.0, 0.2, begin=0.3, until=1.0),
    grounding=Ramp(0.5, 0.5),
    vote=0.5,
)
_FILM_WEIGHTS = replace(_WEIGHTS, all_queries=Ramp(0.2, 0.2))
_RATE = 1e-3


class KeptBatches:
    """Batches that are drawn once and then kept: every run of a seed sees the very same ones."""

    def __init__(self, data: WorldBatches) -> None:
        self._data = data
        self._kept: dict[int, ReferringBatch] = {}

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, step: int) -> ReferringBatch:
        if step not in self._kept:
            self._kept[step] = self._data[step]
        return self._kept[step]


class SomeFrames:
    """The same batches with fewer frames a clip, evenly spread; sentences whose object
    shows in none of them are left out.

    Args:
        negatives: keep the sentences that mean nothing.
    """

    def __init__(self, data: StepData[ReferringBatch], frames: int, *, negatives: bool) -> None:
        self._data = data
        spread = torch.linspace(0, FRAMES - 1, frames) if frames > 1 else torch.tensor([(FRAMES - 1) / 2])
        self._frames = spread.round().long()
        self._negatives = negatives

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, step: int) -> ReferringBatch:
        whole = self._data[step]
        batch = replace(whole, frames=whole.frames[:, self._frames], labels=whole.labels[:, self._frames])
        means_none = batch.objects == NO_OBJECT
        return batch.items(batch.targets().valid.any(1) | (means_none & self._negatives))


def training_batches(budget: Budget, tokenizer: WordTokenizer, *, seed: int) -> KeptBatches:
    """The batches that all referring runs of a seed are trained with; films go on with the first ones again."""
    steps = max(budget.picture_steps, budget.film_steps)
    return KeptBatches(WorldBatches(_shape(budget), tokenizer, seed=seed, steps=steps, world=TINY_WORLD))


def network_of(config: ReferringConfig) -> ReferringNetwork:
    """A network with random weights."""
    if isinstance(config, R2vosConfig):
        return R2vos(config)
    if isinstance(config, ReferformerConfig):
        return Referformer(config)
    assert isinstance(config, IfirvosConfig)
    return Ifirvos(config)


def pretrained_parts(
    config: ReferringConfig, budget: Budget, tokenizer: WordTokenizer, folder: Path, *, name: str, device: torch.device
) -> dict[str, Tensor]:
    """Image and text weights that every referring run begins with; trained once, and kept in `folder` as `name`."""
    torch.manual_seed(0)
    model = network_of(config)
    shape = replace(_shape(budget), frames=1, clips=2 * budget.clips, negatives=0)
    stage = StageConfig(name, steps=budget.parts_steps, learning_rate=_RATE, validate_every=10**9)
    data = WorldBatches(shape, tokenizer, seed=10_000, steps=stage.steps, world=TINY_WORLD)
    trainer = Trainer(model, PartsObjective(model), data, config=stage, folder=folder, device=device)
    trainer.run()
    return {name: value for name, value in trainer.ema.values.items() if name.startswith(_PARTS)}


def train_referring(
    run: ReferringRun,
    budget: Budget,
    batches: KeptBatches,
    *,
    name: str,
    seed: int,
    parts: Mapping[str, Tensor],
    folder: Path,
    device: torch.device,
    watch: Watch | None = None,
) -> ReferringNetwork:
    """Train one network; it comes back with its averaged weights, in evaluation mode.

    Raises:
        Diverged, Cancelled, UserError: as `Trainer.run`, which also resumes what was interrupted.
    """
    torch.manual_seed(seed)
    model = network_of(run.network)
    own = model.state_dict()
    model.load_state_dict(own | {key: value for key, value in parts.items() if key in own})
    common = StageConfig(name, steps=0, tail=0.5, ema_decay=0.99, seed=seed, save_every=200, validate_every=10**9)
    pictures = replace(common, name=f"{name}.pictures", steps=budget.picture_steps, learning_rate=_RATE)
    films = replace(common, name=f"{name}.films", steps=budget.film_steps, learning_rate=0.7 * _RATE, warmup=20)
    for stage, frames, weights in ((pictures, 1, _WEIGHTS), (films, run.frames, _FILM_WEIGHTS)):
        objective: Objective = ReferringObjective(model, weights)
        if run.cycle is not None:
            objective = RobustObjective(model, weights, run.cycle)
        data = SomeFrames(batches, frames, negatives=run.cycle is not None)
        trainer = Trainer(model, objective, data, config=stage, folder=folder, device=device, workers=0, watch=watch)
        trainer.run()
        model.load_state_dict(trainer.ema.values)
    return model.eval()


@dataclass(frozen=True)
class _Score:
    """One sentence. A sentence that means nothing has an area only."""

    area: int
    means_none: bool
    j: float = 0.0
    f: float = 0.0
    right: bool = False


def held_out_batches(budget: Budget, tokenizer: WordTokenizer) -> list[ReferringBatch]:
    """The clips that every run is scored on, with one sentence each that means nothing."""
    steps = max(1, budget.val_clips // budget.clips)
    data = WorldBatches(_shape(budget), tokenizer, seed=7, steps=steps, split="val", world=TINY_WORLD)
    return [data[step] for step in range(steps)]


@torch.inference_mode()
def score_referring(
    model: ReferringNetwork, batches: list[ReferringBatch], *, device: torch.device
) -> dict[str, float]:
    """J, F and J&F of the voted query's masks over all frames, percent; `right`, percent: of the sentences whose mask
    fits the meant object better than any other; R (R2-VOS, section 5.1), percent.

    With a consensus head a sentence that it denies gets empty masks, those that mean an object included.
    """
    scores = [score for batch in batches for score in _score_batch(model, batch.to(device))]
    true = [score for score in scores if not score.means_none]
    j, f = (100 * float(np.mean([getattr(score, name) for score in true])) for name in ("j", "f"))
    painted = sum(score.area for score in true)
    falsely = sum(score.area for score in scores if score.means_none)
    # Per sentence, since there are two true ones for every false one.
    robustness = 1 - (falsely / (len(scores) - len(true))) / (painted / len(true)) if painted else 0.0
    right = 100 * float(np.mean([score.right for score in true]))
    return {"jf": (j + f) / 2, "j": j, "f": f, "right": right, "r": 100 * robustness}


def _score_batch(model: ReferringNetwork, batch: ReferringBatch) -> list[_Score]:
    output = run_batch(model, batch)
    items = torch.arange(len(batch.objects), device=batch.objects.device)
    best = output.pred_logits[..., 0].float().sigmoid().mean(1).argmax(1)
    drawn = output.pred_masks[items, :, best].float()
    drawn = torch.where(_denied(output)[:, None, None, None], -torch.ones_like(drawn), drawn)
    every = batch.objects_of_clips()
    ious = volume_iou(drawn[:, :, None] > 0, every.masks[batch.clip_of] > 0)[:, 0]
    ious = torch.where(every.valid[batch.clip_of].any(-1), ious, -1.0).cpu()
    height, width = batch.labels.shape[-2:]
    scores = []
    for item, (meant, clip) in enumerate(zip(batch.objects.tolist(), batch.clip_of.tolist(), strict=True)):
        masks = np.stack([logits_to_mask(frame, height, width) for frame in drawn[item].cpu().numpy()])
        if meant == NO_OBJECT:
            scores.append(_Score(int(masks.sum()), means_none=True))
            continue
        wanted = (batch.labels[clip] == meant + 1).cpu().numpy()
        found = sequence_scores(wanted, masks)
        right = bool(ious[item, meant] > 0) and int(ious[item].argmax()) == meant
        scores.append(_Score(int(masks.sum()), False, float(np.mean(found.j)), float(np.mean(found.f)), right))
    return scores


def _denied(output: ReferringOutput) -> Tensor:
    """(b,) bool: the consensus head says that the object is not there; never without that head."""
    logits = output.consensus_logit
    return torch.zeros(len(output.pred_logits), dtype=torch.bool) if logits is None else logits < 0


def _shape(budget: Budget) -> BatchShape:
    return BatchShape(
        (budget.size,), clips=budget.clips, frames=FRAMES, negatives=1, twins=0.7, min_objects=2, max_objects=4
    )
