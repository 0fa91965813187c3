"""Which linked query is the referred object, frame by frame: the papers' vote, applied to the whole span.

ReferFormer and IFIRVOS average the class probability of each query over the frames of a clip and take the best. Over
a span of many windows a track (a query linked over windows) takes the query's place. Where one track keeps its object
the rule is the same. Where objects cross, a track may go on with the wrong one while another track takes over the
right one: so the vote is for the best *path* over the tracks (Viterbi 1967). A path may change from one track to
another, the more cheaply the more alike their masks are in that frame; a change between masks that do not meet costs
as much as many frames of certainty, and a scene cut makes it free.
"""

from __future__ import annotations

import numpy as np

_JUMP_FRAMES = 12.0  # what a change between masks that do not meet costs, in frames of class probability 1
_CHANGE_FRAMES = 0.5  # what any change costs


class SpanVote:
    """Keeps the best path to each track; a byte a frame and track is remembered.

    Args:
        tracks: queries of the model.
        frames: frames that will be counted.
    """

    def __init__(self, tracks: int, *, frames: int) -> None:
        self._scores = np.zeros(tracks, dtype=np.float64)
        self._came_from = np.zeros((frames, tracks), dtype=np.uint8)
        self._counted = 0
        self._new_shot = False

    @property
    def frames(self) -> int:
        return self._counted

    def begin_shot(self) -> None:
        """The next frame follows a scene cut: any track may go on for any other."""
        self._new_shot = True

    def add(self, probability: np.ndarray, likeness: np.ndarray) -> None:
        """Counts frames: `probability` (t, q) in [0, 1], `likeness` (t, q, q) from `mask_likeness`."""
        self._scores, steps = self._follow(probability, likeness)
        self._came_from[self._counted : self._counted + len(steps)] = steps
        self._counted += len(steps)
        self._new_shot = self._new_shot and not len(steps)

    def peek(self, probability: np.ndarray, likeness: np.ndarray) -> np.ndarray:
        """Tracks (t,) of these frames as if they were counted and the span ended there; nothing is remembered."""
        scores, steps = self._follow(probability, likeness)
        return _walk_back(steps, int(np.argmax(scores)))

    def path(self) -> np.ndarray:
        """The winning track of every counted frame (t,); the lower index where two are equal."""
        return _walk_back(self._came_from[: self._counted], int(np.argmax(self._scores)))

    def _follow(self, probability: np.ndarray, likeness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the best paths to each track after these frames, and where each step came from (t, q)."""
        scores, free = self._scores, self._new_shot
        columns = np.arange(len(scores))
        steps = np.zeros(probability.shape, dtype=np.uint8)
        for row, (values, alike) in enumerate(zip(probability, likeness, strict=True)):
            cost = _CHANGE_FRAMES + _JUMP_FRAMES * (1.0 - alike.astype(np.float64))
            if free:
                cost[:] = 0.0
            cost[np.diag_indices_from(cost)] = 0.0
            reached = scores[:, None] - cost
            steps[row] = reached.argmax(axis=0)
            scores = reached[steps[row], columns] + values
            free = False
        return scores, steps


def mask_likeness(masks: np.ndarray) -> np.ndarray:
    """IoU of every two tracks' masks in each frame: (t, q, h, w) bool -> (t, q, q) float32; 0 where both are empty."""
    flat = masks.reshape(*masks.shape[:2], -1).astype(np.float32)
    common = flat @ flat.transpose(0, 2, 1)
    areas = flat.sum(axis=2)
    union = areas[:, :, None] + areas[:, None, :] - common
    likeness: np.ndarray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return likeness


def _walk_back(steps: np.ndarray, last: int) -> np.ndarray:
    """The path (t,) that ends at track `last`, from where each step came from (t, q)."""
    path = np.zeros(len(steps), dtype=np.int64)
    track = last
    for row in range(len(steps) - 1, -1, -1):
        path[row] = track
        track = int(steps[row, track])
    return path
