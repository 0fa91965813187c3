"""Named recipes: one for each stage of a paper, every number with its source.

Where a paper does not say how many GPUs it used, eight are taken: `batch` is what they held together, and a step on one
GPU adds up the gradients of as many clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rvos_core.training.augment import Augment
from rvos_core.training.batches import BatchShape
from rvos_core.training.objectives import Ramp, ReferringWeights
from rvos_core.training.optimisers import RateRule
from rvos_core.training.plan import (
    DataPlan,
    ModelPlan,
    ObjectivePlan,
    OptimiserPlan,
    SchedulePlan,
    SetPlan,
    TrainPlan,
)

_REFCOCO = (SetPlan("refcoco"), SetPlan("refcoco+"), SetPlan("refcocog"))
_YTVOS = (SetPlan("ref-youtube-vos"),)
_PAPER_LOSSES = ReferringWeights(all_queries=Ramp(0.0, 0.0), grounding=Ramp(0.0, 0.0))
_TRAINED_TEXT: Mapping[str, Any] = {"text": {"frozen": False}}
_FIXED_SIZE = Augment(sides=(360,), longest=640)
_ISVOS_SIZE = Augment(sides=(384,), longest=512, crop_first=(384, 432, 480), crop_sides=(384, 480))


def _losses(preset: str) -> ObjectivePlan:
    return ObjectivePlan("referring", losses=preset, referring=_PAPER_LOSSES)


_REFERFORMER_RATES = OptimiserPlan(
    rate=1e-4, decay=5e-4, clip_norm=0.1, rules=(RateRule("backbone.", 0.5), RateRule("text_encoder.", 0.1))
)
_REFERFORMER_PRETRAIN = TrainPlan(
    "referformer-pretrain",
    source="Wu et al., CVPR 2022, supplement B; text encoder trained as in the published code",
    model=ModelPlan("referformer-r50", changes=_TRAINED_TEXT),
    data=DataPlan(_REFCOCO, frames=1, batch=16, at_once=2),
    objective=_losses("referformer"),
    optimiser=_REFERFORMER_RATES,
    schedule=SchedulePlan(epochs=12, drops=(8, 10)),
)
_REFERFORMER_YTVOS = TrainPlan(
    "referformer-ytvos",
    source="Wu et al., CVPR 2022, supplement B",
    after="referformer-pretrain",
    model=ModelPlan("referformer-r50"),
    data=DataPlan(_YTVOS, frames=5, batch=8, at_once=1),
    objective=_losses("referformer"),
    optimiser=_REFERFORMER_RATES,
    schedule=SchedulePlan(epochs=6, drops=(3, 5)),
)
_REFERFORMER = (
    _REFERFORMER_PRETRAIN,
    _REFERFORMER_YTVOS,
    replace(
        _REFERFORMER_YTVOS,
        name="referformer-ytvos-scratch",
        source="Wu et al., CVPR 2022, Table 1, without pre-training on pictures",
        after="",
    ),
    replace(
        _REFERFORMER_YTVOS,
        name="referformer-joint",
        source="Wu et al., CVPR 2022, supplement B, joint training: pictures as 5-frame clips; 32 GPUs with 2 clips",
        after="",
        data=DataPlan((*_YTVOS, *_REFCOCO), frames=5, batch=64, at_once=2),
        schedule=SchedulePlan(epochs=12, drops=(8, 10)),
    ),
    replace(
        _REFERFORMER_YTVOS,
        name="referformer-a2d",
        source="Wu et al., CVPR 2022, supplement B; of the window of 5 a ResNet uses the annotated frame alone",
        data=DataPlan((SetPlan("a2d"),), frames=1, batch=8, at_once=2),
    ),
)

_IFIRVOS_RATES = OptimiserPlan(
    rate=5e-5, decay=5e-4, clip_norm=0.1, rules=(RateRule("backbone.", 0.2), RateRule("text_encoder.", 0.2))
)
_IFIRVOS_YTVOS = TrainPlan(
    "ifirvos-ytvos",
    source="Lan, Rong, Zhang, arXiv 2307.00536, section 4.2; decay and clipping: the published code's",
    after="ifirvos-pretrain",
    model=ModelPlan("ifirvos-r50"),
    data=DataPlan(_YTVOS, frames=6, batch=8, at_once=1, augment=_FIXED_SIZE),
    objective=_losses("ifirvos-paper"),
    optimiser=_IFIRVOS_RATES,
    schedule=SchedulePlan(epochs=6, drops=(3, 5)),
)
_IFIRVOS = (
    replace(
        _IFIRVOS_YTVOS,
        name="ifirvos-pretrain",
        after="",
        model=ModelPlan("ifirvos-r50", changes=_TRAINED_TEXT),
        data=DataPlan(_REFCOCO, frames=1, batch=16, at_once=2, augment=_FIXED_SIZE),
        schedule=SchedulePlan(epochs=10, drops=(6, 8)),
    ),
    _IFIRVOS_YTVOS,
    replace(
        _IFIRVOS_YTVOS,
        name="ifirvos-a2d",
        data=DataPlan((SetPlan("a2d"),), frames=1, batch=8, at_once=2, augment=_FIXED_SIZE),
    ),
    replace(
        _IFIRVOS_YTVOS,
        name="ifirvos-consensus",
        source="R2-VOS's cycle (its section 4.5) for a network that segments already: only the head learns",
        after="ifirvos-ytvos",
        model=ModelPlan("ifirvos-r50", changes={"consensus": True}),
        data=DataPlan(_YTVOS, frames=5, batch=8, at_once=4, negatives=8, augment=_FIXED_SIZE),
        objective=ObjectivePlan("consensus", queue=8),
        optimiser=OptimiserPlan(rate=1e-4, decay=1e-4, clip_norm=0.1, only="consensus_head."),
        schedule=SchedulePlan(epochs=1),
    ),
)

_R2VOS = (
    replace(
        _REFERFORMER_PRETRAIN,
        name="r2vos-pretrain",
        source="Li et al., R2-VOS, section 5.2 (on pictures first), with ReferFormer's schedule",
        model=ModelPlan("r2vos-r50", changes=_TRAINED_TEXT),
        data=DataPlan(_REFCOCO, frames=1, batch=16, at_once=4, negatives=16),
        objective=ObjectivePlan("robust", losses="r2vos", referring=_PAPER_LOSSES, queue=8),
    ),
    TrainPlan(
        "r2vos-ytvos",
        source="Li et al., R2-VOS, sections 4.5 and 5.2; negatives: pairs shuffled in the batch",
        after="r2vos-pretrain",
        model=ModelPlan("r2vos-r50"),
        data=DataPlan(_YTVOS, frames=5, batch=8, at_once=2, negatives=8),
        objective=ObjectivePlan("robust", losses="r2vos", referring=_PAPER_LOSSES, queue=8),
        optimiser=OptimiserPlan(rate=1e-4, decay=1e-4, clip_norm=0.1, rules=(RateRule("backbone.", 0.5),)),
        schedule=SchedulePlan(epochs=6, drops=(3, 5)),
    ),
)

_ISVOS_STATIC = TrainPlan(
    "isvos-static",
    source="Wang et al., CVPR 2023, section 4.1: deformed static pictures; instances on COCO, at a tenth of the rate",
    model=ModelPlan("isvos-r50"),
    data=DataPlan(
        (SetPlan("static-images"),),
        images=(SetPlan("coco", split="train2017"),),
        frames=3,
        batch=56,
        at_once=4,
        augment=_ISVOS_SIZE,
    ),
    objective=ObjectivePlan("propagation"),
    optimiser=OptimiserPlan(rate=4e-5, decay=0.05, clip_norm=0.0, rules=(RateRule("instance.", 0.1),)),
    schedule=SchedulePlan(steps=150_000),
)
_ISVOS = (
    _ISVOS_STATIC,
    replace(
        _ISVOS_STATIC,
        name="isvos-main",
        source="Wang et al., CVPR 2023, section 4.1; DAVIS counts five times, frames at most 25 apart as in STCN",
        after="isvos-static",
        data=replace(
            _ISVOS_STATIC.data,
            sets=(SetPlan("youtube-vos"), SetPlan("davis17", repeat=5)),
            batch=16,
            max_skip=25,
        ),
        optimiser=replace(_ISVOS_STATIC.optimiser, rate=2e-5),
        schedule=SchedulePlan(steps=110_000, drops=(80_000,)),
        validation=(SetPlan("davis17", split="val"),),
        validate_every=5000,
    ),
)

_WORLD = (
    TrainPlan(
        "world-parts",
        source="this project's curriculum, stage 1: words and cells are named (docs/decisions/0004)",
        data=DataPlan(world=BatchShape(clips=16), at_once=0),
        objective=ObjectivePlan("parts"),
        optimiser=OptimiserPlan(rate=1e-3, decay=0.02, clip_norm=1.0),
        schedule=SchedulePlan(steps=1400, warmup=50, tail=0.35),
        ema=0.998,
    ),
    TrainPlan(
        "world-pictures",
        source="this project's curriculum, stage 2: single pictures (docs/decisions/0004)",
        after="world-parts",
        data=DataPlan(at_once=0),
        objective=ObjectivePlan(referring=ReferringWeights(all_queries=Ramp(1.0, 0.1, begin=0.2, until=0.8))),
        optimiser=OptimiserPlan(rate=6e-4, decay=0.02, clip_norm=1.0),
        schedule=SchedulePlan(steps=1600, warmup=50, tail=0.3),
        validation=(SetPlan("street-world", split="val"),),
        validate_every=250,
        ema=0.998,
        seed=1,
    ),
)

RECIPES: Mapping[str, TrainPlan] = {plan.name: plan for plan in (*_REFERFORMER, *_IFIRVOS, *_R2VOS, *_ISVOS, *_WORLD)}
