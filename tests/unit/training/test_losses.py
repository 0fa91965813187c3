"""Losses and matcher against plain per-element formulations and hand-made cases."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rvos_core.training.losses import (
    Targets,
    all_query_loss,
    dice_loss,
    generalized_iou,
    layer_losses,
    sigmoid_focal,
    subsample_masks,
    to_corners,
)
from rvos_core.training.matcher import mask_costs, match, match_cost
from rvos_core.training.presets import IFIRVOS_PAPER, LOSS_PRESETS, R2VOS_PAPER, LossConfig, LossWeights


@dataclass(frozen=True)
class Layer:
    pred_logits: Tensor
    pred_boxes: Tensor
    pred_masks: Tensor


def random_layer(seed: int, b: int = 2, t: int = 3, q: int = 5, h: int = 6, w: int = 7) -> Layer:
    generator = torch.Generator().manual_seed(seed)
    return Layer(
        torch.randn(b, t, q, 1, generator=generator),
        torch.rand(b, t, q, 4, generator=generator),
        torch.randn(b, t, q, h, w, generator=generator),
    )


def random_targets(seed: int, b: int = 2, t: int = 3, h: int = 6, w: int = 7) -> Targets:
    generator = torch.Generator().manual_seed(1000 + seed)
    valid = torch.rand(b, t, generator=generator) > 0.3
    masks = (torch.rand(b, t, h, w, generator=generator) > 0.6).float() * valid[..., None, None]
    return Targets(masks, torch.rand(b, t, 4, generator=generator) * valid[..., None], valid)


@given(st.floats(-8, 8), st.booleans())
@settings(max_examples=60)
def test_focal_is_the_formula_of_the_paper(logit: float, positive: bool) -> None:
    probability = 1 / (1 + math.exp(-logit))
    p_t, alpha_t = (probability, 0.25) if positive else (1 - probability, 0.75)
    expected = -alpha_t * (1 - p_t) ** 2 * math.log(p_t)
    got = sigmoid_focal(
        torch.tensor([logit], dtype=torch.float64), torch.tensor([float(positive)], dtype=torch.float64)
    )
    assert float(got) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_dice_of_a_perfect_and_of_an_empty_mask() -> None:
    target = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert float(dice_loss(torch.tensor([40.0, 40.0, -40.0, -40.0]), target)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(torch.full((4,), -40.0), target)) == pytest.approx(1 - 1 / 3)
    assert float(dice_loss(torch.full((4,), -40.0), torch.zeros(4))) == pytest.approx(0.0)


def plain_giou(a: np.ndarray, b: np.ndarray) -> float:
    inner = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner
    outer = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return float((inner + 1e-6) / (union + 1e-6) - (outer - union + 1e-6) / (outer + 1e-6))


@given(st.lists(st.floats(0.01, 1), min_size=8, max_size=8))
@settings(max_examples=60)
def test_giou_equals_a_scalar_formulation(values: list[float]) -> None:
    boxes = to_corners(torch.tensor(values, dtype=torch.float64).view(2, 4))
    expected = plain_giou(boxes[0].numpy(), boxes[1].numpy())
    assert float(generalized_iou(boxes[0], boxes[1])) == pytest.approx(expected, abs=1e-9)


def test_subsampling_takes_every_fourth_pixel_from_two_and_covers_odd_sizes() -> None:
    masks = torch.arange(9 * 11, dtype=torch.float32).view(9, 11)
    small = subsample_masks(masks)
    assert small.shape == (3, 3)
    assert float(small[1, 2]) == float(masks[6, 10])
    assert float(small[2, 0]) == 0  # row 10 lies in the padding


def test_losses_equal_a_loop_over_clips_frames_and_queries() -> None:
    layer, targets, matched = random_layer(3), random_targets(3), [1, 4]
    parts = layer_losses(layer, targets, torch.tensor(matched))
    count = max(1, int(targets.valid.sum()))
    classification = l1 = giou = focal = dice = 0.0
    for b in range(2):
        for t in range(3):
            for q in range(5):
                wanted = torch.tensor(float(q == matched[b] and bool(targets.valid[b, t])))
                classification += float(sigmoid_focal(layer.pred_logits[b, t, q, 0], wanted))
            box, true = layer.pred_boxes[b, t, matched[b]], targets.boxes[b, t]
            l1 += float((box - true).abs().sum())
            giou += 1 - plain_giou(to_corners(box).double().numpy(), to_corners(true).double().numpy())
        volume, masks = layer.pred_masks[b, :, matched[b]], targets.masks[b]
        focal += float(sigmoid_focal(volume, masks).mean())
        p = volume.sigmoid()
        dice += float(1 - (2 * (p * masks).sum() + 1) / (p.sum() + masks.sum() + 1))
    expected = [classification, l1, giou, focal, dice]
    got = [parts.classification, parts.l1, parts.giou, parts.mask, parts.dice]
    for value, plain in zip(got, expected, strict=True):
        assert float(value) == pytest.approx(plain / count, rel=1e-4)


def test_the_matched_query_is_the_one_that_draws_the_object() -> None:
    layer, targets = random_layer(5), random_targets(5)
    for b in range(2):
        layer.pred_masks[b, :, b + 2] = (targets.masks[b] - 0.5) * 20
        layer.pred_boxes[b, :, b + 2] = targets.boxes[b]
    assert match(layer, targets).tolist() == [2, 3]
    assert match(layer, targets, IFIRVOS_PAPER).tolist() == [2, 3]


def test_permuting_the_queries_permutes_the_costs() -> None:
    layer, targets = random_layer(7), random_targets(7)
    order = [3, 0, 4, 1, 2]
    moved = Layer(layer.pred_logits[:, :, order], layer.pred_boxes[:, :, order], layer.pred_masks[:, :, order])
    cost = match_cost(layer, targets).weighted(LossWeights())
    assert torch.allclose(match_cost(moved, targets).weighted(LossWeights()), cost[:, order], atol=1e-6)


def test_costs_of_masks_as_products_equal_the_losses_pair_by_pair() -> None:
    layer, wanted = random_layer(8), random_targets(8, b=6).masks.view(2, 3, 3, 6, 7)
    focal, dice = mask_costs(layer.pred_masks, wanted)
    for b in range(2):
        for q in range(5):
            for k in range(3):
                volume, mask = layer.pred_masks[b, :, q].flatten(), wanted[b, k].flatten()
                assert float(focal[b, q, k]) == pytest.approx(float(sigmoid_focal(volume, mask).mean()), rel=1e-4)
                assert float(dice[b, q, k]) == pytest.approx(float(dice_loss(volume, mask)) - 1, rel=1e-4)


def test_all_query_loss_is_the_mean_over_queries_of_the_drawing_losses() -> None:
    layer, targets, config = random_layer(9), random_targets(9), LossConfig.of(LossWeights(classification=0.0))
    each = [float(layer_losses(layer, targets, torch.tensor([q, q])).weighted(config.loss)) for q in range(5)]
    assert float(all_query_loss(layer, targets, config)) == pytest.approx(sum(each) / 5, rel=1e-4)


def test_a_clip_without_its_object_gives_finite_losses() -> None:
    layer = random_layer(11, b=1)
    empty = Targets(torch.zeros(1, 3, 6, 7), torch.zeros(1, 3, 4), torch.zeros(1, 3, dtype=torch.bool))
    parts = layer_losses(layer, empty, match(layer, empty))
    assert all(math.isfinite(float(value)) for value in vars(parts).values())


def test_a_class_head_of_several_classes_asks_for_the_objects_own() -> None:
    layer, targets = random_layer(13), random_targets(13)
    logits = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(1))
    several = Layer(logits, layer.pred_boxes, layer.pred_masks)
    labelled = replace(targets, labels=torch.tensor([2, 0]))
    matched = torch.tensor([1, 4])
    got = float(layer_losses(several, labelled, matched).classification)
    expected = sum(
        float(sigmoid_focal(logits[b, t, q, k], torch.tensor(float(wanted and bool(targets.valid[b, t])))))
        for b in range(2)
        for t in range(3)
        for q in range(5)
        for k in range(4)
        for wanted in [q == int(matched[b]) and k == (2, 0)[b]]
    )
    assert got == pytest.approx(expected / int(targets.valid.sum()), rel=1e-4)
    first = Layer(logits[:1, ..., 2:3], layer.pred_boxes[:1], layer.pred_masks[:1])
    alone = Targets(targets.masks[:1], targets.boxes[:1], targets.valid[:1])
    cost = match_cost(several, labelled).classification[0]
    assert torch.allclose(cost, match_cost(first, alone).classification[0])


def test_costs_that_weigh_nothing_do_not_choose() -> None:
    layer, targets = random_layer(15), random_targets(15)
    for b in range(2):
        layer.pred_boxes[b, :, 3] = targets.boxes[b]
        layer.pred_masks[b, :, 1] = (targets.masks[b] - 0.5) * 40
    only_boxes = LossConfig(cost=LossWeights(classification=0, mask=0, dice=0))
    only_masks = LossConfig(cost=LossWeights(classification=0, l1=0, giou=0))
    assert match(layer, targets, only_boxes).tolist() == [3, 3]
    assert match(layer, targets, only_masks).tolist() == [1, 1]


def test_the_form_of_the_mask_term_is_the_same_in_loss_and_cost() -> None:
    layer, targets = random_layer(17), random_targets(17)
    pixels, _ = mask_costs(layer.pred_masks, targets.masks[:, None], R2VOS_PAPER)
    for b in range(2):
        for q in range(5):
            plain = F.binary_cross_entropy_with_logits(layer.pred_masks[b, :, q], targets.masks[b])
            assert float(pixels[b, q, 0]) == pytest.approx(float(plain), rel=1e-4)
    matched = torch.tensor([0, 2])
    loss = layer_losses(layer, targets, matched, R2VOS_PAPER).mask
    assert float(loss) == pytest.approx(float(pixels[0, 0, 0] + pixels[1, 2, 0]) / int(targets.valid.sum()), rel=1e-4)


@pytest.mark.parametrize("name", LOSS_PRESETS)
def test_every_preset_lets_its_loss_fall_on_a_fixed_layer(name: str) -> None:
    config, layer, targets = LOSS_PRESETS[name], random_layer(19), random_targets(19)
    values = [torch.nn.Parameter(value) for value in (layer.pred_logits, layer.pred_masks)]
    boxes = torch.nn.Parameter(torch.logit(layer.pred_boxes.clamp(0.05, 0.95)))
    optimizer = torch.optim.Adam([*values, boxes], lr=0.05)
    losses = []
    for _ in range(40):
        drawn = Layer(values[0], boxes.sigmoid(), values[1])
        loss = layer_losses(drawn, targets, match(drawn, targets, config), config).weighted(config.loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
