"""One video file with one track of pictures, and perhaps the source's sound: opening, filling, closing.

`VideoFile` knows containers and encoders and nothing of masks; the writers above it decide what the pictures are.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from rvos_core.delivery.audio import AudioCopy, sound_fits
from rvos_core.delivery.outputs import Encoding, fitting_length
from rvos_core.delivery.timing import FrameTimes
from rvos_core.errors import UserError
from rvos_core.files import writing

_log = logging.getLogger("rvos.media")

_BT709 = 1
_LIMITED_RANGE = 1
_MAX_THREADS = 4
_HEADER_ROOM_BYTES = 65536
_WITH_EDIT_LISTS = ("mp4", "mov")


@dataclass(frozen=True)
class Sound:
    """The source's sound from `start_s` on, seconds in the source's own time."""

    source: Path
    start_s: Fraction


class VideoFile:
    """A new video file; frames or finished packets go in, in order.

    Args:
        part: the file to write.
        target: the file it will be, for messages.
        encoding, width, height, times: of the pictures.
        timecode: of the first frame, or None.
        sound: copied where the container takes it; `notes` says why where it does not.

    Raises:
        UserError: the encoder or the disk refuses.
    """

    def __init__(
        self,
        part: Path,
        *,
        target: Path,
        encoding: Encoding,
        width: int,
        height: int,
        times: FrameTimes,
        timecode: str | None = None,
        sound: Sound | None = None,
    ) -> None:
        self.notes: list[str] = []
        self.written = 0
        self._target = target
        self._encoding = fitting_length(encoding, len(times.pts))
        self._size = (width, height)
        self._times = times
        self._timecode = timecode
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._audio = self._open_sound(sound) if sound is not None else None
        try:
            self._open(part)
        except BaseException:
            self.close()
            raise

    @property
    def has_audio(self) -> bool:
        """Whether sound is copied."""
        return self._audio is not None

    def put(self, picture: av.VideoFrame) -> None:
        """Encode the next frame, of the file's size and pixel format."""
        container, stream = self._opened()
        stamp(picture, self._times, self.written)
        with encoding_errors(self._target):
            self._bring_sound(container)
            container.mux(stream.encode(picture))
        self.written += 1

    def put_packet(self, payload: bytes) -> None:
        """Add the next frame, encoded before with the same encoding; every one stands alone."""
        container, stream = self._opened()
        packet = Packet(payload)
        packet.pts = packet.dts = self._times.pts[self.written]
        packet.duration = self._times.durations[self.written]
        packet.time_base = self._times.time_base
        packet.is_keyframe = True
        packet.stream = stream
        with encoding_errors(self._target):
            self._bring_sound(container)
            container.mux(packet)
        self.written += 1

    def finish(self) -> None:
        """Write what the encoder still holds and the end of the file."""
        container, stream = self._opened()
        with encoding_errors(self._target):
            if self._audio is not None:
                self._audio.mux_until(container, self._times.end_s)
            container.mux(stream.encode(None))
            self._container = None
            container.close()

    def close(self) -> None:
        """Release everything; of a file that is not finished nothing is of use. May be called twice."""
        if self._container is not None:
            with contextlib.suppress(av.FFmpegError, OSError):  # on a full disk closing fails a second time
                self._container.close()
            self._container = None
        if self._audio is not None:
            self._audio.close()

    def _opened(self) -> tuple[OutputContainer, VideoStream]:
        if self._container is None or self._stream is None:
            raise ValueError("the file is closed")
        return self._container, self._stream

    def _bring_sound(self, container: OutputContainer) -> None:
        if self._audio is not None:
            self._audio.mux_until(container, self._times.pts[self.written] * self._times.time_base)

    def _open(self, part: Path) -> None:
        with encoding_errors(self._target):
            try:
                self._start(part)
            except (av.FFmpegError, ValueError) as error:
                if self._container is not None:
                    with contextlib.suppress(av.FFmpegError, OSError):
                        self._container.close()
                    self._container = None
                if self._audio is None or isinstance(error, OSError):
                    raise
                _log.info("%s: the sound cannot be copied: %s", self._target, error)
                self._drop_sound(self._audio, f"{self._container_name} does not take it as it is")
                self._start(part)

    def _start(self, part: Path) -> None:
        encoding, times = self._encoding, self._times
        # Without "bitexact" Matroska has a number by chance in it: what is written twice shall be the same file.
        options = {"fflags": "+bitexact", **encoding.muxer_options}
        part.write_bytes(bytes(_HEADER_ROOM_BYTES))  # PyAV keeps the file open for ever where its header finds no room
        self._container = av.open(f"file:{part}", "w", format=encoding.muxer, options=options)
        stream = self._container.add_stream(encoding.codec, rate=times.rate, options=dict(encoding.options))
        assert isinstance(stream, VideoStream)
        stream.time_base = times.time_base
        configure(stream.codec_context, encoding, width=self._size[0], height=self._size[1], times=times)
        if self._timecode is not None:
            stream.metadata["timecode"] = self._timecode
        self._stream = stream
        if self._audio is not None:
            self._audio.attach(self._container)
        self._container.start_encoding()

    def _open_sound(self, sound: Sound) -> AudioCopy | None:
        try:
            audio = AudioCopy(
                sound.source,
                start_s=sound.start_s,
                stop_s=sound.start_s + self._times.end_s,
                reach_in=self._encoding.muxer in _WITH_EDIT_LISTS,
            )
        except UserError as error:
            self.notes.append(f"The sound was left out: the source cannot be read again: {error.message}.")
            return None
        if sound_fits(audio.codec, self._encoding.muxer):
            return audio
        self._drop_sound(audio, f"{self._container_name} does not take {audio.codec or 'its codec'}")
        return None

    def _drop_sound(self, audio: AudioCopy, why: str) -> None:
        audio.close()
        self._audio = None
        self.notes.append(f"The sound was left out: {why}.")

    @property
    def _container_name(self) -> str:
        names = {"mp4": "MP4", "mov": "QuickTime", "matroska": "Matroska", "webm": "WebM"}
        return names.get(self._encoding.muxer, self._encoding.muxer)


class FrameEncoder:
    """An encoder whose every frame stands alone, without a file: pictures in, finished frames out, in order."""

    def __init__(self, target: Path, encoding: Encoding, *, width: int, height: int, times: FrameTimes) -> None:
        self._target = target
        self._times = times
        with encoding_errors(target):
            context = CodecContext.create(encoding.codec, "w")
            assert isinstance(context, VideoCodecContext)
            context.options = dict(encoding.options)
            context.framerate = times.rate
            configure(context, encoding, width=width, height=height, times=times)
            self._context = context

    def encode(self, picture: av.VideoFrame | None, index: int = 0) -> Iterator[bytes]:
        """Frames that are ready after `picture`, number `index` of the file; None: all that are left."""
        if picture is not None:
            stamp(picture, self._times, index)
        with encoding_errors(self._target):
            packets = self._context.encode(picture)
        for packet in packets:
            yield bytes(packet)


def configure(context: VideoCodecContext, encoding: Encoding, *, width: int, height: int, times: FrameTimes) -> None:
    """Tell an encoder size, pixel format, time base and colour tags."""
    context.width, context.height, context.pix_fmt = width, height, encoding.pixel_format
    context.time_base = times.time_base
    context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
    if encoding.pixel_format.startswith("yuv"):
        context.color_range, context.colorspace = _LIMITED_RANGE, _BT709
        context.color_primaries = context.color_trc = _BT709
    if encoding.tag:
        context.codec_tag = encoding.tag


def stamp(picture: av.VideoFrame, times: FrameTimes, index: int) -> None:
    """Say when frame `index` is shown."""
    picture.pts = times.pts[index]
    picture.duration = times.durations[index]
    picture.time_base = times.time_base


@contextlib.contextmanager
def encoding_errors(target: Path) -> Iterator[None]:
    """Turn what the encoder or the disk says into a `UserError` that names `target`."""
    with writing(target):
        try:
            yield
        except OSError:
            raise
        except av.FFmpegError as error:
            raise UserError(
                f"{target} cannot be encoded: {error.strerror}.",
                hint="Write masks as PNG instead.",
                code="delivery.encode",
            ) from error
