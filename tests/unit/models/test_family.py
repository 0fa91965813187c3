"""Promises that every system of the family keeps, for any weights and with every option."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from rvos_core.models.api import FrameFeatures
from rvos_core.models.blocks.padding import padding_at
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import EncodedFrames, EncodedText, LayerPrediction, ReferringOutput
from tiny_family import tiny_network
from tiny_ifirvos import clips, expressions

PREDICTIONS = [field.name for field in fields(LayerPrediction)]
SYSTEMS: list[tuple[str, dict[str, Any]]] = [
    ("referformer", {}),
    ("referformer", {"consensus": True}),
    ("ifirvos", {"consensus": True}),
    ("r2vos", {}),
]
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *SYSTEMS,
    ("referformer", {"classes": 4}),
    ("referformer", {"box_refinement": False}),
    ("referformer", {"relative_coordinates": False}),
    ("referformer", {"fusion": "attention_ffn"}),
    ("referformer", {"vision_language": False}),
    ("referformer", {"fpn_block_strides": ()}),
    ("referformer", {"queries": 1, "decoder_layers": 1}),
    ("ifirvos", {"consensus": True, "vision_language": False, "inter_frame": False, "fpn_block_strides": ()}),
    ("ifirvos", {"box_refinement": False, "classes": 2}),
    ("r2vos", {"consensus": False}),
    ("r2vos", {"query_mix": False}),
    ("r2vos", {"consensus": False, "query_mix": False}),
    ("r2vos", {"consensus": False, "query_mix": False, "reconstruct": False}),
    ("r2vos", {"early_grounding": False}),
    ("r2vos", {"text_kernels": 1}),
    ("r2vos", {"text_kernels": 5, "vision_language": False}),
]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in value.items()) or "plain"


@torch.inference_mode()
def _run(model: ReferringNetwork, frames: Tensor, ids: Tensor, *, words: Tensor | None = None) -> ReferringOutput:
    """`words`: (b, l) bool, padding of the text."""
    output: ReferringOutput = model(frames, None, ids, words)
    return output


def _values(output: ReferringOutput, clip: slice = slice(None)) -> dict[str, Tensor]:
    values = {name: getattr(output, name)[clip] for name in PREDICTIONS}
    if output.reading is not None:
        values |= {name: x[clip] for name, x in vars(output.reading).items() if x is not None}
    return values


def _assert_same(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        # Mask logits reach tens: relative coordinates enter in pixels.
        torch.testing.assert_close(actual[name], value, atol=2e-4, rtol=1e-4, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize(("arch", "options"), SYSTEMS, ids=_name)
def test_batched_equals_single(arch: str, options: dict[str, Any]) -> None:
    """Clips of their own pictures, and expressions of their own lengths, filled up to the longest."""
    model, frames, lengths = tiny_network(arch, **options), clips(3, 2), (7, 4, 2)
    ids = torch.full((3, 7), 1)
    for clip, length in enumerate(lengths):
        ids[clip, :length] = expressions(1, length, seed=clip)[0]
    together = _run(model, frames, ids, words=ids == 1)
    for clip, length in enumerate(lengths):
        alone = _run(model, frames[clip : clip + 1], ids[clip : clip + 1, :length])
        _assert_same(_values(together, slice(clip, clip + 1)), _values(alone))


@pytest.mark.parametrize(("arch", "options"), OPTIONS, ids=_name)
def test_every_option_runs_and_its_gradients_reach_every_parameter(arch: str, options: dict[str, Any]) -> None:
    model = tiny_network(arch, **options).train()
    output: ReferringOutput = model(clips(2, 2), None, expressions(2, 6), None)
    layers = [output, *output.aux]
    assert len(layers) == model.config.decoder_layers
    assert output.pred_logits.shape == (2, 2, model.config.queries, model.config.classes)
    assert output.pred_boxes.shape == (2, 2, model.config.queries, 4)
    assert output.pred_masks.shape == (2, 2, model.config.queries, 16, 24)
    loss = sum(x.pred_logits.sum() + x.pred_boxes.square().sum() + x.pred_masks.square().mean() for x in layers)
    for value in [] if output.reading is None else vars(output.reading).values():
        loss = loss + (0.0 if value is None else value.square().sum())
    assert isinstance(loss, Tensor)
    loss.backward()  # type: ignore[no-untyped-call]
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


@pytest.mark.parametrize(
    ("arch", "options"), [("referformer", {}), ("ifirvos", {}), ("r2vos", {"query_mix": False})], ids=_name
)
def test_padded_equals_unpadded_on_valid_cells(arch: str, options: dict[str, Any]) -> None:
    """Up to the pixel decoder, whose norms run over whole maps: features, classes and boxes, whatever fills the rest.

    The transformer sees twice the width, of which the right half is padding full of noise.
    """
    model, ids = tiny_network(arch, **options), expressions(2, 5)
    with torch.inference_mode():
        encoded = model.encode_frames(clips(2, 2, size=(64, 128)))
        torch.manual_seed(4)
        padded = tuple(torch.cat([level, torch.randn_like(level)], dim=-1) for level in encoded.levels)
        padding = torch.zeros(2, 2, 64, 256, dtype=torch.bool)
        padding[..., 128:] = True
        text = model.encode_text(ids)
        expected = model.decode(encoded, text)
        actual = model.decode(EncodedFrames(padded, (64, 256), padding), text)
    torch.testing.assert_close(actual.pred_logits, expected.pred_logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(actual.pred_boxes, expected.pred_boxes, atol=1e-5, rtol=1e-4)
    for wide, narrow in zip(actual.fused_levels, expected.fused_levels, strict=True):
        cells = padding_at(padding.flatten(0, 1), (wide.shape[-2], wide.shape[-1]))
        assert int((~cells).sum()) == 4 * narrow.shape[-2] * narrow.shape[-1]
        torch.testing.assert_close(wide[..., : narrow.shape[-1]], narrow, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("arch", "options"), SYSTEMS, ids=_name)
def test_the_annotated_frame_is_read_as_if_it_were_alone(arch: str, options: dict[str, Any]) -> None:
    """The protocol of A2D-Sentences: a window goes through the backbone, one frame through the rest."""
    model, frames, ids = tiny_network(arch, **options), clips(2, 5), expressions(2, 6)
    annotated = torch.tensor([2, 0])
    with torch.inference_mode():
        window = model.encode_frames(frames, torch.zeros(2, 5, 64, 96, dtype=torch.bool))
        output = model.decode(window.only(annotated), model.encode_text(ids))
    assert output.pred_masks.shape[:2] == (2, 1)
    for clip, frame in enumerate(annotated.tolist()):
        alone = _run(model, frames[clip : clip + 1, frame : frame + 1], ids[clip : clip + 1])
        _assert_same(_values(output, slice(clip, clip + 1)), _values(alone))


@pytest.mark.parametrize(("kind", "window", "hears"), [("swin", (2, 2), False), ("video_swin", (4, 2, 2), True)])
@pytest.mark.parametrize("arch", ["referformer", "r2vos"])
def test_other_frames_reach_the_annotated_one_through_video_swin_only(
    arch: str, kind: Any, window: tuple[int, ...], hears: bool
) -> None:
    backbone = BackboneConfig(
        kind=kind, widths=(8, 16, 32, 64), blocks=(2, 2, 2, 2), heads=(1, 1, 2, 2), window=window, frozen_stages=0
    )
    model, frames, ids = tiny_network(arch, backbone=backbone), clips(2, 4), expressions(2, 5)
    annotated = torch.tensor([1, 2])
    with torch.inference_mode():
        text = model.encode_text(ids)
        output = model.decode(model.encode_frames(frames).only(annotated), text)
        alone = model.decode(model.encode_frames(frames[torch.arange(2), annotated][:, None]), text)
        each = [
            model.decode(model.encode_frames(frames[c : c + 1]).only(annotated[c : c + 1]), _part(text, c))
            for c in (0, 1)
        ]
    assert bool((output.pred_logits - alone.pred_logits).abs().max() > 1e-4) == hears
    for clip, single in enumerate(each):
        _assert_same(_values(output, slice(clip, clip + 1)), _values(single))


def _part(text: EncodedText, clip: int) -> EncodedText:
    return EncodedText(text.words[clip : clip + 1], None, text.sentence[clip : clip + 1])


def test_a_kept_window_gives_its_annotated_frame() -> None:
    levels = tuple(torch.randn(5, 4, side, side) for side in (8, 4, 2))
    one = FrameFeatures(levels, (32, 32)).only(3)
    assert one.frames == 1
    assert one.input_size == (32, 32)
    assert all(torch.equal(kept[0], level[3]) for kept, level in zip(one.levels, levels, strict=True))


def test_without_refinement_all_layers_share_their_heads_and_start_from_the_queries_points() -> None:
    model = tiny_network("referformer", box_refinement=False)
    assert len({id(head) for head in (*model.bbox_embed, *model.class_embed)}) == 2
    assert not [name for name in model.state_dict() if name.startswith("transformer.decoder.bbox_embed")]
    with torch.inference_mode():
        for parameter in model.bbox_embed[0].layers[-1].parameters():
            parameter.zero_()
        output = model(clips(1, 2), None, expressions(1, 5), None, auxiliary=True)
        points = model.transformer.reference_points(model.query_embed.weight).sigmoid()
    for layer in (output, *output.aux):
        torch.testing.assert_close(layer.pred_boxes[0, 0, :, :2], points, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(layer.pred_boxes[..., 2:], torch.full((1, 2, 3, 2), 0.5))


def test_refinement_moves_the_next_layers_start() -> None:
    model = tiny_network("referformer")
    output = model(clips(1, 1), None, expressions(1, 5), None, auxiliary=True)
    with torch.no_grad():
        for parameter in model.bbox_embed[1].layers[-1].parameters():
            parameter.zero_()
        again = model(clips(1, 1), None, expressions(1, 5), None, auxiliary=True)
    torch.testing.assert_close(again.pred_boxes, output.aux[0].pred_boxes, atol=1e-5, rtol=1e-4)


def test_masks_know_where_they_are_through_relative_coordinates_only() -> None:
    """On constant mask features a kernel without coordinates draws one value everywhere."""
    for relative in (True, False):
        model = tiny_network("referformer", relative_coordinates=relative)
        with torch.no_grad():
            model.pixel_decoder.mask_features.weight.zero_()
            masks = model(clips(1, 1), None, expressions(1, 5), None).pred_masks
        spread = float((masks.amax((-1, -2)) - masks.amin((-1, -2))).max())
        assert (spread > 1e-3) == relative


def test_consensus_is_off_unless_asked_for_and_adds_one_head() -> None:
    for arch in ("referformer", "ifirvos"):
        plain, asked = tiny_network(arch), tiny_network(arch, consensus=True)
        added = set(asked.state_dict()) - set(plain.state_dict())
        assert set(plain.state_dict()) < set(asked.state_dict())
        assert {name.split(".")[0] for name in added} == {"consensus_head"}
        assert _run(plain, clips(1, 1), expressions(1, 4)).reading is None
        assert _run(plain, clips(1, 1), expressions(1, 4)).consensus_logit is None


@pytest.mark.parametrize(("arch", "options"), [("ifirvos", {"consensus": True}), ("r2vos", {})], ids=_name)
def test_reading_alone_says_the_same_and_draws_nothing(arch: str, options: dict[str, Any]) -> None:
    model, frames, ids = tiny_network(arch, **options), clips(2, 2), expressions(2, 5)
    drawn = []
    handle = model.pixel_decoder.mask_features.register_forward_hook(lambda *_: drawn.append(1))
    with torch.inference_mode():
        reading = model.read(model.encode_frames(frames), model.encode_text(ids))
    handle.remove()
    assert reading is not None
    assert drawn == []
    whole = _run(model, frames, ids)
    assert whole.reading is not None
    for name, value in vars(whole.reading).items():
        torch.testing.assert_close(getattr(reading, name), value, atol=1e-5, rtol=1e-5)
    assert whole.consensus_logit is not None
    assert whole.consensus_logit.shape == (2,)


@pytest.mark.parametrize(("arch", "options"), [("ifirvos", {"consensus": True}), ("r2vos", {})], ids=_name)
def test_consensus_depends_on_the_words_and_on_the_picture(arch: str, options: dict[str, Any]) -> None:
    model, frames, ids = tiny_network(arch, **options), clips(1, 2), expressions(1, 6)
    said = [
        _run(model, pictures, words).consensus_logit
        for pictures, words in ((frames, ids), (frames, expressions(1, 6, seed=9)), (clips(1, 2, seed=5), ids))
    ]
    assert all(x is not None for x in said)
    first, other_words, other_picture = (float(x) for x in said if x is not None)
    assert abs(first - other_words) > 1e-4
    assert abs(first - other_picture) > 1e-5


def test_autocast_leaves_predictions_and_consensus_in_float32() -> None:
    model = tiny_network("r2vos")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = _run(model, clips(1, 2), expressions(1, 5))
    assert output.consensus_logit is not None
    assert {getattr(output, name).dtype for name in PREDICTIONS} | {output.consensus_logit.dtype} == {torch.float32}
