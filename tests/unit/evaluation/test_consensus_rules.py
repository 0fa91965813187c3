"""Rules that make one answer of many windows, on windows whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.errors import UserError
from rvos_core.evaluation.consensus_rules import RULES, evaluate_rules, score_rule
from rvos_core.inference.consensus import span_consensus

torch = pytest.importorskip("torch")

from helpers_inference import ScriptedEngine  # noqa: E402


def test_a_rule_that_orders_all_pairs_has_an_area_of_one_and_ties_count_half() -> None:
    assert score_rule("mean", RULES["mean"], [[0.9, 0.8]], [[0.1], [0.2]]).auc == 1.0
    assert score_rule("mean", RULES["mean"], [[0.5]], [[0.5], [0.2]]).auc == pytest.approx(0.75)
    assert score_rule("mean", RULES["mean"], [[0.1]], [[0.5], [0.2]]).auc == 0.0


def test_the_area_equals_the_count_over_pairs() -> None:
    rng = np.random.default_rng(3)
    present = [list(rng.uniform(0.2, 1, int(rng.integers(1, 6)))) for _ in range(30)]
    absent = [list(rng.uniform(0, 0.7, int(rng.integers(1, 6)))) for _ in range(20)]
    for name, rule in RULES.items():
        wins = [rule(p) > rule(a) for p in present for a in absent]
        assert score_rule(name, rule, present, absent).auc == pytest.approx(np.mean(wins))


def test_an_object_that_leaves_is_lost_by_the_last_window_and_kept_by_the_surer_half() -> None:
    leaves = [0.95, 0.9, 0.9, 0.1, 0.05]
    nowhere = [0.1, 0.2, 0.15, 0.1, 0.2]
    assert RULES["last window"](leaves) < RULES["last window"](nowhere)
    assert span_consensus(leaves) > 0.9 > 0.2 > span_consensus(nowhere) - 0.05


def scripted(consensus=None) -> ScriptedEngine:  # type: ignore[no-untyped-def]
    def answer(indices):  # type: ignore[no-untyped-def]
        return np.zeros((len(indices), 2, 8, 12)), np.zeros((len(indices), 2))

    return ScriptedEngine(answer, consensus=consensus)


def test_every_window_of_the_models_card_is_asked() -> None:
    engine = scripted(lambda indices: 0.5)
    report = evaluate_rules(engine, clips=2, frames=20)
    assert report.windows == 3.0 and {len(window) for window in engine.windows} == {8}
    assert report.present == 4 and report.absent >= 1
    assert [rule.name for rule in report.rules] == list(RULES)
    assert all(rule.auc == 0.5 for rule in report.rules)
    assert report.as_dict()["rules"][0] == {"name": "surer half", "auc": 0.5, "caught": 0.0}


def test_a_model_without_the_head_is_refused() -> None:
    with pytest.raises(UserError, match="does not say whether an object is there"):
        evaluate_rules(scripted(), clips=1, frames=4)
