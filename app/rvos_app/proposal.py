"""What a propagation would change, before a person accepts it: new masks beside those they would replace. No Qt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rvos_core.inference.events import FrameResult
from rvos_core.masks import Rle, area, intersection_area


@dataclass(frozen=True)
class Difference:
    """One frame of one object that would change. `pixels`: that differ."""

    object_id: int
    frame_index: int
    pixels: int


@dataclass
class Proposal:
    """Masks that wait to be accepted, by object and frame; those that change nothing are not among them.

    Attributes:
        shows_before: a person looks at the masks as they are now.
    """

    shows_before: bool = False
    _results: dict[tuple[int, int], FrameResult] = field(default_factory=dict, repr=False)
    _pixels: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    def put(self, object_id: int, result: FrameResult, old: Rle) -> None:
        """Take in what a frame would become; a later word on it counts."""
        place = object_id, result.frame_index
        pixels = differing(old, result.mask)
        self._results.pop(place, None)
        self._pixels.pop(place, None)
        if pixels:
            self._results[place] = result
            self._pixels[place] = pixels

    def drop(self, object_id: int, frame_index: int) -> None:
        """A person has spoken on this frame meanwhile: nothing is proposed there any more."""
        self._results.pop((object_id, frame_index), None)
        self._pixels.pop((object_id, frame_index), None)

    def __bool__(self) -> bool:
        return bool(self._results)

    def get(self, object_id: int, frame_index: int) -> FrameResult | None:
        """What a frame would become, or None where it stays."""
        return self._results.get((object_id, frame_index))

    def results(self) -> Mapping[int, list[FrameResult]]:
        """Object id -> its new masks, by frame."""
        found: dict[int, list[FrameResult]] = {}
        for (object_id, _), result in sorted(self._results.items(), key=lambda each: each[0]):
            found.setdefault(object_id, []).append(result)
        return found

    def differences(self) -> Iterator[Difference]:
        """The frames that would change, in order."""
        for (object_id, frame), pixels in sorted(self._pixels.items(), key=lambda each: each[0][::-1]):
            yield Difference(object_id, frame, pixels)

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames in which something would change, in order."""
        return tuple(sorted({frame for _, frame in self._results}))

    @property
    def pixels(self) -> int:
        """All pixels that would change."""
        return sum(self._pixels.values())


def differing(one: Rle, other: Rle) -> int:
    """Pixels in which two masks of one size differ."""
    return area(one) + area(other) - 2 * intersection_area(one, other)
