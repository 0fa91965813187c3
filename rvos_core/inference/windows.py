"""Which frames the model sees together. Windows slide over one shot at a time; they never straddle a scene cut.

Inside a shot, a window of `size` frames starts every `stride` frames; the last one is moved back so that it ends with
the shot. A shot shorter than `size` is one window. The same rule, one window at a time, serves a run that meets its
cuts as it reads (`next_window`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from rvos_core.errors import UsageError
from rvos_core.models.api import ModelCard
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class WindowRule:
    """Frames per window and frames from one window's start to the next, `1 <= stride <= size`."""

    size: int
    stride: int

    def __post_init__(self) -> None:
        if not 1 <= self.stride <= self.size:
            raise ValueError(f"not a window rule: size {self.size}, stride {self.stride}")

    @property
    def overlap(self) -> int:
        return self.size - self.stride

    def halved(self) -> WindowRule:
        """The same rule for half the memory: half the size, the overlap halved too.

        A rule of one frame stays what it is.
        """
        size = max(1, self.size // 2)
        return WindowRule(size, max(1, size - self.overlap // 2))


def window_rule(card: ModelCard, frames: int, *, window: int | None = None, stride: int | None = None) -> WindowRule:
    """What a person asked for, completed from the model card and cut to the span.

    Args:
        card: gives the defaults.
        frames: length of the span, at least 1.
        window: frames per window; None: the card's; 0: the whole span in one window.
        stride: frames between window starts; None: such that windows overlap as on the card.

    Raises:
        UsageError: a negative window, or a stride that would leave frames out.
    """
    size = card.window if window is None else window or frames
    if size < 1:
        raise UsageError(
            f"A window of {size} frames is not possible.",
            hint="Give 1 or more frames, or `all` for the whole span.",
            code="run.bad_window",
        )
    step = max(1, size - max(0, card.window - card.stride)) if stride is None else stride
    if not 1 <= step <= size:
        raise UsageError(
            f"A stride of {step} frames does not fit a window of {size} frames.",
            hint=f"Give a stride from 1 to {size}, so that no frame is left out.",
            code="run.bad_stride",
        )
    size = min(size, frames)
    return WindowRule(size, min(step, size))


def next_window(shot: FrameSpan, rule: WindowRule, *, previous: FrameSpan | None) -> FrameSpan | None:
    """The window after `previous` (None: the first) in `shot`, or None when `previous` ends the shot.

    The start depends only on where `previous` ends, so the rule may change between two windows and no frame is left
    out.
    """
    if previous is None:
        start = shot.start
    elif previous.stop >= shot.stop:
        return None
    else:
        start = max(previous.stop - rule.overlap, previous.start + 1)
    stop = start + rule.size
    if stop >= shot.stop:
        stop = shot.stop
        start = max(shot.start, stop - rule.size)
        if previous is not None:
            start = max(start, previous.start + 1)
    return FrameSpan(start, stop)


def count_windows(frames: int, rule: WindowRule) -> int:
    """Windows over `frames` frames (at least 1) of one shot. Each has `rule.size` frames, or is the only one."""
    return 1 + max(0, -(-(frames - rule.size) // rule.stride))


def plan_windows(span: FrameSpan, rule: WindowRule, *, cuts: Iterable[int] = ()) -> tuple[FrameSpan, ...]:
    """All windows over `span`, in order.

    Args:
        span: the frames of the run.
        rule: size and stride.
        cuts: first frames of new shots; those outside the span are ignored.
    """
    edges = [span.start, *sorted({cut for cut in cuts if span.start < cut < span.stop}), span.stop]
    plan: list[FrameSpan] = []
    for start, stop in pairwise(edges):
        shot = FrameSpan(start, stop)
        window = next_window(shot, rule, previous=None) if len(shot) else None
        while window is not None:
            plan.append(window)
            window = next_window(shot, rule, previous=window)
    return tuple(plan)
