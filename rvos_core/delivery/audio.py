"""The source's sound, copied packet by packet into a new file beside the picture; never decoded, never re-encoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from rvos_core.media.container import MEDIA_ERRORS, open_container

_CODECS = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac"}),  # and uncompressed sound
    "webm": frozenset({"opus", "vorbis"}),
}
_AudioPacket: TypeAlias = "Packet[AudioStream]"
_MICROSECONDS = 1_000_000


def sound_fits(codec: str | None, muxer: str) -> bool:
    """Whether players take sound of this codec in a container ("mp4", "mov", "webm", "matroska")."""
    if codec is None:
        return False
    if muxer == "matroska" or (muxer == "mov" and codec.startswith("pcm_")):
        return True
    return codec in _CODECS.get(muxer, frozenset())


class AudioCopy:
    """Sound of `source` between two times, shifted so that `start_s` becomes 0.

    Args:
        source: a video file.
        start_s, stop_s: seconds in the source's own time.
        reach_in: a packet that begins before `start_s` and reaches beyond it comes along; only containers with edit
            lists (MP4, QuickTime) can hide its first part, others would show the picture later instead.

    Raises:
        UserError: if the source cannot be opened any more.
    """

    def __init__(self, source: Path, *, start_s: Fraction, stop_s: Fraction, reach_in: bool = True) -> None:
        self._reach_in = reach_in
        self._start_s = start_s
        self._stop_s = stop_s
        self._input = open_container(source)
        self._stream = next(iter(self._input.streams.audio), None)
        self._packets = self._read()
        self._waiting: _AudioPacket | None = None
        self._output: AudioStream | None = None

    @property
    def codec(self) -> str | None:
        """Name of the sound's codec; None: the source has no sound, or an unknown one."""
        context = self._stream.codec_context if self._stream is not None else None
        return context.name if context is not None else None

    def attach(self, output: OutputContainer) -> None:
        """Add the sound's track to a file whose header is not written yet. Raises: av.FFmpegError, ValueError."""
        assert self._stream is not None
        self._output = output.add_stream_from_template(self._stream)

    def mux_until(self, output: OutputContainer, time_s: Fraction) -> None:
        """Write the packets that begin before `time_s` of the output."""
        while self._output is not None:
            packet = self._waiting or next(self._packets, None)
            if packet is None:
                return
            assert packet.pts is not None
            if packet.pts * packet.time_base >= time_s:
                self._waiting = packet
                return
            self._waiting = None
            packet.stream = self._output
            output.mux(packet)

    def close(self) -> None:
        """Release the source."""
        self._packets = iter(())
        self._waiting = None
        self._input.close()

    def _read(self) -> Iterator[_AudioPacket]:
        """The wanted packets, times shifted. Damage in the source ends the sound early, not the film."""
        stream = self._stream
        if stream is None:
            return
        try:
            if self._start_s > 1:
                self._input.seek(int((self._start_s - 1) * _MICROSECONDS))
            for packet in self._input.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                begin_s = packet.pts * packet.time_base
                if begin_s >= self._stop_s:
                    return
                until_s = begin_s + (packet.duration or 0) * packet.time_base if self._reach_in else begin_s
                if until_s >= self._start_s:
                    shift = round(self._start_s / packet.time_base)
                    packet.pts -= shift
                    packet.dts -= shift
                    yield packet
        except MEDIA_ERRORS:
            return
