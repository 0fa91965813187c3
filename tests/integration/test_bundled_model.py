"""The bundled weights keep their promise on all 200 held-out street scenes, through the product's own run."""

from __future__ import annotations

import pytest

from rvos_core.evaluation.synth import SynthReport, evaluate_synth
from rvos_core.models.registry import card, load_engine
from rvos_resources.paths import weights_dir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not (weights_dir() / "ifirvos-mini").is_dir(), reason="this checkout has no bundled weights"),
]


@pytest.fixture(scope="module")
def report() -> SynthReport:
    return evaluate_synth(load_engine(device="cpu"), split="test")


def test_the_mask_fits_the_meant_object_best_on_held_out_clips(report: SynthReport) -> None:
    figures = report.figures()
    assert figures["right_object"].value >= 0.85
    assert figures["jf"].value >= 0.7
    assert figures["attribute_swap"].value >= 0.7


def test_what_is_not_there_is_doubted(report: SynthReport) -> None:
    figures = report.figures()
    assert figures["R"].value >= 0.7
    assert figures["false_on_negatives"].value <= 0.55
    assert figures["false_on_absent"].value <= 0.4


def test_the_card_says_what_the_weights_do(report: SynthReport) -> None:
    claimed = card("ifirvos-mini").measured["synth-test"]
    for name, figure in report.figures().items():
        assert claimed[name] == pytest.approx(figure.value, abs=0.01), name
