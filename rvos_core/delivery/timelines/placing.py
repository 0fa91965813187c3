"""From a clip and what was delivered of it to a timeline: the clip below, cut-outs above it, luma mattes on top, off.

No XML can carry a track-matte effect that every editor has: the cut-out shows at once, the matte waits to be used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rvos_core.delivery.outputs import CUTOUT, MATTE, PREMULTIPLIED, STRAIGHT
from rvos_core.delivery.plan import DeliveryPlan, PlannedOutput
from rvos_core.delivery.timecode import Timecode, clock_base
from rvos_core.delivery.timelines.model import Clip, Media, Pictures, Timeline, Track, editing_rate
from rvos_core.errors import UserError
from rvos_core.media.container import open_container
from rvos_core.media.images import picture_files
from rvos_core.types import FrameSpan, MediaInfo

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_HOUR_S = 3600
_USUAL_CHANNELS, _USUAL_SAMPLE_RATE_HZ = 2, 48000


@dataclass(frozen=True)
class DeliveredFile:
    """One delivered file or sequence, as far as timelines and recipes need to know it.

    Attributes:
        path: the file; of a sequence its folder.
        content: "cutout" or "matte".
        alpha: "straight", "premultiplied", or "none": without alpha.
        span: frames of the clip that it covers, handles included.
        frames, rate: its own.
        width, height: pixels.
        timecode: that the file itself has.
        has_audio: the clip's sound was copied into it.
        pictures: names of a sequence.
        title: of its format, for people.
        object_name, expression: whose it is; several are joined.
    """

    path: Path
    content: str
    alpha: str
    span: FrameSpan
    frames: int
    rate: Fraction
    width: int
    height: int
    timecode: Timecode | None = None
    has_audio: bool = False
    pictures: Pictures | None = None
    title: str = ""
    object_name: str = ""
    expression: str = ""


@dataclass(frozen=True)
class Placed:
    """A timeline, and what a person should know of it, in sentences."""

    timeline: Timeline
    notes: tuple[str, ...]


def delivered_files(plan: DeliveryPlan) -> tuple[DeliveredFile, ...]:
    """What a plan writes, one an output."""
    return tuple(_delivered(plan, output) for output in plan.outputs)


def timeline_of(plans: Sequence[DeliveryPlan], *, span: FrameSpan | None = None, name: str = "") -> Placed:
    """The timeline of everything that plans of one clip write; arguments, errors as in `place`.

    Raises:
        UserError: as `place`; or the clip cannot be opened any more.
    """
    files = [each for plan in plans for each in delivered_files(plan)]
    info, source = plans[0].info, plans[0].source
    sound = source_sound(info.path) if info.kind == "video" and info.has_audio else (0, _USUAL_SAMPLE_RATE_HZ)
    return place(info, files, span=span, timecode=source.timecode, sound=sound, name=name)


def place(
    info: MediaInfo,
    files: Sequence[DeliveredFile],
    *,
    span: FrameSpan | None = None,
    timecode: Timecode | None = None,
    sound: tuple[int, int] = (0, _USUAL_SAMPLE_RATE_HZ),
    name: str = "",
) -> Placed:
    """Put a clip and its delivered files above each other, frame on frame.

    Args:
        files: the first ones lowest; cut-outs before mattes, whatever their order.
        span: frames of the clip that the timeline shows; None: all that the files cover. What the files have beyond
            it are handles.
        timecode: of the clip's first frame; the timeline then begins with that of its own first frame, else at
            01:00:00:00.
        sound: channels and samples per second of the clip; 0 channels: none.
        name: of the timeline; "": the clip's.

    Raises:
        UserError: files of several rates, or another than the clip's; a rate that editing programs do not have; files
            that do not cover the span; a folder of pictures whose numbers have gaps.
    """
    if not files:
        raise ValueError("nothing was delivered")
    rate = _common_rate(info, files)
    span = span or FrameSpan(min(each.span.start for each in files), max(each.span.stop for each in files))
    clock = _Clock(info, rate)
    base = clock_base(rate)
    own = timecode if timecode is not None and timecode.base == base else None
    source = _source(info, clock, start=0 if own is None else own.frame, sound=sound)
    first = min(clock.frames(0, span.start), source.frames - 1)
    length = max(1, min(clock.frames(span.start, span.stop), source.frames - first))
    below = Clip(source, 0, first, first + length, audible=source.has_audio)
    tracks = [Track("Source", (below,))]
    for content in (CUTOUT, MATTE):
        for each in files:
            if each.content == content:
                tracks.append(Track(_track_name(each), (_above(each, clock, span, length),)))
    start = own.plus(first) if own is not None else Timecode(_HOUR_S * base, base)
    timeline = Timeline(
        name=name or info.path.stem or "timeline",
        rate=rate,
        width=info.width,
        height=info.height,
        start=start,
        tracks=tuple(tracks),
    )
    return Placed(timeline, tuple(_notes(info, files)))


def source_sound(path: Path) -> tuple[int, int]:
    """Channels and samples per second of a file's first sound track; (0, 48000): it has none.

    Raises:
        UserError: it cannot be opened.
    """
    with open_container(path) as container:
        track = next(iter(container.streams.audio), None)
        if track is None:
            return 0, _USUAL_SAMPLE_RATE_HZ
        context = track.codec_context
        if context is None:  # FFmpeg does not know this codec; editors might
            return _USUAL_CHANNELS, _USUAL_SAMPLE_RATE_HZ
        return context.channels or _USUAL_CHANNELS, context.sample_rate or _USUAL_SAMPLE_RATE_HZ


class _Clock:
    """Counts the clip's frames as a timeline of `rate` does: by time where the clip's rate varies."""

    def __init__(self, info: MediaInfo, rate: Fraction) -> None:
        self._info = info
        self._rate = rate

    def frames(self, start: int, stop: int) -> int:
        """Timeline frames from the clip's frame `start` to `stop`; `stop` may be the number of frames."""
        if not self._info.is_variable_rate:
            return stop - start
        return round((self._time_s(stop) - self._time_s(start)) * self._rate)

    def _time_s(self, index: int) -> Fraction:
        info = self._info
        if index < info.frame_count:
            return info.time_s(index)
        return info.time_s(info.frame_count - 1) + 1 / info.rate


def _source(info: MediaInfo, clock: _Clock, *, start: int, sound: tuple[int, int]) -> Media:
    """The clip as it is stored; programs turn it and stretch its pixels themselves."""
    width, height, aspect = info.coded_width, info.coded_height, info.sample_aspect
    if info.rotation_deg % 180:
        width, height, aspect = height, width, 1 / aspect
    return Media(
        path=info.path,
        frames=max(1, clock.frames(0, info.frame_count)),
        width=width,
        height=height,
        start=start,
        audio_channels=sound[0],
        sample_rate_hz=sound[1],
        pictures=_source_pictures(info),
        pixel_aspect=aspect,
    )


def _above(each: DeliveredFile, clock: _Clock, span: FrameSpan, length: int) -> Clip:
    if not (each.span.start <= span.start and span.stop <= each.span.stop):
        raise UserError(
            f"{each.path.name} covers frames {each.span.start} to {each.span.stop - 1}, not all of {span.start} to "
            f"{span.stop - 1}.",
            hint="Deliver all of it from the same in and out.",
            code="delivery.timeline_span",
        )
    first = min(clock.frames(each.span.start, span.start), each.frames - 1)
    code = each.timecode
    media = Media(
        path=each.path,
        frames=each.frames,
        width=each.width,
        height=each.height,
        start=code.frame if code is not None and code.base == clock_base(each.rate) else 0,
        alpha=each.alpha,
        audio_channels=_USUAL_CHANNELS if each.has_audio else 0,
        pictures=each.pictures,
    )
    return Clip(
        media,
        at=0,
        first=first,
        stop=min(first + length, each.frames),
        enabled=each.content == CUTOUT and each.alpha != "none",
        object_name=each.object_name,
        expression=each.expression,
    )


def _common_rate(info: MediaInfo, files: Sequence[DeliveredFile]) -> Fraction:
    rates = {editing_rate(each.rate) for each in files}
    if len(rates) > 1 or (not info.is_variable_rate and rates != {editing_rate(info.rate)}):
        shown = ", ".join(sorted({f"{float(each):.6g}" for each in (info.rate, *rates)}))
        raise UserError(
            f"A timeline has one rate; {info.path.name} and what was delivered of it have {shown} frames/s.",
            hint="Deliver at the clip's own rate.",
            code="delivery.timeline_rate",
        )
    return rates.pop()


def _delivered(plan: DeliveryPlan, output: PlannedOutput) -> DeliveredFile:
    spec, name = plan.spec, output.name
    alpha = "none"
    if spec.chosen_content == CUTOUT and spec.kind.has_alpha:
        alpha = PREMULTIPLIED if spec.premultiplied else STRAIGHT
    pictures = None
    if spec.kind.still:
        pictures = Pictures(name.stem, name.digits, name.tail + name.suffix, plan.first_number)
    even = plan.frames.times.is_even or plan.spec.timing == "constant"
    count = len(plan.frames.sources)
    rate = plan.frames.times.rate
    return DeliveredFile(
        path=output.path,
        content=spec.chosen_content,
        alpha=alpha,
        span=plan.span,
        frames=count if even else max(1, _Clock(plan.info, rate).frames(plan.span.start, plan.span.stop)),
        rate=rate,
        width=plan.width,
        height=plan.height,
        timecode=None if spec.kind.still else plan.timecode,
        has_audio=spec.audio and plan.source.sound is not None and not spec.kind.still,
        pictures=pictures,
        title=spec.kind.title,
        object_name=", ".join(each.name for each in output.objects),
        expression="; ".join(each.expression for each in output.objects if each.expression),
    )


def _source_pictures(info: MediaInfo) -> Pictures | None:
    """How the pictures of a folder are numbered. Raises: UserError: not one by one."""
    if info.kind != "images" or not info.path.is_dir():
        return None
    names = [path.name for path in picture_files(info.path)]
    found = _NUMBERED.fullmatch(names[0])
    if found is not None:
        before, number, after = found.groups()
        pictures = Pictures(before, len(number), after, int(number))
        if [pictures.name(index) for index in range(len(names))] == names:
            return pictures
    raise UserError(
        f"The pictures in {info.path} are not numbered one by one, so that no timeline can name them.",
        hint="Number them without gaps, or make a movie of them.",
        code="delivery.timeline_sequence",
    )


def _track_name(each: DeliveredFile) -> str:
    kind = "cut-out" if each.content == CUTOUT else "luma matte"
    return f"{each.object_name} {kind}".strip()


def _notes(info: MediaInfo, files: Sequence[DeliveredFile]) -> list[str]:
    notes = []
    if info.is_variable_rate:
        notes.append(
            f"The rate of {info.path.name} varies; editing programs make it even in their own way. Compare a frame in "
            "the middle and one at the end with the matte."
        )
    if info.rotation_deg or info.sample_aspect != 1:
        how = "turned" if info.rotation_deg else "of pixels that are not square"
        notes.append(
            f"{info.path.name} is {how}; what was delivered is upright with square pixels, {files[0].width}x"
            f"{files[0].height}. If the clip does not lie under it, fit the clip to the frame."
        )
    return notes
