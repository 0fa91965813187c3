"""The bundled networks on a CUDA device say what they say on the CPU (TF32 off)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from rvos_core.models.configs import FlowSegmenterConfig
from rvos_core.models.flow_segmenter import FlowSegmenter
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.synthetic import WorldConfig, make_clip
from rvos_core.weights.bundle import load_bundle
from rvos_resources.paths import weights_dir

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@pytest.fixture(autouse=True)
def without_tf32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def test_the_bundled_referrer_finds_the_same_masks() -> None:
    clip = make_clip(5, WorldConfig(height=192, width=320, frames=4))
    answers = {}
    for device in ("cpu", "cuda"):
        bundle = load_bundle(weights_dir() / "ifirvos-mini")
        model, tokenizer = bundle.referring()
        engine = FamilyReferrer(model, tokenizer, card=bundle.card, device=device)
        answers[device] = engine.refer(engine.encode_frames(list(clip.frames)), engine.encode_text("the red car"))
    ours, wanted = answers["cuda"], answers["cpu"]
    assert float((ours.class_logits.cpu() - wanted.class_logits).abs().max()) < 0.02
    same = (ours.mask_logits.cpu() > 0) == (wanted.mask_logits > 0)
    assert float(same.float().mean()) > 0.999


def test_the_bundled_propagator_follows_the_same_way() -> None:
    clip = make_clip(6, WorldConfig(height=240, width=432, frames=6))
    found = {}
    for device in ("cpu", "cuda"):
        bundle = load_bundle(weights_dir() / "isvos-mini")
        propagator = IsvosPropagator(bundle.following(), card=bundle.card, device=device)
        propagator.remember(clip.frames[0], {1: clip.labels[0] == 1}, permanent=True)
        found[device] = [propagator.step(frame).probabilities.cpu().numpy() for frame in clip.frames[1:]]
    for ours, wanted in zip(found["cuda"], found["cpu"], strict=True):
        assert float(np.mean((ours > 0.5) == (wanted > 0.5))) > 0.998


@torch.inference_mode()
def test_the_flow_network_says_the_same() -> None:
    torch.manual_seed(0)
    model = FlowSegmenter(FlowSegmenterConfig()).eval()
    views = torch.randn(2, 17, 96, 160)
    expected = model(views)
    got = model.cuda()(views.cuda())
    assert float((got.moving.cpu() - expected.moving).abs().max()) < 5e-4
    assert float((got.offsets.cpu() - expected.offsets).abs().max()) < 5e-3
