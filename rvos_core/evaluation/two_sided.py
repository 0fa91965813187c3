"""Between two given frames: is the two-sided pass as good as the better one-sided one, and does it jump?

The true masks of a clip's first and last annotated frame are given; what lies between is followed forward, backward and
both ways, each time with both given frames in memory. J is over the frames between; a drop is the lowest IoU of the
masks of two neighbouring frames, given ones included, and is compared with that of the true masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.evaluation.cases import TruthCase, real_cases, world_cases
from rvos_core.evaluation.metrics import jaccard
from rvos_core.evaluation.propagation import followed_clips
from rvos_core.evaluation.work import Progress
from rvos_core.inference.propagation import Direction, follow
from rvos_core.masks import decode
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

_WAYS: tuple[Direction, ...] = ("forward", "backward", "nearest", "both")
_FRAMES = 10


@dataclass(frozen=True)
class SidesOfObject:
    """One object of one clip.

    Attributes:
        j: way -> mean J over the frames between.
        lowest_iou: of neighbouring masks, going both ways; `true_lowest_iou`: of the true masks.
    """

    clip: str
    object_id: int
    j: Mapping[str, float]
    lowest_iou: float
    true_lowest_iou: float


@dataclass(frozen=True)
class SidesReport:
    """All objects of all clips."""

    objects: tuple[SidesOfObject, ...]

    def j(self, way: str) -> float:
        """Mean J of one way."""
        return float(np.mean([each.j[way] for each in self.objects]))

    @property
    def better_side(self) -> float:
        """Mean over the objects of the better one-sided pass, which no program knows beforehand."""
        return float(np.mean([max(each.j["forward"], each.j["backward"]) for each in self.objects]))

    @property
    def worst_drop(self) -> float:
        """How much lower the lowest overlap of neighbouring masks is than in the truth, at worst."""
        return max(each.true_lowest_iou - each.lowest_iou for each in self.objects)

    @property
    def mean_drop(self) -> float:
        """The same, as a mean over objects; below 0: masks jump less than in the truth."""
        return float(np.mean([each.true_lowest_iou - each.lowest_iou for each in self.objects]))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            **{way: round(self.j(way), 4) for way in _WAYS},
            "better_side": round(self.better_side, 4),
            "worst_drop": round(self.worst_drop, 4),
            "mean_drop": round(self.mean_drop, 4),
            "objects": [vars(each) | {"j": dict(each.j)} for each in self.objects],
        }


def compare_sides(
    propagator: Propagator,
    root: Path | None,
    *,
    names: Sequence[str] | None = None,
    clips: int = 50,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SidesReport:
    """Follow every clip all ways.

    Args:
        propagator: what it followed before is forgotten.
        root: a folder in DAVIS's layout; None: `clips` clips of 10 frames of the street world's `val` split.
        names: only these clips of `root`.
        progress: called after each clip.
        cancel: looked at in every frame.

    Raises:
        UserError: a file is missing or no mask.
        Cancelled: `cancel` was set.
    """
    total = clips if root is None else len(followed_clips(root, clips=names))
    cases = world_cases(clips, frames=_FRAMES) if root is None else real_cases(root, names)
    found: list[SidesOfObject] = []
    for done, case in enumerate(cases, start=1):
        found += _compare(propagator, case, cancel or CancelToken())
        if progress is not None:
            progress(done, total)
    return SidesReport(tuple(found))


def _compare(propagator: Propagator, case: TruthCase, cancel: CancelToken) -> Iterator[SidesOfObject]:
    first, last = min(case.truth), max(case.truth)
    ids = [each for each in case.truth[first] if case.truth[last][each].any()]
    given = {index: {each: case.truth[index][each] for each in ids} for index in (first, last)}
    if not ids:
        return
    found: dict[str, dict[int, dict[int, np.ndarray]]] = {}
    for way in _WAYS:
        masks: dict[int, dict[int, np.ndarray]] = {each: {} for each in ids}
        span = FrameSpan(first, last + 1)
        for frame in follow(propagator, case.source, given, span=span, direction=way, cancel=cancel):
            for each in frame.objects:
                masks[each.object_id][frame.frame_index] = decode(each.mask)
        found[way] = masks
    between = [index for index in case.truth if first < index < last]
    for object_id in ids:
        j: dict[str, float] = {
            way: float(np.mean([case.j(index, object_id, found[way][object_id][index]) for index in between]))
            for way in _WAYS
        }
        course = {index: given[index][object_id] for index in given} | found["both"][object_id]
        truth = {index: case.truth[index][object_id] for index in case.truth}
        yield SidesOfObject(case.name, object_id, j, _lowest(course), _lowest(truth))


def _lowest(masks: Mapping[int, np.ndarray]) -> float:
    """The lowest IoU of masks in neighbouring frames."""
    return min(jaccard(masks[one], masks[two]) for one, two in pairwise(sorted(masks)) if two == one + 1)
