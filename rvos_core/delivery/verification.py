"""Reading back what was written, by other code than wrote it, and comparing it with what was meant.

Every frame is compared by its checksum where frames stand alone, and counted where not; alpha and colours are compared
pixel by pixel on the first frame, the last and some between.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rvos_core.delivery.differences import ColourError, Differences
from rvos_core.delivery.meant import has_named_channels
from rvos_core.delivery.outputs import CUTOUT, ColourLimit, Encoding
from rvos_core.delivery.pixels import shown_colours, shown_plane
from rvos_core.delivery.plan import DeliveryPlan, PlannedOutput
from rvos_core.delivery.stills import channel_names, read_named_channels, read_still
from rvos_core.errors import UserError
from rvos_core.media.container import MEDIA_ERRORS, open_container, timecode_text

Step = Callable[[int], None]

SAMPLES = 5
_HOPELESS = 0.1  # mean error beyond which even a lossy file does not hold what was meant
_MILLISECOND = Fraction(1, 1000)
_NEAR = Fraction(1, 10_000)
# What decoders call a pixel format that they give back in another one.
_READ_AS = {"yuva444p10le": "yuva444p12le"}


@dataclass(frozen=True)
class Check:
    """One comparison of what was meant with what was found."""

    name: str
    expected: str
    found: str

    @property
    def is_right(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True)
class Verification:
    """What reading back gave.

    Attributes:
        checks: count, size, rate and so on.
        samples: output frames that were compared pixel by pixel.
        largest_error, mean_error: of alpha (or of the matte, or of brightness where there is neither), 0..1.
        limit: largest error that is normal; None: lossy.
        colour: errors of colours on the same frames, where alpha is not 0; None: the file has none.
        colour_limit: what is normal of them.
    """

    checks: tuple[Check, ...]
    samples: tuple[int, ...]
    largest_error: float
    mean_error: float
    limit: float | None
    colour: ColourError | None = None
    colour_limit: ColourLimit | None = None

    @property
    def alpha_is_right(self) -> bool:
        """Whether alpha is off by no more than is normal."""
        return self.largest_error <= self.limit if self.limit is not None else self.mean_error <= _HOPELESS

    @property
    def colour_is_right(self) -> bool:
        """Whether colours are off by no more than is normal, or there are none."""
        if self.colour is None or self.colour_limit is None:
            return True
        return self.colour.largest <= self.colour_limit.largest and self.colour.tint <= self.colour_limit.tint

    @property
    def is_right(self) -> bool:
        """Whether the file may take its name."""
        return self.alpha_is_right and self.colour_is_right and all(check.is_right for check in self.checks)

    def why_not(self) -> str:
        """What differs, as a sentence's end."""
        wrong = [f"{each.name} is {each.found}, not {each.expected}" for each in self.checks if not each.is_right]
        if not self.alpha_is_right and not wrong:
            wrong.append(f"its alpha is off by up to {self.largest_error:.4f} (on average {self.mean_error:.4f})")
        if not self.colour_is_right and self.colour is not None:
            wrong.append(
                f"its colours are off by up to {self.colour.largest:.4f} (on average {self.colour.mean:.4f}, in the "
                f"mean of 16x16 pixels {self.colour.tint:.4f})"
            )
        return "; ".join(wrong)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        colour, limit = self.colour, self.colour_limit
        return {
            "right": self.is_right,
            "checks": [{"name": each.name, "expected": each.expected, "found": each.found} for each in self.checks],
            "alpha_frames": list(self.samples),
            "alpha_error_max": round(self.largest_error, 8),
            "alpha_error_mean": round(self.mean_error, 8),
            "alpha_error_limit": self.limit,
            "colour_error_max": None if colour is None else round(colour.largest, 8),
            "colour_error_mean": None if colour is None else round(colour.mean, 8),
            "colour_error_tint": None if colour is None else round(colour.tint, 8),
            "colour_error_max_limit": None if limit is None else limit.largest,
            "colour_error_tint_limit": None if limit is None else limit.tint,
        }


def sampled_frames(count: int, key: str) -> tuple[int, ...]:
    """Output frames whose samples are compared: the first, the last, and some that `key` draws."""
    drawn = Random(key).sample(range(count), min(count, SAMPLES - 2))
    return tuple(sorted({0, count - 1, *drawn}))


def require_right(found: Verification, target: Path) -> None:
    """Raises: UserError: the file is not what was meant; whatever bore its name stays."""
    if not found.is_right:
        raise UserError(
            f"{target} does not read back as it was meant: {found.why_not()}. What was there before stays.",
            hint="Check the disk and export again, or choose another format.",
            code="delivery.verify",
        )


def verify_video(
    part: Path,
    plan: DeliveryPlan,
    output: PlannedOutput,
    *,
    checksums: Sequence[int] | None,
    meant: Mapping[int, Path],
    has_audio: bool,
    step: Step,
) -> Verification:
    """Read a video back.

    Args:
        part: the finished file, before it has its name.
        checksums: crc32 of every encoded frame; None where frames depend on each other, then all are decoded.
        meant: output frame -> file for `read_meant`.
        has_audio: sound was copied.
        step: told after each frame how many were read; may raise `Cancelled`.

    Raises:
        UserError: it cannot be read at all.
        Cancelled: raised by `step`.
    """
    encoding = plan.spec.encoding
    assert encoding is not None
    is_cutout = plan.spec.chosen_content == CUTOUT
    alpha = plan.spec.kind.has_alpha and is_cutout
    errors = Differences(meant, plan.spec)
    try:
        with open_container(part) as container:
            stream = container.streams.video[0]
            times: list[Fraction] = []
            sums: list[int] = []
            seen = None
            for frame, packet_sum in _frames(container, stream, encoding, wanted=meant, alpha=alpha, times=times):
                sums.append(packet_sum)
                if frame is not None:
                    seen = frame
                    if len(sums) - 1 in meant:
                        colours = shown_colours(frame) if is_cutout else None
                        errors.compare(len(sums) - 1, shown_plane(frame, alpha=alpha), colours)
                step(len(sums))
            checks = _video_checks(plan, encoding, container, stream, times=times, seen=seen, has_audio=has_audio)
    except MEDIA_ERRORS as error:
        raise _unreadable(output.path, str(error)) from error
    if checksums is not None:
        checks.append(_sums_check(list(checksums), sums))
    return _result(errors, checks, meant, plan)


def verify_stills(
    folder: Path,
    plan: DeliveryPlan,
    output: PlannedOutput,
    *,
    checksums: Mapping[int, int],
    meant: Mapping[int, Path],
    step: Step,
) -> Verification:
    """Read a sequence back; arguments as in `verify_video`, `checksums` of the files by their place in the sequence.

    Raises:
        UserError: a picture cannot be read at all.
        Cancelled: raised by `step`.
    """
    count = len(plan.frames.sources)
    present = {path.name for path in folder.iterdir()}
    names = [output.name.picture(plan.first_number + place) for place in range(count)]
    errors = Differences(meant, plan.spec)
    found = []
    for place, name in enumerate(names):
        found.append(zlib.crc32((folder / name).read_bytes()) if name in present else -1)
        step(place + 1)
    shape = f"{plan.width}x{plan.height}"
    for place in meant:
        if names[place] not in present:
            continue
        try:
            alpha, colours, channels = _still(folder / names[place], plan, output)
        except ValueError as error:
            raise _unreadable(output.path / names[place], str(error)) from error
        if alpha.shape != (plan.height, plan.width):
            shape = f"{alpha.shape[1]}x{alpha.shape[0]}"
            continue
        errors.compare(place, alpha, colours, channels=channels)
    checks = [
        Check("the number of pictures", str(count), str(sum(name in present for name in names))),
        Check("the size", f"{plan.width}x{plan.height}", shape),
        Check("the number of other files", "0", str(len(present - set(names)))),
        _sums_check([checksums.get(place, -2) for place in range(count)], found),
    ]
    return _result(errors, checks, meant, plan)


def _still(
    path: Path, plan: DeliveryPlan, output: PlannedOutput
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Alpha (of mattes in named channels the first one), colours, named channels. Raises: ValueError."""
    if not has_named_channels(plan.spec):
        return *read_still(path, plan.spec), None
    channels = read_named_channels(path, channel_names(output.objects))
    if plan.spec.chosen_content == CUTOUT:
        return *read_still(path, plan.spec), channels
    return channels[0], None, channels


def _result(
    errors: Differences, checks: Sequence[Check], meant: Mapping[int, Path], plan: DeliveryPlan
) -> Verification:
    kind, depth = plan.spec.kind, plan.spec.chosen_depth
    compared = Check("the list of compared frames", str(sorted(meant)), str(sorted(errors.compared)))
    return Verification(
        checks=(*checks, compared),
        samples=tuple(errors.compared),
        largest_error=errors.largest,
        mean_error=errors.mean,
        limit=None if kind.alpha_error is None else kind.alpha_error[depth],
        colour=errors.colour,
        colour_limit=plan.spec.colour_limit,
    )


def _frames(
    container: InputContainer,
    stream: VideoStream,
    encoding: Encoding,
    *,
    wanted: Mapping[int, Path],
    alpha: bool,
    times: list[Fraction],
) -> Iterator[tuple[VideoFrame | None, int]]:
    """Every frame of the file and its packet's crc32; of frames that stand alone only the wanted ones are decoded.

    VP9's own decoder in FFmpeg leaves alpha out; libvpx does not.
    """
    context: VideoCodecContext = stream.codec_context
    if encoding.codec == "libvpx-vp9" and alpha:
        context = CodecContext.create("libvpx-vp9", "r")
        context.extradata = stream.codec_context.extradata
    context.thread_count = 1
    context.thread_type = "NONE"
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            times.append(packet.pts * packet.time_base)
        if not encoding.intra:
            yield from ((frame, 0) for frame in context.decode(packet if packet.size else None))
        elif packet.size:
            decoded = context.decode(packet) if len(times) - 1 in wanted else []
            yield (decoded[0] if decoded else None), zlib.crc32(bytes(packet))


def _video_checks(
    plan: DeliveryPlan,
    encoding: Encoding,
    container: InputContainer,
    stream: VideoStream,
    *,
    times: list[Fraction],
    seen: VideoFrame | None,
    has_audio: bool,
) -> list[Check]:
    meant = plan.frames.times
    checks = [
        Check("the number of frames", str(len(meant.pts)), str(len(times))),
        Check("the size", f"{plan.width}x{plan.height}", f"{stream.codec_context.width}x{stream.codec_context.height}"),
        Check(
            "the pixel format",
            _READ_AS.get(encoding.pixel_format, encoding.pixel_format),
            seen.format.name if seen is not None else "none",
        ),
        Check("the sound", "copied" if has_audio else "none", "copied" if container.streams.audio else "none"),
    ]
    step = _MILLISECOND if encoding.muxer in ("matroska", "webm") else Fraction(0)
    wanted = [pts * meant.time_base for pts in meant.pts]
    drift = max((abs(a - b) for a, b in zip(sorted(times), wanted, strict=False)), default=Fraction(0))
    checks.append(Check("the time of frames", "kept", "kept" if drift <= step else f"off by {float(drift):.4f} s"))
    if meant.is_even and len(meant.pts) > 1:
        found = stream.average_rate or Fraction(0)
        # Matroska says how long a frame is in nanoseconds.
        near = step > 0 and abs(found / meant.rate - 1) < _NEAR
        checks.append(Check("the rate", str(meant.rate), str(meant.rate if near else found)))
    if plan.timecode is not None:
        checks.append(Check("the timecode", str(plan.timecode), timecode_text(stream.metadata) or "none"))
    if encoding.pixel_format.startswith("yuv") and seen is not None:
        said = seen if encoding.intra else stream.codec_context  # libvpx's frames do not carry all of them
        tags = (said.color_range, said.colorspace, said.color_primaries, said.color_trc)
        checks.append(Check("the colour tags", "(1, 1, 1, 1)", str(tuple(int(tag) for tag in tags))))
    return checks


def _sums_check(meant: Sequence[int], found: Sequence[int]) -> Check:
    wrong = [place for place, (a, b) in enumerate(zip(meant, found, strict=False)) if a != b]
    answer = "all alike" if not wrong and len(meant) == len(found) else f"other from frame {(wrong or [0])[0]} on"
    return Check("the checksum of frames", "all alike", answer)


def _unreadable(target: Path, why: str) -> UserError:
    return UserError(
        f"{target} does not read back: {why}. What was there before stays.",
        hint="Check the disk, or choose another folder.",
        code="delivery.verify",
    )
