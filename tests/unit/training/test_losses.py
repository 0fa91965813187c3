"""Losses and matcher against plain per-element formulations and hand-made cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rvos_core.training.losses import (
    IFIRVOS_PAPER,
    LossWeights,
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
    got = [parts.classification, parts.l1, parts.giou, parts.focal, parts.dice]
    for value, plain in zip(got, expected, strict=True):
        assert float(value) == pytest.approx(plain / count, rel=1e-4)


def test_the_matched_query_is_the_one_that_draws_the_object() -> None:
    layer, targets = random_layer(5), random_targets(5)
    for b in range(2):
        layer.pred_masks[b, :, b + 2] = (targets.masks[b] - 0.5) * 20
        layer.pred_boxes[b, :, b + 2] = targets.boxes[b]
    assert match(layer, targets, LossWeights()).tolist() == [2, 3]
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
    layer, targets, weights = random_layer(9), random_targets(9), LossWeights(classification=0.0)
    each = [float(layer_losses(layer, targets, torch.tensor([q, q])).weighted(weights)) for q in range(5)]
    assert float(all_query_loss(layer, targets, weights)) == pytest.approx(sum(each) / 5, rel=1e-4)


def test_a_clip_without_its_object_gives_finite_losses() -> None:
    layer = random_layer(11, b=1)
    empty = Targets(torch.zeros(1, 3, 6, 7), torch.zeros(1, 3, 4), torch.zeros(1, 3, dtype=torch.bool))
    parts = layer_losses(layer, empty, match(layer, empty, LossWeights()))
    assert all(math.isfinite(float(value)) for value in vars(parts).values())
