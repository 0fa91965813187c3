"""Mask2Former's losses against `transformers`' own on the same points, and what they must do at the edges."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rvos_core.models.blocks.instance_branch import InstancePrediction
from rvos_core.training.instance_losses import (
    InstanceLossConfig,
    InstanceTargets,
    at_points,
    instance_loss,
    layer_losses,
    match_cost,
    match_instances,
    uncertain_points,
)

CLASSES = 4
FEW_POINTS = InstanceLossConfig(points=60)


def predictions(frames: int, queries: int, seed: int) -> InstancePrediction:
    generator = torch.Generator().manual_seed(seed)
    return InstancePrediction(
        torch.randn(frames, queries, CLASSES + 1, generator=generator),
        3 * torch.randn(frames, queries, 9, 13, generator=generator),
    )


def targets(counts: tuple[int, ...], seed: int) -> list[InstanceTargets]:
    generator = torch.Generator().manual_seed(seed)
    return [
        InstanceTargets(
            (torch.rand(count, 36, 52, generator=generator) < 0.4).float(),
            torch.randint(0, CLASSES, (count,), generator=generator),
        )
        for count in counts
    ]


def by_trying_all(cost: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The solver that `transformers` takes from SciPy, for tables of a few rows."""
    table = np.asarray(cost)
    rows, columns = table.shape
    few, many = sorted((rows, columns))
    wide = table if rows <= columns else table.T
    best = min(permutations(range(many), few), key=lambda chosen: wide[range(few), list(chosen)].sum())
    pairs = sorted(zip(range(few), best, strict=True) if rows <= columns else zip(best, range(few), strict=True))
    return np.array([a for a, _ in pairs], dtype=int), np.array([b for _, b in pairs], dtype=int)


@pytest.fixture
def their_loss(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("transformers")
    module = pytest.importorskip("transformers.models.mask2former.modeling_mask2former")
    from transformers import Mask2FormerConfig

    monkeypatch.setattr(module, "requires_backends", lambda *_: None)
    monkeypatch.setattr(module, "linear_sum_assignment", by_trying_all, raising=False)
    config = Mask2FormerConfig(num_labels=CLASSES, train_num_points=FEW_POINTS.points)
    return module.Mask2FormerLoss(config, {})


@pytest.mark.parametrize(("counts", "queries"), [((2, 3), 5), ((0, 1, 4), 6), ((4, 2), 3)])
def test_the_losses_are_those_of_transformers(their_loss: Any, counts: tuple[int, ...], queries: int) -> None:
    wanted = targets(counts, seed=1)
    layers = [predictions(len(counts), queries, seed) for seed in range(3)]
    for seed, layer in enumerate(layers):
        masks, classes = [t.masks for t in wanted], [t.classes for t in wanted]
        torch.manual_seed(seed)  # the same points for both
        theirs = their_loss(layer.mask_logits, layer.class_logits, masks, classes)
        torch.manual_seed(seed)
        ours = layer_losses(layer, wanted, FEW_POINTS)
        torch.testing.assert_close(ours.classification, theirs["loss_cross_entropy"], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.mask, theirs["loss_mask"], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.dice, theirs["loss_dice"], atol=1e-5, rtol=1e-5)
    torch.manual_seed(9)
    total, last = instance_loss(layers, wanted, FEW_POINTS)
    torch.manual_seed(9)
    parts = [layer_losses(layer, wanted, FEW_POINTS) for layer in layers]
    assert total.item() == pytest.approx(sum(float(2 * p.classification + 5 * p.mask + 5 * p.dice) for p in parts))
    assert torch.equal(last.mask, parts[-1].mask)


def test_the_cost_by_loops() -> None:
    layer, (target,) = predictions(1, 3, seed=4), targets((2,), seed=5)
    points = torch.rand(1, 7, 2)
    drawn = at_points(layer.mask_logits[0], points.expand(3, -1, -1))
    truth = at_points(target.masks, points.expand(2, -1, -1))
    cost = match_cost(layer.class_logits[0], drawn, truth, target.classes, FEW_POINTS)
    for query in range(3):
        chances = np.exp(layer.class_logits[0, query].double().numpy())
        chances /= chances.sum()
        x = drawn[query].double().numpy()
        p = 1 / (1 + np.exp(-x))
        for instance in range(2):
            m = truth[instance].double().numpy()
            entropy = -(m * np.log(p) + (1 - m) * np.log(1 - p)).mean()
            dice = 1 - (2 * (p * m).sum() + 1) / (p.sum() + m.sum() + 1)
            expected = -2 * chances[int(target.classes[instance])] + 5 * entropy + 5 * dice
            assert cost[query, instance].item() == pytest.approx(expected, abs=1e-4)


def test_points_lie_where_the_mask_is_unsure() -> None:
    torch.manual_seed(0)
    logits = torch.linspace(-8, 8, 33).expand(1, 33, 33).contiguous()  # unsure in the middle column only
    places = uncertain_points(logits, InstanceLossConfig(points=400))
    assert places.shape == (1, 400, 2)
    distance = (places[0, :, 0] - 0.5).abs()
    assert distance[:300].mean() < 0.08
    assert distance[300:].mean() == pytest.approx(0.25, abs=0.04)  # a quarter lies anywhere
    sampled = at_points(logits, torch.tensor([[[16.5 / 33, 0.5], [0.5 / 33, 0.5]]]))
    assert sampled[0].tolist() == pytest.approx([0.0, -8.0], abs=1e-5)


def test_the_right_queries_are_matched_and_cost_nothing() -> None:
    masks = torch.zeros(2, 36, 52)
    masks[0, 4:16, 4:20], masks[1, 20:32, 28:48] = 1.0, 1.0
    target = InstanceTargets(masks, torch.tensor([3, 1]))
    logits = torch.full((1, 4, 9, 13), -20.0)
    logits[0, 2, 1:4, 1:5], logits[0, 0, 5:8, 7:12] = 20.0, 20.0
    classes = torch.full((1, 4, CLASSES + 1), -20.0)
    classes[0, 2, 3] = classes[0, 0, 1] = classes[0, 1, -1] = classes[0, 3, -1] = 20.0
    torch.manual_seed(0)
    config = InstanceLossConfig(points=500)
    (pair,) = match_instances(classes, logits, [target], config)
    assert pair.queries.tolist() == [0, 2]
    assert pair.instances.tolist() == [1, 0]
    loss = layer_losses(InstancePrediction(classes, logits), [target], config)
    assert loss.classification < 1e-5
    assert loss.dice < 0.2  # the masks' borders, at a quarter of the resolution
    wrong = layer_losses(InstancePrediction(classes.roll(1, -1), logits.flip(-1)), [target], config)
    assert wrong.dice > 0.6
    assert wrong.classification > 5


def test_no_instance_anywhere_still_has_a_gradient() -> None:
    layer = predictions(2, 3, seed=0)
    layer = InstancePrediction(layer.class_logits.requires_grad_(), layer.mask_logits.requires_grad_())
    loss, _ = instance_loss([layer], targets((0, 0), seed=0), FEW_POINTS)
    loss.backward()
    assert layer.class_logits.grad is not None
    assert layer.class_logits.grad.abs().max() > 0
    assert layer.mask_logits.grad is not None
    assert layer.mask_logits.grad.abs().max() == 0


def test_numbers_that_are_none_do_not_stop_the_matching() -> None:
    layer = predictions(1, 3, seed=0)
    broken = layer.mask_logits.clone()
    broken[0, 1] = torch.nan
    (pair,) = match_instances(layer.class_logits, broken, targets((2,), seed=0), FEW_POINTS)
    assert 1 not in pair.queries.tolist()
