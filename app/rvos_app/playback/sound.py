"""Plays a clip's sound from a moment on and says which moment is being heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from rvos_app.playback.audio import SoundDecoder
from rvos_app.playback.output import NoSoundOutput, SoundOutput, open_output

_PUMP_MS = 15
_PATIENCE_S = 0.5  # without progress for so long, the sound no longer leads


@dataclass
class _Stretch:
    """Sound played without interruption."""

    start_s: float
    played_s: float = 0.0  # as the output said last
    since: float = 0.0  # when it said so


class SoundPlayer(QObject):
    """Sound at normal speed, or silence where there is no track or no loudspeaker: then `position_s` is None.

    Signals:
        unavailable(reason): there is sound that cannot be heard; said once per clip.
    """

    unavailable = Signal(str)

    def __init__(self, parent: QObject | None = None, *, make_output: Callable[[], SoundOutput] = open_output) -> None:
        super().__init__(parent)
        self._make_output = make_output
        self._output: SoundOutput | None = None
        self._decoder: SoundDecoder | None = None
        self._path: Path | None = None
        self._origin_s = 0.0
        self._stretch: _Stretch | None = None
        self._unwritten = b""
        self._volume = 1.0
        self._muted = False
        self._timer = QTimer(self, interval=_PUMP_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._pump)

    def open(self, path: Path, *, origin_s: float) -> None:
        """Takes a clip with sound; nothing is loaded before it is played.

        Args:
            path: the clip.
            origin_s: time stamp of its first frame, in seconds of the file's own time.
        """
        self.close()
        self._path, self._origin_s = path, origin_s

    def close(self) -> None:
        """Stops, and ends the decode thread."""
        self.stop()
        self._path = None
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def start(self, at_s: float) -> None:
        """Plays from a moment of the clip on."""
        self.stop()
        if self._path is None or not self._get_ready(self._path):
            return
        assert self._output is not None and self._decoder is not None
        self._decoder.seek(at_s)
        self._unwritten = b""
        self._output.set_volume(0.0 if self._muted else self._volume)
        self._output.start()
        self._stretch = _Stretch(at_s, since=time.monotonic())
        self._timer.start()

    def stop(self) -> None:
        """Silence at once."""
        self._timer.stop()
        if self._stretch is not None and self._output is not None:
            self._output.stop()
        self._stretch = None

    def position_s(self) -> float | None:
        """The moment of the clip that is heard now; None where no sound runs that a picture could follow."""
        if self._stretch is None or self._output is None:
            return None
        played, now = self._output.played_s(), time.monotonic()
        if played > self._stretch.played_s:
            self._stretch.played_s, self._stretch.since = played, now
        waited = now - self._stretch.since
        if waited > _PATIENCE_S:
            return None
        between_reports = waited if self._stretch.played_s > 0 else 0.0
        return self._stretch.start_s + self._stretch.played_s + min(between_reports, 2 * _PUMP_MS / 1000)

    def set_volume(self, volume: float) -> None:
        """0.0 to 1.0."""
        self._volume = min(max(volume, 0.0), 1.0)
        self._apply_volume()

    def set_muted(self, muted: bool) -> None:
        self._muted = muted
        self._apply_volume()

    def _apply_volume(self) -> None:
        if self._output is not None:
            self._output.set_volume(0.0 if self._muted else self._volume)

    def _get_ready(self, path: Path) -> bool:
        if self._output is None:
            try:
                self._output = self._make_output()
            except NoSoundOutput as error:
                self._give_up(str(error))
                return False
        if self._decoder is None:
            self._decoder = SoundDecoder(
                path, origin_s=self._origin_s, rate=self._output.rate, channels=self._output.channels
            )
        return True

    def _give_up(self, reason: str) -> None:
        self.stop()
        self._path = None
        self.unavailable.emit(reason)

    @Slot()
    def _pump(self) -> None:
        if self._output is None or self._decoder is None:
            return
        failure = self._output.failure() or self._decoder.failure
        if failure is not None:
            self._output = None if self._output.failure() else self._output
            self._give_up(failure)
            return
        room = self._output.writable_bytes()
        if len(self._unwritten) < room:
            self._unwritten += self._decoder.read(room - len(self._unwritten))
        if self._unwritten:
            self._unwritten = self._unwritten[self._output.write(self._unwritten) :]
