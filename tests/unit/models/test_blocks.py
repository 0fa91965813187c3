"""Parts of the networks against other formulations of the same thing."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rvos_core.models.blocks.backbones import FrozenBatchNorm2d, ImageEncoder
from rvos_core.models.blocks.deformable_transformer import inverse_sigmoid
from rvos_core.models.blocks.dynamic_mask_head import aligned_bilinear, dynamic_mask_head, parameter_count
from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.blocks.inter_frame import InterFrameLayer
from rvos_core.models.blocks.layout import as_clips, clip_maps, clip_tokens
from rvos_core.models.blocks.padding import padding_at, unpadded_size, valid_ratios
from rvos_core.models.blocks.position_encodings import sine_1d, sine_2d
from rvos_core.models.blocks.roberta import RobertaEncoder
from rvos_core.models.configs import BackboneConfig, TextConfig

CPU = torch.device("cpu")


def test_roberta_equals_hugging_faces_by_name() -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.RobertaModel(
        transformers.RobertaConfig(
            vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
            max_position_embeddings=20, type_vocab_size=1, pad_token_id=1,
        )
    ).eval()  # fmt: skip
    ours = RobertaEncoder(TextConfig(vocab_size=60, width=24, layers=2, heads=4, ffn=40, positions=20, norm_eps=1e-12))
    weights = {name: value for name, value in theirs.state_dict().items() if not name.endswith("_ids")}
    ours.eval().load_state_dict(weights)
    ids = torch.tensor([[0, 5, 9, 17, 2], [0, 8, 2, 1, 1]])
    with torch.no_grad():
        expected = theirs(ids, attention_mask=(ids != 1).long()).last_hidden_state
        padded = ours(ids, ids == 1)
        plain = ours(ids[:1])
    torch.testing.assert_close(padded[ids != 1], expected[ids != 1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(plain, expected[:1], atol=1e-5, rtol=1e-5)


def test_frozen_batch_norm_is_batch_norm_in_evaluation() -> None:
    frozen, usual = FrozenBatchNorm2d(6), nn.BatchNorm2d(6)
    values = {name: torch.rand(6) + 0.5 for name in ("weight", "bias", "running_mean", "running_var")}
    frozen.load_state_dict(values)
    usual.load_state_dict(values, strict=False)
    x = torch.randn(2, 6, 4, 5)
    torch.testing.assert_close(frozen.train()(x), usual.eval()(x), atol=1e-5, rtol=1e-5)
    assert list(frozen.parameters()) == []


@pytest.mark.parametrize("kind", ["resnet50", "residual"])
def test_backbones_halve_the_map_four_to_thirty_two_times(kind: str) -> None:
    widths = (256, 512, 1024, 2048) if kind == "resnet50" else (16, 24, 32, 40)
    encoder = ImageEncoder(BackboneConfig(kind=kind, widths=widths, blocks=(1, 1, 1, 1), frozen_stages=2)).eval()
    with torch.no_grad():
        maps = encoder(torch.randn(1, 3, 90, 122))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (widths[0], 23, 31), (widths[1], 12, 16), (widths[2], 6, 8), (widths[3], 3, 4)
    ]  # fmt: skip
    trained = {name.split(".")[1] + name.split(".")[2] for name, p in encoder.named_parameters() if p.requires_grad}
    assert not trained & {"conv1weight", "layer10", "stem0", "stages0"}


def test_sine_code_by_its_formula() -> None:
    code = sine_2d((4, 6), 8, device=CPU)[0]
    y, x = 2, 5
    place = {"y": (y + 0.5) / (4 + 1e-6) * 2 * math.pi, "x": (x + 0.5) / (6 + 1e-6) * 2 * math.pi}
    expected = [
        wave(place[axis] / 10000 ** (2 * pair / 4))
        for axis in "yx"
        for pair in range(2)
        for wave in (math.sin, math.cos)
    ]
    assert code[:, y, x].tolist() == pytest.approx(expected, abs=1e-6)


def test_codes_see_only_the_valid_part() -> None:
    padding = torch.ones(1, 5, 7, dtype=torch.bool)
    padding[:, :3, :4] = False
    torch.testing.assert_close(
        sine_2d((5, 7), 16, padding=padding, device=CPU)[..., :3, :4], sine_2d((3, 4), 16, device=CPU)
    )
    words = torch.tensor([[False] * 3 + [True] * 2])
    torch.testing.assert_close(sine_1d(5, 16, padding=words, device=CPU)[:, :3], sine_1d(3, 16, device=CPU))


def test_layouts_are_inverse_to_each_other() -> None:
    clips = torch.randn(2, 3, 4, 5, 6)
    tokens = clip_tokens(clips)
    assert torch.equal(clip_maps(tokens, (3, 5, 6)), clips)
    assert torch.equal(tokens[1, (2 * 5 + 3) * 6 + 4], clips[1, 2, :, 3, 4])
    assert torch.equal(as_clips(clips.flatten(0, 1), 3), clips)
    assert as_clips(clips[0, :1], 3).shape == (1, 1, 4, 5, 6)


def test_padding_is_measured_on_the_first_row_and_column() -> None:
    padding = torch.ones(2, 8, 12, dtype=torch.bool)
    padding[0, :6, :9] = False
    padding[1] = False
    assert unpadded_size(padding, (8, 12), batch=2, device=CPU).tolist() == [[9, 6], [12, 8]]
    assert unpadded_size(None, (8, 12), batch=2, device=CPU).tolist() == [[12, 8], [12, 8]]
    ratios = valid_ratios([padding, padding_at(padding, (4, 6))], batch=2, device=CPU)
    torch.testing.assert_close(ratios[0], torch.tensor([[9 / 12, 6 / 8], [5 / 6, 3 / 4]]))
    assert valid_ratios([None], batch=2, device=CPU).tolist() == [[[1, 1]], [[1, 1]]]


def test_inverse_sigmoid_inverts_and_clips() -> None:
    probability = torch.tensor([0.2, 0.5, 0.9])
    torch.testing.assert_close(inverse_sigmoid(probability).sigmoid(), probability)
    assert inverse_sigmoid(torch.tensor([-1.0, 2.0])).tolist() == pytest.approx([math.log(1e-5), -math.log(1e-5)])


@pytest.mark.parametrize("coordinates", [True, False])
def test_dynamic_mask_head_is_three_convolutions_an_instance(coordinates: bool) -> None:
    torch.manual_seed(0)
    features, extra = torch.randn(2, 6, 5, 7), 2 * coordinates
    parameters = 0.1 * torch.randn(2, 3, parameter_count(6 + extra))
    centres = torch.rand(2, 3, 2) * 20 if coordinates else None
    masks = dynamic_mask_head(features, parameters, centres_px=centres)
    for frame in range(2):
        for query in range(3):
            x = features[frame : frame + 1]
            if centres is not None:
                y_px, x_px = torch.meshgrid(4.0 * torch.arange(5) + 2, 4.0 * torch.arange(7) + 2, indexing="ij")
                relative = torch.stack([centres[frame, query, 0] - x_px, centres[frame, query, 1] - y_px])
                x = torch.cat([x, relative[None]], dim=1)
            values, shapes = parameters[frame, query], [(8, 6 + extra), (8, 8), (1, 8)]
            weights = values.split([a * b for a, b in shapes] + [8, 8, 1])
            for layer, (shape, bias) in enumerate(zip(shapes, weights[3:], strict=True)):
                x = F.conv2d(x, weights[layer].view(*shape, 1, 1), bias)
                x = x.relu() if layer < 2 else x
            torch.testing.assert_close(masks[frame, query], x[0, 0], atol=1e-5, rtol=1e-5)


def test_aligned_bilinear_keeps_values_at_cell_centres() -> None:
    maps = torch.randn(1, 1, 4, 6)
    assert aligned_bilinear(maps, 1) is maps
    torch.testing.assert_close(aligned_bilinear(maps, 4)[..., 2::4, 2::4], maps, atol=1e-6, rtol=0)


def test_inter_frame_layer_moves_with_the_order_of_frames() -> None:
    layer = InterFrameLayer(16, heads=4, ffn=32, dropout=0.0).eval()
    x, order = torch.randn(2, 3, 5, 16), torch.tensor([1, 2, 0])
    with torch.no_grad():
        forward = layer(x.flatten(0, 1), frames=3).unflatten(0, (2, 3))
        shuffled = layer(x[:, order].flatten(0, 1), frames=3).unflatten(0, (2, 3))
        single = layer(x[0], frames=3)
    torch.testing.assert_close(shuffled, forward[:, order])
    torch.testing.assert_close(single, forward[0])


def test_feed_forward_in_steps_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, dropout = nn.Linear(4, 8), nn.Linear(8, 4), nn.Dropout(0.0)
    x = torch.randn(2, 37, 4)
    whole = feed_forward(x, first, second, dropout=dropout)
    monkeypatch.setattr("rvos_core.models.blocks.feed_forward._TOKENS_A_STEP", 10)
    with torch.no_grad():
        stepped = feed_forward(x, first, second, dropout=dropout)
    torch.testing.assert_close(stepped, whole)
