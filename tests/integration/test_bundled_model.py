"""What the bundled weights reach at least, on held-out street scenes through the product's own run.

The aim for the right object is 0.85; these weights reach 0.79 on `test`, so this only holds what there is.
"""

from __future__ import annotations

import pytest

from rvos_core.evaluation.synth import evaluate_synth
from rvos_core.models.registry import load_engine
from rvos_resources.paths import weights_dir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (weights_dir() / "ifirvos-mini").is_dir(), reason="this checkout has no bundled weights"),
]


def test_the_mask_fits_the_meant_object_best_on_held_out_clips() -> None:
    report = evaluate_synth(load_engine(device="cpu"), split="val", clips=40)
    figures = report.figures()
    assert figures["right_object"].value >= 0.7
    assert figures["jf"].value >= 0.5
