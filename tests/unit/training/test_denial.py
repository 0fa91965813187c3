"""Sentences that mean nothing in their clip, as the decoder hears of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from helpers_training import CPU, PAPERS, SHAPE, TOKENIZER, small_model
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.training.batches import NO_OBJECT, ReferringBatch, WorldBatches
from rvos_core.training.engine import quick_bf16
from rvos_core.training.objectives import run_batch
from rvos_core.training.robust import RobustObjective, denial_loss


@pytest.fixture(scope="module")
def batch() -> ReferringBatch:
    shape = replace(SHAPE, clips=3, negatives=1)
    found = WorldBatches(shape, TOKENIZER, seed=2, steps=1)[0]
    assert 0 < int((found.objects == NO_OBJECT).sum()) < len(found.texts)
    return found


@pytest.fixture
def model() -> Ifirvos:
    torch.manual_seed(0)
    return Ifirvos(replace(small_model().config, consensus=True))


def test_an_output_of_some_items_is_the_output_of_those_alone(model: Ifirvos, batch: ReferringBatch) -> None:
    fits = batch.objects != NO_OBJECT
    chosen, alone = run_batch(model, batch).select(fits), run_batch(model, batch.items(fits))
    torch.testing.assert_close(chosen.pred_logits, alone.pred_logits)
    torch.testing.assert_close(chosen.aux[-1].pred_masks if chosen.aux else chosen.pred_masks,
                               alone.aux[-1].pred_masks if alone.aux else alone.pred_masks)  # fmt: skip
    assert chosen.reading is not None and alone.reading is not None
    torch.testing.assert_close(chosen.reading.consensus_logit, alone.reading.consensus_logit)
    assert len(chosen.fused_levels) == len(alone.fused_levels)


def test_denial_is_the_cross_entropy_of_the_absent_items_with_nothing(model: Ifirvos, batch: ReferringBatch) -> None:
    output, absent = run_batch(model, batch), batch.objects == NO_OBJECT
    probabilities = [layer.pred_logits[absent].detach().sigmoid() for layer in (output, *output.aux)]
    by_hand = sum(float(-(1 - p).log().mean()) for p in probabilities)
    assert float(denial_loss(output, absent).detach()) == pytest.approx(by_hand, rel=1e-5)
    assert float(denial_loss(output, torch.zeros_like(absent))) == 0.0


def test_training_with_denial_lowers_the_class_scores_of_absent_objects(model: Ifirvos, batch: ReferringBatch) -> None:
    absent, scores = batch.objects == NO_OBJECT, []
    for deny in (0.0, 4.0):
        trained = Ifirvos(model.config)
        trained.load_state_dict(model.state_dict())
        torch.manual_seed(1)
        objective = RobustObjective(trained, PAPERS, deny=deny)
        steps = torch.optim.SGD(trained.parameters(), lr=0.02)
        for _ in range(4):
            steps.zero_grad()
            objective(trained, batch, 0.5)[0].backward()
            torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
            steps.step()
        scores.append(run_batch(trained, batch).pred_logits[absent].mean().item())
    assert scores[1] < scores[0]


def test_the_cycle_reads_the_same_whether_the_decoder_hears_of_absent_objects(
    model: Ifirvos, batch: ReferringBatch
) -> None:
    silent, heard = (RobustObjective(model, PAPERS, deny=deny)(model, batch, 0.5)[1] for deny in (0.0, 1.0))
    for name in ("consensus", "distance", "angle", "hinge", "mask", "dice"):
        assert heard[name] == pytest.approx(silent[name], rel=1e-3, abs=1e-6), name


def test_bfloat16_is_quick_where_the_processor_multiplies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for abilities, quick in (({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda abilities=abilities: abilities)
        assert quick_bf16(CPU) is quick
    assert quick_bf16(torch.device("cuda"))
