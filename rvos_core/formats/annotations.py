"""What every annotation format is read into and written from: clips, their objects, sentences, a mask a frame.

Pixels are never held: a frame is asked for when it is needed and comes as run lengths, so a clip of 10,000 frames
streams. Whoever reads a set must leave its source in place until the set is done with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from rvos_core.masks.rle import Rle, bbox

Kind: TypeAlias = Literal["first_frame", "full_video"]


@dataclass(frozen=True)
class Sight:
    """What is known of one object in one frame.

    Attributes:
        mask: of the clip's size; without a pixel where the object is known to be out of sight.
        occluded: behind something, partly or wholly.
        outside: out of the picture.
    """

    mask: Rle
    occluded: bool = False
    outside: bool = False

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(x0, y0, x1, y1) in pixels, right and bottom exclusive; None where nothing is seen."""
        return bbox(self.mask)


# Object id -> what is known; an object that is not a key: nothing is said about it in that frame.
Sights: TypeAlias = Mapping[int, Sight]


@dataclass(frozen=True)
class AnnotatedObject:
    """One thing in a clip, the same through all frames.

    Attributes:
        object_id: from 1 on, unique in its clip.
        name: what a person calls it.
        category: a word of a closed list, empty where there is none.
        attributes: further facts, texts only.
    """

    object_id: int
    name: str = ""
    category: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What to write where a format has room for one word: category, else name, else the number."""
        return self.category or self.name or default_name(self.object_id)


@dataclass(frozen=True)
class Expression:
    """A sentence about a clip.

    Attributes:
        expression_id: unique in its clip.
        object_ids: what is meant, several or none; None where the data set does not say.
        kind: whether who wrote it had seen the first frame or the whole video.
        annotator: empty where unknown.
        positive: False for a sentence that must not match.
    """

    expression_id: str
    text: str
    object_ids: tuple[int, ...] | None
    kind: Kind = "full_video"
    annotator: str = ""
    positive: bool = True


@dataclass(frozen=True)
class AnnotatedClip:
    """One clip.

    Attributes:
        name: unique in its set; a name of one file or folder.
        width, height: pixels; 0 where no mask and no header says so.
        frames: names of the frames in order of time, without suffix.
        sights: frame's index -> what is known there. Raises: UserError: that frame's masks are damaged.
        rate: frames a second, where known.
        images: folder with the clip's pictures, where it lies beside the annotations.
        first: number of the first of `frames` in its source, from 0: that of a part of a clip, where a format counts
            frames instead of naming them.
    """

    name: str
    width: int
    height: int
    frames: tuple[str, ...]
    objects: tuple[AnnotatedObject, ...]
    sights: Callable[[int], Sights] = field(repr=False, compare=False)
    expressions: tuple[Expression, ...] = ()
    rate: Fraction | None = None
    images: Path | None = None
    first: int = 0

    def number(self, index: int) -> int:
        """The number in its source of the frame at `index`, from 0."""
        return self.first + index


@dataclass(frozen=True)
class AnnotationSet:
    """Clips that were read together or are to be written together. `notes`: what a person should know of them."""

    clips: tuple[AnnotatedClip, ...]
    notes: tuple[str, ...] = ()


def default_name(object_id: int) -> str:
    """What an object is called that has no name."""
    return f"object {object_id}"


def nothing_said(_: int) -> Sights:
    """The `sights` of a clip without masks."""
    return {}
