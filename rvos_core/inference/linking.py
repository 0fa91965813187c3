"""Which query of one window is which query of the next.

A query means one object only inside its window; overlapping frames tie them together.
"""

from __future__ import annotations

import numpy as np

_SAME_OBJECT_IOU = 0.1  # below this, overlapping masks say nothing about identity
_MAX_EXACT_QUERIES = 12


def link_queries(before: np.ndarray, after: np.ndarray) -> tuple[int, ...]:
    """Links the queries of two neighbouring windows by the overlap of their masks, one to one.

    The sum of IoUs is as large as any pairing makes it; a pair that hardly overlaps does not count. What masks leave
    open (no common frames, nothing visible, equal masks) goes by query index, because a query keeps its habits from
    window to window.

    Args:
        before: (t, q, h, w) bool, masks of the earlier window on the common frames (t may be 0).
        after: (t, q, h, w) bool, masks of the later window on the same frames.

    Returns:
        For each query of `before` the query of `after` that goes on with it: a permutation of `range(q)`.
    """
    queries = before.shape[1]
    scores = _pairwise_iou(before, after)
    scores[scores < _SAME_OBJECT_IOU] = 0.0
    scores[np.diag_indices(queries)] += 1e-4 / max(queries, 1)  # decides ties only
    return best_assignment(scores)


def best_assignment(scores: np.ndarray) -> tuple[int, ...]:
    """The one-to-one pairing of rows with columns whose scores sum highest; exact up to 12 rows, greedy above.

    Args:
        scores: (n, n) float, larger is better.

    Returns:
        The column of each row.
    """
    n = len(scores)
    if n > _MAX_EXACT_QUERIES:
        return _greedy_assignment(scores)
    # Dynamic programme over sets of used columns (Held and Karp 1962): after k rows, the best sum for each set of k
    # columns.
    best = {0: 0.0}
    choice: list[dict[int, int]] = []
    for row in range(n):
        found: dict[int, float] = {}
        chosen: dict[int, int] = {}
        for used, value in best.items():
            for column in range(n):
                bit = 1 << column
                if used & bit:
                    continue
                total = value + float(scores[row, column])
                if total > found.get(used | bit, -np.inf):
                    found[used | bit] = total
                    chosen[used | bit] = column
        best = found
        choice.append(chosen)
    columns: list[int] = []
    used = (1 << n) - 1
    for chosen in reversed(choice):
        columns.append(chosen[used])
        used ^= 1 << chosen[used]
    return tuple(reversed(columns))


def _pairwise_iou(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """IoU (q, q) of every pair over all common frames together; 0 where both are empty."""
    queries = before.shape[1]
    one = before.transpose(1, 0, 2, 3).reshape(queries, -1).astype(np.float32)
    two = after.transpose(1, 0, 2, 3).reshape(queries, -1).astype(np.float32)
    common = (one @ two.T).astype(np.float64)
    union = one.sum(1, dtype=np.float64)[:, None] + two.sum(1, dtype=np.float64)[None, :] - common
    iou: np.ndarray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return iou


def _greedy_assignment(scores: np.ndarray) -> tuple[int, ...]:
    """Best pair first; for models with a hundred queries."""
    order = np.argsort(-scores, axis=None, kind="stable")
    columns = np.full(len(scores), -1)
    taken = np.zeros(len(scores), dtype=bool)
    for row, column in zip(*np.unravel_index(order, scores.shape), strict=True):
        if columns[row] < 0 and not taken[column]:
            columns[row] = column
            taken[column] = True
    return tuple(int(column) for column in columns)
