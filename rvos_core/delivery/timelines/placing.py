"""From a clip and what was delivered of it to a timeline: source below, cut-outs above, mattes on top, switched off.

The timeline shows the frames that were delivered and has the source's timecode. Track mattes cannot be said in a file
that every program reads; therefore the cut-out lies ready, and the matte is there for whoever wants it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan, PlannedOutput
from rvos_core.delivery.plan_checks import WITH_TIMECODE
from rvos_core.delivery.timecode import Timecode, clock_base
from rvos_core.delivery.timelines.model import (
    NO_ALPHA,
    PREMULTIPLIED,
    STRAIGHT,
    Clip,
    Marker,
    Media,
    Pictures,
    Sound,
    Timeline,
    Track,
    usual_rate,
)
from rvos_core.errors import UserError
from rvos_core.media.container import open_container
from rvos_core.media.sniff import IMAGE_SUFFIXES
from rvos_core.types import FrameSpan, MediaInfo

_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]*)", re.DOTALL)


@dataclass(frozen=True)
class DeliveredFile:
    """One finished output as a timeline needs it.

    Attributes:
        path: the file, or the folder of pictures; absolute.
        span: its frames of the source.
        frames: of its own; as many, unless a varying rate was made even.
        rate: frames per second.
        width, height: pixels, square.
        is_cutout: a picture to be laid over the source; else a matte.
        alpha: see `Media`.
        objects: whose masks are in it.
        timecode: that the file itself has; None: it has none.
        pictures: names of its pictures; None: a movie.
        sound: None: it has none.
    """

    path: Path
    span: FrameSpan
    frames: int
    rate: Fraction
    width: int
    height: int
    is_cutout: bool
    alpha: str
    objects: tuple[DeliveryObject, ...]
    timecode: Timecode | None = None
    pictures: Pictures | None = None
    sound: Sound | None = None


def timeline_of_plans(plans: Sequence[DeliveryPlan], *, name: str = "", markers: Sequence[Marker] = ()) -> Timeline:
    """The timeline of deliveries of one clip, which need not have been carried out yet.

    Args:
        plans: at least one, in any order.
        name, markers: as of `place`.

    Raises:
        UserError: as `place`, or an output keeps a varying rate, which no timeline has.
    """
    if not plans:
        raise ValueError("no plans")
    files = [each for plan in plans for each in delivered_files(plan)]
    return place(plans[0].info, files, timecode=plans[0].source.timecode, name=name, markers=markers)


def delivered_files(plan: DeliveryPlan) -> tuple[DeliveredFile, ...]:
    """What a plan's outputs are to a timeline. Raises: UserError: they keep a varying rate."""
    if not plan.frames.times.is_even:
        raise UserError(
            f"{plan.outputs[0].path} keeps the varying rate of {plan.info.path.name}; a timeline has one rate.",
            hint="Deliver with an even rate (timing: constant).",
            code="timeline.variable",
        )
    return tuple(_delivered(plan, each) for each in plan.outputs)


def place(
    info: MediaInfo,
    files: Sequence[DeliveredFile],
    *,
    timecode: Timecode | None,
    name: str = "",
    markers: Sequence[Marker] = (),
) -> Timeline:
    """Lay delivered files over the frames of the clip that they were made of.

    Args:
        info: the clip.
        files: at least one; the first cut-out is the lowest.
        timecode: of the clip's first frame; None: it counts from 00:00:00:00.
        name: of the timeline; "": the clip's.
        markers: `frame` is one of the source; those outside of what was delivered are left out.

    Raises:
        UserError: a file has another rate than the clip, or the clip is a folder whose pictures are not numbered
            without gaps.
    """
    if not files:
        raise ValueError("no files")
    rate = usual_rate(info.rate)
    for each in files:
        if usual_rate(each.rate) != rate:
            raise UserError(
                f"{each.path} has {float(each.rate):.6g} frames per second, {info.path.name} {float(rate):.6g}; "
                "on a timeline they would not stay together.",
                hint="Deliver at the rate of the source.",
                code="timeline.rate",
            )
    clock = Timecode(0, clock_base(rate)) if timecode is None else timecode
    source = _source(info, clock)
    starts = [min(_frame_at(info, each.span.start), source.frames - 1) for each in files]
    begin = min(starts)
    end = max(start + each.frames for start, each in zip(starts, files, strict=True))
    tracks = [Track("Source", (Clip(info.path.name, source, 0, begin, min(end, source.frames)),))]
    for above in (True, False):  # whoever switches a matte on sees it
        for each, start in zip(files, starts, strict=True):
            if each.is_cutout == above:
                tracks.append(_track(each, start - begin))
    length = max(track.clips[-1].end for track in tracks)
    return Timeline(
        name=name or info.path.stem,
        rate=rate,
        width=info.width,
        height=info.height,
        tracks=tuple(tracks),
        start=clock.plus(begin),
        markers=tuple(_moved(info, markers, begin, length)),
        metadata={"source": info.path.name},
    )


def _delivered(plan: DeliveryPlan, output: PlannedOutput) -> DeliveredFile:
    spec, name = plan.spec, output.name
    is_cutout = spec.chosen_content == CUTOUT
    alpha = (PREMULTIPLIED if spec.premultiplied else STRAIGHT) if is_cutout and spec.kind.has_alpha else NO_ALPHA
    pictures = Pictures(name.stem, name.digits, name.tail + name.suffix, plan.first_number) if spec.kind.still else None
    has_timecode = spec.encoding is not None and spec.encoding.muxer in WITH_TIMECODE
    heard = spec.audio and plan.info.has_audio and plan.info.kind == "video" and not spec.kind.still
    return DeliveredFile(
        path=output.path.absolute(),
        span=plan.span,
        frames=len(plan.frames.sources),
        rate=plan.frames.times.rate,
        width=plan.width,
        height=plan.height,
        is_cutout=is_cutout,
        alpha=alpha,
        objects=output.objects,
        timecode=plan.timecode if has_timecode else None,
        pictures=pictures,
        sound=_sound(plan.info) if heard else None,
    )


def _track(file: DeliveredFile, at: int) -> Track:
    """A cut-out is switched on where it has alpha, as it would cover the source otherwise; a matte never."""
    names = "+".join(each.name for each in file.objects)
    media = Media(
        path=file.path,
        frames=file.frames,
        width=file.width,
        height=file.height,
        start=_first_frame(file.timecode, file.pictures),
        alpha=file.alpha,
        sound=file.sound,
        pictures=file.pictures,
    )
    facts = {
        "object": names,
        "object_id": "+".join(str(each.object_id) for each in file.objects),
        "expression": "; ".join(each.expression for each in file.objects if each.expression),
        "alpha": file.alpha if file.is_cutout else "luma",
    }
    clip = Clip(
        name=file.path.name,
        media=media,
        at=at,
        media_in=0,
        media_out=file.frames,
        enabled=file.is_cutout and file.alpha != NO_ALPHA,
        metadata={key: value for key, value in facts.items() if value},
    )
    return Track(f"{'Cut-out' if file.is_cutout else 'Matte'}: {names}", (clip,))


def _source(info: MediaInfo, clock: Timecode) -> Media:
    """The clip itself. Programs turn it themselves; its pixels keep their aspect."""
    width, height, aspect = info.coded_width, info.coded_height, info.sample_aspect
    if info.rotation_deg % 180:
        width, height, aspect = height, width, 1 / aspect
    frames = info.frame_count
    if info.is_variable_rate:
        frames = max(1, round((info.time_s(frames - 1) + 1 / info.rate) * info.rate))
    pictures = _numbered(info) if info.kind == "images" else None
    return Media(
        path=info.path.absolute(),
        frames=frames,
        width=width,
        height=height,
        start=_first_frame(clock, pictures),
        pixel_aspect=aspect,
        sound=_sound(info) if info.has_audio and info.kind == "video" else None,
        pictures=pictures,
    )


def _first_frame(timecode: Timecode | None, pictures: Pictures | None) -> int:
    """Of a medium: of pictures their first number, which programs take for its timecode."""
    if pictures is not None:
        return pictures.first
    return 0 if timecode is None else timecode.frame


def _frame_at(info: MediaInfo, index: int) -> int:
    """Place of a source frame on an even clock."""
    return round(info.time_s(index) * info.rate) if info.is_variable_rate else index


def _sound(info: MediaInfo) -> Sound:
    """Channels and rate of the first sound track. Raises: UserError: the source cannot be opened any more."""
    with open_container(info.path) as container:
        track = next(iter(container.streams.audio), None)
        if track is None or track.codec_context is None:
            return Sound()
        return Sound(max(1, track.codec_context.channels), track.codec_context.sample_rate or Sound().rate_hz)


def _numbered(info: MediaInfo) -> Pictures:
    """Names of a folder's pictures. Raises: UserError: they have no numbers, or there are gaps."""
    series: dict[tuple[str, str], dict[int, str]] = {}
    for name in sorted(path.name for path in info.path.iterdir()) if info.path.is_dir() else ():
        parts = _NUMBERED.fullmatch(name)
        if parts is not None and parts[3].lower() in IMAGE_SUFFIXES:
            series.setdefault((parts[1], parts[3]), {})[int(parts[2])] = name
    for (prefix, suffix), names in series.items():
        first = min(names)
        digits = len(names[first]) - len(prefix) - len(suffix)
        pictures = Pictures(prefix, digits, suffix, first)
        if [names[number] for number in sorted(names)] == [pictures.name(place) for place in range(info.frame_count)]:
            return pictures
    raise UserError(
        f"The pictures in {info.path} are not numbered one after the other; a timeline cannot name them.",
        hint="Make a movie of them, or give them numbers without gaps.",
        code="timeline.numbers",
    )


def _moved(info: MediaInfo, markers: Iterable[Marker], begin: int, length: int) -> list[Marker]:
    """Markers of source frames as those of the timeline."""
    found = []
    for each in markers:
        if 0 <= each.frame < info.frame_count and 0 <= _frame_at(info, each.frame) - begin < length:
            found.append(Marker(_frame_at(info, each.frame) - begin, each.name, each.note, each.length))
    return found
