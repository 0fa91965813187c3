"""Data sets as a training samples them: items by number, each a clip drawn by dice. Nothing is augmented here.

Frame sampling: ReferFormer's published code and IFIRVOS, section 4.2 (a frame, one shortly before, one shortly after,
the rest from outside, in order of time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from rvos_core.datasets.coco import CocoImage, CocoInstances
from rvos_core.datasets.davis import DavisSplit
from rvos_core.datasets.refcoco import RefcocoDataset
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.datasets.sentences import SentencesDataset
from rvos_core.datasets.things import things
from rvos_core.datasets.youtube_vos import PictureAndMask
from rvos_core.errors import UserError
from rvos_core.masks.png import VOID, read_indexed_png, read_mask_png
from rvos_core.masks.rle import decode
from rvos_core.training.augment import ClipSample, turned_clip

_NEAR = (1, 3)  # frames between the middle one and its neighbours
_MOST_OBJECTS = 254


@dataclass(frozen=True)
class Meaning:
    """What tells whether a clip shows what a sentence means.

    Attributes:
        place: video or picture; equal for all items of it.
        meant: things that the sentence names.
        shown: things that are known to be in the clip.
    """

    place: str
    meant: frozenset[str]
    shown: frozenset[str]

    def unrelated(self, clip: Meaning) -> bool:
        """Whether `clip`, as far as is known, shows nothing of what this sentence means."""
        return bool(self.meant) and self.place != clip.place and not self.meant & clip.shown


class ClipSource(Protocol):
    """One data set."""

    def __len__(self) -> int:
        """Items of an epoch."""
        ...

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        """A clip of the item, object 1 being the meant one; None where nothing is in sight in what was drawn."""
        ...

    def meaning(self, item: int) -> Meaning:
        """What the item's sentence means and its clip shows."""
        ...

    def text(self, item: int) -> str:
        """The item's sentence; empty where the set has none."""
        ...

    def check(self) -> None:
        """Raises: UserError: naming the files that are missing."""
        ...


def frames_around(centre: int, length: int, *, count: int, rng: np.random.Generator) -> list[int]:
    """`count` frames of a clip of `length`, in order, `centre` among them; repeated only where the clip is shorter."""
    chosen = {centre}
    near = [centre - int(rng.integers(_NEAR[0], _NEAR[1] + 1)), centre + int(rng.integers(_NEAR[0], _NEAR[1] + 1))]
    for index in near:
        if len(chosen) < count:
            chosen.add(min(max(index, 0), length - 1))
    low, high = min(chosen), max(chosen)
    outside = [index for index in range(length) if index < low or index > high]
    inside = [index for index in range(low, high + 1) if index not in chosen]
    rest = [*rng.permutation(outside), *rng.permutation(inside)]
    found = [*chosen, *(int(index) for index in rest[: count - len(chosen)])]
    found += [found[int(rng.integers(len(found)))] for _ in range(count - len(found))]
    return sorted(found)


def frames_in_steps(length: int, *, count: int, max_skip: int, rng: np.random.Generator) -> list[int]:
    """`count` frames in order, each at most `max_skip` behind the one before (STM, STCN); repeated in short clips."""
    skip = max(1, min(max_skip, (length - 1) // max(1, count - 1)))
    gaps = [int(rng.integers(1, skip + 1)) for _ in range(count - 1)]
    start = int(rng.integers(max(1, length - sum(gaps))))
    return [min(start + sum(gaps[:index]), length - 1) for index in range(count)]


class VideoSentences:
    """Ref-YouTube-VOS, Ref-DAVIS17, MeViS: an item is an expression and a stretch of `frames` frames of its video."""

    def __init__(self, dataset: ReferringDataset, *, frames: int) -> None:
        self._dataset = dataset
        self._truth = dataset.require_truth()
        self._frames = frames
        self._annotated = {video.name: self._truth.annotated(video) for video in dataset.videos}
        self._items = [
            (video, expression, start)
            for video, expression in dataset.pairs()
            if expression.object_ids
            for start in range(0, len(self._annotated[video.name]), frames)
        ]
        self._shown = {
            video.name: frozenset().union(
                *(things(each.text) for each in video.expressions), *map(things, video.categories.values())
            )
            for video in dataset.videos
        }

    def __len__(self) -> int:
        return len(self._items)

    def check(self) -> None:
        self._dataset.require_images()

    def text(self, item: int) -> str:
        return self._items[item][1].text

    def meaning(self, item: int) -> Meaning:
        video, expression, _ = self._items[item]
        named = (things(video.categories[i]) for i in expression.object_ids or () if i in video.categories)
        meant = things(expression.text).union(*named)
        return Meaning(f"{self._dataset.name}/{video.name}", meant, self._shown[video.name])

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        video, expression, centre = self._items[item]
        names = self._annotated[video.name]
        chosen = [names[i] for i in frames_around(centre, len(names), count=self._frames, rng=rng)]
        frames = [read_picture(video.image(name)) for name in chosen]
        labels = np.stack(
            [self._mask(video, expression, name, frame) for name, frame in zip(chosen, frames, strict=True)]
        )
        return ClipSample(np.stack(frames), labels, expression.text) if labels.any() else None

    def _mask(self, video: Video, expression: Expression, name: str, frame: np.ndarray) -> np.ndarray:
        size = (int(frame.shape[0]), int(frame.shape[1]))
        return self._truth.mask(video, expression, name, size=size).astype(np.uint8)


class FrameSentences:
    """A2D- and JHMDB-Sentences: an item is a sentence about one annotated frame, which is all that is sampled.

    With a network whose image encoder reads frame by frame, the window around it has no influence.
    """

    def __init__(self, dataset: SentencesDataset) -> None:
        self._dataset = dataset
        self._truth = dataset.truth()
        self._shown: dict[str, frozenset[str]] = {}
        for sample in dataset.samples:
            self._shown[sample.video] = self._shown.get(sample.video, frozenset()) | things(sample.text)

    def __len__(self) -> int:
        return len(self._dataset.samples)

    def check(self) -> None:
        self._dataset.require_media()

    def text(self, item: int) -> str:
        return self._dataset.samples[item].text

    def meaning(self, item: int) -> Meaning:
        sample = self._dataset.samples[item]
        return Meaning(f"{self._dataset.name}/{sample.video}", things(sample.text), self._shown[sample.video])

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        from rvos_core.media import open_media  # PyAV is needed for films only

        sample = self._dataset.samples[item]
        if self._dataset.name == "a2d":
            with open_media(sample.media, as_coded=True) as reader:
                frame = reader.frame(sample.frame - 1)
        else:
            frame = read_picture(sample.media / f"{sample.frame:05d}.png")
        mask = decode(self._truth[sample.image_id])
        if mask.shape != frame.shape[:2]:
            raise UserError(
                f"{sample.media}: frame {sample.frame} is {frame.shape[1]}x{frame.shape[0]}, its mask "
                f"{mask.shape[1]}x{mask.shape[0]}.",
                hint="Copy the video from the data set again.",
                code="training.size",
            )
        return ClipSample(frame[None], mask[None].astype(np.uint8), sample.text) if mask.any() else None


class PictureSentences:
    """RefCOCO/+/g: an item is a sentence about an object of a picture. Several frames: the picture, turned."""

    def __init__(self, dataset: RefcocoDataset, *, frames: int, turn: float) -> None:
        self._dataset = dataset
        self._frames = frames
        self._turn = turn
        self._items = [(each, sentence) for each in dataset.referred for sentence in each.sentences]
        said: dict[int, set[str]] = {}
        for each, sentence in self._items:
            said.setdefault(each.image.image_id, set()).update(things(sentence))
            names = (dataset.instances.categories[thing.category] for thing in each.image.objects)
            said[each.image.image_id].update(*map(things, names))
        self._shown = {image: frozenset(words) for image, words in said.items()}

    def __len__(self) -> int:
        return len(self._items)

    def check(self) -> None:
        self._dataset.require_images()

    def text(self, item: int) -> str:
        return self._items[item][1]

    def meaning(self, item: int) -> Meaning:
        each, sentence = self._items[item]
        meant = things(sentence) | things(self._dataset.instances.categories[each.thing.category])
        # The three sets share COCO's pictures.
        return Meaning(f"coco/{each.image.image_id}", meant, self._shown[each.image.image_id])

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        each, sentence = self._items[item]
        frame = read_picture(self._dataset.images / each.image.file_name, image=each.image)
        mask = self._dataset.instances.mask(each.image, each.thing).astype(np.uint8)
        if not mask.any():
            return None
        picture = ClipSample(frame[None], mask[None], sentence)
        if self._frames == 1:
            return picture
        return turned_clip(picture, frames=self._frames, degrees=self._turn, rng=rng)


class _WithoutSentences:
    """What sets of masks answer when they are asked for sentences."""

    def text(self, item: int) -> str:
        return ""

    def meaning(self, item: int) -> Meaning:
        return Meaning("", frozenset(), frozenset())


class MaskVideos(_WithoutSentences):
    """YouTube-VOS, DAVIS 2017: an item is a video; its labels are the objects' ids."""

    def __init__(self, split: DavisSplit, *, frames: int, max_skip: int) -> None:
        self._split = split
        self._frames = frames
        self._max_skip = max_skip
        self._names = {clip: split.frames(clip) for clip in split.clips}

    def __len__(self) -> int:
        return len(self._split.clips)

    def check(self) -> None:
        for clip, names in self._names.items():
            missing = [name for name in names if not (self._split.images / clip / f"{name}.jpg").exists()]
            if missing or not names:
                raise UserError(
                    f"{self._split.images / clip} lacks {f'{missing[0]}.jpg' if missing else 'its pictures'}.",
                    hint="Complete the data set as its authors publish it.",
                    code="training.incomplete",
                )

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        clip = self._split.clips[item]
        names = self._names[clip]
        chosen = [names[i] for i in frames_in_steps(len(names), count=self._frames, max_skip=self._max_skip, rng=rng)]
        frames = np.stack([read_picture(self._split.images / clip / f"{name}.jpg") for name in chosen])
        size = (frames.shape[1], frames.shape[2])
        found = [read_indexed_png(self._split.annotations / clip / f"{name}.png", size=size) for name in chosen]
        labels = np.stack(found)
        labels[labels == VOID] = 0
        return ClipSample(frames, labels) if labels[0].any() else None


class PictureInstances(_WithoutSentences):
    """COCO: an item is a picture with all its objects; later ones lie on top."""

    def __init__(self, instances: CocoInstances, images: Path) -> None:
        self._instances = instances
        self._images = images

    def __len__(self) -> int:
        return len(self._instances.images)

    def check(self) -> None:
        missing = [each.file_name for each in self._instances.images if not (self._images / each.file_name).exists()]
        if missing:
            raise UserError(
                f"{self._images} lacks {len(missing)} picture(s), first: {missing[0]}.",
                hint="Complete COCO as its authors publish it.",
                code="training.incomplete",
            )

    def categories(self, item: int) -> tuple[int, ...]:
        """Of the objects, in the order of their labels."""
        return tuple(each.category for each in self._instances.images[item].objects[:_MOST_OBJECTS])

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        image = self._instances.images[item]
        frame = read_picture(self._images / image.file_name, image=image)
        labels = np.zeros((image.height, image.width), dtype=np.uint8)
        for number, thing in enumerate(image.objects[:_MOST_OBJECTS], start=1):
            labels[self._instances.mask(image, thing)] = number
        return ClipSample(frame[None], labels[None]) if labels.any() else None


class DeformedPictures(_WithoutSentences):
    """Single pictures with one object's mask, turned into clips: ISVOS's first stage."""

    def __init__(self, pairs: Sequence[PictureAndMask], *, frames: int, turn: float) -> None:
        self._pairs = pairs
        self._frames = frames
        self._turn = turn

    def __len__(self) -> int:
        return len(self._pairs)

    def check(self) -> None:
        """Both files of every pair were found when the set was read."""

    def sample(self, item: int, rng: np.random.Generator) -> ClipSample | None:
        pair = self._pairs[item]
        frame = read_picture(pair.picture)
        mask = read_mask_png(pair.mask, size=(int(frame.shape[0]), int(frame.shape[1]))).astype(np.uint8)
        clip = turned_clip(ClipSample(frame[None], mask[None]), frames=self._frames, degrees=self._turn, rng=rng)
        return clip if clip.labels[0].any() else None


def read_picture(path: Path, *, image: CocoImage | None = None) -> np.ndarray:
    """(H, W, 3) uint8 RGB. Raises: UserError: it is missing or damaged, or has not the size that `image` says."""
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from error
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(content, flags) if content.size else None
    if picture is None:
        raise _unreadable(path, "it is no readable picture")
    if image is not None and picture.shape[:2] != (image.height, image.width):
        raise _unreadable(path, f"its size is not the {image.width}x{image.height} of the annotations")
    return np.ascontiguousarray(picture[..., ::-1])


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(f"{path}: {why}.", hint="Copy it from the data set again.", code="training.picture")
