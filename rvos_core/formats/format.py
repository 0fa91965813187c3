"""What a format is: how it is read, written and recognised, and a closed list of what can be lost in one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet, Sights
from rvos_core.types import CancelToken

Overlap: TypeAlias = Literal["refuse", "order", "files"]
Progress: TypeAlias = Callable[[int, int], None]
_Source = TypeVar("_Source")


class Loss(Enum):
    """What does not come back when a set is written and read again; the value is the words of the table."""

    OVERLAP = "pixels that two objects share (choice: order or one file per object)"
    IDS = "object numbers"
    TRACKS = "which object is which from frame to frame"
    NAMES = "names of objects"
    CATEGORIES = "categories"
    ATTRIBUTES = "attributes"
    UNSEEN = "objects without a pixel in any frame"
    OCCLUSION = "that an object in sight is partly hidden"
    ABSENCE = "why an object is out of sight"
    HOLES = "holes in masks (filled)"
    MASKS = "masks"
    EXPRESSIONS = "sentences"
    SEVERAL = "sentences about several objects or none"
    UNTOLD = "sentences that do not say what they mean"
    EXPRESSION_IDS = "numbers of sentences"
    ANNOTATORS = "who wrote a sentence"
    KINDS = "whether who wrote a sentence had seen the first frame or the whole clip"
    NEGATIVES = "sentences that must not match"
    SURPLUS = "sentences beyond two of a kind for an object (Ref-DAVIS17 has four annotators)"
    ONE_SENTENCE = "all sentences but the first of an object"
    BLANKS = "blanks at the ends of sentences and doubled ones"
    RATE = "frame rate"
    FRAMES = "frames without a mask of any object"
    UNSAID_FRAMES = "frames about which nothing is said"
    FRAME_NAMES = "names of frames (numbered instead)"
    SIZE = "size of a clip without masks"
    EMPTY_CLIPS = "clips without objects in sight"


@dataclass(frozen=True)
class ReadOptions:
    """How a source is read.

    Attributes:
        split: train, val, ...; empty: the only one, or the first that is there.
        size: (width, height) of clips whose format does not say it.
        progress: called with (done, of).
        wanted: told the names of all clips, says which of them to read, where that takes long; default: all.
    """

    split: str = ""
    size: tuple[int, int] | None = None
    progress: Progress | None = field(default=None, compare=False)
    cancel: CancelToken | None = field(default=None, compare=False)
    wanted: Callable[[tuple[str, ...]], Collection[str]] | None = field(default=None, compare=False)

    def chosen(self, clips: Mapping[str, _Source]) -> dict[str, _Source]:
        """Those of `clips`, by name, that are wanted."""
        names = clips if self.wanted is None else self.wanted(tuple(clips))
        return {name: source for name, source in clips.items() if name in names}

    def step(self, done: int, total: int) -> None:
        """One piece of `total` is read. Raises: Cancelled."""
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        if self.progress is not None:
            self.progress(done, total)


@dataclass(frozen=True)
class WriteOptions:
    """How a set is written.

    Attributes:
        split: name of the split, where the layout has splits.
        overlap: where the format has one object a pixel: refuse, put the last object of the list on top, or write
            a file per object.
        suffix: of the pictures that the files speak of.
        progress: called with (frames done, of).
        verify: called with what was written before it takes its name; raises if it is not what was meant.
    """

    split: str = "train"
    overlap: Overlap = "refuse"
    suffix: str = ".jpg"
    progress: Progress | None = field(default=None, compare=False)
    cancel: CancelToken | None = field(default=None, compare=False)
    verify: Callable[[Path], None] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Written:
    """What was written. `notes`: what was left out, one sentence each."""

    path: Path
    files: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One annotation format.

    Attributes:
        format_id: as on the command line.
        layout: files and folders, in a line.
        target: whether it is one file or a folder.
        can_overlap: whether two objects may share a pixel.
        splits_objects: whether overlapping objects can go to a file each.
        losses: what does not come back.
        read: (source, options) -> set. Raises: UserError, Cancelled.
        write: (set, target, options) -> what was written. Raises: UserError, Cancelled.
        detect: whether a path looks like this format; looks at names and at the beginnings of files only.
        splits: names of a source's splits as `ReadOptions.split` takes them, the empty one first where all of them
            can be read as one; nothing where it has none.
        max_object_id: largest object number that it can hold.
        needs_size: whether every clip's size must be known.
    """

    format_id: str
    title: str
    layout: str
    target: Literal["file", "folder"]
    can_overlap: bool
    losses: frozenset[Loss]
    read: Callable[[Path, ReadOptions], AnnotationSet]
    write: Callable[[AnnotationSet, Path, WriteOptions], Written]
    detect: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]] = lambda _: ()
    splits_objects: bool = False
    max_object_id: int | None = None
    needs_size: bool = True

    @property
    def file_suffix(self) -> str:
        """Of the one file that it makes, with its dot; empty: it goes into a folder."""
        return Path(self.layout).suffix if self.target == "file" else ""


_SPLITS = ("train", "trainval", "val", "valid_u", "valid", "test")


def split_order(name: str) -> tuple[int, str]:
    """A key that puts the split to train on first, and those whose masks are published before the others."""
    return _SPLITS.index(name) if name in _SPLITS else len(_SPLITS), name


class Walk:
    """The frames of a set in order, with progress and cancel; what every writer goes along."""

    def __init__(self, annotations: AnnotationSet, options: WriteOptions) -> None:
        self._options = options
        self._total = sum(len(clip.frames) for clip in annotations.clips)
        self._done = 0

    def frames(self, clip: AnnotatedClip) -> Iterator[tuple[int, str, Sights]]:
        """(index, name, what is known) of each frame. Raises: Cancelled; UserError: a mask of another size."""
        for index, name in enumerate(clip.frames):
            if self._options.cancel is not None:
                self._options.cancel.raise_if_cancelled()
            sights = clip.sights(index)
            check_sights(clip, name, sights)
            yield index, name, sights
            self._done += 1
            if self._options.progress is not None:
                self._options.progress(self._done, self._total)

    def by_object(self, clip: AnnotatedClip) -> dict[int, list[tuple[int, Sights]]]:
        """Object id -> (index, that frame) where something is said of it; run lengths of one clip are held."""
        found: dict[int, list[tuple[int, Sights]]] = {each.object_id: [] for each in clip.objects}
        for index, _, sights in self.frames(clip):
            for object_id in sights:
                found[object_id].append((index, sights))
        return found


def check_sights(clip: AnnotatedClip, frame: str, sights: Sights) -> None:
    """Raises: UserError: a mask has another size than the clip."""
    for object_id, sight in sights.items():
        if (sight.mask.width, sight.mask.height) != (clip.width, clip.height):
            raise UserError(
                f"The mask of object {object_id} on frame {frame} of {clip.name} is "
                f"{sight.mask.width}x{sight.mask.height}, the clip is {clip.width}x{clip.height}.",
                hint="Masks are never resized silently; export them at the size of the clip.",
                code="formats.size",
            )
