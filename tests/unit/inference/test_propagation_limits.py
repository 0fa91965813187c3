"""Propagation that is stopped anywhere, and clips of any length."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from isvos_small import CARD, moving_squares, tiny
from rvos_core.errors import Cancelled
from rvos_core.inference.propagation import FollowedFrame, follow
from rvos_core.models.api import FramePrediction
from rvos_core.models.isvos_configs import MemoryConfig
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.types import CancelToken, FrameSpan

_PICTURES, _LABELS = moving_squares(frames=12, objects=2, size=(32, 48))


class Loop:
    """The same dozen pictures over and over; counts nothing and keeps nothing."""

    def frame(self, index: int) -> np.ndarray:
        found: np.ndarray = _PICTURES[index % len(_PICTURES)]
        return found


def propagator() -> IsvosPropagator:
    return IsvosPropagator(tiny(), card=CARD, memory=MemoryConfig(every=2, most=4, top_k=6))


def given(*frames: int) -> dict[int, dict[int, np.ndarray]]:
    return {index: {1: _LABELS[index % len(_LABELS)] == 1} for index in frames}


def test_stopped_at_fifty_points_what_was_handed_out_is_what_a_whole_run_finds() -> None:
    tool, span, known = propagator(), FrameSpan(0, 12), given(2, 9)
    whole = list(follow(tool, Loop(), known, span=span))
    dice = random.Random(7)
    for _ in range(50):
        stop_after, cancel = dice.randrange(len(whole)), CancelToken()
        found: list[FollowedFrame] = []
        if stop_after == 0:
            cancel.cancel()
        with pytest.raises(Cancelled):
            for frame in follow(tool, Loop(), known, span=span, cancel=cancel):
                found.append(frame)
                if len(found) == stop_after:
                    cancel.cancel()
            raise Cancelled  # stopped behind the last frame
        assert found == whole[: len(found)]
        assert stop_after <= len(found) <= stop_after + 1
    assert list(follow(tool, Loop(), known, span=span)) == whole, "and it can be asked again"


class Cheap:
    """A propagator that costs nothing and finds the object everywhere, as noise that packs badly."""

    card = CARD

    def __init__(self) -> None:
        self._ids: tuple[int, ...] = ()
        self._dice = torch.Generator().manual_seed(3)

    @property
    def object_ids(self) -> tuple[int, ...]:
        return self._ids

    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        self._ids = tuple(masks)

    def step(self, frame: np.ndarray) -> FramePrediction:
        rows = torch.rand(1, 32, 48, generator=self._dice)
        return FramePrediction(self._ids, rows, rows)

    def forget(self, object_id: int) -> None:
        self._ids = ()

    def restart(self) -> None:
        """Nothing is on the way."""


def test_three_thousand_frames_between_two_given_ones_take_no_more_memory_than_three_hundred() -> None:
    """`isvos` itself remembers a fixed number of frames, see tests/unit/models; this is all that lies around it."""

    def peak(frames: int) -> int:
        gc.collect()
        tracemalloc.start()
        for _ in follow(Cheap(), Loop(), given(0, frames - 1), span=FrameSpan(0, frames), store_bytes=100_000):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(30)  # imports and caches
    # A plan needs some words a frame; the 1,500 cells of each frame's probabilities, kept for the second pass, do not.
    assert peak(3000) - peak(300) < 2_700 * 1_200
