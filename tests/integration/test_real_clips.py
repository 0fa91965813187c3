"""The promises on real footage: the default engine, nothing downloaded. Slow, and only where the clips are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from helpers_cli import rvos
from helpers_composites import KINDS, composite
from helpers_data import shared_data
from helpers_inference import MemoryReader
from rvos_core.inference import RunRequest
from rvos_core.inference.motion.engine import load_motion
from rvos_core.inference.motion.runner import Choices, MotionRunner
from rvos_core.masks import decode
from rvos_core.types import CancelToken, FrameSpan

SENTENCES = {
    "blackswan": "a black feathered swan",
    "car-shadow": "a white car crossing a signal",
    "dog": "a dog walking",
    "camel": "a camel moving",
}


@pytest.mark.slow
def test_four_real_clips_reach_their_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    davis = shared_data() / "davis16"
    scores = {}
    for clip, sentence in SENTENCES.items():
        out = tmp_path / clip
        said = rvos(capsys, "segment", davis / "JPEGImages" / clip, sentence, "-o", out)
        assert said.code == 0, said.err
        result = json.loads((out / "result.json").read_text(encoding="utf-8"))
        assert result["model"] == "motion" and "motion was taken" in result["why"]
        call = ("eval", "jf", "--gt", davis / "Annotations" / clip, "--pred", out / "masks", "--json")
        scores[clip] = json.loads(rvos(capsys, *call).out)["J"]
    assert np.mean(list(scores.values())) >= 0.7, scores
    assert min(scores.values()) >= 0.55, scores


@pytest.mark.slow
def test_a_hundred_composites_choose_what_is_meant() -> None:
    davis = shared_data() / "davis16"
    runner = MotionRunner(load_motion(device="cpu"))
    right: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for index in range(100):
        made = composite(davis, index)
        reader = MemoryReader(lambda t, frames=made.frames: frames[t], len(made.frames))
        request = RunRequest(made.sentence, FrameSpan(0, len(made.frames)))
        *_, found = runner.candidates(request, reader=reader, cancel=CancelToken())
        assert isinstance(found, Choices)
        chosen = next((each for each in found.candidates if each.chosen), None)
        label = 0
        if chosen is not None:
            inside = made.labels[chosen.frame_index][decode(chosen.mask)]
            label = int(np.bincount(inside, minlength=1)[1:].argmax()) + 1 if inside.any() else -1
        right[made.kind].append(label == made.target)
    positive = [each for kind in KINDS if kind != "negative" for each in right[kind]]
    shares = {kind: round(float(np.mean(each)), 3) for kind, each in right.items()}
    assert np.mean(positive) >= 0.9, shares
    assert np.mean(right["negative"]) >= 0.85, shares
