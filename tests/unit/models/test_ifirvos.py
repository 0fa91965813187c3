"""Promises of the whole network that hold for any weights."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from rvos_core.models.blocks.padding import padding_at
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.referring_values import EncodedFrames, LayerPrediction, ReferringOutput
from tiny_ifirvos import clips, expressions, tiny_config, tiny_model

PREDICTIONS = [field.name for field in fields(LayerPrediction)]


def _assert_close(actual: ReferringOutput, expected: ReferringOutput, *, atol: float = 2e-4) -> None:
    # Mask logits reach tens: relative coordinates enter in pixels.
    for name in PREDICTIONS:
        torch.testing.assert_close(getattr(actual, name), getattr(expected, name), atol=atol, rtol=1e-4)


@torch.inference_mode()
def _run(
    model: Ifirvos, frames: Tensor, ids: Tensor, *, padding: Tensor | None = None, token_padding: Tensor | None = None
) -> ReferringOutput:
    output: ReferringOutput = model(frames, padding, ids, token_padding)
    return output


def _part(output: ReferringOutput, clip: int) -> ReferringOutput:
    values = {name: getattr(output, name)[clip : clip + 1] for name in PREDICTIONS}
    return ReferringOutput(**values, aux=(), fused_levels=())


def test_shapes_and_ranges() -> None:
    output = _run(tiny_model(), clips(2, 3, size=(50, 70)), expressions(2, 5))
    assert output.pred_logits.shape == (2, 3, 3, 1)
    assert output.pred_masks.shape == (2, 3, 3, 13, 18)
    assert output.pred_boxes.shape == (2, 3, 3, 4)
    assert ((output.pred_boxes > 0) & (output.pred_boxes < 1)).all()
    assert [tuple(level.shape) for level in output.fused_levels] == [
        (2, 3, 32, 7, 9),
        (2, 3, 32, 4, 5),
        (2, 3, 32, 2, 3),
        (2, 3, 32, 1, 2),
    ]


def test_batched_equals_single() -> None:
    model, frames, ids = tiny_model(), clips(3, 2), expressions(3, 6)
    together = _run(model, frames, ids)
    for clip in range(3):
        _assert_close(_part(together, clip), _run(model, frames[clip : clip + 1], ids[clip : clip + 1]))


def test_padded_text_equals_short_text() -> None:
    model, frames = tiny_model(), clips(2, 2)
    long, short = expressions(1, 8), expressions(1, 5, seed=3)
    ids = torch.cat([long, torch.nn.functional.pad(short, (0, 3), value=1)])
    padding = torch.tensor([[False] * 8, [False] * 5 + [True] * 3])
    together = _run(model, frames, ids, token_padding=padding)
    _assert_close(_part(together, 0), _run(model, frames[:1], long))
    _assert_close(_part(together, 1), _run(model, frames[1:], short))


def test_masks_that_pad_nothing_change_nothing() -> None:
    model, frames, ids = tiny_model(), clips(2, 2, size=(50, 70)), expressions(2, 5)
    nothing = torch.zeros(2, 2, 50, 70, dtype=torch.bool)
    masked = _run(model, frames, ids, padding=nothing, token_padding=torch.zeros(2, 5, dtype=torch.bool))
    _assert_close(masked, _run(model, frames, ids))


def test_content_of_padded_pixels_does_not_reach_text_or_attention() -> None:
    model, ids = tiny_model(), expressions(1, 5)
    padding = torch.zeros(1, 1, 64, 96, dtype=torch.bool)
    padding[..., 64:] = True
    frames = clips(1, 1).masked_fill(padding[:, :, None], 0.0)
    encoded = model.encode_frames(frames, padding)
    spoilt = [level.clone() for level in encoded.levels]
    for level in spoilt[1:]:
        level += 5.0 * padding_at(padding[0], (level.shape[-2], level.shape[-1]))[:, None, None]
    other = EncodedFrames(tuple(spoilt), encoded.input_size, padding)
    with torch.inference_mode():
        text = model.encode_text(ids)
        expected, actual = model.decode(encoded, text), model.decode(other, text)
    torch.testing.assert_close(actual.pred_logits, expected.pred_logits)
    torch.testing.assert_close(actual.pred_boxes, expected.pred_boxes)


def test_order_of_frames_does_not_matter() -> None:
    model, frames, ids = tiny_model(), clips(1, 4), expressions(1, 6)
    order = torch.tensor([2, 0, 3, 1])
    forward, shuffled = _run(model, frames, ids), _run(model, frames[:, order], ids)
    for name in PREDICTIONS:
        torch.testing.assert_close(getattr(shuffled, name), getattr(forward, name)[:, order], atol=2e-4, rtol=1e-4)


def test_frames_are_encoded_on_their_own_and_can_be_asked_again() -> None:
    model, frames, ids = tiny_model(), clips(2, 3), expressions(3, 6)
    with torch.inference_mode():
        encoded = model.encode_frames(frames)
        for t in range(3):
            alone = model.encode_frames(frames[:, t : t + 1])
            for level, whole in zip(alone.levels, encoded.levels, strict=True):
                torch.testing.assert_close(level[:, 0], whole[:, t], atol=1e-5, rtol=1e-5)
        asked = torch.tensor([1, 0, 1])
        output = model.decode(encoded.select(asked), model.encode_text(ids))
    _assert_close(output, _run(model, frames[asked], ids))


def test_the_words_matter() -> None:
    model, frames = tiny_model(), clips(1, 2)
    one, other = (_run(model, frames, expressions(1, 6, seed=seed)) for seed in (2, 9))
    assert (one.pred_masks - other.pred_masks).abs().max() > 1e-2
    assert (one.pred_logits - other.pred_logits).abs().max() > 1e-3


def test_seeds_reproduce() -> None:
    def build() -> Ifirvos:
        torch.manual_seed(5)
        return Ifirvos(tiny_config())

    first, second = build(), build()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    losses = []
    for model in (first, second):
        torch.manual_seed(6)  # dropout
        output = model(clips(1, 2), None, expressions(1, 5), None)
        losses.append(output.pred_masks.square().mean() + output.pred_boxes.sum())
        losses[-1].backward()
    assert torch.equal(losses[0], losses[1])
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("changes", [{}, {"fusion": "attention_ffn"}, {"share_ifi": False}, {"vision_language": False}])
def test_gradients_reach_every_parameter(changes: dict[str, Any]) -> None:
    model = tiny_model(**changes).train()
    output = model(clips(1, 2), None, expressions(1, 6), None)
    layers = [output, *output.aux]
    assert len(layers) == 2
    sum((x.pred_logits.sum() + x.pred_boxes.square().sum() + x.pred_masks.square().mean()) for x in layers).backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


def test_boxes_of_earlier_layers_get_no_gradient_from_later_ones() -> None:
    model = tiny_model().train()
    output = model(clips(1, 1), None, expressions(1, 5), None)
    output.pred_boxes.sum().backward()
    assert model.bbox_embed[0].layers[2].weight.grad is None
    assert model.bbox_embed[1].layers[2].weight.grad.any()


def test_earlier_layers_are_predicted_in_training_only_unless_asked_for() -> None:
    model, frames, ids = tiny_model(), clips(1, 1), expressions(1, 4)
    assert model(frames, None, ids, None).aux == ()
    assert len(model(frames, None, ids, None, auxiliary=True).aux) == 1
    assert len(model.train()(frames, None, ids, None).aux) == 1
    assert model(frames, None, ids, None, auxiliary=False).aux == ()


def test_heads_begin_as_the_paper_family_does() -> None:
    torch.manual_seed(0)
    model = Ifirvos(tiny_config()).eval()
    output = _run(model, clips(1, 1), expressions(1, 4))
    first = model(clips(1, 1), None, expressions(1, 4), None, auxiliary=True).aux[0]
    assert output.pred_logits.sigmoid().mean() < 0.1
    torch.testing.assert_close(first.pred_boxes[..., 2:], torch.tensor(-2.0).sigmoid().expand(1, 1, 3, 2))


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (33, 17), (4, 200)])
def test_any_size_runs(size: tuple[int, int]) -> None:
    output = _run(tiny_model(), clips(1, 2, size=size), expressions(1, 4))
    assert output.pred_masks.isfinite().all()
    assert output.pred_masks.shape[-2:] == (-(-size[0] // 4), -(-size[1] // 4))


def test_too_long_a_text_is_refused_by_its_length() -> None:
    with pytest.raises(ValueError, match="at most 22"):
        tiny_model().encode_text(expressions(1, 23))


def test_the_mini_model_runs_forward_and_backward() -> None:
    torch.manual_seed(0)
    model = Ifirvos(ifirvos_mini_config(300))
    output = model(clips(1, 2), None, expressions(1, 6), None)
    assert output.pred_masks.shape == (1, 2, 5, 16, 24)
    assert len(output.aux) == 2
    output.pred_masks.mean().backward()


def test_autocast_leaves_predictions_in_float32() -> None:
    model, frames, ids = tiny_model(), clips(1, 2), expressions(1, 5)
    exact = _run(model, frames, ids)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = _run(model, frames, ids)
    assert {getattr(rough, name).dtype for name in PREDICTIONS} == {torch.float32}
    torch.testing.assert_close(rough.pred_boxes, exact.pred_boxes, atol=0.03, rtol=0)
