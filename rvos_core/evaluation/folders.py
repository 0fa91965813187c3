"""J and F of a folder of masks against another, one clip or many clips in folders below: what `rvos eval jf` does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.metrics import Statistics, boundary_f, jaccard, statistics
from rvos_core.masks.png import VOID, read_indexed_png
from rvos_core.types import CancelToken

Protocol: TypeAlias = Literal["all", "davis2017"]
Progress: TypeAlias = Callable[[int, int], None]  # frames scored, frames in all

_DEEPEST = 4  # folders below the one that is given
_TRAILING_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class ObjectScores:
    """One object of one clip. `frames`: trailing numbers of the scored frames; `j`, `f`: their values."""

    clip: str
    object_id: int
    frames: tuple[int, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]

    @property
    def j_statistics(self) -> Statistics:
        return statistics(self.j)

    @property
    def f_statistics(self) -> Statistics:
        return statistics(self.f)


@dataclass(frozen=True)
class JfReport:
    """All objects of all clips; a benchmark's figure is the mean over objects, as DAVIS 2017 has it."""

    protocol: Protocol
    objects: tuple[ObjectScores, ...]

    @property
    def jf(self) -> float:
        """J&F: mean of mean J and mean F."""
        return float(np.mean([(o.j_statistics.mean + o.f_statistics.mean) / 2 for o in self.objects]))

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips in order; `.` where the folder itself is the clip."""
        return tuple(dict.fromkeys(scores.clip for scores in self.objects))

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval jf --json` prints."""
        return {
            **_means(self.objects),
            "protocol": self.protocol,
            "clips": len(self.clips),
            "objects": len(self.objects),
            "frames": sum(len(self._of(clip)[0].frames) for clip in self.clips),
            "per_clip": [{"clip": clip, **_means(self._of(clip))} for clip in self.clips],
        }

    def _of(self, clip: str) -> list[ObjectScores]:
        return [scores for scores in self.objects if scores.clip == clip]


def evaluate_folders(
    gt: Path,
    pred: Path,
    *,
    protocol: Protocol = "all",
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> JfReport:
    """Score the masks in `pred` against those in `gt`.

    Folders hold PNG masks (one clip) or folders of them (many clips, paired by name). Frames pair by the trailing
    number of their names. Greyscale masks with 0 and 255 are one object; indexed ones hold object ids, where 255 in
    `gt` is void. An object that is not in a frame of `gt` shall not be in that frame of `pred` either.

    Args:
        gt: true masks.
        pred: masks to be scored.
        protocol: "all" frames, or "davis2017", which leaves out the first and the last of each clip.
        progress: called after each frame.
        cancel: checked at each frame.

    Raises:
        UserError: if anything is unpaired, sizes differ, ids of `pred` are not in `gt`, or a file is no mask.
        Cancelled: if `cancel` is set.
    """
    true_clips, drawn_clips = _clips(gt), _clips(pred)
    _check_clips_pair(true_clips, drawn_clips, gt=gt, pred=pred)
    pairs = {
        name: _scored_pairs(frames, drawn_clips[name], pred=pred / name, protocol=protocol)
        for name, frames in true_clips.items()
    }
    total = sum(len(frames) for frames in pairs.values())
    done = 0
    objects: list[ObjectScores] = []
    for name, frames in pairs.items():
        scorer = _ClipScorer(name, frames)
        for _ in scorer.run():
            if cancel is not None:
                cancel.raise_if_cancelled()
            done += 1
            if progress is not None:
                progress(done, total)
        objects += scorer.objects()
    return JfReport(protocol=protocol, objects=tuple(objects))


@dataclass(frozen=True)
class _Pair:
    number: int
    truth: Path
    drawn: Path


class _ClipScorer:
    """Scores one clip frame by frame; holds one pair of masks at a time."""

    def __init__(self, clip: str, frames: list[_Pair]) -> None:
        self._clip = clip
        self._frames = frames
        self._size = _size_of(frames[0].truth)
        self._ids = self._true_ids()
        self._j: dict[int, list[float]] = {object_id: [] for object_id in self._ids}
        self._f: dict[int, list[float]] = {object_id: [] for object_id in self._ids}

    def run(self) -> Iterator[None]:
        """Score the clip; yields after each frame."""
        for pair in self._frames:
            truth = read_indexed_png(pair.truth, size=self._size)
            drawn = self._drawn_labels(pair)
            void = truth == VOID
            for object_id in self._ids:
                masks = truth == object_id, drawn == object_id
                self._j[object_id].append(jaccard(*masks, void=void))
                self._f[object_id].append(boundary_f(*masks, void=void))
            yield

    def objects(self) -> list[ObjectScores]:
        """The scores, once `run` has ended."""
        numbers = tuple(pair.number for pair in self._frames)
        return [ObjectScores(self._clip, i, numbers, tuple(self._j[i]), tuple(self._f[i])) for i in self._ids]

    def _true_ids(self) -> list[int]:
        ids: set[int] = set()
        for pair in self._frames:
            ids.update(np.unique(read_indexed_png(pair.truth, size=self._size)).tolist())
        return sorted(ids - {0, VOID}) or [1]  # nothing anywhere: one object that is never in sight

    def _drawn_labels(self, pair: _Pair) -> np.ndarray:
        drawn = read_indexed_png(pair.drawn, size=self._size)
        drawn[drawn == VOID] = 0
        ids = set(np.unique(drawn).tolist()) - {0}
        if len(self._ids) == 1 and ids == {1}:  # a plain mask is the one object, whatever its id in the truth
            drawn[drawn == 1] = self._ids[0]
        elif unknown := sorted(ids - set(self._ids)):
            raise UserError(
                f"{pair.drawn} holds object {unknown[0]}, which is nowhere in {pair.truth.parent} "
                f"(objects {', '.join(map(str, self._ids))}).",
                hint="Give the objects the ids that they have in the true masks.",
                code="evaluation.objects",
            )
        return drawn


def _size_of(mask: Path) -> tuple[int, int]:
    height, width = read_indexed_png(mask).shape
    return height, width


def _means(objects: tuple[ObjectScores, ...] | list[ObjectScores]) -> dict[str, float]:
    pairs = [(scores.j_statistics, scores.f_statistics) for scores in objects]
    j, f = (float(np.mean([pair[k].mean for pair in pairs])) for k in (0, 1))
    return {
        "J": j,
        "F": f,
        "jf": (j + f) / 2,
        "J_recall": float(np.mean([pair[0].recall for pair in pairs])),
        "J_decay": float(np.mean([pair[0].decay for pair in pairs])),
        "F_recall": float(np.mean([pair[1].recall for pair in pairs])),
        "F_decay": float(np.mean([pair[1].decay for pair in pairs])),
    }


def _clips(root: Path) -> dict[str, dict[int, Path]]:
    """Every folder at or below `root` that holds PNG files: its name below `root` -> trailing number -> file."""
    clips: dict[str, dict[int, Path]] = {}
    _collect(root, root, _DEEPEST, clips)
    if not clips:
        raise UserError(f"{root} holds no PNG masks.", hint="Give a folder of PNG masks.", code="evaluation.no_masks")
    return clips


def _collect(root: Path, folder: Path, levels: int, clips: dict[str, dict[int, Path]]) -> None:
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        files = [entry for entry in entries if entry.suffix.lower() == ".png" and entry.is_file()]
        folders = [entry for entry in entries if entry.is_dir()] if levels else []
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else "is a file, not a folder of masks"
        raise UserError(f"{folder} {what}.", hint="Give a folder of PNG masks.", code="evaluation.no_folder") from error
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read: {error.strerror}.",
            hint="Check the name and its permissions.",
            code="evaluation.unreadable",
        ) from error
    if files:
        clips[folder.relative_to(root).as_posix()] = _numbered(files)
    for entry in folders:
        _collect(root, entry, levels - 1, clips)


def _numbered(files: list[Path]) -> dict[int, Path]:
    numbered: dict[int, Path] = {}
    for path in files:
        found = _TRAILING_NUMBER.search(path.stem)
        if found is None:
            raise UserError(
                f"{path} has no frame number at the end of its name.",
                hint="Masks pair by trailing numbers, as in 00012.png.",
                code="evaluation.unpaired",
            )
        other = numbered.setdefault(int(found[1]), path)
        if other is not path:
            raise UserError(
                f"{other} and {path.name} have the same frame number.",
                hint="Put the masks of different clips into different folders.",
                code="evaluation.unpaired",
            )
    return dict(sorted(numbered.items()))


def _check_clips_pair(
    true_clips: dict[str, dict[int, Path]], drawn_clips: dict[str, dict[int, Path]], *, gt: Path, pred: Path
) -> None:
    for these, root, other in (
        (true_clips.keys() - drawn_clips.keys(), gt, pred),
        (drawn_clips.keys() - true_clips, pred, gt),
    ):
        if these:
            raise UserError(
                f"{len(these)} folder(s) of masks in {root} have no partner in {other}, first: {root / min(these)}.",
                hint="Both folders must have the same clips, each in a folder of the same name.",
                code="evaluation.unpaired",
            )


def _scored_pairs(truth: dict[int, Path], drawn: dict[int, Path], *, pred: Path, protocol: Protocol) -> list[_Pair]:
    for these, other in (
        (truth.keys() - drawn.keys(), pred),
        (drawn.keys() - truth.keys(), next(iter(truth.values())).parent),
    ):
        if these:
            first = truth.get(min(these)) or drawn[min(these)]
            raise UserError(
                f"{len(these)} mask(s) have no partner in {other}, first: {first}.",
                hint="Both folders must have the same frames; names pair by their trailing number.",
                code="evaluation.unpaired",
            )
    numbers = list(truth)
    if protocol == "davis2017":
        numbers = numbers[1:-1]
        if not numbers:
            raise UserError(
                f"{pred} has {len(truth)} frame(s); the davis2017 protocol leaves out the first and the last.",
                hint="Use the protocol that scores all frames.",
                code="evaluation.too_short",
            )
    return [_Pair(number, truth[number], drawn[number]) for number in numbers]
