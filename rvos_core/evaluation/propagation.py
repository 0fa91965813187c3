"""How well a propagator follows given first masks: J and F over a folder in DAVIS's layout.

    ROOT/JPEGImages[/480p]/CLIP/00000.jpg
    ROOT/Annotations[/480p]/CLIP/00000.png      one object (0 and 255), or indexed with object ids

The true masks of a clip's first annotated frame are given, the rest is predicted, forward. What is scored follows DAVIS
2017, semi-supervised: neither the first nor the last frame. Frames without annotation are followed, and not scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.folders import clips_in
from rvos_core.evaluation.metrics import boundary_f, jaccard
from rvos_core.evaluation.report import JfReport, ObjectScores
from rvos_core.evaluation.work import Progress
from rvos_core.inference.propagation import follow
from rvos_core.masks import VOID, decode, read_indexed_png
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

_RESOLUTION = "480p"
_TRAILING_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class FollowedClip:
    """A clip with true masks.

    Attributes:
        name: of the clip.
        pictures: its folder of numbered pictures.
        masks: index of a frame -> its true masks, in order; at least three.
        frames: in the clip.
    """

    name: str
    pictures: Path
    masks: Mapping[int, Path]
    frames: int

    @property
    def scored(self) -> tuple[int, ...]:
        """The annotated frames but the first and the last."""
        return tuple(self.masks)[1:-1]


def evaluate_following(
    propagator: Propagator,
    root: Path,
    *,
    clips: Sequence[str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> JfReport:
    """Follow the first masks of every clip and score what is found.

    Args:
        propagator: what it followed before is forgotten.
        root: the folder with `JPEGImages` and `Annotations`.
        clips: only these; None: all that have annotations.
        progress: called after each frame that was followed.
        cancel: looked at in each frame.

    Raises:
        UserError: a folder or file is missing, is no mask, or has another size than its clip.
        Cancelled: `cancel` was set.
    """
    chosen = followed_clips(root, clips=clips)
    total = sum(clip.frames - next(iter(clip.masks)) - 1 for clip in chosen)
    done = 0
    objects: list[ObjectScores] = []
    for clip in chosen:
        found: dict[int, dict[int, np.ndarray]] = {}
        for index, masks in _follow(propagator, clip, cancel):
            done += 1
            if progress is not None:
                progress(done, total)
            if index in clip.masks:
                found[index] = masks
        objects += _scores(clip, found)
    return JfReport(protocol="davis2017", objects=tuple(objects))


def followed_clips(root: Path, *, clips: Sequence[str] | None = None) -> tuple[FollowedClip, ...]:
    """The clips below `root`, by name.

    Raises:
        UserError: a folder is missing, a clip has no pictures, or too few masks to be scored.
    """
    annotated = clips_in(_resolution(root / "Annotations"))
    names = sorted(annotated) if clips is None else list(clips)
    if missing := [name for name in names if name not in annotated]:
        raise UserError(
            f"{root} has no annotations of {missing[0]}.",
            hint=f"There are {', '.join(sorted(annotated)[:8])}.",
            code="evaluation.unpaired",
        )
    return tuple(_clip(_resolution(root / "JPEGImages") / name, name, annotated[name]) for name in names)


def _resolution(folder: Path) -> Path:
    return folder / _RESOLUTION if (folder / _RESOLUTION).is_dir() else folder


def _clip(pictures: Path, name: str, annotated: dict[int, Path]) -> FollowedClip:
    found = (_TRAILING_NUMBER.search(path.stem) for path in pictures.glob("*.jpg"))
    numbers = sorted(int(match[1]) for match in found if match)
    index_of = {number: index for index, number in enumerate(numbers)}
    if stray := next((path for number, path in annotated.items() if number not in index_of), None):
        raise UserError(
            f"{stray} has no picture in {pictures}.",
            hint="Pictures are JPEG files that pair with masks by trailing numbers.",
            code="evaluation.unpaired",
        )
    if len(annotated) < 3:
        raise UserError(
            f"{name} has {len(annotated)} annotated frame(s) in {next(iter(annotated.values())).parent}.",
            hint="Three are needed: the first is given, and the last does not count.",
            code="evaluation.too_short",
        )
    return FollowedClip(
        name, pictures, {index_of[number]: path for number, path in sorted(annotated.items())}, len(numbers)
    )


def _follow(
    propagator: Propagator, clip: FollowedClip, cancel: CancelToken | None
) -> Iterator[tuple[int, dict[int, np.ndarray]]]:
    """Frames after the first annotated one, in order, with the masks (H, W) bool found there by object id."""
    from rvos_core.media import open_media

    first, path = next(iter(clip.masks.items()))
    with open_media(clip.pictures) as reader:
        labels = read_indexed_png(path, size=(reader.info.height, reader.info.width))
        given = {first: {each: labels == each for each in object_ids(labels)}}
        if not given[first]:
            raise UserError(
                f"{path} has no object in it.",
                hint="The first annotated frame of a clip must have what is followed.",
                code="evaluation.objects",
            )
        span = FrameSpan(first, clip.frames)
        for frame in follow(propagator, reader, given, span=span, direction="forward", cancel=cancel):
            yield frame.frame_index, {each.object_id: decode(each.mask) for each in frame.objects}


def _scores(clip: FollowedClip, found: Mapping[int, Mapping[int, np.ndarray]]) -> list[ObjectScores]:
    """One entry for each object of the first annotated frame."""
    labels = read_indexed_png(next(iter(clip.masks.values())))
    truths = {index: read_indexed_png(clip.masks[index], size=labels.shape) for index in clip.scored}
    scores = []
    for object_id in object_ids(labels):
        j, f = [], []
        for index, truth in truths.items():
            pair = truth == object_id, found[index][object_id]
            void = truth == VOID
            j.append(jaccard(*pair, void=void))
            f.append(boundary_f(*pair, void=void))
        scores.append(ObjectScores(clip.name, object_id, clip.scored, tuple(j), tuple(f), object_id))
    return scores


def object_ids(labels: np.ndarray) -> list[int]:
    return [int(each) for each in np.unique(labels) if each not in (0, VOID)]
