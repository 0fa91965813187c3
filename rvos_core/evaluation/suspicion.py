"""Does doubt find what is wrong? How well `rvos_core.inference.suspicion` ranks frames by "J below 0.75".

The masks of a clip's first frame are given and followed forward, once; nothing is corrected. Every other frame of every
object is then ranked by the suspicion of its mask. Clips are real ones in DAVIS's layout, or long clips of the street
world (its `val` split, drawn with 40 frames: objects are covered, leave and come back).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.evaluation.metrics import jaccard
from rvos_core.evaluation.propagation import followed_clips, object_ids
from rvos_core.evaluation.synth import seeds_of
from rvos_core.evaluation.work import Progress
from rvos_core.inference.propagation import follow
from rvos_core.inference.propagation.session import PictureSource
from rvos_core.inference.suspicion import SuspectFrame, suspicion
from rvos_core.masks import VOID, decode, read_indexed_png
from rvos_core.models.api import Propagator
from rvos_core.synthetic import make_clip, split_config
from rvos_core.types import CancelToken, FrameSpan

WRONG_BELOW = 0.75
_SPLIT, _FRAMES, _SIZE = "val", 40, (128, 224)
_LEAST_PX = 60  # an object this small in the first frame is not followed


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


@dataclass(frozen=True)
class _Case:
    """A clip: its pictures, and the truth by frame and object; what the first of these frames has is given."""

    source: PictureSource
    truth: dict[int, dict[int, np.ndarray]]
    void: dict[int, np.ndarray]


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
    for done, case in enumerate(_world(clips) if root is None else _real(root, names), start=1):
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
    propagator: Propagator, case: _Case, cancel: CancelToken
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
        yield known, [_score(case, object_id, each) for each in known]


def _score(case: _Case, object_id: int, found: SuspectFrame) -> float:
    """J of a mask."""
    index = found.frame_index
    return jaccard(case.truth[index][object_id], decode(found.mask), void=case.void.get(index))


def _world(clips: int) -> Iterator[_Case]:
    config = replace(split_config(_SPLIT), frames=_FRAMES, height=_SIZE[0], width=_SIZE[1])
    for seed in seeds_of(_SPLIT, clips):
        clip = make_clip(seed, config)
        ids = [each for each in object_ids(clip.labels[0]) if (clip.labels[0] == each).sum() >= _LEAST_PX]
        if ids:
            truth = {frame: {each: labels == each for each in ids} for frame, labels in enumerate(clip.labels)}
            yield _Case(clip_reader(clip.frames, name=f"world-{seed}", rate=Fraction(12)), truth, {})


def _real(root: Path, names: Sequence[str] | None) -> Iterator[_Case]:
    from rvos_core.media import open_media

    for clip in followed_clips(root, clips=names):
        with open_media(clip.pictures) as reader:
            size = (reader.info.height, reader.info.width)
            labels = {frame: read_indexed_png(path, size=size) for frame, path in clip.masks.items()}
            ids = object_ids(next(iter(labels.values())))
            if not ids:
                raise UserError(f"{next(iter(clip.masks.values()))} has no object in it.", code="evaluation.objects")
            truth = {frame: {each: shown == each for each in ids} for frame, shown in labels.items()}
            void = {frame: shown == VOID for frame, shown in labels.items() if (shown == VOID).any()}
            yield _Case(reader, truth, void)
