"""From a plan to what the loop runs: network, words, objective, batches, numbers of steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rvos_core.errors import UserError
from rvos_core.language import Tokenizer, WordTokenizer, load_tokenizer
from rvos_core.models.architectures import ARCHITECTURES, Architecture, configuration
from rvos_core.models.configs import TextConfig, ifirvos_mini_config
from rvos_core.models.isvos import Isvos
from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.registry import model_folder
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import StepData, WorldBatches
from rvos_core.training.checkpoint import averaged_weights
from rvos_core.training.engine import StageConfig, TrainingObjective, Validation
from rvos_core.training.joint_propagation import JointPropagationObjective
from rvos_core.training.objectives import ReferringObjective
from rvos_core.training.parts import PartsObjective
from rvos_core.training.plan import MASK_SETS, REFERRING_SETS, ModelPlan, ObjectivePlan, TrainPlan
from rvos_core.training.plan_reading import bad_plan, build, merged, plan_values
from rvos_core.training.presets import LOSS_PRESETS
from rvos_core.training.processes import Processes
from rvos_core.training.propagation import PropagationWeights
from rvos_core.training.robust import RobustObjective
from rvos_core.training.set_batches import Draw, LabelledBatches, SentenceBatches, Share
from rvos_core.training.set_reading import open_set, open_sets
from rvos_core.training.set_validation import FollowValidation, SentenceValidation
from rvos_core.training.sources import ClipSource, PictureInstances
from rvos_core.training.starting_weights import load_part, load_whole
from rvos_core.training.validation import QuickValidation
from rvos_core.weights.bundle import load_bundle

_FREE = ("name", "source", "after", "log_every", "save_every", "validate_every", "validation", "validation_clips")
_BEGINNING = ("start", "backbone", "text")  # of the model; a checkpoint has what became of it


@dataclass(frozen=True)
class Training:
    """Everything that a plan speaks of, made.

    Attributes:
        items: of an epoch; 0 where there are none (the street world).
        random_start: names of weights that nothing was begun with; None where all began at random.
        sources: the data sets, those of single pictures included.
    """

    plan: TrainPlan
    model: nn.Module
    tokenizer: Tokenizer | None
    objective: TrainingObjective
    data: StepData[Any]
    stage: StageConfig
    validation: Validation | None
    items: int
    random_start: list[str] | None
    sources: tuple[ClipSource, ...] = ()

    def check_data(self) -> None:
        """Raises: UserError: naming the files that the data sets list and lack."""
        for source in self.sources:
            source.check()

    @property
    def settings(self) -> str:
        """JSON of what a checkpoint must agree on: all of the plan that changes a step."""
        values = {key: value for key, value in plan_values(self.plan).items() if key not in _FREE}
        del values["data"]["at_once"]
        for key in _BEGINNING:
            del values["model"][key]
        return json.dumps(values | {"steps": self.stage.steps})


def assemble(plan: TrainPlan, *, folder: Path | None, processes: Processes) -> Training:
    """Make what `plan` speaks of.

    Args:
        folder: with the data sets; the street world needs none.
        processes: that train together; the batches are this one's share.

    Raises:
        UserError: the plan contradicts itself, a data set is incomplete, weights do not fit.
    """
    torch.manual_seed(plan.seed)
    _check(plan)
    world = plan.data.sets[0].set == "street-world"
    if not world and folder is None:
        raise UserError(
            f"{plan.name} needs data sets.",
            hint=f"Give the folder that holds {', '.join(dict.fromkeys(_folders(plan)))} with --data.",
            code="training.no_data",
        )
    model, tokenizer, random_start = make_model(plan.model)
    _check_kind(plan, model)
    objective = make_objective(plan.objective, model)
    share = Share(plan.data.batch, processes.rank, processes.count)
    if share.batch % share.processes:
        raise bad_plan(f"data.batch {share.batch} cannot be shared out among {share.processes} processes")
    draw = None if world or folder is None else Draw(open_sets(plan.data, folder), plan.data.augment, seed=plan.seed)
    items = 0 if draw is None else len(draw)
    stage = stage_of(plan, items=items, processes=processes.count)
    if draw is None:
        data = _world_data(plan, tokenizer, stage, share)
        validation = _world_validation(plan, tokenizer, processes.device)
    else:
        assert folder is not None
        data = _set_data(plan, draw, tokenizer, folder=folder, share=share, steps=stage.steps)
        validation = _set_validation(plan, tokenizer, folder=folder, device=processes.device)
    stage = replace(stage, best=stage.best if validation else "")
    sources = () if draw is None else draw.sources
    if isinstance(data, LabelledBatches):
        sources = (*sources, *data.image_sources)
    return Training(plan, model, tokenizer, objective, data, stage, validation, items, random_start, sources)


def stage_of(plan: TrainPlan, *, items: int, processes: int) -> StageConfig:
    """The loop's numbers; epochs become steps. Raises: UserError: no length is given."""
    schedule, data = plan.schedule, plan.data
    clips = data.world.clips if not items else data.batch // processes
    per_epoch = -(-items // data.batch)
    steps = schedule.epochs * per_epoch or schedule.steps
    if steps < 1:
        raise bad_plan("schedule.steps is 0, and so are the epochs" + ("" if items else " (the street world has none)"))
    unit = per_epoch if schedule.epochs and items else 1
    return StageConfig(
        plan.name,
        steps=steps,
        shape=data.world,
        learning_rate=plan.optimiser.rate,
        weight_decay=plan.optimiser.decay,
        warmup=schedule.warmup,
        tail=schedule.tail,
        drops=tuple(drop * unit for drop in schedule.drops),
        drop_factor=schedule.drop_factor,
        rates=plan.optimiser.rules,
        parts=-(-clips // data.at_once) if data.at_once else 1,
        clip_norm=plan.optimiser.clip_norm,
        ema_decay=plan.ema,
        seed=plan.seed,
        only=plan.optimiser.only,
        bf16=plan.precision == "bf16",
        fp16=plan.precision == "fp16",
        best="val_J",
        log_every=plan.log_every,
        save_every=plan.save_every,
        validate_every=plan.validate_every or steps,
    )


def make_model(plan: ModelPlan) -> tuple[nn.Module, Tokenizer | None, list[str] | None]:
    """Network with its start, its words, and names of what begins at random (None: everything). Raises: UserError."""
    words: Tokenizer | None = None
    weights: dict[str, torch.Tensor] = {}
    if plan.start.endswith(".pt"):
        weights = averaged_weights(Path(plan.start))
    elif plan.start:
        bundle = load_bundle(model_folder(plan.start))
        weights, words = bundle.model.state_dict(), bundle.tokenizer
    if plan.tokenizer:
        words = load_tokenizer(Path(plan.tokenizer))
    elif words is None and plan.text and Path(plan.text).is_dir():
        words = load_tokenizer(Path(plan.text))
    entry, config = _configuration(plan, words)
    model = entry.build(config)
    if isinstance(model, ReferringNetwork) and words is None:
        words = WordTokenizer.from_words(vocabulary())
    random_start = load_whole(model, weights, path=plan.start) if weights else None
    if plan.backbone:
        load_part(model, "backbone.0.body.", Path(plan.backbone))
    if plan.text:
        load_part(model, "text_encoder.", Path(plan.text))
    return model, words, random_start


def _configuration(plan: ModelPlan, words: Tokenizer | None) -> tuple[Architecture, Any]:
    """The architecture and its configuration with the plan's changes; it has a row for every word."""
    if plan.name == "ifirvos-mini":
        words = words or WordTokenizer.from_words(vocabulary())
        entry, config = ARCHITECTURES["ifirvos"], ifirvos_mini_config(words.vocab_size)
    else:
        entry, config = configuration(plan.name)
    config = build(entry.config, merged(config.to_dict(), plan.changes), where=f"model {plan.name}")
    text = getattr(config, "text", None)
    if words is not None and isinstance(text, TextConfig) and words.vocab_size > text.vocab_size:
        raise bad_plan(f"the tokeniser has {words.vocab_size} tokens, model.changes.text.vocab_size {text.vocab_size}")
    return entry, config


def make_objective(plan: ObjectivePlan, model: nn.Module) -> TrainingObjective:
    """What the plan minimises. Raises: UserError: no such preset."""
    if plan.losses and plan.losses not in LOSS_PRESETS:
        raise bad_plan(f"objective.losses is {plan.losses!r}; there are {', '.join(LOSS_PRESETS)}")
    weights = replace(plan.referring, matched=LOSS_PRESETS[plan.losses]) if plan.losses else plan.referring
    if isinstance(model, Isvos):
        return JointPropagationObjective(PropagationWeights(instances=plan.instances))
    assert isinstance(model, ReferringNetwork)
    with_cycle: dict[str, Callable[[], TrainingObjective]] = {
        "parts": lambda: PartsObjective(model),
        "referring": lambda: ReferringObjective(model, weights),
        "robust": lambda: RobustObjective(model, weights, plan.cycle, queue=plan.queue, deny=plan.deny),
        "consensus": lambda: RobustObjective(model, None, plan.cycle, queue=plan.queue),
    }
    return with_cycle[plan.kind]()


def _world_data(plan: TrainPlan, words: Tokenizer | None, stage: StageConfig, share: Share) -> StepData[Any]:
    assert isinstance(words, WordTokenizer) or plan.objective.kind == "propagation"
    tokenizer = words if isinstance(words, WordTokenizer) else WordTokenizer.from_words(vocabulary())
    return WorldBatches(
        plan.data.world, tokenizer, seed=plan.seed, steps=stage.steps, rank=share.rank, processes=share.processes
    )


def _world_validation(plan: TrainPlan, words: Tokenizer | None, device: torch.device) -> Validation | None:
    if not plan.validation or not isinstance(words, WordTokenizer) or plan.objective.kind == "parts":
        return None
    shape = replace(plan.data.world, clips=8, negatives=0)
    return QuickValidation(words, shape, device=device, clips=plan.validation_clips)


def _set_data(
    plan: TrainPlan, draw: Draw[ClipSource], words: Tokenizer | None, *, folder: Path, share: Share, steps: int
) -> StepData[Any]:
    if words is not None:
        return SentenceBatches(draw, words, share=share, steps=steps, negatives=plan.data.negatives)
    sets = [(open_set(each, plan.data, folder), each.repeat) for each in plan.data.images]
    pictures = [(source, repeat) for source, repeat in sets if isinstance(source, PictureInstances)]
    if len(pictures) < len(sets):
        raise bad_plan("data.images takes coco only")
    images = Draw(pictures, plan.data.augment, seed=plan.seed + 1) if pictures else None
    return LabelledBatches(draw, images=images, share=share, steps=steps)


def _set_validation(
    plan: TrainPlan, words: Tokenizer | None, *, folder: Path, device: torch.device
) -> Validation | None:
    if not plan.validation:
        return None
    sources = [open_set(each, plan.data, folder) for each in plan.validation]
    side = plan.data.augment.sides[len(plan.data.augment.sides) // 2]
    kind = FollowValidation if words is None else SentenceValidation
    return kind(
        sources, words, side=side, longest=plan.data.augment.longest, clips=plan.validation_clips, device=device
    )


def _folders(plan: TrainPlan) -> Sequence[str]:
    return [each.folder or each.set for each in (*plan.data.sets, *plan.data.images, *plan.validation)]


def _check(plan: TrainPlan) -> None:
    """Refuse what cannot go together."""
    kinds = {each.set for each in plan.data.sets}
    if not kinds or ("street-world" in kinds and len(kinds) > 1):
        raise bad_plan("data.sets must be the street world alone, or other sets")
    if plan.data.batch < 1 or plan.data.frames < 1 or plan.data.at_once < 0:
        raise bad_plan("data.batch and data.frames must be at least 1, data.at_once at least 0")
    wants_masks = plan.objective.kind == "propagation"
    wrong = kinds & set(REFERRING_SETS if wants_masks else MASK_SETS)
    if wrong or (plan.objective.kind == "parts" and kinds != {"street-world"}):
        raise bad_plan(f"objective.kind {plan.objective.kind} cannot learn from {', '.join(sorted(wrong or kinds))}")


def _check_kind(plan: TrainPlan, model: nn.Module) -> None:
    follows, wanted = isinstance(model, Isvos), plan.objective.kind == "propagation"
    if follows != wanted:
        raise bad_plan(f"objective.kind {plan.objective.kind} is not for {plan.model.name}")
    config = getattr(model, "config", None)
    reads = getattr(config, "consensus", False) or getattr(config, "reconstruct", False)
    if plan.objective.kind in ("robust", "consensus") and not reads:
        raise bad_plan(f"objective.kind {plan.objective.kind} needs a network that reads the sentence back")
