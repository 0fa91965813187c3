"""Does doubt find what is wrong? How well `rvos_core.inference.suspicion` ranks frames by "J below 0.75".

The masks of a clip's first frame are given and followed forward, once; nothing is corrected. Every other frame of every
object is then ranked by the suspicion of its mask. Clips are real ones in DAVIS's layout, or long clips of the street
world (its `val` split, drawn with 40 frames: objects are covered, leave and come back).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.cases import TruthCase, real_cases, world_cases
from rvos_core.evaluation.propagation import followed_clips
from rvos_core.evaluation.work import Progress
from rvos_core.inference.propagation import follow
from rvos_core.inference.suspicion import SuspectFrame, suspicion
from rvos_core.masks import decode
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

WRONG_BELOW = 0.75
_FRAMES = 40


@dataclass(frozen=True)
class SuspicionReport:
    """How the masks of all clips were ranked.

    Attributes:
        masks: that were ranked, each one object in one frame.
        wrong: of them, those with J below `limit`.
        auroc: sign -> probability that a wrong mask ranks above a right one (ties count half); `suspicion` is all signs
            together, `doubt` the model's own alone.
    """

    clips: int
    masks: int
    wrong: int
    limit: float
    auroc: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return vars(self) | {"auroc": {name: round(value, 4) for name, value in self.auroc.items()}}


def judge_suspicion(
    propagator: Propagator,
    root: Path | None,
    *,
    names: Sequence[str] | None = None,
    clips: int = 20,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SuspicionReport:
    """Follow first masks and rank what was found.

    Args:
        propagator: what it followed before is forgotten.
        root: a folder in DAVIS's layout; None: `clips` long clips of the street world.
        names: only these clips of `root`.
        progress: called after each clip.
        cancel: looked at in every frame.

    Raises:
        UserError: a file is missing or no mask; no mask is wrong, or all are, so that nothing can be ranked.
        Cancelled: `cancel` was set.
    """
    cancel = cancel or CancelToken()
    total = clips if root is None else len(followed_clips(root, clips=names))
    signs: dict[str, list[float]] = {"suspicion": [], "doubt": []}
    j: list[float] = []
    for done, case in enumerate(
        world_cases(clips, frames=_FRAMES) if root is None else real_cases(root, names), start=1
    ):
        for frames, scores in _followed(propagator, case, cancel):
            signs["suspicion"] += suspicion(frames).tolist()
            signs["doubt"] += [1 - each.confidence for each in frames]
            j += scores
        if progress is not None:
            progress(done, total)
    wrong = np.array(j) < WRONG_BELOW
    if wrong.all() or not wrong.any():
        raise UserError(
            f"{int(wrong.sum())} of {len(wrong)} masks have J below {WRONG_BELOW}: there is nothing to tell apart.",
            hint="Take more or harder clips.",
            code="evaluation.one_class",
        )
    auroc = {name: area_under_curve(np.array(values), wrong) for name, values in signs.items()}
    return SuspicionReport(total, len(j), int(wrong.sum()), WRONG_BELOW, auroc)


def area_under_curve(values: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive has a higher value than a negative; ties count half. values: (n,); positive: bool."""
    above, below = values[positive], values[~positive]
    order = np.sort(below)
    lower = np.searchsorted(order, above, side="left")
    ties = np.searchsorted(order, above, side="right") - lower
    return float((lower + ties / 2).sum() / (len(above) * len(below)))


def _followed(
    propagator: Propagator, case: TruthCase, cancel: CancelToken
) -> Iterator[tuple[list[SuspectFrame], list[float]]]:
    """Each object's frames after the first, and their J."""
    first, last = min(case.truth), max(case.truth)
    given = {first: case.truth[first]}
    found: dict[int, list[SuspectFrame]] = {object_id: [] for object_id in given[first]}
    span = FrameSpan(first, last + 1)
    for frame in follow(propagator, case.source, given, span=span, direction="forward", cancel=cancel):
        for each in frame.objects:
            found[each.object_id].append(SuspectFrame(frame.frame_index, each.mask, each.confidence))
    for object_id, frames in found.items():
        known = [each for each in frames if each.frame_index in case.truth]
        yield known, [case.j(each.frame_index, object_id, decode(each.mask)) for each in known]
