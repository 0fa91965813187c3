"""Batches of the street world: clips with two expressions each, for different objects where the clip allows it.

Two expressions of one clip in a batch keep the picture alone from answering; the pair also shares its backbone pass.
Batch k of a recipe is a function of the recipe and k only, so a resumed run sees what an uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from rvos_core.language import WordTokenizer
from rvos_core.synthetic import Expression, SyntheticClip, WorldConfig, make_clip, split_config, split_seeds
from rvos_core.training.interrupts import leave_interrupts_to_the_parent
from rvos_core.training.losses import Targets, subsample_masks
from rvos_core.training.slots import slot_classes

Mean: TypeAlias = Callable[[Tensor], Tensor]  # of a value over processes; the value itself where there is one

_MEAN = (0.485, 0.456, 0.406)  # ImageNet, as all models of the family
_STD = (0.229, 0.224, 0.225)
NO_OBJECT = -1
_NO_LABEL = 255  # no clip has as many objects


@dataclass(frozen=True)
class BatchShape:
    """What one batch holds.

    Attributes:
        sizes: (height, width) of the frames; a batch has one of them, in turn.
        clips: clips in a batch at the first size; larger sizes take fewer so that the pixels stay about equal.
        frames: frames in a clip.
        expressions: expressions a clip.
        negatives: expressions a clip that mean nothing in it, where the clip has such.
        twins: share of clips whose first two expressions mean two objects of one category, where there are such.
        min_objects, max_objects: of the world.
    """

    sizes: tuple[tuple[int, int], ...] = ((96, 160),)
    clips: int = 12
    frames: int = 1
    expressions: int = 2
    negatives: int = 0
    twins: float = 0.0
    min_objects: int = 2
    max_objects: int = 6

    def of_step(self, step: int) -> tuple[int, int, int]:
        """(height, width, clips) of batch `step`."""
        height, width = self.sizes[step % len(self.sizes)]
        area = self.sizes[0][0] * self.sizes[0][1]
        return height, width, max(1, round(self.clips * area / (height * width)))


@dataclass(frozen=True)
class ReferringBatch:
    """n clips, m = n * expressions items.

    Attributes:
        frames: (n, t, h, w, 3) uint8 RGB.
        labels: (n, t, h, w) uint8, 0 background, k + 1 object k.
        categories, colours: (n, k) int64 per object of a clip, `NO_OBJECT` where there is none.
        clip_of: (m,) int64, the clip of each item.
        objects: (m,) int64, the object that each item means; `NO_OBJECT` for a negative expression.
        token_ids, token_padding: (m, l) int64, bool (True = padding).
        slots: (m, slots) int64, what each expression says, in the order of `SLOT_VALUES`.
        texts: the expressions.
        sizes: (n, 2) int64, height and width of each clip without its padding, which is right and below; None where
            nothing is padded.
        loss_frames: what losses are divided by where this is a part of a larger batch; None: its own visible frames.
    """

    frames: Tensor
    labels: Tensor
    categories: Tensor
    colours: Tensor
    clip_of: Tensor
    objects: Tensor
    token_ids: Tensor
    token_padding: Tensor
    slots: Tensor
    texts: tuple[str, ...]
    sizes: Tensor | None = None
    loss_frames: Tensor | None = None

    @property
    def clips(self) -> int:
        """n."""
        return len(self.frames)

    def to(self, device: torch.device) -> ReferringBatch:
        """The same batch on `device`."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        moved: dict[str, Any] = {name: v.to(device) if isinstance(v, Tensor) else v for name, v in values}
        return ReferringBatch(**moved)

    def items(self, chosen: Tensor) -> ReferringBatch:
        """The same clips with only some of the expressions; `chosen`: (m,) bool."""
        rows = chosen.nonzero()[:, 0]
        names = ("clip_of", "objects", "token_ids", "token_padding", "slots")
        parts: dict[str, Any] = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **parts, texts=tuple(self.texts[row] for row in rows.tolist()))

    def slice(self, first: int, last: int) -> ReferringBatch:
        """Clips `first` to `last` (not included) with their expressions; losses are still those of the whole."""
        inside = self.items((self.clip_of >= first) & (self.clip_of < last))
        sizes = None if self.sizes is None else self.sizes[first:last]
        return replace(
            inside,
            frames=self.frames[first:last],
            labels=self.labels[first:last],
            categories=self.categories[first:last],
            colours=self.colours[first:last],
            clip_of=inside.clip_of - first,
            sizes=sizes,
        )

    def parts(self, count: int, mean: Mean) -> list[ReferringBatch]:
        """`count` batches of which each has about as many clips, whose losses' mean is that of the whole.

        Args:
            count: at most `clips`.
            mean: over the processes that each hold a part of a still larger batch.
        """
        own = self._meant().flatten(2).any(2).sum().float()
        whole = mean(own)
        if count == 1 and whole is own:
            return [self]
        shared = replace(self, loss_frames=whole.clamp(min=1) / count)
        bounds = [self.clips * part // count for part in range(count + 1)]
        return [shared.slice(first, last) for first, last in pairwise(bounds)]

    def state(self) -> dict[str, Any]:
        """Tensors and texts, for a file."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self).items() if v is not None}

    def pixels(self) -> Tensor:
        """(n, t, 3, h, w) float32, ImageNet-normalised; zero where padded."""
        pixels = normalised(self.frames)
        padding = self.padding()
        return pixels if padding is None else pixels.masked_fill(padding[:, :, None], 0.0)

    def padding(self) -> Tensor | None:
        """(n, t, h, w) bool, True = padding; None where nothing is padded."""
        if self.sizes is None:
            return None
        t, h, w = self.frames.shape[1:4]
        rows = torch.arange(h, device=self.frames.device) >= self.sizes[:, :1]
        columns = torch.arange(w, device=self.frames.device) >= self.sizes[:, 1:]
        return (rows[:, :, None] | columns[:, None])[:, None].expand(-1, t, -1, -1)

    def targets(self) -> Targets:
        """The meant object of every item; empty where the expression means none."""
        masks = self._meant()
        boxes = mask_boxes(masks)
        if self.sizes is not None:
            boxes = boxes * self._padded_over_unpadded(self.sizes)[self.clip_of][:, None]
        valid = masks.flatten(2).any(2)
        return Targets(subsample_masks(masks.float()), boxes, valid, loss_frames=self.loss_frames)

    def _meant(self) -> Tensor:
        """(m, t, h, w) bool: the meant object of every item."""
        wanted = torch.where(self.objects == NO_OBJECT, _NO_LABEL, self.objects + 1).to(self.labels.dtype)
        return self.labels[self.clip_of] == wanted[:, None, None, None]

    def objects_of_clips(self) -> Targets:
        """Every object of every clip, with an axis k of objects after the clips: masks (n, k, t, h, w) and so on.

        Objects that a clip does not have are empty and never valid.
        """
        labels = torch.arange(1, self.categories.shape[1] + 1, device=self.labels.device, dtype=self.labels.dtype)
        masks = self.labels[:, None] == labels[:, None, None, None]
        boxes = mask_boxes(masks)
        if self.sizes is not None:
            boxes = boxes * self._padded_over_unpadded(self.sizes)[:, None, None]
        return Targets(subsample_masks(masks.float()), boxes, masks.flatten(3).any(3))

    def _padded_over_unpadded(self, sizes: Tensor) -> Tensor:
        """(n, 4): what turns cxcywh in shares of the padded frame into shares of the unpadded one."""
        h, w = self.frames.shape[2:4]
        factors = torch.tensor([h, w], device=sizes.device) / sizes
        return factors[:, [1, 0, 1, 0]]

    def others(self) -> Targets:
        """The visible objects of every item's clip but the meant one, as `objects_of_clips` with items in n's place.

        The meant object and those that are never in sight are left empty and never valid.
        """
        every = self.objects_of_clips()
        index = torch.arange(self.categories.shape[1], device=self.objects.device)
        other = index != self.objects[:, None]
        return Targets(
            every.masks[self.clip_of] * other[..., None, None, None],
            every.boxes[self.clip_of] * other[..., None, None],
            every.valid[self.clip_of] & other[..., None],
        )


def normalised(frames: Tensor) -> Tensor:
    """(n, t, h, w, 3) uint8 RGB -> (n, t, 3, h, w) float32, ImageNet-normalised."""
    pixels = frames.permute(0, 1, 4, 2, 3).float() / 255
    mean = torch.tensor(_MEAN, device=frames.device)[:, None, None]
    std = torch.tensor(_STD, device=frames.device)[:, None, None]
    return (pixels - mean) / std


def mask_boxes(masks: Tensor) -> Tensor:
    """(..., h, w) bool -> (..., 4) cxcywh in [0, 1]; first and last set index (no + 1), zeros where empty."""
    extents = []
    for axis in (-2, -1):  # the axis that is folded: rows for x, columns for y
        line = masks.any(axis).float()
        low = line.argmax(-1)
        high = line.shape[-1] - 1 - line.flip(-1).argmax(-1)
        extents.append(((low + high) / 2 / line.shape[-1], (high - low) / line.shape[-1]))
    (x, width), (y, height) = extents
    return torch.stack([x, y, width, height], -1) * masks.flatten(-2).any(-1)[..., None]


class WorldBatches(Dataset[ReferringBatch]):
    """Batch k, drawn when asked for; map-style over steps."""

    def __init__(
        self,
        shape: BatchShape,
        tokenizer: WordTokenizer,
        *,
        seed: int,
        steps: int,
        split: str = "train",
        rank: int = 0,
        processes: int = 1,
        world: WorldConfig | None = None,
    ) -> None:
        """Args:

        rank, processes: give one process's share of each batch. Every process draws the whole batch, so that it is the
            same whatever their number.
        world: what clips are like, but for what `shape` says of them; None: as the split is scored.
        """
        self._shape = shape
        self._rank, self._processes = rank, processes
        self._tokenizer = tokenizer
        self._seed = seed
        self._steps = steps
        self._seeds = split_seeds(split)
        self._world = world or split_config(split)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> ReferringBatch:
        height, width, count = self._shape.of_step(step)
        config = replace(
            self._world,
            height=height,
            width=width,
            frames=self._shape.frames,
            min_objects=self._shape.min_objects,
            max_objects=self._shape.max_objects,
        )
        rng = np.random.default_rng([self._seed, step])
        clips: list[SyntheticClip] = []
        while len(clips) < count:
            clip = make_clip(self._seeds[int(rng.integers(len(self._seeds)))], config)
            if any(expression.target is not None for expression in clip.expressions):
                clips.append(clip)
        whole = collate(clips, self._tokenizer, rng, shape=self._shape)
        if self._processes == 1:
            return whole
        first, last = (count * each // self._processes for each in (self._rank, self._rank + 1))
        return whole.slice(first, last)


Batch = TypeVar("Batch", covariant=True)


class StepData(Protocol[Batch]):
    """Batches by step: batch k is a function of what was asked for and k only."""

    def __len__(self) -> int:
        """Steps."""
        ...

    def __getitem__(self, step: int) -> Batch: ...


def batches(dataset: StepData[Batch], start: int, *, workers: int) -> Iterator[Batch]:
    """Batches from step `start` on, in order, drawn ahead by `workers` processes (0: in this one)."""
    loader = DataLoader(
        cast(Dataset[Batch], dataset),
        batch_size=None,
        sampler=range(start, len(dataset)),
        num_workers=workers,
        prefetch_factor=6 if workers else None,
        worker_init_fn=leave_interrupts_to_the_parent,
        generator=torch.Generator(),  # its own: a resumed run must find the objective's random numbers where they were
    )
    yield from loader


def collate(
    clips: Sequence[SyntheticClip],
    tokenizer: WordTokenizer,
    rng: np.random.Generator,
    *,
    shape: BatchShape,
) -> ReferringBatch:
    """One batch of `clips`, with as many sentences each as `shape` says, drawn by `rng`."""
    most = max(len(clip.objects) for clip in clips)
    categories = torch.full((len(clips), most), NO_OBJECT)
    colours = torch.full((len(clips), most), NO_OBJECT)
    items: list[tuple[int, Expression]] = []
    for index, clip in enumerate(clips):
        for position, facts in enumerate(clip.objects):
            categories[index, position] = facts.category_id
            colours[index, position] = facts.colour_id
        items.extend((index, each) for each in _draw_expressions(clip, rng, shape.expressions, shape.twins))
        items.extend((index, each) for each in _draw_negatives(clip, rng, shape.negatives))
    encodings = [tokenizer.encode(expression.text).ids for _, expression in items]
    longest = max(map(len, encodings))
    token_ids = torch.full((len(items), longest), tokenizer.pad_id)
    for row, ids in enumerate(encodings):
        token_ids[row, : len(ids)] = torch.tensor(ids)
    return ReferringBatch(
        frames=torch.from_numpy(np.stack([clip.frames for clip in clips])),
        labels=torch.from_numpy(np.stack([clip.labels for clip in clips])),
        categories=categories,
        colours=colours,
        clip_of=torch.tensor([clip for clip, _ in items]),
        objects=torch.tensor([NO_OBJECT if e.target is None else e.target for _, e in items]),
        token_ids=token_ids,
        token_padding=token_ids == tokenizer.pad_id,
        slots=torch.tensor([slot_classes(expression.slots) for _, expression in items]),
        texts=tuple(expression.text for _, expression in items),
    )


def _draw_expressions(clip: SyntheticClip, rng: np.random.Generator, count: int, twins: float) -> list[Expression]:
    """`count` true expressions of a clip: of different objects first, then again from the start."""
    by_object: dict[int, list[Expression]] = {}
    for expression in clip.expressions:
        if expression.target is not None:
            by_object.setdefault(expression.target, []).append(expression)
    objects = [int(obj) for obj in rng.permutation(list(by_object))]
    if rng.random() < twins:
        category = clip.objects[objects[0]].category
        objects.sort(key=lambda obj: clip.objects[obj].category != category)  # stable: its twins come first
    order = [by_object[obj] for obj in objects]
    chosen = (order[position % len(order)] for position in range(count))
    return [options[int(rng.integers(len(options)))] for options in chosen]


def _draw_negatives(clip: SyntheticClip, rng: np.random.Generator, count: int) -> list[Expression]:
    """At most `count` expressions that mean nothing in the clip. With 0 the dice are not touched."""
    options = [expression for expression in clip.expressions if expression.target is None]
    return [options[int(index)] for index in rng.permutation(len(options))[:count]] if count else []
