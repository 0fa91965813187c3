"""An image encoder that looks at several frames at once (Video-Swin) sees each window as a whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers_inference import CARD, WORDS, MemoryReader, latest, moving_square
from rvos_core.inference import Runner, RunRequest
from rvos_core.inference.feed import FrameFeed
from rvos_core.inference.windows import WindowRule
from rvos_core.language import WordTokenizer
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.types import CancelToken, FrameSpan
from tiny_ifirvos import tiny_model

FRAMES = 9
RULE = WindowRule(size=4, stride=3)


@pytest.fixture(scope="module")
def engine() -> FamilyReferrer:
    backbone = BackboneConfig(
        kind="video_swin", widths=(8, 16, 16, 16), blocks=(2, 1, 1, 1), heads=(2, 2, 2, 2), window=(4, 3, 3),
        frozen_stages=0,
    )  # fmt: skip
    return FamilyReferrer(tiny_model(backbone=backbone), WordTokenizer.from_words(WORDS), card=CARD)


def test_windows_are_encoded_as_they_are_seen(engine: FamilyReferrer) -> None:
    reader = MemoryReader(moving_square, FRAMES)
    feed = FrameFeed(engine, reader, span=FrameSpan(0, FRAMES), size=None, cancel=CancelToken())
    window, seen = feed.next_window(RULE, previous=None), []
    while window is not None:
        found = feed.features(window, block=RULE.size)
        whole = engine.encode_frames([moving_square(index) for index in window])
        for level, expected in zip(found.levels, whole.levels, strict=True):
            torch.testing.assert_close(level, expected)
        seen.append((window.start, window.stop))
        window = feed.next_window(RULE, previous=window)
    assert seen == [(0, 4), (3, 7), (5, 9)]
    assert reader.reads == list(range(FRAMES)), "every frame is read once"


def test_a_frame_depends_on_its_window(engine: FamilyReferrer) -> None:
    frames = [moving_square(index) for index in range(4)]
    alone, together = engine.encode_frames(frames[:1]), engine.encode_frames(frames)
    assert not engine.frames_on_their_own
    assert float((alone.levels[0][0] - together.levels[0][0]).abs().max()) > 1e-4


def test_a_run_gives_every_frame_a_mask(engine: FamilyReferrer) -> None:
    request = RunRequest("the man", FrameSpan(0, FRAMES), window=RULE.size, stride=RULE.stride)
    events = list(Runner(engine).run(request, reader=MemoryReader(moving_square, FRAMES), cancel=CancelToken()))
    results = latest(events)
    assert sorted(results) == list(range(FRAMES))
    assert all(np.isfinite(result.confidence) for result in results.values())
