"""What can be in the way of a delivery: each check looks at one thing and says it as a `Problem`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from rvos_core.delivery.audio import sound_fits
from rvos_core.delivery.naming import OutputName, collisions, name_problem
from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.source import SourceFacts
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.delivery.timing import FrameMap
from rvos_core.errors import UserError
from rvos_core.files import refuse_foreign_files, write_error
from rvos_core.types import FrameSpan, MediaInfo

DAMAGED = "delivery.damaged_source"
WIDE = "delivery.wide_colours"
REPORTED = frozenset({DAMAGED, WIDE})  # problems that the report beside an output tells again
_SPACE_FACTOR = 1.2
_SHOWN_PARTS = 3
_OWN_FOLDER = (
    "Put {object}, {id}, {kind} or {format} into the folder's name, as in {object}/{object}.{frame:04} or "
    "{object}_{format}/{object}.{frame:04}."
)


@dataclass(frozen=True)
class Problem:
    """Something to be told before the work starts.

    Attributes:
        code, message, hint: as of a `UserError`.
        blocks: the work cannot begin before it is solved.
        choices: values of `DeliverySpec.odd_size` that would solve it.
    """

    code: str
    message: str
    hint: str = ""
    blocks: bool = True
    choices: tuple[str, ...] = ()

    def error(self) -> UserError:
        """The same as an error."""
        return UserError(self.message, hint=self.hint, code=self.code)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "blocks": self.blocks,
            "choices": list(self.choices),
        }


def check_settings(spec: DeliverySpec, frames: FrameMap, info: MediaInfo, *, width: int, height: int) -> list[Problem]:
    """What the encoder refuses, lacks or loses; sizes before they are made even."""
    found = []
    encoding = spec.encoding
    if encoding is not None and not has_encoder(encoding.codec):
        found.append(
            Problem(
                "delivery.no_encoder",
                f"{spec.kind.title} cannot be written: this FFmpeg has no encoder {encoding.codec}.",
                "Choose another format, or install the `av` package from PyPI.",
            )
        )
    if spec.kind.module and importlib.util.find_spec(spec.kind.module) is None:
        found.append(
            Problem(
                "delivery.no_encoder",
                f"{spec.kind.title} needs the Python package {spec.kind.module}, which is not installed.",
                f"pip install {spec.kind.module}",
            )
        )
    if encoding is not None and spec.odd_size == "ask":
        odd = encoding.even and (width % 2 or height % 2)
        if odd or min(width, height) < encoding.least_side_px:
            choices = ("pad", "crop", "444") if encoding.pixel_format == "yuv420p" and odd else ("pad",)
            found.append(
                Problem(
                    "delivery.odd_size",
                    f"{spec.kind.title} does not take {width}x{height} pixels.",
                    f"Choose what to do: {' or '.join(choices)}.",
                    choices=choices,
                )
            )
    if info.is_variable_rate and frames.times.kept and not frames.times.is_even:
        text = "has an even rate only" if spec.kind.still else "keeps it, but editing programs expect an even one"
        found.append(
            Problem(
                "delivery.variable_rate",
                f"The source's frame rate varies; {spec.kind.title} {text}.",
                "With constant timing frames are repeated and left out where that is needed.",
                blocks=False,
            )
        )
    return found


def check_source(
    info: MediaInfo,
    source: SourceFacts,
    identity: tuple[int, int] | None,
    objects: Mapping[int, str],
    masked_frames: Mapping[int, int] | None,
) -> list[Problem]:
    """A source that changed since; objects without a mask."""
    found = []
    if identity is not None and source.identity != identity:
        found.append(
            Problem(
                "delivery.source_changed",
                f"{info.path} has changed since its masks were made.",
                "Open it again and look whether the masks still fit.",
            )
        )
    return [*found, *check_masks(objects, masked_frames)]


def check_masks(objects: Mapping[int, str], masked_frames: Mapping[int, int] | None) -> list[Problem]:
    """Objects (id -> name) that are in sight on no frame; `masked_frames`: id -> number of frames, None: not known."""
    return [
        Problem(
            "delivery.no_masks",
            f"“{name}” has no mask on any frame: all of its output will be empty.",
            "Look for it first, or leave it out.",
            blocks=False,
        )
        for object_id, name in objects.items()
        if masked_frames is not None and not masked_frames.get(object_id, 0)
    ]


def check_colours(spec: DeliverySpec, info: MediaInfo, source: SourceFacts) -> list[Problem]:
    """Colours of the source that a picture of BT.709 does not have; mattes have none."""
    return check_wide(info, source) if spec.chosen_content == CUTOUT else []


def check_wide(info: MediaInfo, source: SourceFacts) -> list[Problem]:
    """The same of whatever is made of the source's colours."""
    if not source.wide:
        return []
    return [
        Problem(
            WIDE,
            f"The colours of {info.path.name} are {source.wide}; pictures are made of 8 bits of them, unchanged, and "
            "are called BT.709: they will not have the colours of the clip.",
            "Deliver the matte, and put it over the clip itself in the editing program.",
            blocks=False,
        )
    ]


def check_damage(info: MediaInfo, span: FrameSpan) -> list[Problem]:
    """Frames of `span` that lie in damaged parts of the clip: they are written as they can be decoded."""
    parts = [
        FrameSpan(max(each.start, span.start), min(each.stop, span.stop))
        for each in info.damaged
        if each.start < span.stop and span.start < each.stop
    ]
    if not parts:
        return []
    shown = ", ".join(f"{each.start} to {each.stop - 1}" for each in parts[:_SHOWN_PARTS])
    more = f" and {len(parts) - _SHOWN_PARTS} parts more" if len(parts) > _SHOWN_PARTS else ""
    return [
        Problem(
            DAMAGED,
            f"{info.path} is damaged at frames {shown}{more}: {sum(map(len, parts))} of {len(span)} pictures may be "
            "wrong or repeat others.",
            "Look at their masks, choose a range without them, or take a whole copy of the clip.",
            blocks=False,
        )
    ]


def check_places(names: Sequence[OutputName], *, still: bool) -> list[Problem]:
    """Names that collide or are too long, folders that cannot be written, files that would be lost."""
    found = check_names(names)
    for name in names:
        path = name.path / name.picture(0) if still else name.path
        trouble = name_problem(path)
        if trouble is not None:
            found.append(
                Problem("delivery.long_name", f"{path} {trouble}.", "Choose a shorter naming or folder.", blocks=False)
            )
    if refusal := _cannot_write(names[0].path):
        return [*found, refusal]
    for name in names:
        try:
            if still:
                refuse_foreign_files(name.path, name.owned)
            elif name.path.is_dir():
                found.append(Problem("files.is_a_folder", f"{name.path} is a folder.", "Choose another name."))
        except UserError as error:
            found.append(Problem(error.code, error.message, error.hint))
        except OSError as error:
            refused = write_error(name.path, error)
            found.append(Problem(refused.code, refused.message, refused.hint))
    return found


def check_names(names: Sequence[OutputName]) -> list[Problem]:
    """Outputs that would be one, or lie in the folder of a sequence, which holds nothing else."""
    found = []
    paths = [each.path for each in names]
    for earlier, later in collisions(paths):
        one = paths[later].name + (f" ({paths[earlier].name})" if paths[earlier] != paths[later] else "")
        message, hint = (
            f"Two outputs would have the name {one}.",
            "Put {format}, {kind}, {id} or {object} into the naming.",
        )
        if names[later].is_sequence:
            message, hint = f"Two sequences would lie in the folder {one}; each needs one of its own.", _OWN_FOLDER
        found.append(Problem("delivery.same_name", message, hint))
    folders = {each.path for each in names if each.is_sequence}
    for path in paths:
        if owner := next((each for each in path.parents if each in folders), None):
            message = f"{path.name} would lie in the folder {owner.name} of a sequence, which needs one of its own."
            found.append(Problem("delivery.same_name", message, _OWN_FOLDER))
    return found


def check_kept(spec: DeliverySpec, info: MediaInfo, source: SourceFacts) -> list[Problem]:
    """Sound that the container does not hold; all of them hold the timecode."""
    encoding = spec.encoding
    if encoding is None:
        return []
    if spec.audio and info.kind == "video" and info.has_audio and not sound_fits(source.sound, encoding.muxer):
        what = source.sound or "of an unknown codec"
        message = f"The source's sound ({what}) will be left out: {spec.kind.title} does not take it."
        return [Problem("delivery.no_sound", message, "Take it from the source itself.", blocks=False)]
    return []


def check_space(folder: Path, free: int | None, expected_bytes: int) -> list[Problem]:
    """Too little room for `expected_bytes` and a fifth; `free` as of `free_bytes`."""
    needed = expected_bytes * _SPACE_FACTOR
    if free is None or free >= needed:
        return []
    return [
        Problem(
            "files.disk_full",
            f"{folder} has {free / 1e6:,.0f} MB free; this needs about {needed / 1e6:,.0f} MB.",
            "Free some space or choose another folder.",
        )
    ]


def has_encoder(codec: str) -> bool:
    """Whether this FFmpeg can encode with `codec`."""
    try:
        av.codec.Codec(codec, "w")
    except ValueError:  # UnknownCodecError is one
        return False
    return True


def free_bytes(folder: Path) -> int | None:
    """Free space of the disk on which `folder` is, or will be; None where the system does not say."""
    existing = _existing(folder)
    if existing is None:
        return None
    try:
        disk = shutil.disk_usage(existing)
    except OSError:
        return None
    return disk.free if disk.total else None


def _existing(folder: Path) -> Path | None:
    with contextlib.suppress(OSError):
        return next((path for path in (folder, *folder.parents) if path.exists()), None)
    return None


def _cannot_write(path: Path) -> Problem | None:
    """Try with a file that nobody sees: permissions alone do not tell of read-only disks."""
    try:
        existing = next((each for each in path.parents if each.exists()), None)
        if existing is None:
            return Problem("files.folder_gone", f"{path.parent} is not there.", "Check that the disk is connected.")
        descriptor, name = tempfile.mkstemp(prefix=".rvos-try-", dir=existing)
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
    except OSError as error:
        refused = write_error(path, error)
        return Problem(refused.code, refused.message, refused.hint)
    return None
