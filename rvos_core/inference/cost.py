"""What a run will take, said before it starts; and a window that fits the memory there is."""

from __future__ import annotations

import math

from rvos_core.errors import UsageError, UserError
from rvos_core.inference.events import RunCost, RunRequest
from rvos_core.inference.windows import WindowRule, count_windows, window_rule
from rvos_core.masks import guide_bytes
from rvos_core.models.engine import Engine
from rvos_core.models.memory import free_memory_mib
from rvos_core.types import FrameSpan, MediaInfo

_MIB = 1024 * 1024
_SPARE = 0.9  # share of the free memory that a run may count on
_HELD_FRAMES = 12  # decoded frames in flight: one encoding block, the reader's own, and one being drawn
_CANDIDATES_MIB = 16.0
_MIN_SIZE, _MAX_SIZE = 32, 2160


def estimate_cost(referrer: Engine, info: MediaInfo, request: RunRequest) -> RunCost:
    """Memory, time and windows of `request` on the clip `info`.

    The time is approximate: from the model's pace so far on this device.

    Raises:
        UsageError: the span, window, stride or size makes no sense.
    """
    check_request(info, request)
    rule = window_rule(referrer.card, len(request.span), window=request.window, stride=request.stride)
    return cost_of_rule(referrer, info, span=request.span, rule=rule, size=request.size)


def cost_of_rule(referrer: Engine, info: MediaInfo, *, span: FrameSpan, rule: WindowRule, size: int | None) -> RunCost:
    """As `estimate_cost`, for a known window rule."""
    input_size = referrer.input_size(info.height, info.width, size=size)
    windows = count_windows(len(span), rule)
    frames = windows * min(rule.size, len(span))
    held = _HELD_FRAMES * info.width * info.height * 3 / _MIB
    held += min(rule.size, len(span)) * guide_bytes(info.height, info.width) / _MIB
    return RunCost(
        memory_mib=referrer.memory_mib(rule.size, input_size) + held + _CANDIDATES_MIB,
        seconds=referrer.pace.seconds(frames=frames, pixels=math.prod(input_size)),
        windows=windows,
    )


def check_request(info: MediaInfo, request: RunRequest) -> None:
    """Raises: UsageError: the span is empty or outside the clip, or the size is out of range."""
    span = request.span
    if not len(span) or span.stop > info.frame_count:
        raise UsageError(
            f"{info.path} has {info.frame_count} frames; there is no span from frame {span.start} up to {span.stop}.",
            hint=f"Give a span inside 0 to {info.frame_count}.",
            code="run.bad_span",
        )
    if request.size is not None and not _MIN_SIZE <= request.size <= _MAX_SIZE:
        raise UsageError(
            f"A network input of {request.size} pixels is not possible.",
            hint=f"Give a short side from {_MIN_SIZE} to {_MAX_SIZE}.",
            code="run.bad_size",
        )


def rule_that_fits(referrer: Engine, rule: WindowRule, *, input_size: tuple[int, int]) -> WindowRule:
    """`rule`, its window halved until the device's free memory holds it.

    Raises:
        UserError: not even one frame fits.
    """
    free = free_memory_mib(referrer.device)
    while free is not None and referrer.memory_mib(rule.size, input_size) > _SPARE * free:
        if rule.size == 1:
            raise too_little_memory(referrer, free_mib=free, needed_mib=referrer.memory_mib(1, input_size))
        rule = rule.halved()
    return rule


def too_little_memory(referrer: Engine, *, free_mib: float | None = None, needed_mib: float | None = None) -> UserError:
    """The error for a run that no window size saves; on a GPU it offers the CPU."""
    figures = (
        f" ({needed_mib:.0f} MiB needed, {free_mib:.0f} MiB free)"
        if free_mib is not None and needed_mib is not None
        else ""
    )
    smaller = f"a smaller input size (less than {referrer.card.size})"
    remedy = f"Close other programs or take {smaller}."
    if referrer.device != "cpu":
        remedy = f"Run it on the CPU (device cpu), or take {smaller}."
    return UserError(
        f"There is too little memory on {referrer.device} for {referrer.card.name}, even with short windows{figures}.",
        hint=remedy,
        code="run.out_of_memory",
    )
