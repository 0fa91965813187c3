"""What changes over time: turning, stopping, starting, leaving, entering, coming back; judged on a track.

Three answers as in `predicates`: True, False, or None where a person could argue either way.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np

from rvos_core.synthetic.facts import ObjectFacts, Track

Truth = bool | None

MIN_CHANGE_FRAMES = 5
_CLEAR_STEP = 0.03  # frame heights over the ground that each moving part must show
_PATTERNS = {"turns": (1, -1), "stops": (1, 0), "starts": (0, 1)}


def judge_change(facts: ObjectFacts, change: str | None) -> Truth:
    """Whether the object does what `change` (one of `CHANGES`) says."""
    if change is None:
        return True
    track = facts.track
    if track is None or len(facts.visible) < MIN_CHANGE_FRAMES:
        return None
    if change in _PATTERNS:
        return _judge_motion(facts, track, _PATTERNS[change])
    if change == "returns":
        return _judge_return(facts, track)
    if not track.speed.any():  # the camera may leave a chair behind, the chair does not leave
        return None if _gone(facts, track, entering=change == "enters") is not False else False
    return _gone(facts, track, entering=change == "enters")


def judge_direction(facts: ObjectFacts) -> Truth:
    """None where an object goes both ways in the clip, so that no direction is plainly its own."""
    track = facts.track
    if track is None:
        return True
    return None if bool((track.speed > 0).any()) and bool((track.speed < 0).any()) else True


def leave_moment(facts: ObjectFacts, *, entering: bool) -> int | None:
    """The first frame where a leaver is gone, or an entrant is there; 0 for who does not, None where arguable."""
    truth = judge_change(facts, "enters" if entering else "leaves")
    if truth is None:
        return None
    if truth is False:
        return 0
    shown = np.flatnonzero(facts.visible)
    return int(shown[0]) if entering else int(shown[-1]) + 1


def _judge_motion(facts: ObjectFacts, track: Track, pattern: tuple[int, int]) -> Truth:
    signs = np.sign(track.speed[:-1]).astype(int)
    parts = [(sign, len(list(run))) for sign, run in groupby(signs.tolist())]
    if len(parts) != 2:
        return False
    (first, count), (second, _) = parts
    lead = first or second
    if (first * lead, second * lead) != pattern:
        return False
    moment = count  # the frame at which the new motion begins
    seen = bool(facts.visible[moment - 1 : moment + 2].all())
    for part, sign in ((slice(0, moment + 1), first), (slice(moment, None), second)):
        path = track.x[part][facts.visible[part]]
        if len(path) < 2 or (sign and abs(float(path[-1] - path[0])) < _CLEAR_STEP):
            seen = False
    return True if seen else None


def _judge_return(facts: ObjectFacts, track: Track) -> Truth:
    shown = np.flatnonzero(facts.visible)
    between = slice(int(shown[0]), int(shown[-1]) + 1)
    hidden = ~facts.visible[between]
    if not hidden.any():
        return False
    beyond = bool(track.outside[between][hidden].all())
    return True if beyond and bool(track.speed.any()) else None


def _gone(facts: ObjectFacts, track: Track, *, entering: bool) -> Truth:
    """Whether it is there at first and beyond the border at last (`entering`: the other way round)."""
    step = -1 if entering else 1
    visible, outside, truncated = facts.visible[::step], track.outside[::step], track.truncated[::step]
    shown = np.flatnonzero(visible)
    last = int(shown[-1])
    if last == len(visible) - 1:
        left_before = bool(outside.any())
        return None if truncated[-1] or left_before else False
    plain = last >= 1 and bool(visible[: last + 1].all()) and bool(outside[last + 1 :].all())
    return True if plain else None
