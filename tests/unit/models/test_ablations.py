"""Every row of the paper's Tables 4 and 5 is a value of the configuration."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rvos_core.models.ifirvos import Ifirvos
from tiny_ifirvos import clips, expressions, tiny_config, tiny_model


def _modules(**changes: Any) -> set[str]:
    names = Ifirvos(tiny_config(**changes)).state_dict()
    return {name.rsplit(".", 1)[0] for name in names}


def test_baseline_has_neither_interaction_module() -> None:
    baseline, full = _modules(vision_language=False, inter_frame=False), _modules()
    gone = {name.removeprefix("transformer.decoder.").split(".")[0] for name in full - baseline}
    assert gone == {"fusion_module", "text_fusion_module", "query_encoder_layers"}
    assert baseline < full


def test_without_vision_language_the_encoder_sees_the_projected_levels() -> None:
    model, frames, ids = tiny_model(vision_language=False), clips(1, 2), expressions(1, 5)
    with torch.inference_mode():
        encoded, text = model.encode_frames(frames), model.encode_text(ids)
        output = model.decode(encoded, text)
    assert all(torch.equal(a, b) for a, b in zip(output.fused_levels, encoded.levels[1:], strict=True))


@pytest.mark.parametrize(("inter_frame", "expected"), [(True, True), (False, False)])
def test_frames_hear_of_each_other_through_inter_frame_interaction_only(inter_frame: bool, expected: bool) -> None:
    """With the vision-language module off, boxes and classes of a frame depend on other frames through IFI alone."""
    model = tiny_model(vision_language=False, inter_frame=inter_frame)
    frames, ids = clips(1, 2), expressions(1, 5)
    changed = frames.clone()
    changed[:, 1] = clips(1, 1, seed=8)[:, 0]
    with torch.inference_mode():
        before, after = (model(x, None, ids, None) for x in (frames, changed))
    difference = (before.pred_logits[:, 0] - after.pred_logits[:, 0]).abs().max()
    assert (float(difference) > 1e-4) == expected


def test_inter_frame_layers_are_shared_or_one_each() -> None:
    shared, own = Ifirvos(tiny_config()), Ifirvos(tiny_config(share_ifi=False))
    assert len(shared.transformer.decoder.query_encoder_layers) == 1
    assert len(own.transformer.decoder.query_encoder_layers) == 2


@pytest.mark.parametrize("fusion", ["multiply", "attention_ffn"])
def test_dynamic_text_differs_from_fixed_text_after_the_first_level(fusion: str) -> None:
    frames, ids = clips(1, 2), expressions(1, 5)
    fixed, dynamic = (tiny_model(vewl_text=kind, fusion=fusion) for kind in ("fixed", "dynamic"))
    with torch.inference_mode():
        a, b = (model(frames, None, ids, None).fused_levels for model in (fixed, dynamic))
    assert torch.equal(a[0], b[0])
    assert not torch.allclose(a[1], b[1], atol=1e-4)


def test_gates_that_begin_at_one_pass_features_almost_unchanged() -> None:
    @torch.no_grad()
    def share_kept(bias: float) -> float:
        torch.manual_seed(0)
        model = Ifirvos(tiny_config(gate_bias_init=bias)).eval()
        encoded = model.encode_frames(clips(1, 1))
        fused = model.decode(encoded, model.encode_text(expressions(1, 5))).fused_levels[0]
        level = encoded.levels[1]
        return float(torch.nn.functional.cosine_similarity(fused.flatten(), level.flatten(), dim=0))

    assert share_kept(1.0) > 0.8
    assert share_kept(0.0) < 0.5


@pytest.mark.parametrize("strides", [(), (8, 16, 32), (4, 8, 16, 32)])
def test_language_blocks_of_the_pyramid_follow_their_strides(strides: tuple[int, ...]) -> None:
    decoder = Ifirvos(tiny_config(fpn_block_strides=strides)).pixel_decoder
    found = [name for name, _ in decoder.named_children() if name.startswith("cross_attn_")]
    assert len(found) == len(strides)


def test_more_levels_are_halved_again() -> None:
    model = tiny_model(levels=5)
    with torch.inference_mode():
        output = model(clips(1, 1, size=(256, 256)), None, expressions(1, 4), None)
    assert [level.shape[-1] for level in output.fused_levels] == [32, 16, 8, 4, 2]
