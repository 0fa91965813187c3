"""R2-VOS's relational cycle against its equations written in loops, and on cases worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import Reading
from rvos_core.training.cycle import CycleTerms, CycleWeights, angle_loss, cycle_losses, distance_loss
from tiny_family import tiny_network
from tiny_ifirvos import clips, expressions


def _huber(a: float, b: float) -> float:
    gap = abs(a - b)
    return 0.5 * gap**2 if gap <= 1 else gap - 0.5


def _distances(points: list[list[float]]) -> list[list[float]]:
    table = [[math.dist(a, b) for b in points] for a in points]
    positive = [value for row in table for value in row if value > 0]
    mean = sum(positive) / len(positive) if positive else 1.0
    return [[value / mean for value in row] for row in table]


def _cosine(corner: list[float], a: list[float], b: list[float]) -> float:
    lengths = math.dist(corner, a) * math.dist(corner, b)
    if lengths == 0:
        return 0.0
    return sum((x - c) * (y - c) for x, y, c in zip(a, b, corner, strict=True)) / lengths


@pytest.mark.parametrize("b", [2, 3, 5])
def test_relations_equal_their_equations(b: int) -> None:
    torch.manual_seed(b)
    student, teacher = torch.randn(b, 3, dtype=torch.float64) * 3, torch.randn(b, 3, dtype=torch.float64)
    student[-1] = student[0] if b > 3 else student[-1]  # two sentences read back alike
    s, t = student.tolist(), teacher.tolist()
    ours, theirs = _distances(s), _distances(t)
    pairs = [_huber(ours[i][j], theirs[i][j]) for i in range(b) for j in range(b)]
    corners = [
        _huber(_cosine(s[i], s[j], s[k]), _cosine(t[i], t[j], t[k]))
        for i in range(b)
        for j in range(b)
        for k in range(b)
    ]
    assert float(distance_loss(student, teacher)) == pytest.approx(sum(pairs) / b**2, abs=1e-12)
    assert float(angle_loss(student, teacher)) == pytest.approx(sum(corners) / b**3, abs=1e-12)


def test_relations_do_not_see_scale_shift_or_rotation() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(5, 6)
    turn = torch.linalg.qr(torch.randn(6, 6))[0]
    student = 7.0 * teacher @ turn + 3.0
    assert float(distance_loss(student, teacher)) == pytest.approx(0, abs=1e-10)
    assert float(angle_loss(student, teacher)) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("b", [0, 1, 2])
def test_fewer_than_three_relate_alike_whatever_they_are(b: int) -> None:
    torch.manual_seed(1)
    student, teacher = torch.randn(b, 4, requires_grad=True), torch.randn(b, 4)
    loss = distance_loss(student, teacher) + angle_loss(student, teacher)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(0, abs=1e-10)
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_sentences_read_back_alike_have_finite_gradients() -> None:
    student = torch.ones(4, 3, requires_grad=True)
    teacher = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    (distance_loss(student, teacher) + angle_loss(student, teacher)).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert student.grad.isfinite().all()


def _reading(apart: list[float], logits: list[float]) -> Reading:
    """Reconstructions that lie `apart` from their sentences."""
    sentence = torch.randn(len(apart), 3, generator=torch.Generator().manual_seed(0))
    away = torch.tensor([[0.0, 0.0, 1.0]]) * torch.tensor(apart)[:, None]
    return Reading(sentence, sentence + away, torch.tensor(logits))


def test_hand_worked_terms() -> None:
    present = torch.tensor([True, False, True, False])
    reading = _reading([3.0, 0.1, 1.0, 0.3], [0.0, 0.0, 2.0, -1.0])
    terms = cycle_losses(reading, present)
    assert float(terms.l2) == pytest.approx(2.0, abs=1e-5)
    assert float(terms.hinge) == pytest.approx(0.5 - 0.2, abs=1e-5)
    losses = [math.log(2), math.log(2), math.log(1 + math.exp(-2)), math.log(1 + math.exp(-1))]
    assert float(terms.consensus) == pytest.approx(sum(losses) / 4, abs=1e-5)
    assert float(terms.distance) == pytest.approx(0, abs=1e-6)  # two fitting sentences
    expected = float(terms.distance + terms.angle + 0.1 * terms.hinge + terms.consensus)
    assert float(terms.weighted(CycleWeights())) == pytest.approx(expected)


def test_far_reconstructions_of_absent_objects_cost_nothing() -> None:
    terms = cycle_losses(_reading([0.9, 0.7], [0.0, 0.0]), torch.tensor([False, False]))
    assert float(terms.hinge) == 0
    assert float(terms.l2) == float(terms.distance) == float(terms.angle) == 0


def test_only_fitting_expressions_are_related() -> None:
    torch.manual_seed(3)
    sentence, read = torch.randn(5, 4), torch.randn(5, 4)
    present = torch.tensor([True, True, False, True, False])
    terms = cycle_losses(Reading(sentence, read, None), present)
    torch.testing.assert_close(terms.distance, distance_loss(read[present], sentence[present]))
    torch.testing.assert_close(terms.angle, angle_loss(read[present], sentence[present]))
    assert float(terms.consensus) == 0


def test_the_sentence_is_the_teacher() -> None:
    sentence, read = torch.randn(4, 4, requires_grad=True), torch.randn(4, 4, requires_grad=True)
    terms = cycle_losses(Reading(sentence, read, None), torch.tensor([True, True, True, False]), margin=9.0)
    terms.weighted(CycleWeights(l2=1.0)).backward()  # type: ignore[no-untyped-call]
    assert sentence.grad is None
    assert read.grad is not None
    assert read.grad.any(dim=1).all()


@pytest.mark.parametrize(("arch", "options"), [("ifirvos", {"consensus": True}), ("r2vos", {})])
def test_a_network_learns_which_pairs_fit(arch: str, options: dict[str, Any]) -> None:
    """Two clips and two sentences: the crossed pairs are absent. Only the reading is trained; no masks are drawn."""
    torch.manual_seed(0)
    model = tiny_network(arch, **options, dropout=0.0)
    frames, ids = clips(2, 1, size=(64, 64)), expressions(2, 5)
    pictures, words = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    present = pictures == words
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        terms = _pairs(model, frames, ids[words], pictures, present)
        losses.append(float(terms.consensus.detach()))
        optimizer.zero_grad()
        terms.weighted(CycleWeights()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert losses[0] > 0.5
    assert losses[-1] < 0.2


def _pairs(model: ReferringNetwork, frames: Tensor, ids: Tensor, clip: Tensor, present: Tensor) -> CycleTerms:
    encoded = model.encode_frames(frames).select(clip)
    reading = model.read(encoded, model.encode_text(ids))
    assert reading is not None
    return cycle_losses(reading, present)
