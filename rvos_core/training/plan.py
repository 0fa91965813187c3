"""A training as a value: what is trained on what, for how long. YAML files and the named recipes are these classes.

`plan_reading.py` reads them, `assembly.py` makes the network, the data and the objective that they speak of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rvos_core.training.augment import Augment
from rvos_core.training.batches import BatchShape
from rvos_core.training.cycle import CycleWeights
from rvos_core.training.objectives import ReferringWeights
from rvos_core.training.optimisers import RateRule

SetName = Literal[
    "street-world",
    "ref-youtube-vos",
    "ref-davis17",
    "mevis",
    "a2d",
    "jhmdb",
    "refcoco",
    "refcoco+",
    "refcocog",
    "youtube-vos",
    "davis17",
    "coco",
    "static-images",
]
ObjectiveKind = Literal["parts", "referring", "robust", "consensus", "propagation"]
Precision = Literal["float32", "bf16", "fp16"]

REFERRING_SETS = ("ref-youtube-vos", "ref-davis17", "mevis", "a2d", "jhmdb", "refcoco", "refcoco+", "refcocog")
"""Sets of sentences."""
MASK_SETS = ("youtube-vos", "davis17", "coco", "static-images")
"""Sets of labelled objects without sentences."""


@dataclass(frozen=True)
class ModelPlan:
    """The network and what it begins with.

    Attributes:
        name: of a published configuration (`ifirvos-r50`, `isvos-mini`, ...).
        changes: values of that configuration to change, nested as it is.
        start: a model's name or folder, or a training's checkpoint (.pt): weights to begin with. What it lacks begins
            at random; what has another shape is an error.
        backbone: file of image weights (safetensors or .pt, torchvision's names) to begin with.
        text: folder or file of text weights (Hugging Face's names) to begin with.
        tokenizer: `tokenizer.json` or its folder; empty: that of `start` or beside `text`, or the world's words.
    """

    name: str = "ifirvos-mini"
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""
    backbone: str = ""
    text: str = ""
    tokenizer: str = ""


@dataclass(frozen=True)
class SetPlan:
    """One data set.

    Attributes:
        set: which.
        split: as its authors call it.
        folder: below the data folder; empty: its name.
        repeat: how often an epoch goes through it.
    """

    set: SetName = "street-world"
    split: str = "train"
    folder: str = ""
    repeat: int = 1


@dataclass(frozen=True)
class DataPlan:
    """What batches hold.

    Attributes:
        sets: an epoch is all of them, mixed.
        images: ISVOS only: sets of single pictures whose instances are learned beside the clips.
        frames: of a clip; pictures become clips of as many, turned within `augment.turn` degrees.
        batch: clips in a batch, over all processes.
        at_once: clips that a device works on at once; the others follow, and the gradients add up. 0: all.
        negatives: sentences of a batch that are paired with a clip that shows nothing of what they mean.
        max_skip: sets of masks: most frames between one frame of a clip and the next.
        world: what a batch of the street world holds; `frames`, `batch` and `augment` do not touch it.
        augment: what is done to the pictures of the other sets.
    """

    sets: tuple[SetPlan, ...] = (SetPlan(),)
    images: tuple[SetPlan, ...] = ()
    frames: int = 5
    batch: int = 8
    at_once: int = 0
    negatives: int = 0
    max_skip: int = 10
    world: BatchShape = field(default_factory=BatchShape)
    augment: Augment = field(default_factory=Augment)


@dataclass(frozen=True)
class ObjectivePlan:
    """What is minimised.

    Attributes:
        kind: `parts`: words and cells are named (street world only). `referring`: the papers' matched losses.
            `robust`: these and R2-VOS's cycle. `consensus`: the cycle's and the head's losses alone. `propagation`:
            ISVOS's.
        losses: name of a preset of weights (`presets.LOSS_PRESETS`); empty: those in `referring`.
        referring: weights of the aids; the papers have none.
        cycle: weights of R2-VOS's terms.
        deny: `robust` only: weight with which the decoder, too, hears of sentences that mean nothing.
        queue: sentences of earlier steps among which relations are compared (R2-VOS on one device).
        instances: weight of ISVOS's instance losses.
    """

    kind: ObjectiveKind = "referring"
    losses: str = ""
    referring: ReferringWeights = field(default_factory=ReferringWeights)
    cycle: CycleWeights = field(default_factory=CycleWeights)
    deny: float = 0.0
    queue: int = 0
    instances: float = 1.0


@dataclass(frozen=True)
class OptimiserPlan:
    """AdamW.

    Attributes:
        rate: of what no rule names.
        clip_norm: largest norm of the gradient; 0: any.
        rules: other rates by the beginning of parameters' names; the longest one counts.
        only: train the parameters whose names begin so, and nothing else.
    """

    rate: float = 1e-4
    decay: float = 5e-4
    clip_norm: float = 0.1
    rules: tuple[RateRule, ...] = ()
    only: str = ""


@dataclass(frozen=True)
class SchedulePlan:
    """How long, and how the rate falls.

    Attributes:
        epochs: over all sets; 0: `steps` counts.
        steps: of the optimiser, where there are no epochs.
        drops: epochs (or steps) at which the rate is multiplied by `drop_factor`.
        warmup: steps.
        tail: last share of the training, over which the rate falls along a cosine.
    """

    epochs: int = 0
    steps: int = 0
    drops: tuple[int, ...] = ()
    drop_factor: float = 0.1
    warmup: int = 0
    tail: float = 0.0


@dataclass(frozen=True)
class TrainPlan:
    """One stage of a training.

    Attributes:
        name: of its files.
        source: where the numbers are from.
        after: name of the recipe whose weights this one is to begin with.
        ema: decay of the averaged weights; 0: the last weights as they are.
        validate_every: steps; 0: only at the end. Street world, and sets with a validation split of their own.
        validation: where the best weights are told: a set, or nothing (then none are kept apart).
        precision: of the network; losses are float32 always. bf16 is used where it is quick.
    """

    name: str
    source: str = ""
    after: str = ""
    model: ModelPlan = field(default_factory=ModelPlan)
    data: DataPlan = field(default_factory=DataPlan)
    objective: ObjectivePlan = field(default_factory=ObjectivePlan)
    optimiser: OptimiserPlan = field(default_factory=OptimiserPlan)
    schedule: SchedulePlan = field(default_factory=SchedulePlan)
    validation: tuple[SetPlan, ...] = ()
    validation_clips: int = 64
    ema: float = 0.0
    precision: Precision = "bf16"
    seed: int = 0
    log_every: int = 20
    save_every: int = 500
    validate_every: int = 0
