"""How much of a clip a person must touch until it is right: a robot that corrects, and counts.

The robot knows the true masks. It gives the first annotated frame (that is the first correction), lets the program
follow it through the clip, then again and again takes one frame, gives its true masks, and lets the program follow the
correction both ways up to the frames that were given before. A clip is done when the mean J over all annotated frames
(given ones included, objects averaged in each frame) reaches the target, or when nothing is left to correct.

Which frame it takes: the one that the *program* finds most suspicious (`rvos_core.inference.suspicion`), or with
`oracle` the one whose J is lowest. The measure is the share of corrected frames in all annotated frames of all clips.
Folders are in DAVIS's layout, as in `propagation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.metrics import jaccard
from rvos_core.evaluation.propagation import FollowedClip, followed_clips, object_ids
from rvos_core.evaluation.work import Progress
from rvos_core.inference.propagation import FollowedObject, follow
from rvos_core.inference.suspicion import SuspectFrame, suspicion
from rvos_core.masks import VOID, decode, encode, read_indexed_png
from rvos_core.media import MediaReader, open_media
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

Truth = Mapping[int, Mapping[int, np.ndarray]]  # frame -> object id -> (H, W) bool


@dataclass(frozen=True)
class ClipEffort:
    """What one clip took.

    Attributes:
        frames: annotated ones.
        corrected: frames that were given, in the order in which they were.
        j: mean J over all annotated frames after each correction.
        reached: whether the last of them is at the target.
        followed: frames that were predicted in all, over all passes.
    """

    clip: str
    frames: int
    corrected: tuple[int, ...]
    j: tuple[float, ...]
    reached: bool
    followed: int

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "clip": self.clip,
            "frames": self.frames,
            "corrected": list(self.corrected),
            "j_after": [round(each, 4) for each in self.j],
            "reached": self.reached,
            "followed": self.followed,
        }


@dataclass(frozen=True)
class EffortReport:
    """What all clips took."""

    target: float
    oracle: bool
    clips: tuple[ClipEffort, ...] = field(default=())

    @property
    def corrected_share(self) -> float:
        """Corrected frames over frames of all clips."""
        return sum(len(each.corrected) for each in self.clips) / sum(each.frames for each in self.clips)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; `clicks`: frames that a person touched, as a correction here is a whole mask."""
        return {
            "target": self.target,
            "oracle": self.oracle,
            "corrected_share": round(self.corrected_share, 4),
            "corrected": sum(len(each.corrected) for each in self.clips),
            "frames": sum(each.frames for each in self.clips),
            "reached": sum(each.reached for each in self.clips),
            "j_after": [round(each, 4) for each in self._mean_curve()],
            "per_clip": [each.as_dict() for each in self.clips],
        }

    def _mean_curve(self) -> list[float]:
        """Mean J over the clips after k corrections; a clip that is done stays where it is."""
        most = max(len(each.j) for each in self.clips)
        return [float(np.mean([each.j[min(k, len(each.j) - 1)] for each in self.clips])) for k in range(most)]


def measure_effort(
    propagator: Propagator,
    root: Path,
    *,
    target: float = 0.90,
    oracle: bool = False,
    clips: Sequence[str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> EffortReport:
    """Let the robot correct every clip until it is right.

    Args:
        propagator: what it followed before is forgotten.
        root: the folder with `JPEGImages` and `Annotations`.
        target: mean J of a clip that is right, above 0 and at most 1.
        oracle: take the worst frame, which no program knows, instead of the most suspicious one.
        clips: only these; None: all that have annotations.
        progress: called after each correction with the frames of the clips that are done, and all frames.
        cancel: looked at in each frame.

    Raises:
        UserError: a folder or file is missing, is no mask, or has another size than its clip; nothing is marked in a
            clip's first annotated frame.
        Cancelled: `cancel` was set.
    """
    chosen = followed_clips(root, clips=clips)
    total, done = sum(len(clip.masks) for clip in chosen), 0
    efforts = []
    for clip in chosen:
        with open_media(clip.pictures) as reader:
            robot = _Robot(propagator, clip, reader, cancel=cancel or CancelToken())
            while not robot.is_done(target):
                robot.correct(robot.worst() if oracle else robot.most_suspicious())
                if progress is not None:
                    progress(done, total)
        done += len(clip.masks)
        efforts.append(robot.effort(target))
    if progress is not None:
        progress(done, total)
    return EffortReport(target, oracle, tuple(efforts))


class _Robot:
    """Corrects one clip."""

    def __init__(self, propagator: Propagator, clip: FollowedClip, reader: MediaReader, *, cancel: CancelToken) -> None:
        self._propagator = propagator
        self._clip = clip
        self._reader = reader
        self._cancel = cancel
        self._objects: tuple[int, ...] = ()
        self._void: dict[int, np.ndarray] = {}
        self._truth = self._read()
        self._given: dict[int, Mapping[int, np.ndarray]] = {}
        self._found: dict[int, dict[int, FollowedObject]] = {}
        self._j: list[float] = []
        self._followed = 0
        self.correct(next(iter(self._truth)))

    def _read(self) -> dict[int, dict[int, np.ndarray]]:
        size = (self._reader.info.height, self._reader.info.width)
        truth: dict[int, dict[int, np.ndarray]] = {}
        for index, path in self._clip.masks.items():
            self._cancel.raise_if_cancelled()
            labels = read_indexed_png(path, size=size)
            if not self._objects:
                self._objects = tuple(object_ids(labels))
            if not self._objects:
                raise UserError(
                    f"{path} has no object in it.",
                    hint="The first annotated frame of a clip must have what is corrected.",
                    code="evaluation.objects",
                )
            truth[index] = {each: labels == each for each in self._objects}
            if (labels == VOID).any():
                self._void[index] = labels == VOID
        return truth

    # -- the loop ----------------------------------------------------------------------------------------------------

    def is_done(self, target: float) -> bool:
        return self._j[-1] >= target or len(self._given) == len(self._truth)

    def correct(self, index: int) -> None:
        """Give the true masks of a frame, and let them spread up to the frames that were given before."""
        self._given[index] = self._truth[index]
        before = max((each for each in self._given if each < index), default=0)
        after = min((each for each in self._given if each > index), default=self._clip.frames - 1)
        span = FrameSpan(before, after + 1)
        given = {each: masks for each, masks in self._given.items() if each in span}
        elsewhere = {each: masks for each, masks in self._given.items() if each not in span}
        for frame in follow(self._propagator, self._reader, given, span=span, elsewhere=elsewhere, cancel=self._cancel):
            self._followed += 1
            self._found.setdefault(frame.frame_index, {}).update({each.object_id: each for each in frame.objects})
        self._j.append(float(np.mean([self._j_of(each) for each in self._truth])))

    def worst(self) -> int:
        """The annotated frame with the lowest J that is not given yet."""
        return min(self._open(), key=self._j_of)

    def most_suspicious(self) -> int:
        """The annotated frame that the program would have a person look at first."""
        doubts: dict[int, float] = {}
        for object_id in self._objects:
            frames = [self._suspect(index, object_id) for index in range(min(self._truth), self._clip.frames)]
            for each, doubt in zip(frames, suspicion(frames), strict=True):
                doubts[each.frame_index] = max(doubts.get(each.frame_index, 0.0), float(doubt))
        return max(self._open(), key=lambda each: doubts[each])

    def _suspect(self, index: int, object_id: int) -> SuspectFrame:
        if index in self._given:
            return SuspectFrame(index, encode(self._given[index][object_id]), 1.0, None, locked=True)
        found = self._found[index][object_id]
        return SuspectFrame(index, found.mask, found.confidence, found.agreement, locked=False)

    def _open(self) -> list[int]:
        return [each for each in self._truth if each not in self._given]

    def _j_of(self, index: int) -> float:
        if index in self._given:
            return 1.0
        found, void = self._found[index], self._void.get(index)
        truth = self._truth[index]
        return float(np.mean([jaccard(truth[each], decode(found[each].mask), void=void) for each in self._objects]))

    def effort(self, target: float) -> ClipEffort:
        reached = self._j[-1] >= target
        return ClipEffort(
            self._clip.name, len(self._truth), tuple(self._given), tuple(self._j), reached, self._followed
        )
