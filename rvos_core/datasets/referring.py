"""A data set of videos with expressions: what the readers of Ref-YouTube-VOS, Ref-DAVIS17 and MeViS give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from rvos_core.datasets.reading import names_with_suffix, refuse_missing
from rvos_core.errors import UserError
from rvos_core.masks.png import read_indexed_png


@dataclass(frozen=True)
class Expression:
    """One sentence about one video.

    Attributes:
        expression_id: the data set's own id; results lie in a folder of this name.
        text: as it is written in the data set.
        object_ids: what is meant: object ids of the video (annotation ids in MeViS), several where the sentence means
            several, none where it means nothing in the video. None where the benchmark's server keeps the answer.
        annotator: Ref-DAVIS17 only, 0 to 3: who wrote it, and having seen the first frame or the whole video.
    """

    expression_id: str
    text: str
    object_ids: tuple[int, ...] | None
    annotator: int | None = None


@dataclass(frozen=True)
class Video:
    """One video of a split.

    Attributes:
        name: of its folder.
        frames: names of all frames without suffix, in order of time.
        images: folder that holds `{frame}{suffix}`.
        expressions: in the data set's order.
        categories: object id -> category, where the data set says so.
        suffix: of the images.
    """

    name: str
    frames: tuple[str, ...]
    images: Path
    expressions: tuple[Expression, ...]
    categories: Mapping[int, str] = field(default_factory=dict)
    suffix: str = ".jpg"

    def image(self, frame: str) -> Path:
        """Where the picture of `frame` lies."""
        return self.images / f"{frame}{self.suffix}"

    def expression(self, expression_id: str) -> Expression | None:
        """The expression of that id, if there is one."""
        return next((each for each in self.expressions if each.expression_id == expression_id), None)


class Truth(Protocol):
    """True masks of a split."""

    def annotated(self, video: Video) -> tuple[str, ...]:
        """Names of the frames that have a true mask, in order; these are scored."""

    def size(self, video: Video) -> tuple[int, int] | None:
        """(height, width) of the video's masks; None where no object is anywhere in it."""

    def mask(self, video: Video, expression: Expression, frame: str, *, size: tuple[int, int]) -> np.ndarray:
        """(H, W) bool: what `expression` means in `frame`.

        Raises:
            UserError: if the mask is damaged or has another size than `size`.
        """


@dataclass(frozen=True)
class ReferringDataset:
    """One split of a data set.

    Attributes:
        name: `ref-youtube-vos`, `ref-davis17` or `mevis`.
        root: folder of the data set.
        split: as the data set calls it.
        videos: in the data set's order.
        truth: true masks; None where they are not in the folder (the benchmark's server keeps them).
        truth_at: file or folder in which the true masks are looked for.
        notes: sentences that a person should read with the figures.
        seen_categories: Ref-YouTube-VOS: categories that the training split has; None where its meta.json is not here.
    """

    name: str
    root: Path
    split: str
    videos: tuple[Video, ...]
    truth: Truth | None
    truth_at: Path
    notes: tuple[str, ...] = ()
    seen_categories: frozenset[str] | None = None

    def video(self, name: str) -> Video | None:
        """The video of that name, if there is one."""
        return next((video for video in self.videos if video.name == name), None)

    def pairs(self) -> Iterator[tuple[Video, Expression]]:
        """Every expression with its video, in order."""
        return ((video, expression) for video in self.videos for expression in video.expressions)

    def require_images(self) -> None:
        """Raises: UserError: naming the folders and pictures that the videos list and the data set lacks."""
        missing = dict.fromkeys(path for video in self.videos for path in _missing_images(video))
        refuse_missing(self.root, missing, of=f"{self.name} ({self.split})")

    def require_truth(self) -> Truth:
        """The true masks. Raises: UserError: the folder has none, or an expression does not say what it means."""
        secret = next((video for video, each in self.pairs() if each.object_ids is None), None)
        if self.truth is not None and secret is None:
            return self.truth
        why = f"{self.truth_at} is not there" if secret is None else f"{secret.name} does not say what is meant"
        raise UserError(
            f"{self.root} has no true masks for the split {self.split} of {self.name}: {why}.",
            hint="Complete the data set, or score a split whose masks are published. Where the benchmark's server "
            "keeps them, upload the archive that `rvos predict` writes.",
            code="evaluation.no_truth",
        )


@dataclass(frozen=True)
class IndexedTruth:
    """True masks as indexed PNGs `{folder}/{video}/{frame}.png`, a pixel is an object id.

    Attributes:
        folder: `Annotations` of a split.
    """

    folder: Path

    def annotated(self, video: Video) -> tuple[str, ...]:
        there = names_with_suffix(self.folder / video.name, ".png")
        return tuple(frame for frame in video.frames if frame in there)

    def size(self, video: Video) -> tuple[int, int] | None:
        frames = self.annotated(video)
        if not frames:
            return None
        height, width = self.labels(video, frames[0]).shape
        return height, width

    def mask(self, video: Video, expression: Expression, frame: str, *, size: tuple[int, int]) -> np.ndarray:
        return np.isin(self.labels(video, frame, size=size), expression.object_ids or ())

    def labels(self, video: Video, frame: str, *, size: tuple[int, int] | None = None) -> np.ndarray:
        """(H, W) uint8: ids of all objects, 255 = void. Raises: UserError."""
        return read_indexed_png(self.folder / video.name / f"{frame}.png", size=size)


def _missing_images(video: Video) -> Iterator[Path]:
    for folder in (video.images.parent, video.images):
        if not folder.is_dir():
            yield folder
            return
    there = names_with_suffix(video.images, video.suffix)
    yield from (video.image(frame) for frame in video.frames if frame not in there)
