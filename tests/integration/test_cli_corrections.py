"""`rvos eval revote` and `rvos eval refine` with the bundled models on the street world."""

from __future__ import annotations

import numpy as np
import pytest

from helpers_cli import rvos


def test_a_correction_is_followed_on_the_first_clips(capsys: pytest.CaptureFixture[str]) -> None:
    said = rvos(capsys, "eval", "revote", "--split", "val", "--pairs", "2", "--device", "cpu", "--json")
    assert said.code == 0, said.err
    found = said.json
    assert (found["pairs"], found["split"], found["model"]) == (2, "val", "ifirvos-mini")
    assert found["clips"] == 2 + found["shown_already"] + found["uncovered"]
    for each in found["per_pair"]:
        assert each["asked"] != each["meant"] and each["before"][0] < each["before"][1]
        assert each["follows"] == (each["after"][0] > each["after"][1])
        assert each["after"] == each["before"] or each["agreement"] >= 0.5
    assert found["followed"] == np.mean([each["follows"] for each in found["per_pair"]]) > 0
    assert found["iou_after"] == pytest.approx(np.mean([each["after"][0] for each in found["per_pair"]]))
    assert found["iou_before"] < found["iou_after"] <= found["iou_best_query"] + 1e-9


@pytest.mark.slow
def test_runs_are_scored_as_they_are_and_refined(capsys: pytest.CaptureFixture[str]) -> None:
    said = rvos(capsys, "eval", "refine", "--clips", "1", "--frames", "2", "--device", "cpu", "--json")
    assert said.code == 0, said.err
    found = said.json
    (only,) = found["per_sentence"]
    assert (found["sentences"], found["jf"], found["refined"]) == (1, only["jf"], only["refined"])
    assert 0.5 < found["jf"] <= 1 and 0.5 < found["refined"]["2"] <= 1 and found["jf"] != found["refined"]["2"]
    assert found["refine_s"]["2"] > 0


@pytest.mark.parametrize("command", ["revote", "refine"])
def test_a_split_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], command: str) -> None:
    said = rvos(capsys, "eval", command, "--split", "nowhere", "--device", "cpu")
    assert said.code == 2 and "no split 'nowhere'" in said.err


@pytest.mark.slow
def test_the_choice_follows_on_fifty_clips(capsys: pytest.CaptureFixture[str]) -> None:
    """Ask for B, correct one frame to A, where a query covers A: at least nine of ten follow."""
    said = rvos(capsys, "eval", "revote", "--pairs", "50", "--json")
    assert said.code == 0, said.err
    assert said.json["pairs"] == 50 and said.json["followed"] >= 0.9
