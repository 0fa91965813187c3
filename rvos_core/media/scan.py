"""The two ways to learn which frames a file holds: decode everything (short files), or read the packets only and prove
by samples that decoding agrees (long ones)."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rvos_core.errors import UserError
from rvos_core.media.container import PacketDecoder, choose_stream, open_container, read_packets
from rvos_core.media.geometry import DecodedFrame
from rvos_core.media.sniff import shown_name
from rvos_core.media.table import Anchor
from rvos_core.media.timing import is_increasing

_GENPTS = 0x0001  # AVFMT_FLAG_GENPTS, which PyAV always sets
MAX_FRAMES = 10_000_000
_CHECKED_ROWS = 8
_MAX_RUN_UP_PX = 150_000_000  # a stretch decoded for one check: 72 frames of 1920 x 1080


@dataclass
class DecodedScan:
    """What decoding the whole file gave, row by row.

    Attributes:
        holes: where packets were lost: (rows put out before, key packets met before).
        corrupt: rows that the decoder itself calls damaged.
        sizes: (width, height) of every row, pixels.
        keys: (pts, dts) of the key packets.
        finished: False where the time was up first.
    """

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    fingerprints: list[int] = field(default_factory=list)
    corrupt: list[int] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)
    keys: list[tuple[int | None, int | None]] = field(default_factory=list)
    failures: int = 0
    packets: int = 0
    encrypted: bool = False
    finished: bool = False

    @property
    def is_damaged(self) -> bool:
        return bool(self.holes or self.corrupt)


def scan_by_decoding(path: Path, *, threads: int, deadline: float) -> DecodedScan:
    """Decode the whole file once.

    Args:
        deadline: `time.monotonic()` at which to give up.
    """
    scan = DecodedScan()
    decoder = PacketDecoder(path, threads=threads)
    try:
        while (frame := decoder.read()) is not None:
            _note_losses(scan, decoder)
            _add_row(scan, frame)
            if time.monotonic() > deadline:
                return scan
            _check_length(path, len(scan.pts))
        _note_losses(scan, decoder)
        scan.keys = list(decoder.keys)
        scan.packets = decoder.packets
        scan.encrypted = decoder.encrypted
        scan.finished = True
    finally:
        decoder.close()
    return scan


def _note_losses(scan: DecodedScan, decoder: PacketDecoder) -> None:
    if decoder.failures > scan.failures:
        scan.failures = decoder.failures
        scan.holes.append((len(scan.pts), len(decoder.keys)))


def _add_row(scan: DecodedScan, frame: VideoFrame) -> None:
    if frame.is_corrupt:
        scan.corrupt.append(len(scan.pts))
    scan.pts.append(frame.pts)
    scan.dts.append(frame.dts)
    scan.sizes.append((frame.width, frame.height))
    scan.fingerprints.append(DecodedFrame(frame).fingerprint())


@dataclass
class PacketScan:
    """What the packets of the video track say. `pts`: sorted, of those that should give a frame."""

    pts: list[int] = field(default_factory=list)
    keys: list[tuple[int | None, int | None]] = field(default_factory=list)
    is_regular: bool = True

    def spoil(self, error: BaseException) -> None:
        """Note that reading failed somewhere."""
        self.is_regular = False


def scan_packets(path: Path, *, fill_times: bool = True) -> PacketScan:
    """Read every packet without decoding it.

    Args:
        fill_times: let FFmpeg invent missing times. Without it packets that carry none (second fields of interlaced
            pictures) are left out.
    """
    scan = PacketScan()
    container = open_container(path)
    try:
        stream, _ = choose_stream(container, path)
        if not fill_times:
            container.flags &= ~_GENPTS
        for packet in read_packets(container, stream, on_break=scan.spoil):
            if packet.size:
                _add_packet(scan, packet, stream.codec_context.name, fill_times)
                _check_length(path, len(scan.pts))
    finally:
        container.close()
    scan.pts.sort()
    scan.is_regular = scan.is_regular and bool(scan.pts) and is_increasing(scan.pts)
    return scan


def _add_packet(scan: PacketScan, packet: Packet[VideoStream], codec: str, fill_times: bool) -> None:
    if packet.is_keyframe:
        scan.keys.append((packet.pts, packet.dts))
    if packet.is_corrupt or packet.has_sidedata("new_extradata") or packet.has_sidedata("encryption_info"):
        scan.is_regular = False
    if packet.is_discard or (codec == "vp8" and not memoryview(packet)[0] & 0x10):  # decoded but never shown
        return
    if packet.pts is not None:
        scan.pts.append(packet.pts)
    elif fill_times:
        scan.is_regular = False


def agrees_with_decoding(
    path: Path, pts: Sequence[int], anchors: Sequence[Anchor], *, frame_px: int, to_the_end: bool = True
) -> bool:
    """True where decoding, at the start, around some anchors and at the end, yields the rows of a packet scan.

    Around an anchor it is decoded twice, from the anchor before and from the anchor itself: both must yield the same
    pictures, and all pictures have one size. `frame_px` bounds the work: long runs between anchors are left out.
    `to_the_end` false leaves out the end, where broken recordings break.
    """
    if not anchors:
        return False
    sampler = _Sampler(path, pts)
    max_rows = _MAX_RUN_UP_PX // frame_px
    try:
        if not sampler.start_agrees(min(len(pts), _CHECKED_ROWS)):
            return False
        for index in sorted({len(anchors) // 4, len(anchors) // 2, len(anchors) - 1} - {0}):
            if not sampler.anchor_is_exact(anchors[index - 1], anchors[index], max_rows=max_rows):
                return False
        if not to_the_end or len(pts) - anchors[-1].row > max_rows:
            return True
        return sampler.end_agrees(anchors[-1])
    except UserError:
        return False
    finally:
        sampler.close()


class _Sampler:
    """Compares stretches of decoding with the rows `pts`."""

    def __init__(self, path: Path, pts: Sequence[int]) -> None:
        self._pts = pts
        self._decoder = PacketDecoder(path)
        self._size: tuple[int, int] | None = None

    def close(self) -> None:
        self._decoder.close()

    def start_agrees(self, rows: int) -> bool:
        for row in range(rows):
            frame = self._decoder.read()
            if frame is None or not self._is_row(frame, row):
                return False
        return True

    def anchor_is_exact(self, before: Anchor, anchor: Anchor, *, max_rows: int) -> bool:
        stop = min(anchor.row + _CHECKED_ROWS, len(self._pts))
        direct = self._pictures(anchor, anchor.row, stop)
        if direct is None:
            return False
        return anchor.row - before.row > max_rows or self._pictures(before, anchor.row, stop) == direct

    def end_agrees(self, last: Anchor) -> bool:
        return self._pictures(last, last.row, len(self._pts)) is not None and self._decoder.read() is None

    def _pictures(self, anchor: Anchor, start: int, stop: int) -> list[int] | None:
        """Fingerprints of rows `start` to `stop` decoded from `anchor`; None where the rows are not what comes."""
        self._decoder.seek(anchor.pts if anchor.dts is None else anchor.dts)
        row: int | None = None
        pictures: list[int] = []
        while (frame := self._decoder.read()) is not None:
            landing = self._decoder.landing_pts
            if landing is None or frame.pts is None:
                return None
            if frame.pts < landing:
                continue
            if row is None:
                row = bisect_left(self._pts, landing)
            if row > start + len(pictures) or not self._is_row(frame, row):
                return None
            if row >= start:
                pictures.append(DecodedFrame(frame).fingerprint())
            row += 1
            if row == stop:
                return pictures
        return None

    def _is_row(self, frame: VideoFrame, row: int) -> bool:
        self._size = self._size or (frame.width, frame.height)
        return frame.pts == self._pts[row] and self._size == (frame.width, frame.height)


def _check_length(path: Path, rows: int) -> None:
    if rows > MAX_FRAMES:
        raise UserError(
            f"“{shown_name(path)}” has more than {MAX_FRAMES:,} frames.", hint="Cut it.", code="media.too_long"
        )
