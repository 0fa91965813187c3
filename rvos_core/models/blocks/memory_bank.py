"""The memory bank of ISVOS (section 4.1): which frames are kept, and what each object finds in them. Ids, not rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rvos_core.models.isvos_configs import MemoryConfig


@dataclass(frozen=True)
class MemoryEntry:
    """One remembered frame.

    Attributes:
        key: (c_k, n) of its cells.
        values: object id -> (c_v, n); an object has no value in frames from before it was shown.
    """

    key: Tensor
    values: Mapping[int, Tensor]


@dataclass(frozen=True)
class MemoryGroup:
    """Objects that remember the same frames, ready to be read.

    Attributes:
        object_ids: in the order of the values.
        keys: (c_k, n) of all cells of these frames.
        values: (o, c_v, n).
    """

    object_ids: tuple[int, ...]
    keys: Tensor
    values: Tensor


class MemoryBank:
    """Keeps what must not be forgotten, a queue of recent frames, and (if wanted) the frame before.

    Never forgotten: frames remembered for good (a person's corrections) and the first frame of every object. The queue
    holds one frame less than `most`; the oldest leaves first. So memory grows with corrections, never with the clip.
    """

    def __init__(self, config: MemoryConfig) -> None:
        self.config = config
        self._kept: list[MemoryEntry] = []
        self._recent: list[MemoryEntry] = []
        self._previous: MemoryEntry | None = None
        self._groups: tuple[MemoryGroup, ...] | None = None

    @property
    def object_ids(self) -> frozenset[int]:
        """The objects that are remembered in some frame."""
        return frozenset(object_id for entry in self.entries for object_id in entry.values)

    @property
    def entries(self) -> tuple[MemoryEntry, ...]:
        """All remembered frames: those kept for good, then the recent ones, oldest first."""
        previous = () if self._previous is None else (self._previous,)
        return (*self._kept, *self._recent, *previous)

    @property
    def size_bytes(self) -> int:
        """What the entries hold."""
        tensors = (tensor for entry in self.entries for tensor in (entry.key, *entry.values.values()))
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def remember(self, entry: MemoryEntry, *, permanent: bool) -> None:
        """Adds a frame. It is kept for good if it is `permanent` or shows an object for the first time."""
        if permanent or not self.object_ids >= entry.values.keys():
            self._kept.append(entry)
        else:
            self._recent.append(entry)
            del self._recent[: max(0, len(self._recent) - (self.config.most - 1))]
        self._groups = None

    def replace_previous(self, entry: MemoryEntry) -> None:
        """Puts the frame just predicted in the place of the one before it."""
        self._previous = entry
        self._groups = None

    def drop_previous(self) -> None:
        """Forgets the frame before: the next frame does not follow it."""
        self._previous = None
        self._groups = None

    def forget(self, object_id: int) -> None:
        """Removes an object from every frame, and the frames in which nothing is left."""
        for entry in self.entries:
            self.forget_in(entry, (object_id,))

    def forget_in(self, entry: MemoryEntry, object_ids: Iterable[int]) -> MemoryEntry | None:
        """Removes objects from one frame, if it has not left already; returns what stays, None if nothing does."""
        gone = set(object_ids)
        values = {each: value for each, value in entry.values.items() if each not in gone}
        left = MemoryEntry(entry.key, values) if values else None
        for entries in (self._kept, self._recent):
            for position in [p for p, each in enumerate(entries) if each is entry]:
                entries[position : position + 1] = [] if left is None else [left]
        if self._previous is entry:
            self._previous = left
        self._groups = None
        return left

    def forget_recent(self) -> None:
        """Forgets everything but what is kept for good."""
        self._recent.clear()
        self.drop_previous()

    def groups(self) -> tuple[MemoryGroup, ...]:
        """The objects by what they remember, in the order of their first frames."""
        if self._groups is None:
            entries = self.entries
            frames: dict[int, list[int]] = {}
            for number, entry in enumerate(entries):
                for object_id in entry.values:
                    frames.setdefault(object_id, []).append(number)
            alike: dict[tuple[int, ...], list[int]] = {}
            for object_id, numbers in frames.items():
                alike.setdefault(tuple(numbers), []).append(object_id)
            self._groups = tuple(_group(ids, [entries[n] for n in numbers]) for numbers, ids in alike.items())
        return self._groups


def _group(object_ids: list[int], entries: list[MemoryEntry]) -> MemoryGroup:
    keys = torch.cat([entry.key for entry in entries], dim=-1)
    values = torch.stack([torch.cat([entry.values[each] for entry in entries], dim=-1) for each in object_ids])
    return MemoryGroup(tuple(object_ids), keys, values)
