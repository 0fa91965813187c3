"""Losses of ISVOS's video branch by hand, and that both branches learn together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from isvos_small import MINI_LIKE, PAPER_LIKE, moving_squares, tiny
from rvos_core.language import WordTokenizer
from rvos_core.models.isvos_configs import IsvosConfig
from rvos_core.synthetic import CATEGORIES, vocabulary
from rvos_core.training.batches import BatchShape, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.instance_losses import InstanceLossConfig
from rvos_core.training.propagation import (
    PropagationObjective,
    PropagationWeights,
    draw_objects,
    instance_targets,
)
from rvos_core.training.propagation_losses import HardPixels, bootstrapped_cross_entropy, merged_dice


@dataclass(frozen=True)
class Clips:
    """Labelled clips as the objective reads them."""

    frames: Tensor
    labels: Tensor
    categories: Tensor

    def pixels(self) -> Tensor:
        return self.frames


def clips(count: int, *, frames: int = 3, objects: int = 2) -> Clips:
    drawn = [moving_squares(frames=frames, objects=objects, size=(48, 48), seed=seed) for seed in range(count)]
    pictures = torch.from_numpy(np.stack([pixels for pixels, _ in drawn])).permute(0, 1, 4, 2, 3).float()
    labels = torch.from_numpy(np.stack([labels for _, labels in drawn]))
    return Clips(pictures / 128 - 1, labels, torch.arange(objects).expand(count, -1) % 2)


def test_bootstrapping_counts_the_hardest_share_of_each_frame() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    frames = []
    for n in range(2):
        losses = []
        for i in range(4):
            for j in range(5):
                scores = logits[n, :, i, j].double()
                losses.append(float(scores.exp().sum().log() - scores[labels[n, i, j]]))
        frames.append(sum(sorted(losses)[-3:]) / 3)  # 0.15 of 20 pixels
    assert bootstrapped_cross_entropy(logits, labels, share=0.15).item() == pytest.approx(sum(frames) / 2, rel=1e-5)
    whole = bootstrapped_cross_entropy(logits, labels, share=1.0)
    torch.testing.assert_close(whole, F.cross_entropy(logits, labels))
    assert bootstrapped_cross_entropy(logits, labels, share=1e-6) > whole, "one pixel counts at least"


def test_the_share_falls_as_stcns() -> None:
    schedule = HardPixels()
    assert [schedule.at(step / 150_000) for step in (0, 20_000, 70_000, 150_000)] == pytest.approx([1, 1, 0.15, 0.15])
    halfway = 0.15 + 0.85 * (70_000 - 45_000) / 50_000
    assert schedule.at(45_000 / 150_000) == pytest.approx(halfway)


def test_dice_of_merged_probabilities_by_hand() -> None:
    chances = torch.tensor([[0.5, 0.2], [0.3, 0.1], [0.2, 0.7]])  # background and two objects, two pixels
    logits, labels = chances.log().view(1, 3, 1, 2), torch.tensor([[[1, 2]]])
    one = 1 - (2 * 0.3 + 1) / (0.4 + 1 + 1)
    two = 1 - (2 * 0.7 + 1) / (0.9 + 1 + 1)
    both = merged_dice(logits, labels, present=torch.tensor([[True, True]]))
    assert both.item() == pytest.approx((one + two) / 2, rel=1e-5)
    assert merged_dice(logits, labels, present=torch.tensor([[False, True]])).item() == pytest.approx(two, rel=1e-5)
    assert merged_dice(logits, labels, present=torch.tensor([[False, False]])).item() == 0


def test_objects_are_drawn_from_the_first_frame() -> None:
    labels = torch.zeros(3, 4, 4, dtype=torch.int32)
    labels[0, 0, :3], labels[1, 0, 0] = torch.tensor([2, 5, 7], dtype=torch.int32), 4
    drawn = [draw_objects(labels, limit=2) for _ in range(30)]
    assert {int(each) for followed in drawn for each in followed.ids[0]} == {2, 5, 7}
    first = drawn[0]
    assert first.present.tolist() == [[True, True], [True, False], [False, False]]
    assert first.ids[1].tolist() == [4, 0]
    channels = first.channels(labels[:, None])
    assert channels[1, 0, 0, 0] == 1
    assert channels[2].max() == 0, "a clip without objects is background"
    for row in range(2):
        assert torch.equal(channels[0] == row + 1, labels[:1] == first.ids[0, row])


def test_instances_are_all_visible_objects_of_all_frames() -> None:
    labels = torch.zeros(1, 2, 4, 4, dtype=torch.int32)
    labels[0, 0, 0, 0], labels[0, 0, 1, 1], labels[0, 1, 2, 2] = 1, 3, 3
    batch = Clips(torch.zeros(1, 2, 3, 4, 4), labels, torch.tensor([[6, -1, 2]]))
    first, second = instance_targets(batch, classes=8)
    assert first.classes.tolist() == [6, 2]
    assert second.classes.tolist() == [2]
    assert first.masks[1].nonzero().tolist() == [[1, 1]]
    assert [each.classes.tolist() for each in instance_targets(batch, classes=1)] == [[0, 0], [0]]


@pytest.mark.parametrize("config", [MINI_LIKE, PAPER_LIKE], ids=["mini", "paper"])
def test_both_branches_learn_eight_clips_and_every_parameter_takes_part(config: IsvosConfig) -> None:
    model = tiny(config).train()
    batch = clips(8)
    objective = PropagationObjective(PropagationWeights(instance_loss=InstanceLossConfig(points=128)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    figures: list[dict[str, float]] = []
    reached: set[str] = set()
    for step in range(12):
        torch.manual_seed(0)  # the same objects and points in every step
        loss, said = objective(model, batch, step / 12)
        optimizer.zero_grad()
        loss.backward()
        reached |= {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        figures.append(said | {"loss": float(loss.detach())})
    assert reached == {name for name, p in model.named_parameters() if p.requires_grad}
    for name in ("instances", "dice"):
        first, last = (np.mean([each[name] for each in part]) for part in (figures[:2], figures[-2:]))
        assert last < 0.95 * first, (name, first, last)
    # All pixels count at first and the hardest later, so cross entropy is measured with all of them.
    model.eval()
    torch.manual_seed(0)
    with torch.no_grad():
        after = objective(model, batch, 0.0)[1]["cross_entropy"]
    assert after < 0.9 * figures[0]["cross_entropy"]
    assert all(math.isfinite(value) for said in figures for value in said.values())


def test_a_clip_without_objects_can_be_in_a_batch() -> None:
    batch = clips(2)
    batch.labels[1] = 0
    model = tiny().train()
    objective = PropagationObjective(PropagationWeights(instance_loss=InstanceLossConfig(points=32)))
    loss, figures = objective(model, batch, 0.5)
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert figures["hard_share"] == pytest.approx(0.15)


def test_the_trainer_runs_it_on_the_street_world_and_resumes_exactly(tmp_path: Path) -> None:
    tokenizer = WordTokenizer.from_words(vocabulary())
    shape = BatchShape(sizes=((64, 96),), clips=2, frames=3)
    config = StageConfig("follow", steps=4, shape=shape, warmup=1, log_every=1, save_every=2, bf16=False, seed=5)

    def trainer(folder: Path) -> Trainer:
        objective = PropagationObjective(PropagationWeights(instance_loss=InstanceLossConfig(points=64)))
        model = tiny(instance=replace(MINI_LIKE.instance, classes=len(CATEGORIES)))
        data = WorldBatches(shape, tokenizer, seed=config.seed, steps=config.steps)
        return Trainer(model, objective, data, config=config, folder=folder, device=torch.device("cpu"), workers=0)

    whole, halves = trainer(tmp_path / "whole"), trainer(tmp_path / "halves")
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    whole.run()
    halves.run(until=2)
    again = trainer(tmp_path / "halves")
    again.run()
    assert again.step == 4
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    assert any(not torch.equal(value, before[name]) for name, value in whole.model.state_dict().items())
