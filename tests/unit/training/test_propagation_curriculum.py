"""The training of isvos-mini: schedule, exact resume, stages that go on from one another, what a checkpoint tells."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from isvos_small import MINI_LIKE, tiny
from rvos_core.errors import UserError
from rvos_core.models.isvos import Isvos
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.propagation import PropagationObjective
from rvos_core.training.propagation_curriculum import MINI, WEIGHTS, FollowStage, averaged_model, train
from rvos_core.training.propagation_data import ClipMix, PropagationBatches

CPU = torch.device("cpu")
NUMBERS = StageConfig("follow", steps=4, warmup=1, tail=0.0, log_every=1, save_every=2, ema_decay=0.5, bf16=False)
LIGHT = replace(WEIGHTS, instance_loss=replace(WEIGHTS.instance_loss, points=64))
STAGE = FollowStage(NUMBERS, ClipMix(sizes=((64, 64),), clips=2, lengths=(3,), world=0.0), LIGHT)


def network() -> Isvos:
    return tiny(instance=replace(MINI_LIKE.instance, classes=1))


def trainer(stage: FollowStage, folder: Path) -> Trainer:
    model = network()
    data = PropagationBatches(stage.mix, seed=stage.config.seed, steps=stage.config.steps)
    return Trainer(
        model,
        PropagationObjective(stage.weights),
        data,
        config=stage.config,
        folder=folder,
        device=CPU,
        workers=0,
        settings=stage.settings(model),
    )


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def test_the_rate_drops_at_three_quarters_and_stages_differ() -> None:
    for stage in MINI:
        schedule, steps = stage.config.schedule, stage.config.steps
        assert schedule.at(0) == pytest.approx(8e-6)
        assert schedule.at(49) == schedule.at(steps * 3 // 4 - 1) == pytest.approx(4e-4)
        assert schedule.at(steps * 3 // 4) == schedule.at(steps - 1) == pytest.approx(4e-5)
    assert len({stage.config.name for stage in MINI}) == len({stage.config.seed for stage in MINI}) == len(MINI)


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trainer(STAGE, tmp_path / "whole")
    whole.run()
    trainer(STAGE, tmp_path / "halves").run(until=2)
    again = trainer(STAGE, tmp_path / "halves")
    again.run()
    assert again.step == 4
    assert same(whole.model, again.model)
    assert not same(whole.model, network())
    lines = [json.loads(line) for line in (tmp_path / "halves" / "follow.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert {"loss", "dice", "cross_entropy", "instances", "norm"} <= lines[0].keys()

    averaged, steps = averaged_model(tmp_path / "whole" / "follow.pt")
    assert steps == 4
    assert not averaged.training
    assert averaged.config == network().config
    for name, value in averaged.state_dict().items():
        assert torch.equal(value, whole.ema.values[name]), name


def test_a_checkpoint_of_another_mix_is_not_resumed(tmp_path: Path) -> None:
    trainer(STAGE, tmp_path).run(until=2)
    other = replace(STAGE, mix=replace(STAGE.mix, world=0.5))
    with pytest.raises(UserError, match="world"):
        trainer(other, tmp_path).run()


def test_a_stage_begins_with_the_averaged_weights_of_the_one_before(tmp_path: Path) -> None:
    first = replace(STAGE, config=replace(NUMBERS, name="1", steps=2))
    nothing = replace(STAGE, config=replace(NUMBERS, name="2", steps=1, learning_rate=0.0, seed=1))
    model = network()
    train(model, tmp_path, device=CPU, workers=0, stages=(first, nothing))
    assert same(model, averaged_model(tmp_path / "1.pt")[0])
    assert averaged_model(tmp_path / "2.pt")[1] == 1


def test_what_is_no_checkpoint_of_it_is_named(tmp_path: Path) -> None:
    torch.save({"step": 3, "settings": "{}"}, tmp_path / "other.pt")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    for name in ("other", "broken", "missing"):
        with pytest.raises(UserError, match=rf"{name}\.pt"):
            averaged_model(tmp_path / f"{name}.pt")
