"""Playback on real clips: every frame under its own number, when it is due, whatever else happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from helpers_clip import number_in, write_numbered_clip
from rvos_app.playback.controller import PlaybackController
from rvos_core.errors import UserError
from rvos_core.media import MediaReader, StoredFrame, open_media
from rvos_core.types import FrameSpan

OPENER = Callable[[MediaReader], PlaybackController]


class Wrapped(MediaReader):
    """A reader with something done before each frame."""

    def __init__(self, inner: MediaReader, before: Callable[[int], None]) -> None:
        self._inner, self._before = inner, before
        self.info = inner.info

    def stored(self, index: int) -> StoredFrame:
        self._before(index)
        return self._inner.stored(index)

    def reopen(self) -> MediaReader:
        return Wrapped(self._inner.reopen(), self._before)

    def close(self) -> None:
        self._inner.close()


class Watcher:
    """What a window would have shown: (time, frame) of each picture, each checked to be the frame it is said to be."""

    def __init__(self, playback: PlaybackController) -> None:
        self.shown: list[tuple[float, int]] = []
        self.indices: list[int] = []
        playback.frameReady.connect(self._on_frame)
        playback.indexChanged.connect(self.indices.append)

    def _on_frame(self, index: int, picture: np.ndarray) -> None:
        assert number_in(picture) == index, "a frame is only ever shown under its own number"
        self.shown.append((time.monotonic(), index))

    @property
    def frames(self) -> list[int]:
        return [index for _, index in self.shown]


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numbered_clip(tmp_path_factory.mktemp("clips") / "numbered.mkv", 60, rate=50)


@pytest.fixture
def playback(qtbot: QtBot) -> Iterator[PlaybackController]:
    controller = PlaybackController()
    yield controller
    controller.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rvos-")]


@pytest.fixture
def reader(clip_path: Path) -> Iterator[MediaReader]:
    with open_media(clip_path) as opened:
        yield opened


@pytest.fixture
def watcher(playback: PlaybackController, reader: MediaReader, qtbot: QtBot) -> Watcher:
    """The clip is open and its first frame on screen."""
    seen = Watcher(playback)
    playback.open(reader)
    qtbot.waitUntil(lambda: seen.frames == [0])
    return seen


def test_opening_shows_the_first_frame(watcher: Watcher, playback: PlaybackController) -> None:
    assert (watcher.frames, watcher.indices, playback.current_index) == ([0], [0], 0)
    assert not playback.playing


def test_every_sought_frame_is_the_right_one(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    for target in (59, 0, 31, 32, 30, 7, 7, 58):
        playback.seek(target)
        assert playback.current_index == target, "the playhead does not wait for the decoder"
        qtbot.waitUntil(lambda wanted=target: watcher.frames[-1] == wanted)
    playback.seek(1000)
    assert playback.current_index == 59
    playback.seek(-5)
    assert playback.current_index == 0


def test_the_newest_of_many_seeks_wins_and_none_goes_back(
    playback: PlaybackController, reader: MediaReader, qtbot: QtBot
) -> None:
    seen = Watcher(playback)
    playback.open(Wrapped(reader, lambda index: time.sleep(0.01)))
    targets = [(7 * k) % 60 for k in range(60)]
    for target in targets:
        playback.seek(target)
        qtbot.wait(2)
    qtbot.waitUntil(lambda: seen.frames[-1:] == targets[-1:])
    qtbot.wait(60)
    assert seen.frames[-1] == targets[-1]
    places = [targets.index(frame) for frame in seen.frames[1:]]
    assert places == sorted(places), "a frame asked for earlier never replaces a later one"
    assert len(seen.frames) > 3, "while the playhead is dragged, pictures keep coming"


def test_steps_are_exact_in_both_directions(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    for step, wanted in ((1, 1), (1, 2), (10, 12), (-1, 11), (-10, 1), (-1, 0), (-1, 0), (100, 59)):
        playback.step(step)
        assert playback.current_index == wanted
    qtbot.waitUntil(lambda: watcher.frames[-1] == 59)


def test_a_step_while_playing_stops_at_the_next_frame(
    watcher: Watcher, playback: PlaybackController, qtbot: QtBot
) -> None:
    playback.play()
    qtbot.waitUntil(lambda: playback.current_index >= 5)
    here = watcher.frames[-1]
    playback.step(1)
    assert (playback.playing, playback.current_index) == (False, here + 1)
    qtbot.waitUntil(lambda: watcher.frames[-1] == here + 1)
    qtbot.wait(80)
    assert watcher.frames[-1] == here + 1, "nothing that was on its way comes after it"


def test_play_takes_as_long_as_the_clip_and_stops_at_the_end(
    watcher: Watcher, playback: PlaybackController, qtbot: QtBot
) -> None:
    start = time.monotonic()
    playback.play()
    qtbot.waitUntil(lambda: not playback.playing, timeout=4000)
    took = time.monotonic() - start
    assert 1.19 <= took < 2.0
    qtbot.waitUntil(lambda: watcher.frames[-1] == 59)
    assert watcher.frames[-1] == playback.current_index == 59
    assert watcher.frames == sorted(set(watcher.frames))
    assert len(watcher.frames) > 25, "at real time few frames are left out, even on a busy machine"
    for when, frame in watcher.shown[1:]:
        assert when - start >= frame / 50 - 0.002, "no frame is shown before its time"
    playback.play()
    assert playback.current_index == 0, "play at the end begins again"


def test_a_variable_rate_is_honoured(playback: PlaybackController, tmp_path: Path, qtbot: QtBot) -> None:
    stamps = [0, 20, 40, 400, 420, 440, 700, 1000]
    seen = Watcher(playback)
    with open_media(write_numbered_clip(tmp_path / "vfr.mkv", len(stamps), pts_ms=stamps)) as reader:
        assert [round(1000 * reader.info.time_s(i)) for i in range(len(stamps))] == stamps
        playback.open(reader)
        qtbot.waitUntil(lambda: seen.frames == [0])
        start = time.monotonic()
        playback.play()
        qtbot.waitUntil(lambda: 7 in seen.frames, timeout=4000)
    for when, frame in seen.shown[1:]:
        assert -0.002 <= when - start - stamps[frame] / 1000 < 0.25


def test_pause_leaves_the_playhead_on_the_picture(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    states: list[bool] = []
    playback.playingChanged.connect(states.append)
    playback.toggle()
    qtbot.waitUntil(lambda: playback.current_index >= 4)
    playback.toggle()
    stopped = list(watcher.frames)
    qtbot.wait(100)
    assert watcher.frames == stopped
    assert stopped[-1] == playback.current_index == watcher.indices[-1]
    assert states == [True, False]


def test_jkl_shuttles(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    speeds: list[float] = []
    playback.speedChanged.connect(speeds.append)
    playback.seek(30)
    for _ in range(5):
        playback.shuttle(1)
    assert (speeds, playback.speed) == ([2.0, 4.0, 8.0], 8.0)
    playback.shuttle(-1)
    playback.shuttle(-1)
    assert playback.speed == -2.0
    playback.shuttle(1)
    assert playback.speed == 1.0
    playback.shuttle(1)
    playback.shuttle(0)
    assert (playback.playing, playback.speed) == (False, 1.0), "K stops, and the speed does not linger"
    playback.play()
    assert playback.speed == 1.0


@pytest.mark.parametrize("presses", [2, 4])
def test_fast_play_leaves_frames_out_and_keeps_time(
    watcher: Watcher, playback: PlaybackController, qtbot: QtBot, presses: int
) -> None:
    start = time.monotonic()
    for _ in range(presses):
        playback.shuttle(1)
    speed = playback.speed
    qtbot.waitUntil(lambda: not playback.playing, timeout=4000)
    assert 1.2 / speed - 0.01 <= time.monotonic() - start < 1.2 / speed + 0.7
    qtbot.waitUntil(lambda: watcher.frames[-1] == 59)
    assert watcher.frames == sorted(set(watcher.frames))
    if speed > 2:  # at twice the speed a quick machine shows them all
        assert len(watcher.frames) < 59


def test_backwards_play_goes_to_the_start(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    playback.seek(40)
    qtbot.waitUntil(lambda: watcher.frames[-1] == 40)
    watcher.shown.clear()
    start = time.monotonic()
    playback.shuttle(-1)
    qtbot.waitUntil(lambda: not playback.playing, timeout=4000)
    qtbot.waitUntil(lambda: watcher.frames[-1] == 0)
    assert watcher.frames == sorted(set(watcher.frames), reverse=True)
    assert watcher.frames[-1] == playback.current_index == 0
    assert 0.78 <= time.monotonic() - start < 1.6
    assert len(watcher.frames) > 15


@pytest.mark.parametrize("direction", [1, -1])
def test_a_loop_stays_between_in_and_out(
    watcher: Watcher, playback: PlaybackController, qtbot: QtBot, direction: int
) -> None:
    playback.set_loop(FrameSpan(10, 20))
    playback.shuttle(direction)
    qtbot.wait(700)
    assert playback.playing
    frames = watcher.frames[1:]
    assert set(frames) <= set(range(10, 20))
    assert frames.count(15) >= 2
    playback.set_loop(FrameSpan(40, 45))
    qtbot.waitUntil(lambda: watcher.frames[-1] in range(40, 45))
    playback.set_loop(None)
    playback.pause()
    assert playback.current_index in range(40, 45)


def test_a_seek_while_playing_goes_on_from_there(watcher: Watcher, playback: PlaybackController, qtbot: QtBot) -> None:
    playback.play()
    qtbot.waitUntil(lambda: playback.current_index >= 5)
    playback.seek(40)
    before = len(watcher.frames)
    qtbot.waitUntil(lambda: playback.current_index >= 45)
    after = watcher.frames[before:]
    assert after == sorted(after) and after[0] >= 40
    assert playback.playing


def test_a_slow_decoder_costs_frames_but_never_order(
    playback: PlaybackController, reader: MediaReader, qtbot: QtBot
) -> None:
    seen = Watcher(playback)
    playback.open(Wrapped(reader, lambda index: time.sleep(0.05)))
    qtbot.waitUntil(lambda: seen.frames == [0])
    playback.play()
    qtbot.wait(900)
    assert seen.frames == sorted(set(seen.frames))
    assert len(seen.frames) >= 6, "the picture keeps moving"


def test_a_frame_that_cannot_be_read_is_passed_over(
    playback: PlaybackController, reader: MediaReader, qtbot: QtBot
) -> None:
    def refuse(index: int) -> None:
        if index in (5, 6):
            raise UserError(f"frame {index} is gone")

    seen, failed = Watcher(playback), []
    playback.frameFailed.connect(lambda index, error: failed.append((index, str(error))))
    playback.open(Wrapped(reader, refuse))
    qtbot.waitUntil(lambda: seen.frames == [0])
    playback.seek(5)
    qtbot.waitUntil(lambda: failed == [(5, "frame 5 is gone")])
    playback.seek(0)
    playback.play()
    qtbot.waitUntil(lambda: playback.current_index >= 12, timeout=4000)
    assert {5, 6}.isdisjoint(seen.frames)
    assert 12 in range(max(seen.frames) + 1)


def test_opening_and_closing_leaves_nothing_behind(
    playback: PlaybackController, reader: MediaReader, qtbot: QtBot
) -> None:
    seen = Watcher(playback)
    for _ in range(12):
        playback.open(reader)
        playback.play()
        qtbot.wait(3)
    playback.close()
    count = len(seen.shown)
    for act in (playback.play, playback.pause, playback.toggle, lambda: playback.seek(3), lambda: playback.step(1)):
        act()
    qtbot.wait(50)
    assert len(seen.shown) == count, "nothing comes after close"
    assert (playback.playing, playback.current_index) == (False, 0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rvos-")]


def test_thumbnails_come_from_a_thread_of_their_own(
    watcher: Watcher, playback: PlaybackController, qtbot: QtBot
) -> None:
    thumbnails: dict[int, np.ndarray] = {}
    playback.thumbnailReady.connect(lambda index, pixels: thumbnails.__setitem__(index, pixels))
    playback.request_thumbnails([0, 20, 40])
    qtbot.waitUntil(lambda: len(thumbnails) == 3)
    assert {index: number_in(pixels) for index, pixels in thumbnails.items()} == {0: 0, 20: 20, 40: 40}
    playback.play()
    playback.request_thumbnails([50])
    qtbot.wait(100)
    assert 50 not in thumbnails, "they wait while the clip plays"
    playback.pause()
    qtbot.waitUntil(lambda: 50 in thumbnails)


def test_real_footage_is_shown_frame_for_frame(playback: PlaybackController, qtbot: QtBot) -> None:
    from helpers_data import shared_data

    shown: dict[int, np.ndarray] = {}
    playback.frameReady.connect(lambda index, picture: shown.__setitem__(index, picture))
    with open_media(shared_data() / "clips" / "flipping_a_pancake.mkv") as reader:
        playback.open(reader)
        for target in (40, 3, 77, 41):
            playback.seek(target)
            qtbot.waitUntil(lambda wanted=target: wanted in shown, timeout=8000)
            assert np.array_equal(shown[target], reader.frame(target))
