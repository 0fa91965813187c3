"""On a CUDA device: the same numbers as on the CPU (TF32 off), kernels against their reference, a training step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import BatchShape, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.objectives import ReferringObjective, ReferringWeights
from rvos_kernels.ms_deform_attn import ms_deform_attn
from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference
from tiny_ifirvos import clips, expressions, tiny_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

TOLERANCE = 5e-4  # ten times the CPU's, as the golden files recommend


@pytest.fixture(autouse=True)
def without_tf32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@torch.inference_mode()
def test_the_network_says_the_same_as_on_the_cpu() -> None:
    model, frames, words = tiny_model(), clips(2, 3), expressions(2, 7)
    expected = model(frames, None, words, None)
    got = model.cuda()(frames.cuda(), None, words.cuda(), None)
    for name in ("pred_logits", "pred_boxes", "pred_masks"):
        a, b = getattr(got, name).cpu(), getattr(expected, name)
        assert float((a - b).abs().max()) <= TOLERANCE * max(1.0, float(b.abs().max())), name


@pytest.mark.parametrize("shapes", [[(3, 5)], [(12, 20), (6, 10), (3, 5), (2, 3)]])
def test_deformable_attention_equals_the_reference(shapes: list[tuple[int, int]]) -> None:
    generator = torch.Generator().manual_seed(1)
    cells, queries, levels = sum(h * w for h, w in shapes), 13, len(shapes)
    value = torch.randn(2, cells, 4, 8, generator=generator)
    places = torch.rand(2, queries, 4, levels, 3, 2, generator=generator) * 1.4 - 0.2
    weights = torch.rand(2, queries, 4, levels, 3, generator=generator)
    expected = ms_deform_attn_reference(value, shapes, sampling_locations=places, attention_weights=weights)
    got = ms_deform_attn(value.cuda(), shapes, sampling_locations=places.cuda(), attention_weights=weights.cuda()).cpu()
    assert float((got - expected).abs().max()) <= TOLERANCE


def test_a_training_step_runs_and_is_finite(tmp_path: Path) -> None:
    tokenizer = WordTokenizer.from_words(vocabulary())
    model = Ifirvos(ifirvos_mini_config(vocab_size=tokenizer.vocab_size))
    config = StageConfig("gpu", steps=2, shape=BatchShape(clips=2, frames=2), log_every=1)
    trainer = Trainer(
        model,
        ReferringObjective(model, replace(ReferringWeights(), other_objects=0.5)),
        WorldBatches(config.shape, tokenizer, seed=config.seed, steps=config.steps),
        config=config,
        folder=tmp_path,
        device=torch.device("cuda"),
        workers=0,
    )
    trainer.run()
    assert trainer.step == 2
    assert all(math.isfinite(float(p.detach().abs().sum())) for p in model.parameters())
