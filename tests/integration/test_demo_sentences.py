"""Sentences that nobody's grammar wrote, on the demo clip: each has to choose its object among the five."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.inference import FrameResult, RunRequest
from rvos_core.inference.events import FramesRevised, WindowDone
from rvos_core.inference.runner import Runner
from rvos_core.masks import decode, read_indexed_png
from rvos_core.media import open_media
from rvos_core.models.registry import load_engine
from rvos_core.types import CancelToken, FrameSpan
from rvos_resources.paths import demo_dir, weights_dir

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (weights_dir() / "ifirvos-mini").is_dir(), reason="this checkout has no bundled weights"),
]

RED_RIDER, BLUE_RIDER, WALKER, CAR, DOG = 1, 2, 3, 4, 5
SENTENCES = {
    "the cyclist in a red jacket": RED_RIDER,
    "the man in red": RED_RIDER,
    "the guy with white trousers on a bicycle": BLUE_RIDER,
    "the rider wearing blue": BLUE_RIDER,
    "the pedestrian": WALKER,
    "a person in a green top who is not on a bike": WALKER,
    "the yellow automobile that is driving to the left": CAR,
    "the white dog that is running": DOG,
}
FRAMES = FrameSpan(24, 72)  # all five are in sight


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    """(T, H, W) bool of every sentence."""
    runner, masks = Runner(load_engine(device="cpu")), {}
    with open_media(demo_dir() / "street.mp4") as reader:
        for text in SENTENCES:
            frames: dict[int, FrameResult] = {}
            for event in runner.run(RunRequest(text, FRAMES), reader=reader, cancel=CancelToken()):
                if isinstance(event, WindowDone | FramesRevised):
                    frames |= {each.frame_index: each for each in event.frames}
            masks[text] = np.stack([decode(frames[index].mask) for index in range(FRAMES.start, FRAMES.stop)])
    return masks


_MISSED = pytest.mark.xfail(reason="the bundled weights take a rider for the pedestrian", strict=True)


@pytest.mark.parametrize(
    "text", [pytest.param(text, marks=_MISSED) if text == "the pedestrian" else text for text in SENTENCES]
)
def test_a_sentence_of_ones_own_chooses_its_object(text: str, found: dict[str, np.ndarray]) -> None:
    labels = np.stack(
        [read_indexed_png(demo_dir() / "masks" / f"{index:05d}.png") for index in range(FRAMES.start, FRAMES.stop)]
    )
    ious = [float((found[text] & (labels == i)).sum() / (found[text] | (labels == i)).sum()) for i in range(1, 6)]
    assert int(np.argmax(ious)) + 1 == SENTENCES[text], ious
    assert max(ious) > 0.4, ious
