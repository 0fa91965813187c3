"""Scores clips of object ids frame by frame: ids as they are (DAVIS 2017 semi-supervised), or matched (unsupervised).

The unsupervised rules are those of the published program (davis2017-evaluation): true objects are those with ids up to
the greatest of the first frame; at most 20 ids are proposed; where fewer are proposed than there are objects, empty
ones are added; the pairs are those with the greatest sum of mean J&F. Void pixels of the truth count for neither side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvos_core.assignment import best_assignment
from rvos_core.errors import UserError
from rvos_core.evaluation.metrics import boundary_f, jaccard, outline, outlines_f
from rvos_core.evaluation.report import JfReport, ObjectScores, Protocol
from rvos_core.evaluation.work import Progress, scored_in_order
from rvos_core.masks.png import VOID, read_indexed_png
from rvos_core.types import CancelToken

MAX_PROPOSALS = 20


@dataclass(frozen=True)
class FramePair:
    """One frame: its number, its true mask and the one to be scored."""

    number: int
    truth: Path
    drawn: Path


@dataclass(frozen=True)
class Clip:
    """A clip to be scored.

    Attributes:
        name: of the clip.
        frames: those that count, in order, at least one.
        first: true mask of the clip's first frame, which may be none of them: its objects are scored in any case.
    """

    name: str
    frames: tuple[FramePair, ...]
    first: Path


@dataclass(frozen=True)
class _Task:
    """One frame with what must be known of its clip.

    Attributes:
        pair: the frame.
        size: (height, width) of the clip.
        objects: true ids.
        proposals: ids that are scored against each of them; None: each against its own.
    """

    pair: FramePair
    size: tuple[int, int]
    objects: tuple[int, ...]
    proposals: tuple[int, ...] | None


def score_clips(
    clips: Sequence[Clip],
    *,
    protocol: Protocol,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> JfReport:
    """Score all frames of all clips; the caller has left out those that do not count.

    Raises:
        UserError: sizes differ, ids of the drawn masks are not in the true ones, or a file is no mask.
        Cancelled: if `cancel` is set.
    """
    plans = [_plan(clip, protocol=protocol, cancel=cancel) for clip in clips]
    tasks = [task for plan in plans for task in plan]
    values = iter(scored_in_order(_score, tasks, total=len(tasks), progress=progress, cancel=cancel))
    objects: list[ObjectScores] = []
    for clip, plan in zip(clips, plans, strict=True):
        j, f = (np.stack(part, axis=-1) for part in zip(*(next(values) for _ in plan), strict=True))
        objects += _matched(clip, plan[0], j, f)
    return JfReport(protocol=protocol, objects=tuple(objects))


def _plan(clip: Clip, *, protocol: Protocol, cancel: CancelToken | None) -> list[_Task]:
    height, width = read_indexed_png(clip.first).shape
    size = (height, width)

    def ids_of(path: Path) -> set[int]:
        return _ids(read_indexed_png(path, size=size))

    truths = [clip.first, *(pair.truth for pair in clip.frames)]
    true_ids = scored_in_order(ids_of, truths, total=len(truths), cancel=cancel)
    objects = tuple(sorted(set().union(*true_ids))) or (1,)  # nothing anywhere: one object that is never in sight
    if protocol != "unsupervised":
        return [_Task(pair, size, objects, None) for pair in clip.frames]
    if true_ids[0]:
        objects = tuple(object_id for object_id in objects if object_id <= max(true_ids[0]))
    drawn = [pair.drawn for pair in clip.frames]
    proposed = max(set().union(*scored_in_order(ids_of, drawn, total=len(drawn), cancel=cancel)), default=0)
    if proposed > MAX_PROPOSALS:
        raise UserError(
            f"{drawn[0].parent} proposes an object {proposed}; at most {MAX_PROPOSALS} are allowed.",
            hint="Number the objects from 1 on.",
            code="evaluation.objects",
        )
    proposals = tuple(range(1, max(proposed, len(objects)) + 1))
    return [_Task(pair, size, objects, proposals) for pair in clip.frames]


def _score(task: _Task) -> tuple[np.ndarray, np.ndarray]:
    """J and F of one frame: (objects,) each, or (objects, proposals) where ids are matched."""
    truth = read_indexed_png(task.pair.truth, size=task.size)
    void = truth == VOID
    if task.proposals is not None:
        drawn = read_indexed_png(task.pair.drawn, size=task.size)
        return _all_pairs(truth, drawn, objects=task.objects, proposals=task.proposals)
    drawn = _drawn_labels(task)
    masks = [(truth == object_id, drawn == object_id) for object_id in task.objects]
    return (
        np.array([jaccard(*pair, void=void) for pair in masks]),
        np.array([boundary_f(*pair, void=void) for pair in masks]),
    )


def _all_pairs(
    truth: np.ndarray, drawn: np.ndarray, *, objects: tuple[int, ...], proposals: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    counts = truth != VOID
    true_masks = [truth == object_id for object_id in objects]
    drawn_masks = [(drawn == proposal) & counts for proposal in proposals]
    j = np.array([[jaccard(a, b) for b in drawn_masks] for a in true_masks])
    drawn_outlines = [outline(mask) for mask in drawn_masks]
    f = np.array([[outlines_f(a, b) for b in drawn_outlines] for a in map(outline, true_masks)])
    return j, f


def _matched(clip: Clip, task: _Task, j: np.ndarray, f: np.ndarray) -> list[ObjectScores]:
    """The objects' scores from (objects, frames), or from (objects, proposals, frames) by the best assignment."""
    proposals = task.objects
    if task.proposals is not None:
        chosen = best_assignment((j.mean(axis=-1) + f.mean(axis=-1)) / 2)
        j, f = (np.stack([values[i, k] for i, k in enumerate(chosen)]) for values in (j, f))
        proposals = tuple(task.proposals[k] for k in chosen)
    numbers = tuple(pair.number for pair in clip.frames)
    return [
        ObjectScores(clip.name, object_id, numbers, tuple(j[i].tolist()), tuple(f[i].tolist()), proposals[i])
        for i, object_id in enumerate(task.objects)
    ]


def _drawn_labels(task: _Task) -> np.ndarray:
    drawn = read_indexed_png(task.pair.drawn, size=task.size)
    drawn[drawn == VOID] = 0
    ids = _ids(drawn)
    if len(task.objects) == 1 and ids == {1}:  # a plain mask is the one object, whatever its id in the truth
        drawn[drawn == 1] = task.objects[0]
    elif unknown := sorted(ids - set(task.objects)):
        raise UserError(
            f"{task.pair.drawn} holds object {unknown[0]}, which is nowhere in {task.pair.truth.parent} "
            f"(objects {', '.join(map(str, task.objects))}).",
            hint="Give the objects the ids that they have in the true masks.",
            code="evaluation.objects",
        )
    return drawn


def _ids(labels: np.ndarray) -> set[int]:
    """Object ids of (H, W) uint8, background and void not among them."""
    return set(np.flatnonzero(np.bincount(labels.ravel(), minlength=VOID + 1)).tolist()) - {0, VOID}
