"""A referrer on a device: what a run's plan and estimate need beyond the `Referrer` role. No torch."""

from __future__ import annotations

import threading
from typing import Protocol, runtime_checkable

from rvos_core.models.api import Referrer

_MEGA = 1e6


class Pace:
    """How fast a model is on its device, learnt from what it did. Safe over threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: float | None = None  # per frame and megapixel of network input

    def observe(self, seconds: float, *, frames: int, pixels: int) -> None:
        """Count `frames` of `pixels` each that took `seconds`; the newest observation weighs half."""
        if frames < 1 or pixels < 1:
            return
        latest = seconds * _MEGA / (frames * pixels)
        with self._lock:
            self._seconds = latest if self._seconds is None else 0.5 * (self._seconds + latest)

    def seconds(self, *, frames: int, pixels: int) -> float | None:
        """Expected time for `frames` of `pixels` each; None before the first observation."""
        with self._lock:
            return None if self._seconds is None else self._seconds * frames * pixels / _MEGA


@runtime_checkable
class Engine(Referrer, Protocol):
    """A loaded model, ready to run.

    Attributes:
        device: `cpu`, `mps`, `cuda:0`, ...
        pace: its speed here, updated by every run.
    """

    device: str
    pace: Pace

    @property
    def frames_on_their_own(self) -> bool:
        """Whether what `encode_frames` finds on a frame does not depend on the frames beside it."""
        ...

    def input_size(self, height: int, width: int, *, size: int | None = None) -> tuple[int, int]:
        """(height, width) of the network input for frames of `height` x `width` pixels; `size` overrides the card's
        short side.
        """
        ...

    def memory_mib(self, frames: int, input_size: tuple[int, int]) -> float:
        """Estimated peak of one window of `frames`, weights included, MiB on `device`."""
        ...
