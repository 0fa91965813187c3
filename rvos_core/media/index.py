"""The index of a video file: its frame table, their times, what is damaged, and what a person should be told.

Short files are decoded once as a whole: the table is then the truth, with a fingerprint of every frame. Long files are
trusted on their packets where samples of decoding agree with them, and decoded as a whole where they do not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from av.video.frame import VideoFrame

from rvos_core.errors import UserError
from rvos_core.media.container import DECODE_THREADS, MEDIA_ERRORS, PacketDecoder, check_size, timecodes_of
from rvos_core.media.geometry import DecodedFrame, DisplayGeometry, geometry_of
from rvos_core.media.scan import DecodedScan, agrees_with_decoding, scan_by_decoding, scan_packets
from rvos_core.media.sniff import file_identity, shown_name
from rvos_core.media.table import FrameTable, make_anchors
from rvos_core.media.timing import DEFAULT_RATE, MAX_RATE, is_increasing, repair_times
from rvos_core.media.walker import FrameWalker, size_change
from rvos_core.types import FrameSpan

FULL_DECODE_PX = 400_000_000  # about a second of work: 190 frames of 1920 x 1080
FULL_DECODE_LIMIT_S = 10.0
_SLOW_WARNING = "Jumping inside this file is inexact, so it is read from its start: scrubbing is slower."


@dataclass(frozen=True)
class StreamFacts:
    """What the container claims of its video track."""

    time_base: Fraction
    rates: tuple[Fraction | None, ...]
    claimed_frames: int
    duration_s: float | None
    sample_aspect: Fraction | None
    codec: str
    size: tuple[int, int]
    has_audio: bool
    warnings: tuple[str, ...]
    timecode: str

    @property
    def step(self) -> int:
        """Nominal ticks from one frame to the next, at least 1."""
        rate = next((r for r in self.rates if r and 0 < r <= MAX_RATE), DEFAULT_RATE)
        return max(1, round(1 / (rate * self.time_base)))

    @property
    def frame_px(self) -> int:
        return max(1, self.size[0] * self.size[1])

    @property
    def expected_px(self) -> float | None:
        """Pixels of the whole clip by the container's claims; None where it claims nothing."""
        frames: float = self.claimed_frames
        if not frames and self.duration_s is not None:
            frames = self.duration_s / float(self.step * self.time_base)
        return frames * self.frame_px if frames else None


@dataclass(frozen=True)
class MediaIndex:
    """Everything that is learnt of a video file once and shared by all its readers.

    Attributes:
        times: pts of the clip's frames, strictly increasing, in `facts.time_base`.
        damaged: spans of clip frames that are not to be trusted.
    """

    facts: StreamFacts
    table: FrameTable
    times: tuple[int, ...]
    geometry: DisplayGeometry
    pixel_format: str
    damaged: tuple[FrameSpan, ...]
    warnings: tuple[str, ...]


def build_index(path: Path) -> MediaIndex:
    """Learn which frames `path` holds.

    Raises:
        UserError: it has none, or none that can be told apart in bounded time.
    """
    identity = file_identity(path)
    facts = _read_facts(path)
    expected_px = facts.expected_px
    is_short = expected_px is None or expected_px <= FULL_DECODE_PX
    if is_short and (scan := _decode_all(path)):
        return _from_decoding(path, facts, scan, identity)
    if index := _from_packets(path, facts, identity):
        return index
    if not is_short and (scan := _decode_all(path)):
        return _from_decoding(path, facts, scan, identity)
    if index := _from_damaged_packets(path, facts, identity):
        return index
    raise UserError(
        f"“{shown_name(path)}” has broken time stamps and is too long to be decoded as a whole first.",
        hint="Convert it to MP4 (H.264), which writes new ones.",
        code="media.irregular",
    )


def _read_facts(path: Path) -> StreamFacts:
    decoder = PacketDecoder(path)
    try:
        stream, container = decoder.stream, decoder.container
        context = stream.codec_context
        time_base = stream.time_base or Fraction(1, 90000)
        duration = container.duration
        return StreamFacts(
            time_base=time_base,
            rates=(stream.average_rate, stream.guessed_rate, stream.base_rate),
            claimed_frames=max(0, stream.frames),
            duration_s=duration / 1_000_000 if duration and duration > 0 else None,
            sample_aspect=stream.sample_aspect_ratio,
            codec=context.codec.canonical_name,
            size=(context.width, context.height),
            has_audio=bool(container.streams.audio),
            warnings=tuple(decoder.warnings),
            timecode=next(timecodes_of(container), ""),
        )
    finally:
        decoder.close()


def _decode_all(path: Path) -> DecodedScan | None:
    """A finished decoding of the whole file, or None where the time was up. Damaged files: with one thread only."""
    for threads in (DECODE_THREADS, 1):
        scan = scan_by_decoding(path, threads=threads, deadline=time.monotonic() + FULL_DECODE_LIMIT_S)
        if not scan.finished:
            return None
        if not scan.is_damaged:
            break
    return scan


def _from_decoding(path: Path, facts: StreamFacts, scan: DecodedScan, identity: tuple[int, int]) -> MediaIndex:
    if not scan.pts:
        raise _no_frames(path, encrypted=scan.encrypted)
    size = scan.sizes[0]
    change = next((row for row, other in enumerate(scan.sizes) if other != size), None)
    if change is not None:
        raise size_change(path, change, size, scan.sizes[change])
    warnings = list(facts.warnings)
    table = FrameTable(
        pts=tuple(scan.pts),
        coded_size=size,
        identity=identity,
        anchors=make_anchors(scan.pts, scan.keys),
        fingerprints=tuple(scan.fingerprints),
        threads=1 if scan.is_damaged else DECODE_THREADS,
    )
    table = _keep_exact_anchors(path, table)
    if not table.anchors and len(scan.pts) > 1:
        warnings.append(_SLOW_WARNING)
    damaged = _damaged_spans(scan)
    if scan.is_damaged:
        frames = sum(len(span) for span in damaged)
        warnings.append(f"The file is damaged: {frames} of {len(scan.pts)} frames may be wrong.")
    times = repair_times(scan.pts, scan.dts, step=facts.step)
    if list(times) != scan.pts:
        warnings.append("Some time stamps are missing or out of order; they were put right.")
    warnings += _missing_end_warning(scan, facts, times)
    return _finish(path, facts, table, times, damaged, warnings)


def _from_packets(path: Path, facts: StreamFacts, identity: tuple[int, int]) -> MediaIndex | None:
    """An index made of packets, where all samples of decoding agree with it."""
    for fill_times in (True, False):
        scan = scan_packets(path, fill_times=fill_times)
        if not scan.is_regular:
            continue
        anchors = make_anchors(scan.pts, scan.keys)
        if agrees_with_decoding(path, scan.pts, anchors, frame_px=facts.frame_px):
            pts = tuple(scan.pts)
            table = FrameTable(pts, facts.size, identity, anchors, threads=DECODE_THREADS)
            return _finish(path, facts, table, pts, (), list(facts.warnings))
    return None


def _from_damaged_packets(path: Path, facts: StreamFacts, identity: tuple[int, int]) -> MediaIndex | None:
    """An index made of packets that decoding need not agree with everywhere: the last resort for long broken files."""
    scan = scan_packets(path)
    if not scan.pts or not is_increasing(scan.pts):
        return None
    anchors = make_anchors(scan.pts, scan.keys)
    warnings = [*facts.warnings, "The file is damaged and too long to be checked as a whole: bad frames repeat others."]
    if not agrees_with_decoding(path, scan.pts, anchors, frame_px=facts.frame_px, to_the_end=False):
        anchors = ()
        warnings.append(_SLOW_WARNING)
    pts = tuple(scan.pts)
    table = FrameTable(pts, facts.size, identity, anchors, threads=1)
    return _finish(path, facts, table, pts, (), warnings)


def _finish(
    path: Path,
    facts: StreamFacts,
    table: FrameTable,
    times: tuple[int, ...],
    damaged: tuple[FrameSpan, ...],
    warnings: list[str],
) -> MediaIndex:
    sample = _first_frame(path, table)
    geometry, geometry_warnings = geometry_of(sample, facts.sample_aspect)
    check_size(path, geometry.width, geometry.height)
    _check_convertible(path, sample, geometry)
    table = replace(table, coded_size=(sample.width, sample.height))
    return MediaIndex(facts, table, times, geometry, sample.format.name, damaged, (*warnings, *geometry_warnings))


def _first_frame(path: Path, table: FrameTable) -> VideoFrame:
    decoder = PacketDecoder(path, threads=table.threads)
    try:
        frame = decoder.read()
        if frame is None:
            raise _no_frames(path, encrypted=decoder.encrypted)
        return frame
    finally:
        decoder.close()


def _check_convertible(path: Path, sample: VideoFrame, geometry: DisplayGeometry) -> None:
    try:
        DecodedFrame(sample).to_rgb(geometry)
    except MEDIA_ERRORS as error:
        raise UserError(
            f"The pixel format of “{shown_name(path)}” ({sample.format.name}) cannot be converted to RGB.",
            hint="Convert the file to H.264 or ProRes.",
            code="media.unsupported_pixels",
        ) from error


def _keep_exact_anchors(path: Path, table: FrameTable) -> FrameTable:
    """Try some seeks; the table without anchors if one of them yields another picture than decoding from the start."""
    if not table.anchors:
        return table
    last = len(table.anchors) - 1
    rows = [min(table.anchors[i].row + 2, len(table.pts) - 1) for i in sorted({0, last // 2, last})]
    walker = FrameWalker(path, table)
    try:
        return table if all(walker.try_seek(row) for row in rows) else replace(table, anchors=())
    finally:
        walker.close()


def _damaged_spans(scan: DecodedScan) -> tuple[FrameSpan, ...]:
    """From every corrupt row, and from every hole, to the next sound key frame, as spans of clip frames."""
    rows: set[int] = set()
    key_rows = [anchor.row for anchor in make_anchors(scan.pts, scan.keys)]
    for row in scan.corrupt:
        rows.update(range(row, next((key for key in key_rows if key > row), len(scan.pts))))
    for row, keys_before in scan.holes:
        later = make_anchors(scan.pts, scan.keys[keys_before:])
        rows.update(range(max(0, row - 1), later[0].row if later else len(scan.pts)))
    return _spans(sorted(rows))


def _spans(indices: Iterable[int]) -> tuple[FrameSpan, ...]:
    """Increasing indices as spans of neighbours."""
    spans = []
    for _, group in groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        run = [index for _, index in group]
        spans.append(FrameSpan(run[0], run[-1] + 1))
    return tuple(spans)


def _missing_end_warning(scan: DecodedScan, facts: StreamFacts, times: tuple[int, ...]) -> list[str]:
    if scan.packets < facts.claimed_frames:
        missing = facts.claimed_frames - scan.packets
        return [f"The file is cut off: {missing} of the {facts.claimed_frames} frames it announces are not in it."]
    shown_s = float((times[-1] - times[0] + facts.step) * facts.time_base)
    if facts.duration_s is not None and facts.duration_s - shown_s > max(1.0, 0.05 * facts.duration_s):
        return [f"The picture lasts {shown_s:.1f} s although the file says {facts.duration_s:.1f} s."]
    return []


def _no_frames(path: Path, *, encrypted: bool) -> UserError:
    if encrypted:
        return UserError(
            f"“{shown_name(path)}” is protected (DRM, encrypted) and cannot be decoded.",
            hint="Use a copy without protection.",
            code="media.encrypted",
        )
    return UserError(
        f"No frame of “{shown_name(path)}” can be decoded: it is damaged, encrypted or cut off.",
        hint="Check that it plays elsewhere; copy or export it again.",
        code="media.no_frames",
    )
