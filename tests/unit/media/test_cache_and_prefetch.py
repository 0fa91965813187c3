"""The frame cache keeps its budget; the prefetcher serves the newest wish and fills the cache around the playhead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.media import FrameCache, MediaReader, Prefetcher
from rvos_core.types import MediaInfo


class Picture:
    def __init__(self, index: int, nbytes: int = 100) -> None:
        self.index = index
        self.nbytes = nbytes

    def to_rgb(self) -> np.ndarray:
        return np.full((2, 2, 3), self.index % 256, np.uint8)


class Counting(MediaReader):
    """A clip whose frames are their numbers; counts what is read, can be slow, fails at one frame."""

    error: Exception = UserError("broken", hint="mend it", code="media.test")

    def __init__(self, frames: int, *, fails_at: int | None = None, gate: threading.Event | None = None) -> None:
        self.info = MediaInfo(
            Path("clip"), "video", 2, 2, frames, Fraction(25), False, False, tuple(range(frames)), Fraction(1, 25),
            "none", "rgb24", 2, 2, 0, Fraction(1), False,
        )  # fmt: skip
        self.read: list[int] = []
        self.fails_at = fails_at
        self.gate = gate
        self.open_readers = 0

    def stored(self, index: int) -> Picture:
        self.check_index(index)
        if self.gate is not None:
            self.gate.wait(5)
        self.read.append(index)
        if index == self.fails_at:
            raise self.error
        return Picture(index)

    def reopen(self) -> Counting:
        self.open_readers += 1
        return self

    def close(self) -> None:
        self.open_readers -= 1


class Desk:
    """What a window would keep: pictures and errors as they arrive."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.errors: list[int] = []
        self.threads: set[str] = set()

    def on_frame(self, index: int, picture: np.ndarray) -> None:
        assert picture[0, 0, 0] == index % 256
        self.threads.add(threading.current_thread().name)
        self.frames.append(index)

    def on_error(self, index: int, error: UserError) -> None:
        self.errors.append(index)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def start(desk: Desk) -> Iterator[Callable[..., Prefetcher]]:
    running: list[Prefetcher] = []

    def run(reader: MediaReader, cache: FrameCache, **options: int) -> Prefetcher:
        running.append(Prefetcher(reader, cache, on_frame=desk.on_frame, on_error=desk.on_error, **options))
        return running[-1]

    yield run
    assert all(prefetcher.stop() for prefetcher in running)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.002)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60), st.integers(1, 150))
def test_the_budget_holds_and_the_newest_stay(puts: list[tuple[int, int]], budget: int) -> None:
    cache = FrameCache(budget)
    for index, nbytes in puts:
        assert cache.put(index, Picture(index, nbytes)) == (nbytes <= budget)
        assert (index in cache) == (nbytes <= budget)
        assert 0 <= cache.nbytes <= budget
    cache.clear()
    assert (cache.nbytes, len(cache)) == (0, 0)


def test_what_is_looked_at_stays_longer() -> None:
    cache = FrameCache(300)
    for index in range(3):
        cache.put(index, Picture(index))
    assert cache.get(0) is not None
    cache.put(3, Picture(3))
    assert [index in cache for index in range(4)] == [True, False, True, True]
    assert cache.get(1) is None


def test_a_cache_needs_a_budget() -> None:
    with pytest.raises(ValueError, match="budget"):
        FrameCache(0)


def test_the_cache_stands_many_threads() -> None:
    cache = FrameCache(1000)

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for index in random.integers(0, 40, 400).tolist():
            cache.put(index, Picture(index))
            picture = cache.get(int(random.integers(0, 40)))
            assert picture is None or picture.shape == (2, 2, 3)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.nbytes == 100 * len(cache) <= 1000


def test_a_request_is_served_and_its_surroundings_follow(desk: Desk, start: Callable[..., Prefetcher]) -> None:
    reader, cache = Counting(100), FrameCache(100_000)
    start(reader, cache, ahead=10, behind=4).request(50)
    wait_for(lambda: len(reader.read) == 15)
    assert desk.frames == [50]
    assert reader.read == [50, *range(51, 61), *range(46, 50)]
    assert desk.threads == {"rvos-decode"}


def test_backwards_the_stretch_before_comes_first_and_runs_forwards(
    desk: Desk, start: Callable[..., Prefetcher]
) -> None:
    reader = Counting(100)
    start(reader, FrameCache(100_000), ahead=20, behind=2).request(50, direction=-1)
    wait_for(lambda: len(reader.read) == 23)
    assert reader.read == [50, *range(34, 50), *range(30, 34), 51, 52]


def test_only_the_newest_of_waiting_requests_is_served(desk: Desk, start: Callable[..., Prefetcher]) -> None:
    gate = threading.Event()
    prefetcher = start(Counting(100, gate=gate), FrameCache(100_000), ahead=0, behind=0)
    prefetcher.request(1)
    time.sleep(0.05)
    for index in (10, 20, 30, 40):
        prefetcher.request(index)
    gate.set()
    wait_for(lambda: 40 in desk.frames)
    assert set(desk.frames) <= {1, 40}


def test_what_is_cached_is_not_read_again(desk: Desk, start: Callable[..., Prefetcher]) -> None:
    reader, cache = Counting(30), FrameCache(100_000)
    prefetcher = start(reader, cache, ahead=5, behind=0)
    prefetcher.request(3)
    wait_for(lambda: len(reader.read) == 6)
    prefetcher.request(4)
    wait_for(lambda: desk.frames == [3, 4])
    wait_for(lambda: reader.read == [3, 4, 5, 6, 7, 8, 9])


def test_prefetching_stays_within_the_cache(desk: Desk, start: Callable[..., Prefetcher]) -> None:
    reader, cache = Counting(1000), FrameCache(1000)
    start(reader, cache, ahead=500, behind=100).request(500)
    time.sleep(0.2)
    assert len(reader.read) <= 10
    assert 500 in cache
    tiny = Counting(1000)
    start(tiny, FrameCache(50)).request(0)
    time.sleep(0.1)
    assert tiny.read == [0]


@pytest.mark.parametrize("error", [Counting.error, MemoryError(), ValueError("no such pixels")], ids=repr)
def test_a_broken_frame_is_told_and_the_thread_lives_on(
    desk: Desk, start: Callable[..., Prefetcher], error: Exception
) -> None:
    reader = Counting(20, fails_at=5)
    reader.error = error
    prefetcher = start(reader, FrameCache(10_000), ahead=2, behind=0)
    prefetcher.request(5)
    wait_for(lambda: desk.errors == [5])
    prefetcher.request(4)
    wait_for(lambda: desk.frames == [4])
    assert desk.errors == [5]


def test_stopping_is_prompt_and_final(desk: Desk) -> None:
    reader = Counting(100_000)
    prefetcher = Prefetcher(reader, FrameCache(10**9), on_frame=desk.on_frame, on_error=desk.on_error, ahead=99_000)
    prefetcher.request(0)
    wait_for(lambda: len(reader.read) > 20)
    began = time.monotonic()
    assert prefetcher.stop()
    assert time.monotonic() - began < 1
    read = len(reader.read)
    time.sleep(0.05)
    assert len(reader.read) == read and reader.open_readers == 0
    with pytest.raises(IndexError):
        prefetcher.request(100_000)
