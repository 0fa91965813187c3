"""Everything about a delivery that can be known before its work starts: files, sizes, times, and what is in the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from rvos_core.delivery.naming import OutputName, clip_name, output_name
from rvos_core.delivery.outputs import CUTOUT, MATTE
from rvos_core.delivery.plan_checks import (
    Problem,
    check_colours,
    check_damage,
    check_kept,
    check_places,
    check_settings,
    check_source,
    check_space,
    free_bytes,
)
from rvos_core.delivery.source import SourceFacts, source_facts
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.delivery.timecode import Timecode, clock_base
from rvos_core.delivery.timing import FrameMap, frame_map
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan, MediaInfo

_STILL_OVERHEAD_BYTES = 1024
_COLOUR_BITS = 8  # of frames as they are read
_MATTE_SHARE = 0.1  # of a cut-out's time
_USUALLY_COVERED = 0.2  # of the frame, where the masks are not known
_MOST_COMPARED = 7  # frames that reading back compares
_COMPARED_BYTES_PER_PIXEL = 7  # colours of 8 bits, alpha in float
_WORK_FACTOR = 2  # finished frames and the file made of them lie side by side for a while


@dataclass(frozen=True)
class DeliveryObject:
    """One object: its stable id, and its name and sentence for people."""

    object_id: int
    name: str
    expression: str = ""


@dataclass(frozen=True)
class PlannedOutput:
    """One file, or one folder of pictures. `objects`: whose masks are in it, later ones on top."""

    name: OutputName
    objects: tuple[DeliveryObject, ...]

    @property
    def path(self) -> Path:
        """The file, or the folder."""
        return self.name.path


@dataclass(frozen=True)
class DeliveryPlan:
    """What will be done.

    Attributes:
        spec: as asked.
        info: the clip.
        span: its frames, handles included.
        frames: which of them each output frame shows, and when.
        width, height: of what is written, pixels, at their display's aspect: square pixels, rotation baked.
        inner_width, inner_height: of the picture in it, before an odd size is made even.
        outputs: in order of writing.
        first_number: of the pictures of a sequence.
        timecode: of the first output frame.
        problems: in the way (`blocks`), or worth knowing.
        notes: what is changed on the way, in sentences.
        replaces: finished outputs that are there already.
        expected_bytes, expected_s: rough, of all outputs; on one core.
        free_bytes: of the disk; None: unknown.
        source: as it was when planned.
        revision: names the state of the masks; unfinished work of another one is not gone on with.
    """

    spec: DeliverySpec
    info: MediaInfo
    span: FrameSpan
    frames: FrameMap
    width: int
    height: int
    inner_width: int
    inner_height: int
    outputs: tuple[PlannedOutput, ...]
    first_number: int
    timecode: Timecode | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    replaces: tuple[Path, ...]
    expected_bytes: int
    expected_s: float
    free_bytes: int | None
    source: SourceFacts
    revision: str

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """Problems that must be solved first."""
        return tuple(each for each in self.problems if each.blocks)

    @property
    def start_s(self) -> Fraction:
        """When the first frame of the span is shown, in the source's own time, seconds."""
        return self.info.pts[self.span.start] * self.info.time_base

    def raise_if_blocked(self) -> None:
        """Raises: UserError: the first problem that is in the way."""
        for problem in self.blocking:
            raise problem.error()

    def job_key(self, output: PlannedOutput) -> str:
        """Names all that decides what an output will hold."""
        values = [
            self.spec.as_dict(),
            [each.object_id for each in output.objects],
            [each.name for each in output.objects],
            str(output.path),
            str(self.info.path),
            self.source.identity,
            [self.info.width, self.info.height, self.info.frame_count],
            self.revision,
        ]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, for a program or a dialog."""
        return {
            "spec": self.spec.as_dict(),
            "span": [self.span.start, self.span.stop],
            "frames": len(self.frames.sources),
            "duplicated": list(self.frames.duplicated),
            "dropped": list(self.frames.dropped),
            "size": [self.width, self.height],
            "rate": str(self.frames.times.rate),
            "timecode": None if self.timecode is None else str(self.timecode),
            "outputs": [str(each.path) for each in self.outputs],
            "replaces": [str(path) for path in self.replaces],
            "expected_bytes": self.expected_bytes,
            "expected_s": round(self.expected_s, 1),
            "free_bytes": self.free_bytes,
            "problems": [each.as_dict() for each in self.problems],
            "notes": list(self.notes),
        }


def make_plan(
    spec: DeliverySpec,
    *,
    info: MediaInfo,
    objects: Sequence[DeliveryObject],
    folder: Path,
    masked_frames: Mapping[int, int] | None = None,
    covered: Mapping[int, float] | None = None,
    identity: tuple[int, int] | None = None,
    revision: str = "",
) -> DeliveryPlan:
    """Think a delivery through; nothing is written.

    Args:
        objects: whose masks, from the lowest to the topmost.
        folder: where everything goes; need not exist.
        masked_frames: object id -> number of frames with a mask in it; None: not known.
        covered: object id -> mean share of the frame that it covers, 0..1, for the estimate of size; None: not known.
        identity: the source's `file_identity` when the masks were made; None: that does not matter.
        revision: see `DeliveryPlan`.

    Raises:
        UserError: there is nothing that could be planned: no objects, no frames, or the source is gone.
    """
    span = _span(spec, info, objects)
    source = source_facts(info)
    frames = frame_map(info, span, rate=spec.rate, constant=spec.timing == "constant")
    inner = tuple(max(1, round(Fraction(side, spec.scale))) for side in (info.width, info.height))
    width, height = _encoded_size(spec, *inner)
    first = spec.start_number if spec.start_number is not None else frames.sources[0]
    outputs = _outputs(spec, info, objects, folder, highest=first + len(frames.sources) - 1)
    pixels = width * height * len(frames.sources)
    sizes = [_expected_bytes(spec, pixels, len(frames.sources), _covered(each, covered)) for each in outputs]
    free = free_bytes(folder)
    problems = [
        *check_settings(spec, frames, info, width=inner[0], height=inner[1]),
        *check_source(info, source, identity, {each.object_id: each.name for each in objects}, masked_frames),
        *check_damage(info, span),
        *check_colours(spec, info, source),
        *check_kept(spec, info, source),
        *check_places([each.name for each in outputs], still=spec.kind.still),
        *check_space(
            folder, free, int(sum(sizes) + (_WORK_FACTOR - 1) * max(sizes)) + _kept_bytes(width, height, frames)
        ),
    ]
    return DeliveryPlan(
        spec=spec,
        info=info,
        span=span,
        frames=frames,
        width=width,
        height=height,
        inner_width=inner[0],
        inner_height=inner[1],
        outputs=outputs,
        first_number=first,
        timecode=_timecode(source.timecode, info, span, frames, changed=spec.rate is not None),
        problems=tuple(problems),
        notes=tuple(_notes(spec, info, frames, source, inner=inner, outer=(width, height))),
        replaces=tuple(each.path for each in outputs if each.path.exists()),
        expected_bytes=sum(sizes),
        expected_s=_expected_s(spec, pixels) * len(outputs),
        free_bytes=free,
        source=source,
        revision=revision,
    )


def _kept_bytes(width: int, height: int, frames: FrameMap) -> int:
    """Of the pictures that wait beside the work for reading back."""
    return min(_MOST_COMPARED, len(frames.sources)) * width * height * _COMPARED_BYTES_PER_PIXEL


def _span(spec: DeliverySpec, info: MediaInfo, objects: Sequence[DeliveryObject]) -> FrameSpan:
    """The frames that are delivered, handles included. Raises: UserError: there is nothing to deliver."""
    if not objects:
        raise UserError("There is no object to deliver.", hint="Choose one.", code="delivery.no_objects")
    start = 0 if spec.start is None else spec.start
    stop = info.frame_count if spec.stop is None else min(spec.stop, info.frame_count)
    if start >= stop:
        raise UserError(
            f"There is no frame from {start} to {stop} in a clip of {info.frame_count} frames.",
            hint="Choose other in and out points.",
            code="delivery.no_frames",
        )
    return FrameSpan(max(0, start - spec.handles), min(info.frame_count, stop + spec.handles))


def _encoded_size(spec: DeliverySpec, width: int, height: int) -> tuple[int, int]:
    encoding = spec.encoding
    if encoding is None:
        return width, height
    sides = []
    for side in (width, height):
        if encoding.even and side % 2:
            side += -1 if spec.odd_size == "crop" and side > 1 else 1
        sides.append(max(side, encoding.least_side_px))
    return sides[0], sides[1]


def _outputs(
    spec: DeliverySpec, info: MediaInfo, objects: Sequence[DeliveryObject], folder: Path, *, highest: int
) -> tuple[PlannedOutput, ...]:
    groups = [tuple(objects)] if spec.objects == "together" else [(each,) for each in objects]
    found = []
    for group in groups:
        values = {
            "clip": clip_name(info),
            "object": "+".join(each.name for each in group),
            "id": "+".join(str(each.object_id) for each in group),
            "expression": "+".join(each.expression for each in group if each.expression),
            "kind": spec.kind_token,
            "format": spec.format_token,
        }
        name = output_name(
            folder, spec.template, values, suffix=spec.kind.suffix, still=spec.kind.still, highest=highest
        )
        found.append(PlannedOutput(name, group))
    return tuple(found)


def _covered(output: PlannedOutput, covered: Mapping[int, float] | None) -> float:
    """Share of the frame that the output's objects cover together."""
    if covered is None:
        return _USUALLY_COVERED
    return min(1.0, sum(covered.get(each.object_id, 0.0) for each in output.objects))


def _expected_bytes(spec: DeliverySpec, pixels: int, frames: int, covered: float) -> int:
    """Of one output. `pixels`: of all frames; `covered`: share of them."""
    kind = spec.kind
    size = pixels * covered * kind.bytes_per_covered_pixel * _depth_share(spec)
    if spec.chosen_content == MATTE and len(kind.contents) > 1:
        size *= kind.matte_share
    return int(size) + (_STILL_OVERHEAD_BYTES * frames if kind.still else 0)


def _expected_s(spec: DeliverySpec, pixels: int) -> float:
    """Of one output, on one core."""
    is_cutout = spec.chosen_content == CUTOUT or len(spec.kind.contents) == 1
    share = (1.0 if is_cutout else _MATTE_SHARE) * _depth_share(spec)
    return pixels * share / (spec.kind.megapixels_per_s * 1e6)


def _depth_share(spec: DeliverySpec) -> float:
    """Sizes of lossless forms follow their depth."""
    return spec.chosen_depth / spec.kind.depths[0] if spec.kind.alpha_error is not None else 1.0


def _timecode(
    own: Timecode | None, info: MediaInfo, span: FrameSpan, frames: FrameMap, *, changed: bool
) -> Timecode | None:
    """The source's timecode at the span's first frame, counted at the output's rate."""
    if own is None:
        return None
    rate = frames.times.rate
    offset = round(info.time_s(span.start) * info.rate) if info.is_variable_rate else span.start
    here = own.plus(offset)
    if not changed or clock_base(rate) == own.base:
        return here
    seconds, rest = divmod(here.frame, own.base)
    base = clock_base(rate)
    return Timecode(seconds * base + rest * base // own.base, base)


def _notes(
    spec: DeliverySpec,
    info: MediaInfo,
    frames: FrameMap,
    source: SourceFacts,
    *,
    inner: Sequence[int],
    outer: tuple[int, int],
) -> list[str]:
    notes = []
    if source.bits > _COLOUR_BITS and spec.chosen_content == CUTOUT:
        notes.append(
            f"Colours are made of {_COLOUR_BITS} of the {source.bits} bits that the source has; alpha keeps its depth."
        )
    if info.rotation_deg:
        notes.append(f"The source is turned by {info.rotation_deg} degrees when shown; so is what is written.")
    if info.sample_aspect != 1:
        notes.append(
            f"The source's pixels are {float(info.sample_aspect):.4g} times as wide as high; what is written has "
            f"square pixels, {info.width}x{info.height} for {info.coded_width}x{info.coded_height}."
        )
    if spec.scale != 1:
        notes.append(f"A proxy of 1/{spec.scale} of the size: {inner[0]}x{inner[1]}.")
    if tuple(inner) != outer and spec.odd_size != "ask":
        way = "cropped" if spec.odd_size == "crop" else "padded"
        notes.append(f"The picture is {way} to {outer[0]}x{outer[1]}, sizes that the encoder takes.")
    if not frames.is_one_to_one:
        notes.append(
            f"For an even {float(frames.times.rate):.5g} frames/s, {len(frames.duplicated)} frames are shown more than "
            f"once and {len(frames.dropped)} are left out."
        )
    if not frames.times.kept:
        notes.append("The source's time stamps are broken; the frames follow each other evenly.")
    notes += filter(None, (spec.kind.note, spec.kind.content_notes.get(spec.chosen_content), _exr_colours(spec)))
    return notes


def _exr_colours(spec: DeliverySpec) -> str:
    """How colours lie in EXR, which programs take for linear and premultiplied; "": there are none."""
    if spec.format != "exr" or spec.chosen_content != CUTOUT:
        return ""
    light = "linear light" if spec.linear else "as displayed (sRGB), not linear"
    return f"Colour is {light}, {'multiplied by alpha' if spec.premultiplied else 'straight'}."
