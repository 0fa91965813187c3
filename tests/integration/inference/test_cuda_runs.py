"""The same runs on a CUDA device: equal masks, and a device that really runs out of memory."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers_inference import CARD, WORDS, MemoryReader, latest, moving_square, real_engine
from rvos_core.errors import UserError
from rvos_core.inference import RunFinished, Runner, RunRequest
from rvos_core.language import WordTokenizer
from rvos_core.masks import decode
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.memory import free_memory_mib
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.types import CancelToken, FrameSpan

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def mini_engine() -> FamilyReferrer:
    torch.manual_seed(0)
    card = replace(CARD, size=256, long_side=448)
    return FamilyReferrer(Ifirvos(ifirvos_mini_config(50)), WordTokenizer.from_words(WORDS), card=card, device="cuda:0")


def test_masks_equal_those_of_the_cpu() -> None:
    request, reader = RunRequest("the red car", FrameSpan(0, 20)), MemoryReader(moving_square, 20)
    one, two = (
        latest(list(Runner(real_engine(device=device)).run(request, reader=reader, cancel=CancelToken())))
        for device in ("cpu", "cuda:0")
    )
    for index, frame in one.items():
        assert np.mean(decode(frame.mask) != decode(two[index].mask)) < 5e-3
        assert frame.confidence == pytest.approx(two[index].confidence, abs=5e-3)


def test_a_full_device_shortens_the_window_and_memory_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_core.inference.cost.free_memory_mib", lambda device: None)
    engine = mini_engine()
    engine.warm_up()
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    total = torch.cuda.get_device_properties(0).total_memory
    request, reader = RunRequest("the red car", FrameSpan(0, 64), window=0), MemoryReader(moving_square, 64)
    try:
        torch.cuda.set_per_process_memory_fraction((before + 900 * 2**20) / total)
        events = list(Runner(engine).run(request, reader=reader, cancel=CancelToken()))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    summary = next(event.summary for event in events if isinstance(event, RunFinished))
    assert summary.window < 64 and any("memory ran out" in note for note in summary.notes)
    assert sorted(latest(events)) == list(range(64))
    gc.collect()
    assert torch.cuda.memory_allocated() == pytest.approx(before, rel=0.01)
    assert len(latest(list(Runner(engine).run(request, reader=reader, cancel=CancelToken())))) == 64


def test_a_device_without_room_offers_the_cpu() -> None:
    engine = mini_engine()
    engine.warm_up()
    free = free_memory_mib("cuda:0")
    assert free is not None and free > 100
    total = torch.cuda.get_device_properties(0).total_memory
    gc.collect()
    torch.cuda.empty_cache()
    request, reader = RunRequest("the red car", FrameSpan(0, 8)), MemoryReader(moving_square, 8)
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 20 * 2**20) / total)
        with pytest.raises(UserError, match="CPU"):
            list(Runner(engine).run(request, reader=reader, cancel=CancelToken()))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize("frames", [4, 24])
def test_the_memory_estimate_covers_the_measured_peak(frames: int) -> None:
    engine = mini_engine()
    engine.warm_up()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    pictures = [moving_square(index, height=256, width=448) for index in range(frames)]
    features = engine.encode_frames(pictures)
    engine.refer(features, engine.encode_text("a man"))
    peak = (torch.cuda.max_memory_allocated() - before) / 2**20
    assert 0.8 * peak < engine.memory_mib(frames, features.input_size) < 5 * peak + 500
