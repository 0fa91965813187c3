"""Which of a run's queries a person meant: a vote by agreement with the frames that the person locked.

A run keeps the masks of all of its queries; none of them knows the sentence better than the others do where the
sentence was misread. A corrected frame says it without words: the query whose mask is there is the one that was meant,
on the other frames too. So the vote is for the best path over the queries (Viterbi, as in `vote.py`), with other
weights: a locked frame counts by the IoU of each query with it, the class probability only decides between queries that
agree as well, and a change from one query to another happens only for the sake of agreement, cheapest where both draw
the same thing. Why: docs/decisions/0014-a-correction-votes.md. Pure functions; no torch, no files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import cv2
import numpy as np

from rvos_core.inference.events import FrameResult
from rvos_core.inference.results import drawn_result, soft_logits
from rvos_core.inference.visibility import Hysteresis
from rvos_core.inference.vote import mask_likeness
from rvos_core.masks import QueryMasks, Rle, decode

AGREES = 0.5  # mean IoU with the locked frames below which no query is what the person meant
SAME_OBJECT = 0.5  # mean IoU from which two tracks of masks are one object
_SAME_PICTURE = 0.8  # IoU from which two queries show the same thing on a frame
_CHANGE = 0.02  # what any change of queries costs, in IoU of one locked frame
_JUMP = 0.5  # what a change between masks that do not meet costs more
_EARLY_OR_LATE = 0.05  # what a change costs more beside a locked frame than half way to the next
_CLASS = 0.01  # what class probability 1 on all frames is worth: less than a change
_POINTED = 0.5  # confidence of masks that a person pointed at on one frame, where nothing else speaks for them


@dataclass(frozen=True)
class Ballot:
    """What the vote looks at, for the frames of a run whose queries are stored.

    Attributes:
        frames: those frames in order, each once; a run that was interrupted may leave a gap.
        probability: (t, q) float32, class probability, 0..1.
        likeness: (t, q, q) float32: IoU of query i's mask, in the frame itself, with query j's; on the first frame of a
            part whose rows are not linked with the rows before, IoU of i's mask in the frame before with j's in this.
        seams: rows of `likeness` where such a part begins.
        agreement: frame -> (q,) float64, IoU of each query with the locked mask there; of frames where something is
            drawn.
    """

    frames: tuple[int, ...] = field(repr=False)
    probability: np.ndarray = field(repr=False)
    likeness: np.ndarray = field(repr=False)
    seams: frozenset[int]
    agreement: Mapping[int, np.ndarray] = field(repr=False)

    def row(self, frame: int) -> int | None:
        """Where a frame lies in `frames`, or None."""
        at = bisect_left(self.frames, frame)
        return at if at < len(self.frames) and self.frames[at] == frame else None


@dataclass(frozen=True)
class Choice:
    """What the vote says.

    Attributes:
        path: (t,) int64, the query of each frame of the ballot.
        agreement: mean IoU of the path with the locked masks, 0..1; 0 where nothing is locked.
        of_queries: (q,) float64, the same for each query alone.
        agrees: the path is what the person meant; otherwise nothing should change.
    """

    path: np.ndarray = field(repr=False)
    agreement: float
    of_queries: np.ndarray = field(repr=False)
    agrees: bool


def read_ballot(
    blocks: Iterable[QueryMasks], locked: Mapping[int, Rle | np.ndarray], *, seams: Collection[int] = ()
) -> Ballot:
    """Look at all stored queries once; memory is a few numbers a frame.

    Args:
        blocks: what a run stored, in order of frames.
        locked: frame -> mask, display size, (H, W) bool or run lengths. Frames outside the blocks do not count.
        seams: frames where rows are not linked with those before (a scene cut, a run that was resumed); frames behind
            a gap are such in any case.

    Raises:
        ValueError: there is no block, or blocks differ in the number of queries.
    """
    frames: list[int] = []
    probability, likeness = [], []
    found_seams: set[int] = set()
    agreement: dict[int, np.ndarray] = {}
    last: np.ndarray | None = None
    for block in blocks:
        alike = mask_likeness(block.masks)
        new = [row for row, frame in enumerate(block.span) if not frames or frame > frames[-1]]
        for row in new:
            frame, masks = block.span.start + row, block.masks[row]
            if last is not None and (frame in seams or frame != frames[-1] + 1):
                alike[row] = pairwise_iou(last, masks)
                found_seams.add(len(frames))
            if frame in locked and (wanted := reduced(locked[frame], masks.shape[1:])).any():
                agreement[frame] = pairwise_iou(wanted[None], masks)[0]
            last = masks
            frames.append(frame)
        probability.append(block.probability[new])
        likeness.append(alike[new])
    if not frames:
        raise ValueError("no queries are stored")
    return Ballot(
        tuple(frames), np.concatenate(probability), np.concatenate(likeness), frozenset(found_seams), agreement
    )


def vote(ballot: Ballot) -> Choice:
    """The path over the queries that agrees best with the locked frames.

    Locked frames may favour different queries. The path then changes between them where that is cheapest: where both
    queries draw the same thing (objects cross, and queries take them over), else half way; and it does not change where
    agreement gains less than the change costs.
    """
    frames, queries = ballot.probability.shape
    scores = _CLASS * ballot.probability.astype(np.float64) / frames
    rows = _locked_rows(ballot)
    if not rows:
        return Choice(_best_path(scores, ballot), 0.0, np.zeros(queries), agrees=False)
    ious = np.stack(list(ballot.agreement.values()))
    scores[rows] += ious
    path = _best_path(scores, ballot)
    agreement = float(ious[np.arange(len(rows)), path[rows]].mean())
    return Choice(path, agreement, ious.mean(axis=0), agrees=agreement >= AGREES)


def follow_from(ballot: Ballot, frame: int, query: int) -> Choice:
    """The path of the query that a person pointed at on one frame, whatever is locked elsewhere; agreement .5.

    Raises:
        ValueError: the frame is not in the ballot, or there is no such query.
    """
    queries = ballot.probability.shape[1]
    if ballot.row(frame) is None or not 0 <= query < queries:
        raise ValueError(f"no query {query} on frame {frame}")
    pointed = np.zeros(queries)
    pointed[query] = 1.0
    return replace(vote(replace(ballot, agreement={frame: pointed})), agreement=_POINTED)


def masks_along(
    choice: Choice,
    ballot: Ballot,
    blocks: Iterable[QueryMasks],
    *,
    height: int,
    width: int,
    visible: tuple[float, float],
    guide: Callable[[int], np.ndarray] | None = None,
) -> Iterator[FrameResult]:
    """The masks of a path, drawn as a run draws a frame that its final vote changed.

    The class probability says whether the object is in sight only where it knows this object: where it lies above the
    threshold on the locked frames, or in the mean where none is locked. Elsewhere (the sentence means another thing) a
    query is in sight wherever it draws something.

    Args:
        choice, ballot: as `vote` and `read_ballot` gave them.
        blocks: the same as for the ballot.
        height, width: display size, pixels.
        visible: thresholds of the class probability, on and off (see `Hysteresis`).
        guide: the picture of a frame along whose edges its mask is drawn; None: masks are enlarged as they are.
    """
    seen = _in_sight(choice, ballot, visible)
    for block in blocks:
        for row, frame in enumerate(block.span):
            at = ballot.row(frame)
            if at is None:
                continue
            query = int(choice.path[at])
            bits = block.masks[row, query]
            shown = bool(seen[at]) and bool(bits.any())
            yield drawn_result(
                frame,
                soft_logits(bits) if shown else None,
                confidence=max(float(ballot.probability[at, query]), choice.agreement),
                height=height,
                width=width,
                guide=guide(frame) if shown and guide is not None else None,
            )


def distinct_queries(block: QueryMasks, frame: int, *, most: int) -> tuple[int, ...]:
    """Queries that show different things on a frame, the most probable first; near copies and empty ones are left out.

    Args:
        block: holds the frame.
        frame: where to look.
        most: at most so many.
    """
    row = frame - block.span.start
    masks, probability = block.masks[row], block.probability[row]
    alike = pairwise_iou(masks, masks)
    kept: list[int] = []
    for query in np.argsort(-probability, kind="stable").tolist():
        if masks[query].any() and all(alike[query, other] <= _SAME_PICTURE for other in kept):
            kept.append(query)
    return tuple(kept[:most])


def reduced(mask: Rle | np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A mask of display size at the queries' (h, w) bool: a cell belongs to it where half of it does.

    What is too thin for that keeps the cells that it covers most, so that something drawn never becomes nothing.
    """
    drawn = decode(mask) if isinstance(mask, Rle) else mask
    height, width = size
    covered = cv2.resize(drawn.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    least = min(0.5, float(covered.max()))
    return np.asarray((covered >= least) & (covered > 0))


def pairwise_iou(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """IoU of every mask of `one` (n, h, w) bool with every one of `two` (m, h, w): (n, m) float64; 0 for two empty."""
    first = one.reshape(len(one), -1).astype(np.float64)
    second = two.reshape(len(two), -1).astype(np.float64)
    common = first @ second.T
    union = first.sum(1)[:, None] + second.sum(1)[None, :] - common
    iou: np.ndarray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return iou


def _best_path(scores: np.ndarray, ballot: Ballot) -> np.ndarray:
    """The path (t,) with the greatest sum of scores (t, q) less its changes; the lower query where two are equal."""
    frames, queries = scores.shape
    lateness = _distance_from_middle(ballot)
    came_from = np.zeros((frames, queries), dtype=np.int16)
    total = scores[0].copy()
    columns = np.arange(queries)
    for row in range(1, frames):
        cost = _CHANGE + _EARLY_OR_LATE * lateness[row] + _JUMP * (1.0 - ballot.likeness[row].astype(np.float64))
        if row not in ballot.seams:
            cost[np.diag_indices(queries)] = 0.0
        reached = total[:, None] - cost
        came_from[row] = reached.argmax(axis=0)
        total = reached[came_from[row], columns] + scores[row]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = int(total.argmax())
    for row in range(frames - 1, 0, -1):
        path[row - 1] = came_from[row, path[row]]
    return path


def _locked_rows(ballot: Ballot) -> list[int]:
    """Rows of the frames in `agreement`, in their order."""
    return [row for frame in ballot.agreement if (row := ballot.row(frame)) is not None]


def _distance_from_middle(ballot: Ballot) -> np.ndarray:
    """(t,) float64: 0 half way between two locked frames, 1 beside them and where a frame has one on one side only."""
    marks = _locked_rows(ballot)
    away = np.ones(len(ballot.frames))
    for left, right in pairwise(sorted(marks)):
        if right > left + 1:
            rows = np.arange(left + 1, right + 1)
            away[rows] = np.abs(rows - 0.5 - (left + right) / 2) / ((right - left) / 2)
    return away


def _in_sight(choice: Choice, ballot: Ballot, visible: tuple[float, float]) -> np.ndarray:
    """(t,) bool, by the class probability along the path where it knows this object, else everywhere."""
    on, off = visible
    along = ballot.probability[np.arange(len(choice.path)), choice.path]
    rows = _locked_rows(ballot)
    if float(along[rows].mean() if rows else along.mean()) <= on:
        return np.ones(len(along), dtype=bool)
    return Hysteresis(1, on=on, off=off).push(along[:, None])[:, 0]
