"""`rvos bench --device`: what a GPU saves, against the processor of the same machine. Wall time, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rvos_core.cli.bench_suites import Row, attention_arguments
from rvos_core.types import CancelToken

_ROUNDS = 7
_CPU_ROUNDS = 3


def on_device(device: str, cancel: CancelToken) -> list[Row]:
    """The bundled networks on `device` and on the processor; deformable attention's forms on `device`.

    Raises:
        UserError: the device cannot be used here.
    """
    import torch

    from rvos_core.models.devices import pick_device
    from rvos_kernels.ms_deform_attn.bag import ms_deform_attn_bag
    from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference

    chosen = pick_device(device)
    wait = torch.cuda.synchronize if chosen.startswith("cuda") else _nothing
    rows = []
    for name, make in (("ifirvos-mini, a window of 8 frames", _window), ("isvos-mini, a frame followed", _followed)):
        cancel.raise_if_cancelled()
        ours_ms = _median_ms(make(chosen), wait, rounds=_ROUNDS)
        cpu_ms = _median_ms(make("cpu"), _nothing, rounds=_CPU_ROUNDS)
        note = f"854x480, on {chosen}; against the processor, {torch.get_num_threads()} threads"
        rows.append(Row(name, cpu_ms / ours_ms, ours_ms, cpu_ms, 1.0, note))
    cancel.raise_if_cancelled()
    arguments: dict[str, Any] = {
        key: value.to(chosen) if isinstance(value, torch.Tensor) else value
        for key, value in attention_arguments().items()
    }
    with torch.inference_mode():
        ours_ms = _median_ms(partial(ms_deform_attn_bag, **arguments), wait, rounds=_ROUNDS)
        reference_ms = _median_ms(partial(ms_deform_attn_reference, **arguments), wait, rounds=_ROUNDS)
    note = f"on {chosen}; against grid_sample there, which is what runs on it"
    rows.append(Row("deformable attention, bag", reference_ms / ours_ms, ours_ms, reference_ms, 0.0, note))
    return rows


def _frames(count: int) -> list[np.ndarray]:
    """A drifting texture, (480, 854, 3) uint8 each."""
    dice = np.random.default_rng(0)
    texture = dice.integers(0, 255, (480, 854 + 4 * count, 3), dtype=np.uint8)
    return [np.ascontiguousarray(texture[:, 4 * index : 4 * index + 854]) for index in range(count)]


def _window(device: str) -> Callable[[], object]:
    from rvos_core.models.referrers import FamilyReferrer
    from rvos_core.weights.bundle import load_bundle
    from rvos_resources.paths import weights_dir

    bundle = load_bundle(weights_dir() / "ifirvos-mini")
    model, tokenizer = bundle.referring()
    engine = FamilyReferrer(model, tokenizer, card=bundle.card, device=device)
    text, frames = engine.encode_text("the man in red riding a bike"), _frames(8)
    return lambda: engine.refer(engine.encode_frames(frames), text)


def _followed(device: str) -> Callable[[], object]:
    from rvos_core.models.propagators import IsvosPropagator
    from rvos_core.weights.bundle import load_bundle
    from rvos_resources.paths import weights_dir

    bundle, frames = load_bundle(weights_dir() / "isvos-mini"), _frames(12)
    propagator = IsvosPropagator(bundle.following(), card=bundle.card, device=device)
    mask = np.zeros((480, 854), bool)
    mask[100:300, 200:400] = True
    propagator.remember(frames[0], {1: mask}, permanent=True)
    for frame in frames[1:]:
        propagator.step(frame)
    return lambda: propagator.step(frames[-1])


def _median_ms(work: Callable[[], object], wait: Callable[[], object], *, rounds: int) -> float:
    times = []
    for turn in range(rounds + 1):
        wait()
        began = time.perf_counter()
        work()
        wait()
        if turn:  # the first turn warms up
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _nothing() -> None:
    """On the processor, work is done when the call returns."""
