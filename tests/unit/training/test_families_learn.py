"""Every network of the family with every loss preset: it learns eight fixed samples, and all of it learns."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.configs import (
    BackboneConfig,
    IfirvosConfig,
    R2vosConfig,
    ReferformerConfig,
    ReferringConfig,
    TextConfig,
)
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.r2vos import R2vos
from rvos_core.models.referformer import Referformer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import BatchShape, ReferringBatch, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.objectives import Objective, Ramp, ReferringObjective, ReferringWeights
from rvos_core.training.presets import LOSS_PRESETS
from rvos_core.training.robust import RobustObjective

TOKENIZER = WordTokenizer.from_words(vocabulary())
SHAPE = BatchShape(sizes=((64, 96),), clips=4, frames=2, expressions=2, negatives=1)
EIGHT = 8
MODELS = ("referformer", "ifirvos", "r2vos", "ifirvos with consensus")


def network(name: str, *, seed: int = 0) -> ReferringNetwork:
    """A very small one."""
    torch.manual_seed(seed)
    shared = ReferringConfig(
        backbone=BackboneConfig(
            kind="residual", widths=(16, 16, 32, 32), blocks=(1, 1, 1, 1), stem_width=16, norm_groups=8, frozen_stages=0
        ),
        text=TextConfig(
            vocab_size=TOKENIZER.vocab_size,
            width=32,
            layers=1,
            heads=2,
            ffn=32,
            positions=64,
            dropout=0.0,
            frozen=False,
            pooler=not name.startswith("ifirvos"),
        ),
        hidden=32,
        encoder_layers=1,
        decoder_layers=2,
        ffn=32,
        heads=4,
        mask_dim=8,
        dropout=0.0,
        gate_bias_init=1.0,
        consensus_layers=1,
        consensus_ffn=32,
    )
    values = {field.name: getattr(shared, field.name) for field in fields(shared)}
    if name == "referformer":
        return Referformer(ReferformerConfig(**values))
    if name == "r2vos":
        return R2vos(R2vosConfig(**values | {"fpn_block_strides": (), "consensus": True}))
    return Ifirvos(IfirvosConfig(**values | {"consensus": name == "ifirvos with consensus"}))


def world(config: StageConfig) -> WorldBatches:
    return WorldBatches(config.shape, TOKENIZER, seed=config.seed, steps=config.steps)


def objective_of(model: ReferringNetwork, preset: str) -> Objective:
    weights = ReferringWeights(matched=LOSS_PRESETS[preset], all_queries=Ramp(0.0, 0.0), grounding=Ramp(0.0, 0.0))
    robust = isinstance(model, R2vos) or model.config.consensus
    return RobustObjective(model, weights) if robust else ReferringObjective(model, weights)


def samples(model: ReferringNetwork) -> ReferringBatch:
    """Eight expressions on four clips; with those that mean nothing where the network learns from such."""
    batch = WorldBatches(SHAPE, TOKENIZER, seed=1, steps=1)[0]
    fitting = batch.objects >= 0
    assert int(fitting.sum()) == EIGHT and not bool(fitting.all())
    return batch if isinstance(model, R2vos) or model.config.consensus else batch.items(fitting)


@pytest.mark.parametrize("preset", LOSS_PRESETS)
@pytest.mark.parametrize("name", MODELS)
def test_the_loss_falls_on_eight_samples_and_every_parameter_learns(name: str, preset: str) -> None:
    model = network(name)
    objective, batch = objective_of(model, preset), samples(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    heard: set[str] = set()
    losses = []
    for _ in range(16):
        loss, figures = objective(model, batch, 1.0)
        assert all(math.isfinite(value) for value in figures.values())
        optimizer.zero_grad()
        loss.backward()
        heard |= {n for n, p in model.named_parameters() if p.grad is not None and float(p.grad.abs().sum()) > 0}
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert {name for name, _ in model.named_parameters()} - heard == set()


@pytest.mark.parametrize("name", MODELS)
def test_training_resumes_exactly(name: str, tmp_path: Path) -> None:
    config = StageConfig("stage", steps=4, shape=SHAPE, warmup=1, log_every=1, save_every=2, seed=5)

    def trainer(folder: str, seed: int) -> Trainer:
        model = network(name, seed=seed)
        objective = objective_of(model, "referformer")
        device = torch.device("cpu")
        return Trainer(
            model, objective, world(config), config=config, folder=tmp_path / folder, device=device, workers=0
        )

    if not name.startswith(("r2vos", "ifirvos with")):
        config = replace(config, shape=replace(SHAPE, negatives=0))
    whole = trainer("whole", 0)
    whole.run()
    trainer("parts", 0).run(until=2)
    second = trainer("parts", 99)  # its random weights must be overwritten
    second.run()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key]), key


def test_a_head_learns_while_the_rest_of_its_network_holds_still(tmp_path: Path) -> None:
    model = network("ifirvos with consensus")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    config = StageConfig("head", steps=3, shape=SHAPE, warmup=1, log_every=1, seed=5, only="consensus_head.")
    objective = RobustObjective(model, None)
    Trainer(
        model, objective, world(config), config=config, folder=tmp_path, device=torch.device("cpu"), workers=0
    ).run()
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {key for key in before if key.startswith("consensus_head.")}
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_network_that_reads_nothing_back_is_refused() -> None:
    model = network("ifirvos")
    with pytest.raises(ValueError, match="does not read the sentence back"):
        RobustObjective(model, None)(model, WorldBatches(SHAPE, TOKENIZER, seed=1, steps=1)[0], 0.0)


def test_negatives_mean_nothing_and_leave_the_other_draws_alone() -> None:
    batch = WorldBatches(SHAPE, TOKENIZER, seed=1, steps=1)[0]
    without = WorldBatches(replace(SHAPE, negatives=0), TOKENIZER, seed=1, steps=1)[0]
    fitting = batch.items(batch.objects >= 0)
    assert len(fitting.texts) == EIGHT and fitting.texts[:2] == without.texts[:2]
    assert torch.equal(batch.frames, without.frames)
    nothing = batch.items(batch.objects < 0)
    assert 1 <= len(nothing.texts) <= SHAPE.clips and not bool(nothing.targets().valid.any())
