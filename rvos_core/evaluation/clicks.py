"""How good masks become with each click: a robot that clicks where the truth says that the mask is most wrong.

    ROOT/JPEGImages[/480p]/CLIP/00000.jpg
    ROOT/Annotations[/480p]/CLIP/00000.png      one object (0 and 255), or indexed with object ids

The protocol, for every object of every clip:

1. Of the annotated frames in which the object is in sight, at most 20 are taken, evenly spread: the places
   `linspace(0, n - 1, min(n, 20))`, rounded to the nearest, the first and the last included.
2. Each frame begins without a mask, and nothing is carried over from frame to frame. Truth only places clicks.
3. The first click is positive and lies in the object's centre: where the Euclidean distance to the nearest pixel that
   is not the object's is greatest (beyond the picture's border counts as such; of equals the uppermost, then leftmost).
4. The clicker is given the frame, its neighbours in the clip (pictures only), all clicks so far and its own last
   answer. Its answer is scored by intersection over
   union (two empty masks: 1); void pixels of the annotation (255 where there are ids) count for nothing.
5. The next click lies in the centre, as in 3, of the largest 8-connected region of error: positive where the mask
   misses the object, negative where it covers something else. Of two equally large regions the missed one is taken.
   An answer without error is kept for all clicks to come.
6. After k clicks: the mean over the frames of an object, of these over the objects of a clip, and over the clips.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import cv2
import numpy as np

from rvos_core.evaluation.metrics import jaccard
from rvos_core.evaluation.propagation import FollowedClip, followed_clips
from rvos_core.evaluation.work import Progress, Steps
from rvos_core.masks import VOID, read_indexed_png
from rvos_core.models.api import Around, Clicks
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.media import MediaReader

FRAMES_OF_A_CLIP = 20


class Answered(Protocol):
    """An answer, as `ClickAnswer`: mask (H, W) bool, and the clicker's name."""

    @property
    def mask(self) -> np.ndarray: ...

    @property
    def clicker(self) -> str: ...


Answer: TypeAlias = Callable[[np.ndarray, Clicks, np.ndarray | None, Around], Answered]
"""Frame, clicks, the last answer, the frame's neighbours."""


@dataclass(frozen=True)
class ClickScores:
    """One object of one clip.

    Attributes:
        clip, object_id: which.
        frames: indices of the frames that were clicked on.
        iou: (frames, clicks) float64, after each click.
    """

    clip: str
    object_id: int
    frames: tuple[int, ...]
    iou: np.ndarray


@dataclass(frozen=True)
class ClickReport:
    """All objects; `asked`: name of a clicker -> answers that were taken from it."""

    objects: tuple[ClickScores, ...]
    asked: Mapping[str, int]

    def per_clip(self) -> dict[str, np.ndarray]:
        """Clip -> (clicks,) mean IoU after each click."""
        names = dict.fromkeys(each.clip for each in self.objects)
        return {
            name: np.mean([each.iou.mean(0) for each in self.objects if each.clip == name], axis=0) for name in names
        }

    def mean(self) -> np.ndarray:
        """(clicks,) mean IoU over the clips after each click."""
        return np.asarray(np.mean(list(self.per_clip().values()), axis=0))

    def as_dict(self) -> dict[str, object]:
        """For `--json`; index k of a list is after k + 1 clicks."""
        return {
            "iou": self.mean().tolist(),
            "clips": {name: values.tolist() for name, values in self.per_clip().items()},
            "frames": sum(len(each.frames) for each in self.objects),
            "objects": len(self.objects),
            "answers": dict(self.asked),
        }


def evaluate_clicks(
    answer: Answer,
    root: Path,
    *,
    clicks: int = 4,
    frames: int = FRAMES_OF_A_CLIP,
    clips: Sequence[str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ClickReport:
    """Let the robot click through a folder.

    Args:
        answer: as `ClickSession.answer`.
        root: the folder with `JPEGImages` and `Annotations`.
        clicks: made on each frame.
        frames: of each object at most.
        clips: only these; None: all that have annotations.
        progress: called after each frame.
        cancel: looked at before each frame.

    Raises:
        UserError: a folder or file is missing, is no mask, or has another size than its clip.
        Cancelled: `cancel` was set.
    """
    chosen = [
        (clip, {object_id: spread(seen, frames) for object_id, seen in _sightings(clip).items()})
        for clip in followed_clips(root, clips=clips)
    ]
    steps = Steps(sum(len(seen) for _, sightings in chosen for seen in sightings.values()), progress, cancel)
    asked: dict[str, int] = {}
    scores: list[ClickScores] = []
    for clip, sightings in chosen:
        scores += _clip_scores(answer, clip, sightings, clicks, steps, asked)
    return ClickReport(tuple(scores), asked)


def play(
    answer: Answer,
    frame: np.ndarray,
    truth: np.ndarray,
    *,
    clicks: int,
    void: np.ndarray | None = None,
    around: Around = lambda _: None,
) -> tuple[list[float], list[str]]:
    """IoU after each click on one frame, and who answered each.

    Args:
        frame: (H, W, 3) uint8 RGB.
        truth: (H, W) bool, with at least one pixel.
        clicks: how many are made.
        void: (H, W) bool, what does not count.
        around: the frame's neighbours.
    """
    counted = np.ones_like(truth) if void is None else ~void
    positive, negative = [centre(truth)], list[tuple[int, int]]()
    mask: np.ndarray | None = None
    scores: list[float] = []
    names: list[str] = []
    for _ in range(clicks):
        answered = answer(frame, Clicks(tuple(positive), tuple(negative)), mask, around)
        mask = answered.mask
        names.append(answered.clicker)
        scores.append(jaccard(truth, mask, void=np.zeros_like(truth) if void is None else void))
        correction = next_click(mask & counted, truth & counted)
        if correction is None:
            break
        point, inside = correction
        (positive if inside else negative).append(point)
    return scores + [scores[-1]] * (clicks - len(scores)), names


def next_click(mask: np.ndarray, truth: np.ndarray) -> tuple[tuple[int, int], bool] | None:
    """Centre (x, y) of the largest region of error, and whether it belongs to the object; None where all is right."""
    best: tuple[int, np.ndarray, bool] | None = None
    for inside, error in ((True, truth & ~mask), (False, mask & ~truth)):
        count, regions, table, _ = cv2.connectedComponentsWithStats(error.astype(np.uint8), connectivity=8)
        if count > 1:
            largest = 1 + int(table[1:, cv2.CC_STAT_AREA].argmax())
            area = int(table[largest, cv2.CC_STAT_AREA])
            if best is None or area > best[0]:
                best = area, regions == largest, inside
    return None if best is None else (centre(best[1]), best[2])


def centre(region: np.ndarray) -> tuple[int, int]:
    """(x, y) of the pixel of `region`, (H, W) bool, that is farthest from everything else."""
    padded = np.pad(region.astype(np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(x), int(y)


def spread(indices: Sequence[int], most: int) -> tuple[int, ...]:
    """At most so many of `indices`, evenly."""
    places = np.linspace(0, len(indices) - 1, min(len(indices), most)).round().astype(int)
    return tuple(indices[int(each)] for each in places)


def _sightings(clip: FollowedClip) -> dict[int, list[int]]:
    """Object id -> annotated frames in which it is in sight."""
    found: dict[int, list[int]] = {}
    for index, path in clip.masks.items():
        for object_id in np.unique(read_indexed_png(path)):
            if object_id not in (0, VOID):
                found.setdefault(int(object_id), []).append(index)
    return dict(sorted(found.items()))


def _clip_scores(
    answer: Answer,
    clip: FollowedClip,
    sightings: Mapping[int, tuple[int, ...]],
    clicks: int,
    steps: Steps,
    asked: dict[str, int],
) -> list[ClickScores]:
    from rvos_core.media import open_media

    scores = []
    with open_media(clip.pictures) as reader:
        size = (reader.info.height, reader.info.width)
        for object_id, seen in sightings.items():
            rows = []
            for index in seen:
                steps.add()
                labels = read_indexed_png(clip.masks[index], size=size)
                played = play(
                    answer,
                    reader.frame(index),
                    labels == object_id,
                    clicks=clicks,
                    void=labels == VOID,
                    around=partial(_neighbour, reader, index),
                )
                rows.append(played[0])
                for name in played[1]:
                    asked[name] = asked.get(name, 0) + 1
            scores.append(ClickScores(clip.name, object_id, seen, np.array(rows, dtype=np.float64)))
    return scores


def _neighbour(reader: MediaReader, index: int, away: int) -> np.ndarray | None:
    """As `Around`, of the frame `index`."""
    return reader.frame(index + away) if 0 <= index + away < reader.info.frame_count else None
