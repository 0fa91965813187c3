"""Time stamps of frames: repairing broken ones, the nominal rate, and whether the rate varies. Integers and fractions
only; a frame's place in time is never a float."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

DEFAULT_RATE = Fraction(25)
MAX_RATE = 1000
_COMMON_RATES = tuple(
    Fraction(*r) for r in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1))
)
_JUMP_STEPS = 25  # going back by more frames than this is a new start of the clock, not a wrong order


def is_increasing(times: Sequence[int | None]) -> bool:
    """True where every time is there and later than the one before."""
    return None not in times and all(b > a for a, b in pairwise(times) if a is not None and b is not None)


def repair_times(pts: Sequence[int | None], dts: Sequence[int | None], *, step: int) -> tuple[int, ...]:
    """Strictly increasing times for frames in output order.

    Presentation times are kept where they increase. Where they do not, the decoding times are taken if those do
    (packed B-frames in AVI carry good ones); else single times are moved: missing ones to one `step` after the
    frame before, late ones to just after it, and after a jump back of the clock the rest continues from there.

    Args:
        pts, dts: as decoded, in ticks; the same length.
        step: nominal ticks from one frame to the next, at least 1.
    """
    if is_increasing(pts):
        return tuple(t for t in pts if t is not None)
    if dts.count(None) <= max(1, len(dts) // 10) and is_increasing(filled := _fill(dts, step)):
        return tuple(filled)
    repaired: list[int] = []
    offset = 0
    for time in pts:
        if not repaired:
            repaired.append(time or 0)
            continue
        last = repaired[-1]
        moved = last + step if time is None else time + offset
        if moved <= last:
            if last - moved > _JUMP_STEPS * step:
                offset += last + step - moved
                moved = last + step
            else:
                moved = last + 1
        repaired.append(moved)
    return tuple(repaired)


def _fill(times: Sequence[int | None], step: int) -> list[int]:
    filled: list[int] = []
    for time in times:
        filled.append(time if time is not None else filled[-1] + step if filled else 0)
    return filled


def nominal_rate(times: Sequence[int], time_base: Fraction, claims: Sequence[Fraction | None]) -> tuple[Fraction, bool]:
    """Frames per second to call this clip by, and whether that had to be assumed.

    The first claim of the file that fits the usual distance of its frames wins; without one, the mean distance.
    """
    sane = [claim for claim in claims if claim and 0 < claim <= MAX_RATE]
    if len(times) < 2:
        return (sane[0], False) if sane else (DEFAULT_RATE, True)
    usual_s = median_low(b - a for a, b in pairwise(times)) * time_base
    for claim in sane:
        if abs(1 / claim - usual_s) <= max(time_base, usual_s / 50):
            return claim, False
    mean = Fraction(len(times) - 1) / ((times[-1] - times[0]) * time_base)
    if mean > MAX_RATE:
        return DEFAULT_RATE, True
    close = next((rate for rate in _COMMON_RATES if abs(mean / rate - 1) < Fraction(1, 1000)), None)
    return close or max(mean.limit_denominator(1001), Fraction(1, 1000)), False


def is_variable(times: Sequence[int], time_base: Fraction, rate: Fraction) -> bool:
    """True where a distance of frames is off by over a tick and a tenth, or where they drift from `rate`."""
    if len(times) < 2:
        return False
    steps = [b - a for a, b in pairwise(times)]
    usual = median_low(steps)
    if any(abs(step - usual) > max(1, usual / 10) for step in steps):
        return True
    drift_s = abs((times[-1] - times[0]) * time_base - Fraction(len(times) - 1) / rate)
    return drift_s > 1 / rate + time_base
