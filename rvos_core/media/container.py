"""Opening a video container with FFmpeg, safely, and decoding it forward packet by packet.

This file and its readers are the only users of PyAV for input. Whitelists keep FFmpeg from following playlists and
addresses hidden in a file; every decoder error is confined to its packet.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import NoReturn, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rvos_core.errors import UserError
from rvos_core.media.sniff import iter_boxes, raise_os_error, shown_name

log = logging.getLogger("rvos.media")

MAX_SIDE_PX = 16384
MAX_AREA_PX = 200_000_000
DECODE_THREADS = 2
_MAX_BREAKS = 3  # read errors in a row after which a file counts as ended

# Demuxers that read one local file and nothing else; concat, hls, dash, sdp, image2 and lavfi must never be in here.
_DEMUXERS = (
    "mov,matroska,webm,avi,asf,flv,mpegts,mpeg,mpegvideo,m4v,h263,h264,hevc,vvc,vc1,ivf,obu,av1,ogg,mxf,gxf,nut,dv,dnxhd,"
    "rm,wtv,yuv4mpegpipe,mjpeg,gif,apng,mp3,wav,w64,flac,aac,aiff,caf,amr,ac3,eac3,ape,wv,au"
)
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file", "max_pixels": str(MAX_AREA_PX)}

_MAGIC = (
    (0, b"GIF8", "gif"),
    (0, b"\x89PNG", "apng"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"FLV", "flv"),
    (4, b"ftyp", "mov"),
    (8, b"AVI ", "avi"),
)

# What reading or decoding a bad file may raise (measured on 1,000 mutated files); FFmpegError alone is not enough.
MEDIA_ERRORS = (av.FFmpegError, UnicodeDecodeError, IndexError, MemoryError, EOFError, ValueError)


def timecode_text(metadata: Mapping[str, str]) -> str | None:
    """The timecode among a container's or track's tags, whose names Matroska writes in capitals."""
    return next((value for name, value in metadata.items() if name.lower() == "timecode"), None)


def timecodes_of(container: InputContainer) -> Iterator[str]:
    """The timecodes of tracks, then of the container, as they are written in the file."""
    yield from filter(None, (timecode_text(each.metadata) for each in (*container.streams, container)))


def open_container(path: Path) -> InputContainer:
    """Open `path` for demuxing; the caller closes it.

    Raises:
        UserError: FFmpeg cannot read it.
    """
    try:
        # "file:" and an absolute path: a name such as "-x.mp4", "a%04d.png" or "concat:x" is only ever a name.
        # Broken text in tags is replaced: it must not keep a good picture from opening.
        name = "file:" + os.path.abspath(path)  # noqa: PTH100
        return av.open(name, format=_format_by_content(path), options=_OPTIONS, metadata_errors="replace")
    except OSError as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise_os_error(path, error)
        _raise_not_readable(path, error)
    except MEDIA_ERRORS as error:
        _raise_not_readable(path, error)


def _format_by_content(path: Path) -> str | None:
    """Demuxer for a name with a percent sign, which FFmpeg would else take for a pattern of image names; else None."""
    if "%" not in path.name:
        return None
    with path.open("rb") as file:
        head = file.read(12)
    for start, magic, demuxer in _MAGIC:
        if head[start : start + len(magic)] == magic:
            return demuxer
    return None


def choose_stream(container: InputContainer, path: Path) -> tuple[VideoStream, list[str]]:
    """The first video track that is not cover art, and what a person should know about the choice.

    Raises:
        UserError: there is no such track, or no decoder for it, or its size is over the limits.
    """
    video = [s for s in container.streams.video if not _is_picture_of_something_else(s)]
    if not video:
        has = "only sound" if container.streams.audio else "no picture"
        raise UserError(
            f"“{shown_name(path)}” has no video track ({has}).",
            hint="Choose a file with a picture.",
            code="media.no_video_track",
        )
    stream = video[0]
    if stream.codec_context is None:
        tag = stream.metadata.get("codec", "") or "unknown"
        raise UserError(
            f"“{shown_name(path)}” uses a video codec ({tag}) that is not supported by this build.",
            hint="Convert it to H.264 or ProRes.",
            code="media.unknown_codec",
        )
    check_size(path, stream.codec_context.width, stream.codec_context.height)
    warnings = []
    if len(video) > 1 and not _is_still(stream):
        warnings.append(f"The file has {len(video)} video tracks; the first one is used.")
    return stream, warnings


def check_size(path: Path, width: int, height: int) -> None:
    """Raises: UserError: a picture of `width` x `height` pixels is larger than the program handles."""
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_AREA_PX:
        raise UserError(
            f"“{shown_name(path)}” is {width} x {height} pixels, more than {MAX_SIDE_PX} on a side "
            f"or {MAX_AREA_PX // 1_000_000} megapixels.",
            hint="Scale it down first.",
            code="media.too_large",
        )


def read_packets(
    container: InputContainer, stream: VideoStream, *, on_break: Callable[[BaseException], None]
) -> Generator[Packet[VideoStream]]:
    """Packets of `stream` from here to the end, then an empty one that flushes the decoder.

    Many containers find their way again after a broken stretch, so some errors in a row are survived; `on_break` is
    told of each.
    """
    breaks = 0
    while breaks < _MAX_BREAKS:
        try:
            for packet in container.demux(stream):
                breaks = 0
                yield packet
            return
        except MEDIA_ERRORS as error:
            breaks += 1
            on_break(error)
    yield cast("Packet[VideoStream]", Packet())


class PacketDecoder:
    """Forward decoding of one file's video track.

    An error in one packet loses that packet only. After `seek` the first key frame met is the landing:
    frames that FFmpeg puts out of what lay before it are not to be trusted, and `landing_pts` says where it is.

    Attributes:
        failures: packets so far that could not be read or decoded, or that the container calls corrupt.
        packets: packets met since the start or the last `seek`, decodable or not.
        landing_pts: pts of the key packet at which decoding began after the last `seek`; None before it is met.
        keys: (pts, dts) of the key packets met since the start or the last `seek`.
        encrypted: a packet said that it is encrypted.
    """

    def __init__(self, path: Path, *, threads: int = DECODE_THREADS) -> None:
        self._path = path
        self._threads = threads
        self._open()

    def _open(self) -> None:
        self.container = open_container(self._path)
        try:
            self.stream, self.warnings = choose_stream(self.container, self._path)
        except UserError:
            self.container.close()
            raise
        context = self.stream.codec_context
        context.thread_count = self._threads
        context.thread_type = "AUTO" if self._threads > 1 else "NONE"
        context.options = {"max_pixels": str(MAX_AREA_PX)}
        self._packets = read_packets(self.container, self.stream, on_break=self._lose_packets)
        self._ready: deque[VideoFrame] = deque()
        self._awaits_key = False
        self.landing_pts: int | None = None
        self.keys: list[tuple[int | None, int | None]] = []
        self.failures = 0
        self.packets = 0
        self.encrypted = False

    def close(self) -> None:
        """Release the file and the decoder's threads."""
        self._ready.clear()
        self._packets.close()
        self.container.close()

    def rewind(self) -> None:
        """Go back to the very first frame. Opens the file anew: a seek to the start is not always the start."""
        self.close()
        self._open()

    def seek(self, timestamp: int) -> None:
        """Go to the key frame at or before `timestamp` (stream time base), as far as the container can."""
        self._ready.clear()
        with contextlib.suppress(*MEDIA_ERRORS):
            self.container.seek(timestamp, stream=self.stream)
        self._packets = read_packets(self.container, self.stream, on_break=self._lose_packets)
        self._awaits_key = True
        self.landing_pts = None
        self.keys.clear()
        self.packets = 0

    def read(self) -> VideoFrame | None:
        """The next decoded frame in output order, or None at the end."""
        while not self._ready:
            packet = next(self._packets, None)
            if packet is None:
                break
            if self._awaits_key:
                if packet.size and not packet.is_keyframe:
                    continue
                self._awaits_key = False
                self.landing_pts = packet.pts
            if packet.size:
                self._note(packet)
            self._decode(packet)
        return self._ready.popleft() if self._ready else None

    def _lose_packets(self, error: BaseException) -> None:
        self.failures += 1
        log.info("reading %s fails: %s", shown_name(self._path), error)

    def _note(self, packet: Packet[VideoStream]) -> None:
        self.packets += 1
        if packet.is_corrupt:
            self.failures += 1
        if packet.is_keyframe:
            self.keys.append((packet.pts, packet.dts))
        if packet.has_sidedata("encryption_info"):
            self.encrypted = True

    def _decode(self, packet: Packet[VideoStream]) -> None:
        try:
            self._ready.extend(self.stream.codec_context.decode(packet))
        except MEDIA_ERRORS as error:
            if packet.size:
                self.failures += 1
                log.debug("packet at %s of %s: %s", packet.pts, shown_name(self._path), error)


def _is_picture_of_something_else(stream: VideoStream) -> bool:
    """Cover art, thumbnails on a timeline, tiles of a larger picture."""
    flags = av.stream.Disposition
    return bool(stream.disposition & (flags.attached_pic | flags.timed_thumbnails | flags.dependent))


def _is_still(stream: VideoStream) -> bool:
    return bool(stream.frames == 1 and stream.average_rate == 1)


def _raise_not_readable(path: Path, error: BaseException) -> NoReturn:
    if _lacks_index(path):
        raise UserError(
            f"The index of “{shown_name(path)}” is missing (incomplete copy or recording); it cannot be opened.",
            hint="Copy it again, or repair it with the camera's own program.",
            code="media.no_index",
        ) from error
    raise UserError(
        f"“{shown_name(path)}” is not a video that can be read (unknown or broken container).",
        hint="Check that it plays elsewhere; a complete copy or a conversion to MP4 may help.",
        code="media.not_a_video",
    ) from error


def _lacks_index(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            kinds = [kind for kind, _, _ in iter_boxes(file)]
    except OSError:
        return False
    return kinds[:1] == [b"ftyp"] and b"mdat" in kinds and not {b"moov", b"meta"} & set(kinds)
