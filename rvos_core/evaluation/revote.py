"""Does a correction choose what was meant? The work of `rvos eval revote`, on clips of the street world.

In each clip a model is asked for one object (B) and shows it, or at least not the other one (A). Then one frame is
corrected: it gets A's true mask. Where some query of the run covers A on that frame (IoU over .6) the choice should
follow: on the other frames the new masks should be A's, not B's. Nothing is run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np

from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.evaluation.synth import choose_expressions, seeds_of
from rvos_core.inference.events import FrameResult, FramesRevised, QueriesSettled, RunRequest, WindowDone
from rvos_core.inference.results import soft_logits
from rvos_core.inference.revote import masks_along, read_ballot, vote
from rvos_core.inference.runner import Runner
from rvos_core.masks import QueryMasks, decode, guide_of, mask_along_edges
from rvos_core.models.engine import Engine
from rvos_core.synthetic import Expression, SyntheticClip, make_clip, split_config
from rvos_core.types import CancelToken, FrameSpan

Progress: TypeAlias = Callable[[int, int], None]  # pairs found, pairs wanted

COVERED = 0.6  # IoU on the corrected frame
_RATE = Fraction(12)


@dataclass(frozen=True)
class CorrectedPair:
    """One clip whose run was corrected.

    Attributes:
        seed: of the clip.
        asked, meant: the sentence that was run (for B), and one for what the correction shows (A).
        frame: that was corrected.
        agreement: of the choice with that frame; below the threshold nothing changes.
        before: mean IoU over the other frames of the run's masks with A and with B.
        after: the same when the vote is done.
        best: the same of the query that suits A best on these frames; what a perfect choice would have.
    """

    seed: int
    asked: str
    meant: str
    frame: int
    agreement: float
    before: tuple[float, float]
    after: tuple[float, float]
    best: float

    @property
    def follows(self) -> bool:
        """Whether the masks are A's now, not B's."""
        return self.after[0] > self.after[1]


@dataclass(frozen=True)
class RevoteReport:
    """What came of all clips.

    Attributes:
        pairs: where a query covered A on the corrected frame.
        clips: clips that were looked at.
        shown_already: clips whose run showed A, or nothing of either, before.
        uncovered: clips without a query that covered A.
    """

    model: str
    split: str
    pairs: tuple[CorrectedPair, ...]
    clips: int
    shown_already: int
    uncovered: int
    seconds: float

    @property
    def followed(self) -> float:
        """Share of pairs whose choice followed the correction."""
        return float(np.mean([pair.follows for pair in self.pairs])) if self.pairs else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        means = {
            "iou_before": _mean(pair.before[0] for pair in self.pairs),
            "iou_after": _mean(pair.after[0] for pair in self.pairs),
            "iou_best_query": _mean(pair.best for pair in self.pairs),
        }
        return {
            "model": self.model,
            "split": self.split,
            "clips": self.clips,
            "pairs": len(self.pairs),
            "followed": round(self.followed, 4),
            **means,
            "shown_already": self.shown_already,
            "uncovered": self.uncovered,
            "seconds": round(self.seconds, 1),
            "per_pair": [{**asdict(pair), "follows": pair.follows} for pair in self.pairs],
        }


def evaluate_revote(
    referrer: Engine,
    *,
    split: str = "test",
    pairs: int = 50,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RevoteReport:
    """Correct one frame of each of the first `pairs` clips of a split in which a query covers the other object.

    Raises:
        UsageError: the split is unknown or has no end.
        Cancelled: if `cancel` is set.
    """
    cancel = cancel or CancelToken()
    began = time.perf_counter()
    found: list[CorrectedPair] = []
    counts = {"clips": 0, "shown_already": 0, "uncovered": 0}
    for seed in seeds_of(split, None):
        if len(found) == pairs:
            break
        cancel.raise_if_cancelled()
        counts["clips"] += 1
        clip = make_clip(seed, split_config(split))
        outcome: CorrectedPair | str = "uncovered"
        for asked, meant in permutations(choose_expressions(clip, seed=seed), 2):
            outcome = _corrected(referrer, clip, asked, meant, seed=seed, cancel=cancel)
            if isinstance(outcome, CorrectedPair):
                break
        if isinstance(outcome, CorrectedPair):
            found.append(outcome)
        else:
            counts[outcome] += 1
        if progress is not None:
            progress(len(found), pairs)
    return RevoteReport(referrer.card.name, split, tuple(found), **counts, seconds=time.perf_counter() - began)


def _corrected(
    referrer: Engine, clip: SyntheticClip, asked: Expression, meant: Expression, *, seed: int, cancel: CancelToken
) -> CorrectedPair | str:
    """Ask, correct one frame, vote; or why this pair says nothing."""
    assert asked.target is not None and meant.target is not None
    if referrer.encode_text(asked.text).unknown_words:
        return "uncovered"
    other, wanted = (clip.labels == each.target + 1 for each in (asked, meant) if each.target is not None)
    seen = np.flatnonzero(wanted.any(axis=(1, 2)))
    if not len(seen):
        return "uncovered"
    frame = int(seen[len(seen) // 2])
    masks, blocks = _run(referrer, clip, asked.text, seed=seed, cancel=cancel)
    rest = np.delete(np.arange(len(masks)), frame)
    drawn = _drawn(blocks, clip.frames)
    if max(_iou(each[frame], wanted[frame]) for each in drawn) <= COVERED:
        return "uncovered"
    before = _mean_ious(masks, wanted, other, rest)
    if before[0] >= before[1]:
        return "shown_already"
    ballot = read_ballot(blocks, {frame: wanted[frame]})
    choice = vote(ballot)
    after = before
    if choice.agrees:
        card = referrer.card
        height, width = wanted.shape[1:]
        results = masks_along(
            choice,
            ballot,
            blocks,
            height=height,
            width=width,
            visible=(card.visible_on, card.visible_off),
            guide=lambda index: guide_of(clip.frames[index]),
        )
        after = _mean_ious(np.stack([decode(each.mask) for each in results]), wanted, other, rest)
    best = max(_mean_ious(each, wanted, other, rest)[0] for each in drawn)
    return CorrectedPair(seed, asked.text, meant.text, frame, choice.agreement, before, after, best)


def _run(
    referrer: Engine, clip: SyntheticClip, text: str, *, seed: int, cancel: CancelToken
) -> tuple[np.ndarray, list[QueryMasks]]:
    """The product's run: masks (T, H, W) bool, and what all queries said."""
    latest: dict[int, FrameResult] = {}
    blocks = []
    request = RunRequest(text, FrameSpan(0, len(clip.frames)), keep_queries=True)
    with clip_reader(clip.frames, name=f"street-world-{seed}", rate=_RATE) as reader:
        for event in Runner(referrer).run(request, reader=reader, cancel=cancel):
            if isinstance(event, WindowDone | FramesRevised):
                latest.update((each.frame_index, each) for each in event.frames)
            elif isinstance(event, QueriesSettled):
                blocks.append(event.queries)
    return np.stack([decode(latest[index].mask) for index in request.span]), blocks


def _drawn(blocks: list[QueryMasks], frames: np.ndarray) -> np.ndarray:
    """(q, T, H, W) bool: every query at display size."""
    height, width = frames.shape[1:3]
    bits = np.concatenate([block.masks for block in blocks])
    return np.array(
        [
            [
                mask_along_edges(soft_logits(mask), guide_of(frame), height, width)
                for mask, frame in zip(track, frames, strict=True)
            ]
            for track in bits.swapaxes(0, 1)
        ]
    )


def _mean_ious(masks: np.ndarray, wanted: np.ndarray, other: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    """Mean IoU over the frames `rest` with A and with B; 1 on frames where both masks are empty."""
    return _mean(_iou(masks[i], wanted[i]) for i in rest), _mean(_iou(masks[i], other[i]) for i in rest)


def _iou(one: np.ndarray, two: np.ndarray) -> float:
    either = int((one | two).sum())
    return int((one & two).sum()) / either if either else 1.0


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else 0.0
