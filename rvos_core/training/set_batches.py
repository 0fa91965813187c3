"""Batches of data sets: which items a step takes, their clips filled up to one size, sentences paired with clips.

Batch k is a function of the sets, the seed and k only: item after item of a shuffled epoch, each with dice of its own.
A process takes its share of the same batch, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rvos_core.errors import UserError
from rvos_core.language import Tokenizer
from rvos_core.training.augment import Augment, ClipSample, augmented
from rvos_core.training.batches import NO_OBJECT, Mean, ReferringBatch, normalised
from rvos_core.training.slots import SLOT_VALUES
from rvos_core.training.sources import ClipSource, Meaning, PictureInstances

_TRIES = 50  # items drawn in place of one with nothing in sight
_MULTIPLE = 32  # of pixels, that clips are filled up to: as the authors' code does

_S = TypeVar("_S", bound=ClipSource)


@dataclass(frozen=True)
class Drawn:
    """A clip with where it is from."""

    clip: ClipSample
    source: int
    item: int


class Draw(Generic[_S]):
    """Items of several sets as one endless shuffled list, by number.

    Args:
        sources: sets with how often an epoch goes through each.
        augment: what is done to each clip.
        seed: of order and dice.

    Raises:
        UserError: there is no item at all.
    """

    def __init__(self, sources: Sequence[tuple[_S, int]], augment: Augment, *, seed: int) -> None:
        self.sources = tuple(source for source, _ in sources)
        self._augment = augment
        self._seed = seed
        self._table = np.array(
            [(which, item) for which, (each, repeat) in enumerate(sources) for item in [*range(len(each))] * repeat],
            dtype=np.int64,
        ).reshape(-1, 2)
        if not len(self._table):
            raise UserError(
                "The data sets hold nothing to train on.", hint="Choose another split.", code="training.no_data"
            )

    def __len__(self) -> int:
        return len(self._table)

    def dice(self, number: int) -> np.random.Generator:
        """Of one item of the endless list."""
        return np.random.default_rng([self._seed, number])

    def draw(self, number: int) -> Drawn:
        """The item of that number, augmented. Raises: UserError: nothing is in sight wherever one looks."""
        epoch, place = divmod(number, len(self))
        rng = self.dice(number)
        row = int(_order(self._seed, epoch, len(self))[place])
        for _ in range(_TRIES):
            which, item = (int(each) for each in self._table[row])
            sample = self.sources[which].sample(item, rng)
            if sample is not None:
                changed = augmented(sample, self._augment, rng)
                if changed.labels.any():
                    return Drawn(changed, which, item)
            row = int(rng.integers(len(self)))
        raise UserError(
            f"In {_TRIES} clips of the data sets no object is in sight.",
            hint="Check the masks, or cut less with augment.crop: false.",
            code="training.no_data",
        )

    def any_item(self, rng: np.random.Generator) -> tuple[int, int]:
        """(set, item) by dice."""
        which, item = self._table[int(rng.integers(len(self)))]
        return int(which), int(item)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch, 1]).permutation(count)


@dataclass(frozen=True)
class Share:
    """Which part of every batch a process takes. `batch`: clips of all processes together."""

    batch: int
    rank: int = 0
    processes: int = 1

    def numbers(self, step: int) -> range:
        """Of the items in the endless list."""
        first, last = (self.batch * each // self.processes for each in (self.rank, self.rank + 1))
        return range(step * self.batch + first, step * self.batch + last)


class SentenceBatches(Dataset[ReferringBatch]):
    """Batches for the referring networks.

    Args:
        negatives: sentences of the batch that are asked of another clip of it that shows nothing of what they mean;
            where the batch has no such pair, the sentence is drawn from all sets.
    """

    def __init__(
        self, draw: Draw[ClipSource], tokenizer: Tokenizer, *, share: Share, steps: int, negatives: int = 0
    ) -> None:
        self._draw = draw
        self._tokenizer = tokenizer
        self._share = share
        self._steps = steps
        self._negatives = negatives

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> ReferringBatch:
        drawn = [self._draw.draw(number) for number in self._share.numbers(step)]
        texts = [(index, each.clip.text, 0) for index, each in enumerate(drawn)]
        texts += [(clip, text, NO_OBJECT) for clip, text in self._unrelated(drawn, step)]
        frames, labels, sizes = padded([each.clip for each in drawn])
        token_ids, token_padding = tokenised([text for _, text, _ in texts], self._tokenizer)
        unknown = torch.full((len(drawn), 1), NO_OBJECT)
        return ReferringBatch(
            frames=frames,
            labels=labels,
            categories=unknown,
            colours=unknown,
            clip_of=torch.tensor([clip for clip, _, _ in texts]),
            objects=torch.tensor([meant for _, _, meant in texts]),
            token_ids=token_ids,
            token_padding=token_padding,
            slots=torch.zeros(len(texts), len(SLOT_VALUES), dtype=torch.int64),
            texts=tuple(text for _, text, _ in texts),
            sizes=sizes,
        )

    def _unrelated(self, drawn: Sequence[Drawn], step: int) -> list[tuple[int, str]]:
        """(clip, sentence) pairs that do not fit each other, as far as is known."""
        if not self._negatives:
            return []
        rng = self._draw.dice(self._share.numbers(step).start)
        meanings = [self._meaning(each.source, each.item) for each in drawn]
        order = rng.permutation(len(drawn))
        pairs = []
        for position in range(self._negatives):
            clip = int(order[position % len(drawn)])
            others = [i for i in range(len(drawn)) if meanings[i].unrelated(meanings[clip])]
            if others:
                pairs.append((clip, drawn[others[int(rng.integers(len(others)))]].clip.text))
            elif (text := self._from_anywhere(meanings[clip], rng)) is not None:
                pairs.append((clip, text))
        return pairs

    def _from_anywhere(self, clip: Meaning, rng: np.random.Generator) -> str | None:
        for _ in range(_TRIES):
            which, item = self._draw.any_item(rng)
            if self._meaning(which, item).unrelated(clip):
                return self._draw.sources[which].text(item)
        return None

    def _meaning(self, which: int, item: int) -> Meaning:
        return self._draw.sources[which].meaning(item)


@dataclass(frozen=True)
class LabelledBatch:
    """b clips with labelled objects, and pictures (t = 1) whose instances are learned beside them, or none.

    Attributes:
        frames: (b, t, h, w, 3) uint8 RGB. labels: (b, t, h, w) uint8; 0 the background, k + 1 the object k.
        categories: (b, k) int64, 0 where a set knows none.
        images: a batch of such pictures.
    """

    frames: Tensor
    labels: Tensor
    categories: Tensor
    images: LabelledBatch | None = None

    @property
    def clips(self) -> int:
        """b."""
        return len(self.frames)

    def to(self, device: torch.device) -> LabelledBatch:
        """The same batch on `device`."""
        images = None if self.images is None else self.images.to(device)
        return LabelledBatch(self.frames.to(device), self.labels.to(device), self.categories.to(device), images)

    def parts(self, count: int, mean: Mean) -> list[LabelledBatch]:
        """`count` batches of about as many clips; their losses are means over clips, so equal parts add up exactly."""
        if count == 1:
            return [self]
        bounds = [self.clips * part // count for part in range(count + 1)]
        images: Sequence[LabelledBatch | None] = [None] * count
        if self.images is not None:
            images = self.images.parts(count, mean)
        return [
            LabelledBatch(self.frames[a:b], self.labels[a:b], self.categories[a:b], picture)
            for (a, b), picture in zip(pairwise(bounds), images, strict=True)
        ]

    def state(self) -> dict[str, Any]:
        """Tensors, for a file."""
        own = {"frames": self.frames, "labels": self.labels, "categories": self.categories}
        return own | ({} if self.images is None else {"images": self.images.state()})

    def pixels(self) -> Tensor:
        """(b, t, 3, h, w) float32, ImageNet-normalised."""
        return normalised(self.frames)


class LabelledBatches(Dataset[LabelledBatch]):
    """Batches for ISVOS: clips, and as many pictures beside them where there are sets of those."""

    def __init__(
        self, clips: Draw[ClipSource], *, images: Draw[PictureInstances] | None, share: Share, steps: int
    ) -> None:
        self._clips = clips
        self._images = images
        self.image_sources = () if images is None else images.sources
        self._share = share
        self._steps = steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> LabelledBatch:
        numbers = self._share.numbers(step)
        clips = labelled([self._clips.draw(number).clip for number in numbers])
        if self._images is None:
            return clips
        drawn = [self._images.draw(number) for number in numbers]
        kinds = [self._images.sources[each.source].categories(each.item) for each in drawn]
        pictures = labelled([each.clip for each in drawn], kinds)
        return LabelledBatch(clips.frames, clips.labels, clips.categories, pictures)


def labelled(clips: Sequence[ClipSample], categories: Sequence[Sequence[int]] | None = None) -> LabelledBatch:
    """Clips as a batch, filled up to one size with grey and background."""
    frames, labels, _ = padded(clips)
    most = max(1, int(labels.max()))
    table = torch.zeros(len(clips), most, dtype=torch.int64)
    for row, kinds in enumerate(categories or ()):
        known = list(kinds)[:most]
        table[row, : len(known)] = torch.tensor(known, dtype=torch.int64)
    return LabelledBatch(frames, labels, table)


def padded(clips: Sequence[ClipSample]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Clips filled up to the right and below.

    Returns:
        frames (n, t, h, w, 3) uint8, labels (n, t, h, w) uint8, and sizes (n, 2) int64 or None if none was filled up.
    """
    sizes = [(int(clip.labels.shape[1]), int(clip.labels.shape[2])) for clip in clips]
    height, width = (-(-max(side) // _MULTIPLE) * _MULTIPLE for side in zip(*sizes, strict=True))
    shape = (len(clips), len(clips[0].labels), height, width)
    frames, labels = np.zeros((*shape, 3), dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    for row, (clip, (h, w)) in enumerate(zip(clips, sizes, strict=True)):
        frames[row, :, :h, :w], labels[row, :, :h, :w] = clip.frames, clip.labels
    whole = all(size == (height, width) for size in sizes)
    return torch.from_numpy(frames), torch.from_numpy(labels), None if whole else torch.tensor(sizes)


def tokenised(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[Tensor, Tensor]:
    """Token ids (m, l) int64 and padding (m, l) bool of texts in lower case with single spaces."""
    encodings = [tokenizer.encode(" ".join(text.lower().split())).ids for text in texts]
    ids = torch.full((len(texts), max(map(len, encodings))), tokenizer.pad_id)
    padding = torch.ones_like(ids, dtype=torch.bool)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = torch.tensor(encoding)
        padding[row, : len(encoding)] = False
    return ids, padding
