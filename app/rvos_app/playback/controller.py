"""Seek, step, play, shuttle: which frame is on screen when.

A frame is only ever shown under its own number. While playing, the frame on screen is the one whose time stamp the
clock has reached; when decoding is late, frames in between are left out. The clock is the sound where it runs.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from rvos_app.playback.clock import FrameTimes, PlaybackClock
from rvos_app.playback.frames import FrameSource
from rvos_app.playback.sound import SoundPlayer
from rvos_app.timeline.filmstrip import FilmstripLoader
from rvos_core.errors import UserError
from rvos_core.media import MediaReader
from rvos_core.types import FrameSpan

_log = logging.getLogger("rvos.media")

MAX_SPEED = 8.0
_SHORTEST_S = 1 / 60  # between two frames on screen; faster play leaves frames out
_MAX_LAG_S = 0.25  # behind this, silent playback slows down instead of leaving out more and more


class PlaybackController(QObject):
    """Plays one clip: frames for the canvas, sound, and thumbnails for the filmstrip.

    Signals:
        frameReady(frame_index, picture): show this; (H, W, 3) uint8 RGB.
        frameFailed(frame_index, UserError): this frame cannot be read; what is on screen stays.
        indexChanged(frame_index): the playhead has moved; a sought frame may still be decoding.
        playingChanged(playing), speedChanged(speed): speed is negative backwards and 1.0 when paused.
        audioUnavailable(reason): the clip has sound that cannot be heard; said once per clip.
        thumbnailReady(frame_index, pixels): as `FilmstripLoader` makes them.
    """

    frameReady = Signal(int, object)
    frameFailed = Signal(int, object)
    indexChanged = Signal(int)
    playingChanged = Signal(bool)
    speedChanged = Signal(float)
    audioUnavailable = Signal(str)
    thumbnailReady = Signal(int, object)

    def __init__(self, parent: QObject | None = None, *, sound: SoundPlayer | None = None) -> None:
        super().__init__(parent)
        self._source: FrameSource | None = None
        self._times: FrameTimes | None = None
        self._clock = PlaybackClock()
        self._sound = sound or SoundPlayer(self)
        self._filmstrip = FilmstripLoader(self)
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._index = 0
        self._shown: int | None = None
        self._playing = False
        self._waiting = False  # playing, and the frame that is due has not come yet
        self._held = False  # playing from a frame that is not on screen yet: time starts when it is
        self._speed = 1.0
        self._loop: FrameSpan | None = None
        self._next: tuple[int, np.ndarray] | None = None
        self._unreadable: set[int] = set()
        self._timer.timeout.connect(self._tick)
        self._sound.unavailable.connect(self.audioUnavailable)
        self._filmstrip.thumbnailReady.connect(self.thumbnailReady)

    @property
    def current_index(self) -> int:
        """Where the playhead is."""
        return self._index

    @property
    def playing(self) -> bool:
        return self._playing

    @property
    def speed(self) -> float:
        """Clip seconds per second; negative backwards."""
        return self._speed

    # The clip

    def open(self, reader: MediaReader) -> None:
        """Shows the first frame of a clip. The reader stays the caller's; threads use readers of their own."""
        self.close()
        if reader.info.frame_count == 0:
            return
        self._times = FrameTimes(reader.info)
        self._source = FrameSource(reader, parent=self)
        self._source.arrived.connect(self._on_arrived)
        self._source.failed.connect(self._on_failed)
        self._filmstrip.open(reader)
        if reader.info.has_audio:
            self._sound.open(reader.info.path, origin_s=float(reader.info.pts[0] * reader.info.time_base))
        self._shown, self._loop = None, None
        self._unreadable.clear()
        self.indexChanged.emit(0)
        self._source.request(0)

    def close(self) -> None:
        """Stops everything and ends all threads; no signal comes after this one's."""
        self.pause()
        self._sound.close()
        self._filmstrip.close()
        source, self._source, self._times = self._source, None, None
        self._index = 0
        if source is not None:
            source.close()
            source.deleteLater()

    @Slot(list)
    def request_thumbnails(self, frame_indices: list[int]) -> None:
        """Asks for filmstrip pictures; answered by `thumbnailReady`."""
        self._filmstrip.request(frame_indices)

    # Where

    @Slot(int)
    def seek(self, frame_index: int) -> None:
        """Goes to a frame, clamped to the clip. While playing, play goes on from there."""
        if self._source is None or self._times is None:
            return
        target = min(max(frame_index, 0), len(self._times) - 1)
        self._next, self._waiting = None, False
        self._move_to(target)
        if self._playing:
            self._sound.stop()
            self._timer.stop()
            self._source.forget()
            self._held = True
        picture = self._source.take(target)
        if picture is None:
            self._source.request(target, direction=self._direction)
        else:
            self._source.look_at(target, direction=self._direction)
            self._on_arrived(target, picture)

    def step(self, frames: int) -> None:
        """Stops, and goes some frames on (or back, if negative): exactly, whatever was on its way."""
        self.pause()
        self.seek(self._index + frames)

    # Play

    def play(self) -> None:
        """Plays forward at 1x; from the start again where the end was reached."""
        self._play(1.0)

    def pause(self) -> None:
        """Stops. The speed is 1x again, so that a fast shuttle never lingers."""
        self._timer.stop()
        self._sound.stop()
        if self._source is not None and not self._held:
            self._source.forget()
        self._waiting, self._held, self._next = False, False, None
        self._set_speed(1.0)
        if self._playing:
            self._playing = False
            self._filmstrip.set_paused(False)
            self.playingChanged.emit(False)

    def toggle(self) -> None:
        """Space: plays, or stops."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def shuttle(self, direction: int) -> None:
        """J, K, L: -1 backwards, 0 stop, +1 forward; each repeat doubles the speed up to 8x."""
        if direction == 0:
            self.pause()
            return
        sign = math.copysign(1.0, direction)
        same_way = self._playing and self._speed * sign > 0
        self._play(sign * min(abs(self._speed) * 2, MAX_SPEED) if same_way else sign)

    def set_loop(self, span: FrameSpan | None) -> None:
        """Plays this span over and over; None plays to the end of the clip and stops."""
        self._loop = span if span is not None and len(span) else None
        first, last = self._bounds()
        if self._playing and not first <= self._index <= last:
            self.seek(first)

    def set_volume(self, volume: float) -> None:
        """0.0 to 1.0."""
        self._sound.set_volume(volume)

    def set_muted(self, muted: bool) -> None:
        self._sound.set_muted(muted)

    def _play(self, speed: float) -> None:
        if self._source is None or self._times is None:
            return
        was_playing = self._playing
        now = self._now() if was_playing and not self._held else None
        self._playing = True
        self._set_speed(speed)
        if not was_playing:
            self._filmstrip.set_paused(True)
            self.playingChanged.emit(True)
        first, last = self._bounds()
        at_the_end = self._index >= last if speed > 0 else self._index <= first
        if not was_playing and (at_the_end or not first <= self._index <= last):
            self.seek(first if speed > 0 else last)
        elif self._shown != self._index:
            self._held = True
        else:
            self._roll(now)

    def _roll(self, media_s: float | None = None) -> None:
        """Lets time run from `media_s`, or so that the frame on screen gets its full duration."""
        assert self._times is not None
        self._held = False
        if media_s is None:
            media_s = self._times.start(self._index) if self._speed > 0 else self._times.end(self._index)
        if self._speed == 1.0:
            self._sound.start(media_s)  # takes a moment the first time, which is not clip time
        else:
            self._sound.stop()
        self._clock.run(media_s, rate=self._speed)
        self._plan()

    def _now(self) -> float:
        """Clip seconds. The sound leads where it runs, as ears notice what eyes forgive."""
        heard = self._sound.position_s()
        if heard is not None:
            self._clock.run(heard, rate=self._speed)
        return self._clock.now()

    def _plan(self) -> None:
        """Asks for the frame after the one on screen and sets the timer to the moment it is due."""
        assert self._times is not None and self._source is not None
        now, ahead = self._now(), self._speed * _SHORTEST_S
        first, last = self._bounds()
        if self._speed > 0:
            following = max(self._index + 1, self._times.index_at(now + ahead))
            beyond = following > last and self._index >= last
            following = min(following, last)
            due = self._times.end(last) if beyond else self._times.start(following)
        else:
            following = min(self._index - 1, self._times.index_at(now + ahead))
            beyond = following < first and self._index <= first
            following = max(following, first)
            due = self._times.start(first) if beyond else self._times.end(following)
        if beyond and self._loop is not None:
            following = first if self._speed > 0 else last
        if not beyond or self._loop is not None:
            self._source.request(following, direction=self._direction)
        self._waiting = False
        self._timer.start(max(0, math.ceil(1000 * (due - now) / self._speed)))

    @Slot()
    def _tick(self) -> None:
        if not self._playing or self._source is None or self._times is None:
            return
        now = self._now()
        first, last = self._bounds()
        over = now >= self._times.end(last) - 1e-6 if self._speed > 0 else now <= self._times.start(first) + 1e-6
        if over:
            self._turn_over(first, last)
            return
        due = min(max(self._times.index_at(now - (0 if self._speed > 0 else 2e-6)), first), last)
        if due == self._index:
            self._plan()
            return
        if due in self._unreadable:
            self._pass_over(due)
            self._plan()
            return
        ready, self._next = self._next, None
        picture = ready[1] if ready is not None and ready[0] == due else self._source.take(due)
        if picture is None and ready is not None:
            due, picture = ready
        if picture is not None:
            self._show(due, picture)
            self._plan()
        else:
            self._waiting = True

    def _turn_over(self, first: int, last: int) -> None:
        """The end, or the beginning when playing backwards."""
        edge = last if self._speed > 0 else first
        if self._loop is not None:
            self.seek(first if self._speed > 0 else last)
        elif self._shown != edge:
            self.pause()
            self.seek(edge)
        else:
            self.pause()

    @Slot(int, object)
    def _on_arrived(self, frame_index: int, picture: np.ndarray) -> None:
        if not self._playing:
            self._show(frame_index, picture, moves=False)
        elif self._held:
            self._show(frame_index, picture, moves=False)
            if frame_index == self._index:
                self._roll()
        elif self._waiting:
            self._show(frame_index, picture)
            self._catch_up()
            self._plan()
        elif frame_index != self._shown:
            self._next = (frame_index, picture)

    @Slot(int, object)
    def _on_failed(self, frame_index: int, error: UserError) -> None:
        self.frameFailed.emit(frame_index, error)
        self._unreadable.add(frame_index)
        if self._playing and (self._waiting or self._held):
            self._pass_over(frame_index)
            self._roll()

    def _pass_over(self, frame_index: int) -> None:
        """Goes to a frame that cannot be shown; the last good one stays on screen."""
        self._shown = frame_index
        self._move_to(frame_index)

    def _catch_up(self) -> None:
        """Without sound to keep up with, lets a slow decoder slow the clock rather than run away from it."""
        assert self._times is not None
        at = self._times.start(self._index)
        lag = (self._now() - at) / self._speed
        if lag > _MAX_LAG_S and self._sound.position_s() is None:
            self._clock.run(at, rate=self._speed)

    def _show(self, frame_index: int, picture: np.ndarray, *, moves: bool = True) -> None:
        self._shown = frame_index
        self.frameReady.emit(frame_index, picture)
        if moves:
            self._move_to(frame_index)

    def _move_to(self, frame_index: int) -> None:
        if frame_index != self._index:
            self._index = frame_index
            self.indexChanged.emit(frame_index)

    def _set_speed(self, speed: float) -> None:
        if speed != self._speed:
            self._speed = speed
            self.speedChanged.emit(speed)

    @property
    def _direction(self) -> int:
        return -1 if self._speed < 0 else 1

    def _bounds(self) -> tuple[int, int]:
        """First and last frame to play."""
        last = len(self._times) - 1 if self._times is not None else 0
        if self._loop is None:
            return 0, last
        return min(self._loop.start, last), min(self._loop.stop - 1, last)
