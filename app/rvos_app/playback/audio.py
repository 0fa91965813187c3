"""Decodes a clip's sound in a thread of its own: from any moment on, resampled, a little ahead of what is heard."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av import AudioFrame, AudioResampler, AudioStream
from av.container import InputContainer

from rvos_app.i18n import tr
from rvos_core.errors import UserError
from rvos_core.media.container import MEDIA_ERRORS, open_container

_log = logging.getLogger("rvos.media")

SAMPLE_BYTES = 2
_AHEAD_S = 1.0
_DRIFT_S = 0.08  # a gap or an overlap in the time stamps that is worth correcting
_SILENCE_CHUNK_S = 0.25


class SoundDecoder:
    """Interleaved signed 16-bit samples of the first sound track. Time 0 is the clip's first frame.

    Args:
        path: the clip.
        origin_s: the first frame's time stamp, in the file's own time.
        rate: samples per second to deliver.
        channels: 1 or 2.
    """

    def __init__(self, path: Path, *, origin_s: float, rate: int, channels: int) -> None:
        self._path = path
        self._origin_s = origin_s
        self._rate = rate
        self._channels = channels
        self._buffer = bytearray()
        self._changed = threading.Condition()
        self._seek_to: float | None = None
        self._ended = False
        self._stopped = False
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="rvos-sound", daemon=True)
        self._thread.start()

    @property
    def bytes_per_second(self) -> int:
        return self._rate * self._channels * SAMPLE_BYTES

    def seek(self, at_s: float) -> None:
        """From now on `read` gives the sound from `at_s`."""
        with self._changed:
            self._seek_to = at_s
            self._buffer.clear()
            self._ended = False
            self._changed.notify()

    def read(self, size: int) -> bytes:
        """At most `size` bytes of what is decoded; after the end of the track, silence."""
        with self._changed:
            size -= size % (self._channels * SAMPLE_BYTES)
            data = bytes(self._buffer[:size])
            del self._buffer[:size]
            if self._ended and len(data) < size:
                data += bytes(size - len(data))
            self._changed.notify()
            return data

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (at_s := self._next_seek()) is not None:
            try:
                for chunk in self._decode_from(at_s):
                    if not self._put(chunk):
                        break
                else:
                    self._end()
            except UserError as error:
                self._fail(str(error))
            except MEDIA_ERRORS as error:
                self._fail(tr("The sound of “{name}” cannot be decoded ({error}).", name=self._path.name, error=error))

    def _next_seek(self) -> float | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._seek_to is not None)
            at_s, self._seek_to = self._seek_to, None
            return None if self._stopped else at_s

    def _put(self, chunk: bytes) -> bool:
        """Waits for room; False when this stretch is not wanted any more."""
        with self._changed:
            room = self.bytes_per_second * _AHEAD_S
            self._changed.wait_for(lambda: self._interrupted or len(self._buffer) < room)
            if self._interrupted:
                return False
            self._buffer += chunk
            return True

    @property
    def _interrupted(self) -> bool:
        return self._stopped or self._seek_to is not None

    def _end(self) -> None:
        with self._changed:
            self._ended = self._seek_to is None

    def _fail(self, reason: str) -> None:
        _log.warning("%s", reason)
        with self._changed:
            self.failure = reason
            self._ended = True

    def _decode_from(self, at_s: float) -> Iterator[bytes]:
        """Chunks that begin exactly at `at_s`: what lies before is cut off, gaps are filled with silence."""
        layout = "stereo" if self._channels == 2 else "mono"
        with open_container(self._path) as container:
            stream = container.streams.audio[0]
            stream.codec_context.thread_count = 1
            if stream.time_base is not None:
                container.seek(max(int((at_s + self._origin_s) / stream.time_base), 0), stream=stream)
            resampler = AudioResampler(format="s16", layout=layout, rate=self._rate)
            made = 0  # samples delivered since at_s
            for frame in _frames(container, stream):
                due = made if frame.time is None else round((frame.time - self._origin_s - at_s) * self._rate)
                gap = due - made
                frame.pts = None
                samples = _samples(resampler, frame, self._channels)
                if gap > _DRIFT_S * self._rate or (made == 0 and gap > 0):
                    yield from self._silence(gap)
                    made += gap
                elif gap < -_DRIFT_S * self._rate or made == 0:
                    samples = samples[-gap:] if gap else samples
                if samples.size:
                    made += len(samples)
                    yield samples.tobytes()

    def _silence(self, samples: int) -> Iterator[bytes]:
        frame = self._channels * SAMPLE_BYTES
        chunk = int(self._rate * _SILENCE_CHUNK_S)
        for start in range(0, samples, chunk):
            yield bytes(min(chunk, samples - start) * frame)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """All frames from here on; a packet that cannot be decoded loses itself only."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except MEDIA_ERRORS as error:
            _log.info("a packet of sound at %s: %s", packet.pts, error)


def _samples(resampler: AudioResampler, frame: AudioFrame, channels: int) -> np.ndarray:
    """(n, channels) int16."""
    parts = [part.to_ndarray().reshape(-1, channels) for part in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros((0, channels), np.int16)
