"""Which query of one window is which query of the next.

A query means one object only inside its window; overlapping frames tie them together.
"""

from __future__ import annotations

import numpy as np

from rvos_core.assignment import best_assignment

_SAME_OBJECT_IOU = 0.1  # below this, overlapping masks say nothing about identity


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


def _pairwise_iou(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """IoU (q, q) of every pair over all common frames together; 0 where both are empty."""
    queries = before.shape[1]
    one = before.transpose(1, 0, 2, 3).reshape(queries, -1).astype(np.float32)
    two = after.transpose(1, 0, 2, 3).reshape(queries, -1).astype(np.float32)
    common = (one @ two.T).astype(np.float64)
    union = one.sum(1, dtype=np.float64)[:, None] + two.sum(1, dtype=np.float64)[None, :] - common
    iou: np.ndarray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return iou
