"""Sound: the right samples from the right moment, and a picture that follows them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from helpers_clip import SOUND_RATE, counting_sound, write_numbered_clip
from rvos_app.playback.audio import SoundDecoder
from rvos_app.playback.controller import PlaybackController
from rvos_app.playback.output import NoSoundOutput, open_output
from rvos_app.playback.sound import SoundPlayer
from rvos_core.media import open_media

_PRECISION = SOUND_RATE // 1000  # Matroska's time stamps are milliseconds


class Loudspeaker:
    """Plays into memory, at `pace` times real time."""

    rate, channels = SOUND_RATE, 1

    def __init__(self, pace: float = 1.0) -> None:
        self.pace = pace
        self.heard = b""
        self.volume = 1.0
        self.broken: str | None = None
        self._since: float | None = None

    def start(self) -> None:
        self._since, self.heard = time.monotonic(), b""

    def stop(self) -> None:
        self._since = None

    @property
    def running(self) -> bool:
        return self._since is not None

    def writable_bytes(self) -> int:
        return 2 * (int((self._passed() + 0.2) * self.rate) - len(self.heard) // 2)

    def write(self, data: bytes) -> int:
        self.heard += data
        return len(data)

    def played_s(self) -> float:
        return min(self._passed(), len(self.heard) / 2 / self.rate)

    def set_volume(self, volume: float) -> None:
        self.volume = volume

    def failure(self) -> str | None:
        return self.broken

    def _passed(self) -> float:
        return 0.0 if self._since is None else (time.monotonic() - self._since) * self.pace


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "sound.mkv"
    return write_numbered_clip(path, 60, rate=25, sound=counting_sound(2.4))


@pytest.fixture
def play_with(clip: Path, qtbot: QtBot) -> Iterator[Callable[[Loudspeaker], PlaybackController]]:
    opened: list[PlaybackController] = []
    with open_media(clip) as reader:

        def start(output: Loudspeaker) -> PlaybackController:
            playback = PlaybackController(sound=SoundPlayer(make_output=lambda: output))
            opened.append(playback)
            shown: list[int] = []
            playback.frameReady.connect(lambda index, picture: shown.append(index))
            playback.open(reader)
            qtbot.waitUntil(lambda: shown == [0])
            return playback

        yield start
        for playback in opened:
            playback.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rvos-")]


def _read(decoder: SoundDecoder, samples: int) -> np.ndarray:
    data = b""
    deadline = time.monotonic() + 5
    while len(data) < 2 * samples and time.monotonic() < deadline:
        data += decoder.read(2 * samples - len(data))
        time.sleep(0.001)
    return np.frombuffer(data, np.int16)


@pytest.mark.parametrize("at_s", [0.0, 0.5, 1.2345, 0.25, 2.0])
def test_sound_begins_at_the_moment_asked_for(clip: Path, at_s: float) -> None:
    decoder = SoundDecoder(clip, origin_s=0.0, rate=SOUND_RATE, channels=1)
    try:
        decoder.seek(1.9)
        _read(decoder, 100)
        decoder.seek(at_s)
        first = round(at_s * SOUND_RATE)
        heard = _read(decoder, 12_000)
        begins = first + (int(heard[0]) - first % 32_000)
        assert abs(begins - first) <= _PRECISION
        assert np.array_equal(heard, counting_sound(2.4)[begins : begins + 12_000]), "and goes on without a gap"
    finally:
        decoder.close()


def test_before_the_track_and_after_its_end_there_is_silence(tmp_path: Path) -> None:
    path = write_numbered_clip(tmp_path / "late.mkv", 50, sound=counting_sound(0.5) + 1, sound_from_s=0.4)
    decoder = SoundDecoder(path, origin_s=0.0, rate=SOUND_RATE, channels=1)
    try:
        decoder.seek(0.0)
        heard = _read(decoder, SOUND_RATE)
        begins = int(np.flatnonzero(heard)[0])
        assert begins == pytest.approx(0.4 * SOUND_RATE, abs=0.001 * SOUND_RATE)
        assert np.array_equal(heard[begins : begins + 24_000], counting_sound(0.5) + 1)
        assert not heard[begins + 24_000 :].any()
        decoder.seek(1.5)
        assert not _read(decoder, 4800).any()
    finally:
        decoder.close()


def test_time_starts_with_the_first_frame_not_with_the_file(clip: Path) -> None:
    decoder = SoundDecoder(clip, origin_s=0.5, rate=SOUND_RATE, channels=1)
    try:
        decoder.seek(0.1)
        assert abs(int(_read(decoder, 1000)[0]) - round(0.6 * SOUND_RATE)) <= _PRECISION
    finally:
        decoder.close()


def test_it_is_resampled_to_what_the_loudspeaker_takes(tmp_path: Path) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(SOUND_RATE) / SOUND_RATE)).astype(np.int16)
    path = write_numbered_clip(tmp_path / "tone.mkv", 25, sound=tone)
    decoder = SoundDecoder(path, origin_s=0.0, rate=44_100, channels=2)
    try:
        decoder.seek(0.0)
        heard = _read(decoder, 2 * 32_768).reshape(-1, 2)[:, 0]
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        assert np.argmax(spectrum) * 44_100 / len(heard) == pytest.approx(440, abs=2)
    finally:
        decoder.close()


def test_a_track_that_cannot_be_decoded_is_reported_not_raised(tmp_path: Path, qtbot: QtBot) -> None:
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"not a clip")
    player = SoundPlayer(make_output=Loudspeaker)
    player.open(broken, origin_s=0.0)
    with qtbot.waitSignal(player.unavailable, timeout=3000) as reason:
        player.start(0.0)
    assert "broken.mkv" in reason.args[0]
    assert player.position_s() is None
    player.start(0.0)
    player.close()


def test_the_picture_follows_the_sound(play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot) -> None:
    output = Loudspeaker(pace=0.5)
    playback = play_with(output)
    playback.play()
    qtbot.wait(1000)
    at = output.played_s()
    assert playback.current_index == pytest.approx(at * 25, abs=3)
    assert playback.current_index < 18, "not the wall clock: that would be at frame 25"
    playback.pause()
    assert not output.running
    heard = np.frombuffer(output.heard, np.int16)
    assert np.array_equal(heard, counting_sound(2.4)[: len(heard)])


def test_a_seek_takes_the_sound_along(play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot) -> None:
    output = Loudspeaker()
    playback = play_with(output)
    playback.play()
    qtbot.wait(150)
    playback.seek(30)
    qtbot.waitUntil(lambda: len(output.heard) > 2000 and playback.current_index > 30)
    assert abs(int(np.frombuffer(output.heard, np.int16)[0]) - round(1.2 * SOUND_RATE) % 32_000) <= _PRECISION


def test_only_normal_speed_is_heard(play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot) -> None:
    output = Loudspeaker()
    playback = play_with(output)
    for direction, audible in ((1, True), (1, False), (-1, False), (1, True), (0, False)):
        playback.shuttle(direction)
        assert output.running == audible


def test_a_loudspeaker_that_stalls_does_not_stop_the_picture(
    play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot
) -> None:
    output = Loudspeaker()
    playback = play_with(output)
    playback.play()
    qtbot.waitUntil(lambda: playback.current_index >= 3)
    output.pace = 0.0
    qtbot.waitUntil(lambda: playback.current_index >= 20, timeout=4000)


def test_volume_and_mute_reach_the_loudspeaker(
    play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot
) -> None:
    output = Loudspeaker()
    playback = play_with(output)
    playback.set_volume(0.25)
    playback.play()
    assert output.volume == 0.25
    playback.set_muted(True)
    assert output.volume == 0.0
    playback.set_muted(False)
    playback.set_volume(7)
    assert output.volume == 1.0


def test_without_a_loudspeaker_it_plays_silently_and_says_so_once(clip: Path, qtbot: QtBot) -> None:
    def none() -> Loudspeaker:
        raise NoSoundOutput("Sound is off: no device.")

    playback = PlaybackController(sound=SoundPlayer(make_output=none))
    said: list[str] = []
    playback.audioUnavailable.connect(said.append)
    with open_media(clip) as reader:
        playback.open(reader)
        qtbot.waitUntil(lambda: playback._shown == 0)
        playback.play()
        qtbot.waitUntil(lambda: playback.current_index >= 5)
        playback.pause()
        playback.play()
        qtbot.waitUntil(lambda: playback.current_index >= 8)
        playback.close()
    assert said == ["Sound is off: no device."]


def test_a_loudspeaker_that_breaks_is_given_up(
    play_with: Callable[[Loudspeaker], PlaybackController], qtbot: QtBot
) -> None:
    output = Loudspeaker()
    playback = play_with(output)
    playback.play()
    qtbot.waitUntil(lambda: playback.current_index >= 3)
    with qtbot.waitSignal(playback.audioUnavailable):
        output.broken = "Sound is off: unplugged."
    qtbot.waitUntil(lambda: playback.current_index >= 8)


# What Qt's sound says of libraries and servers that a machine lacks.
@pytest.mark.qt_log_ignore("Couldn't (load|resolve)", "PulseAudioService", extend=True)
def test_the_real_loudspeaker_is_found_or_its_absence_explained(qtbot: QtBot) -> None:
    try:
        output = open_output()
    except NoSoundOutput as error:
        assert str(error).startswith("Sound is off: ")
        return
    assert output.rate > 0 and output.channels in (1, 2)
