"""A loudspeaker through QtMultimedia, which is imported only when there is something to hear: it may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rvos_app.i18n import tr

if TYPE_CHECKING:
    from PySide6.QtCore import QIODevice
    from PySide6.QtMultimedia import QAudioDevice, QAudioFormat

_BUFFER_S = 0.2
_RATES = (48_000, 44_100)


class NoSoundOutput(Exception):
    """There is nothing to play sound with; the text says why."""


class SoundOutput(Protocol):
    """What `SoundPlayer` needs of a loudspeaker: signed 16-bit samples, `rate` per second, `channels` interleaved."""

    rate: int
    channels: int

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def writable_bytes(self) -> int: ...
    def write(self, data: bytes) -> int: ...
    def played_s(self) -> float:
        """Seconds of sound played since `start`."""
        ...

    def set_volume(self, volume: float) -> None: ...
    def failure(self) -> str | None:
        """Why it does not play any more, or None."""
        ...


def open_output() -> SoundOutput:
    """The system's default loudspeaker.

    Raises: NoSoundOutput: QtMultimedia cannot be loaded, there is no device, or it takes no 16-bit sound.
    """
    try:
        from PySide6.QtMultimedia import QMediaDevices
    except ImportError as error:
        raise NoSoundOutput(tr("Sound is off: QtMultimedia cannot be loaded ({error}).", error=error)) from error
    device = QMediaDevices.defaultAudioOutput()
    if device.isNull():
        raise NoSoundOutput(tr("Sound is off: this computer has no sound output."))
    return _QtOutput(device, _choose_format(device))


def _choose_format(device: QAudioDevice) -> QAudioFormat:
    from PySide6.QtMultimedia import QAudioFormat

    preferred = device.preferredFormat()
    for rate in (*_RATES, preferred.sampleRate()):
        for channels in (2, 1):
            wanted = QAudioFormat()
            wanted.setSampleRate(rate)
            wanted.setChannelCount(channels)
            wanted.setSampleFormat(QAudioFormat.SampleFormat.Int16)
            if device.isFormatSupported(wanted):
                return wanted
    name = device.description()
    raise NoSoundOutput(tr("Sound is off: “{name}” takes no 16-bit mono or stereo sound.", name=name))


class _QtOutput:
    def __init__(self, device: QAudioDevice, sound_format: QAudioFormat) -> None:
        from PySide6.QtMultimedia import QAudioSink, QtAudio

        self._errors = QtAudio.Error
        self.rate = sound_format.sampleRate()
        self.channels = sound_format.channelCount()
        self._sink = QAudioSink(device, sound_format)
        self._sink.setBufferSize(int(_BUFFER_S * self.rate) * self.channels * 2)
        self._input: QIODevice | None = None

    def start(self) -> None:
        self._input = self._sink.start()

    def stop(self) -> None:
        self._input = None
        self._sink.reset()

    def writable_bytes(self) -> int:
        return self._sink.bytesFree() if self._input is not None else 0

    def write(self, data: bytes) -> int:
        return max(self._input.write(data), 0) if self._input is not None else 0

    def played_s(self) -> float:
        return self._sink.processedUSecs() / 1e6

    def set_volume(self, volume: float) -> None:
        self._sink.setVolume(volume)

    def failure(self) -> str | None:
        if self._sink.error() in (self._errors.NoError, self._errors.UnderrunError):
            return None
        return tr("Sound is off: the sound output has stopped working.")
