"""What a person painted over an automatic trimap on one frame: for each pixel a word, or none. No whole trimap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rvos_core.errors import UserError
from rvos_core.masks.rle import Rle, area, decode, difference, empty, encode, intersection, union

OUTSIDE, UNPAINTED, UNKNOWN, INSIDE = 0, 1, 128, 255  # labels; all but UNPAINTED as trimaps have them


@dataclass(frozen=True)
class TrimapStrokes:
    """Three masks of one size that no two share a pixel of: surely ground, to be found out, surely object.

    Raises:
        ValueError: they are of different sizes.
    """

    outside: Rle = field(repr=False)
    unknown: Rle = field(repr=False)
    inside: Rle = field(repr=False)

    def __post_init__(self) -> None:
        if len({(each.height, each.width) for each in (self.outside, self.unknown, self.inside)}) != 1:
            raise ValueError("the painted parts of a trimap are of different sizes")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame, pixels."""
        return self.inside.height, self.inside.width

    @property
    def is_empty(self) -> bool:
        """Nothing is painted."""
        return not any(area(each) for each in (self.outside, self.unknown, self.inside))

    @classmethod
    def nothing(cls, height: int, width: int) -> TrimapStrokes:
        """Nothing is painted."""
        blank = empty(height, width)
        return cls(blank, blank, blank)

    @classmethod
    def of(cls, labels: np.ndarray) -> TrimapStrokes:
        """Encode (H, W) uint8 labels. Raises: ValueError: another shape, or a value that is no label."""
        if labels.ndim != 2 or labels.dtype != np.uint8:
            raise ValueError("painted labels are (H, W) uint8")
        known = int(np.count_nonzero(labels == UNPAINTED))
        parts = []
        for label in (OUTSIDE, UNKNOWN, INSIDE):
            here = labels == label
            count = int(np.count_nonzero(here))
            parts.append(encode(here) if count else empty(*labels.shape))
            known += count
        if known != labels.size:
            raise ValueError("a painted trimap knows outside, unpainted, unknown and inside")
        return cls(*parts)

    def labels(self) -> np.ndarray:
        """(H, W) uint8 of OUTSIDE, UNPAINTED, UNKNOWN and INSIDE. Raises: UserError: the counts are damaged."""
        found = np.full(self.size, UNPAINTED, dtype=np.uint8)
        for part, label in ((self.outside, OUTSIDE), (self.unknown, UNKNOWN), (self.inside, INSIDE)):
            if area(part):
                found[decode(part)] = label
        return found

    def joined(self, other: TrimapStrokes) -> TrimapStrokes:
        """What holds of two objects that become one: inside of either, else unknown of either, outside of both.

        Raises:
            UserError: they are of different sizes.
        """
        if self.size != other.size:
            raise UserError(
                "The painted trimaps of the two objects are of different sizes.",
                hint="Clear one of them first.",
                code="project.mask_size",
            )
        inside = union(self.inside, other.inside)
        unknown = difference(union(self.unknown, other.unknown), inside)
        outside = intersection(self.outside, other.outside)
        return TrimapStrokes(outside, unknown, inside)
