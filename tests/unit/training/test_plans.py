"""Training configurations: what is wrong is named, with the nearest right thing; recipes are plain values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rvos_core.errors import UserError
from rvos_core.training.optimisers import GroupedAdamW, RateRule, Schedule
from rvos_core.training.plan_reading import plan_of, plan_values, read_plan, recipe_named, with_settings
from rvos_core.training.recipes import RECIPES


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_its_plain_values_and_says_where_it_is_from(name: str) -> None:
    plan = RECIPES[name]
    assert plan_of(plan_values(plan), where="x") == plan
    assert plan.name == name and plan.source
    assert not plan.after or plan.after in RECIPES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle: {name: ifirvos-r50}", r"unknown key 'modle' \(did you mean 'model'\?\)"),
        ("optimiser: {rates: 1}", r"optimiser has the unknown key 'rates' \(did you mean 'rate'\?\)"),
        ("optimiser: {rate: fast}", r"optimiser: rate is 'fast', a text; a number is expected"),
        ("schedule: {steps: 1.5}", r"schedule: steps is 1\.5, a number; a whole number is expected"),
        ("schedule: {steps: true}", r"steps is True, true or false; a whole number"),
        ("data: {sets: [{set: refcocco}]}", r"data: sets\[0\]: set is 'refcocco' \(did you mean 'refcoco'\?\)"),
        ("data: {sets: refcoco}", r"data: sets is 'refcoco', a text; a list is expected"),
        ("data: {augment: {crop_sides: [1, 2, 3]}}", "a list of 2 is expected"),
        ("precision: half", r"precision is 'half'.*there are float32, bf16, fp16"),
        ("recipe: r2vos-ytvoss", r"no recipe 'r2vos-ytvoss' \(did you mean 'r2vos-ytvos'\?\)"),
        ("- 1", "it holds a list where keys are expected"),
        ("a: [1", r"not valid YAML \(line"),
    ],
)
def test_a_wrong_configuration_is_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as caught:
        read_plan(written(tmp_path, text), RECIPES)
    assert caught.value.code == "training.config"


def test_a_file_changes_a_recipe(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, "recipe: ifirvos-ytvos\noptimiser: {rate: 1e-4}\ndata: {frames: 4}"), RECIPES)
    base = RECIPES["ifirvos-ytvos"]
    assert plan.name == "mine" and plan.optimiser.rate == 1e-4 and plan.data.frames == 4
    assert plan.optimiser.rules == base.optimiser.rules and plan.data.augment == base.data.augment


def test_single_values_can_be_set() -> None:
    plan = with_settings(RECIPES["world-pictures"], ["schedule.steps=3", "data.world.sizes=[[64, 96]]", "ema=0.5"])
    assert (plan.schedule.steps, plan.data.world.sizes, plan.ema) == (3, ((64, 96),), 0.5)
    for wrong in ("schedule.steps", "=3", "schedule.stps=3", "schedule=4"):
        with pytest.raises(UserError):
            with_settings(plan, [wrong])
    with pytest.raises(UserError, match="no recipe"):
        recipe_named("nothing", RECIPES)


def test_the_papers_numbers_stand_in_their_recipes() -> None:
    joint, ytvos = RECIPES["referformer-joint"], RECIPES["ifirvos-ytvos"]
    assert (joint.schedule.epochs, joint.schedule.drops, joint.data.batch, joint.data.frames) == (12, (8, 10), 64, 5)
    assert joint.data.augment.turn == 20 and {each.set for each in joint.data.sets} >= {"refcocog", "ref-youtube-vos"}
    assert ytvos.optimiser.rate == 5e-5 and {rule.factor for rule in ytvos.optimiser.rules} == {0.2}
    assert (ytvos.data.frames, ytvos.schedule.epochs, ytvos.schedule.drops) == (6, 6, (3, 5))
    r2vos, static, main = RECIPES["r2vos-ytvos"], RECIPES["isvos-static"], RECIPES["isvos-main"]
    assert (r2vos.optimiser.rate, r2vos.optimiser.decay, r2vos.data.batch) == (1e-4, 1e-4, 8)
    assert (static.schedule.steps, static.data.batch, static.optimiser.rate) == (150_000, 56, 4e-5)
    assert (main.schedule.steps, main.schedule.drops, main.data.batch, main.optimiser.rate) == (
        110_000,
        (80_000,),
        16,
        2e-5,
    )
    assert main.optimiser.rules == (RateRule("instance.", 0.1),) and main.optimiser.decay == 0.05


def test_the_rate_warms_up_drops_and_falls() -> None:
    steps = Schedule(1.0, 100, warmup=10, drops=(50, 80))
    assert [steps.at(step) for step in (0, 4, 9, 49, 50, 79, 80)] == pytest.approx([0.1, 0.5, 1, 1, 0.1, 0.1, 0.01])
    cosine = Schedule(2.0, 100, tail=0.5)
    assert [cosine.at(step) for step in (0, 50, 75, 100)] == pytest.approx([2, 2, 2 * 0.51, 0.04])


def test_each_part_learns_at_its_rate_and_the_longest_name_counts() -> None:
    backbone = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.Linear(1, 1)})
    model = nn.ModuleDict({"backbone": backbone, "x": nn.Linear(1, 1)})
    extra = nn.Parameter(torch.zeros(1))
    rules = (RateRule("backbone.", 0.5), RateRule("backbone.b.", 0.0))
    optimiser = GroupedAdamW(model, [extra], rules=rules, weight_decay=0.0)
    optimiser.set_rate(0.1)
    rate_of = {id(p): group["lr"] for group in optimiser.adamw.param_groups for p in group["params"]}
    assert rate_of[id(backbone["a"].weight)] == pytest.approx(0.05)
    assert rate_of[id(model["x"].weight)] == rate_of[id(extra)] == pytest.approx(0.1)
    assert optimiser.still == list(backbone["b"].parameters())
    assert not {id(each) for each in optimiser.still} & set(rate_of)
