"""Sharing work among threads changes nothing about the results, the first error, or how it stops."""

from __future__ import annotations

import threading
import time

import pytest

from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.work import scored_in_order
from rvos_core.types import CancelToken


def test_results_keep_their_order_and_use_several_threads() -> None:
    threads: set[str] = set()
    meeting = threading.Barrier(2, timeout=20)

    def score(item: int) -> int:
        threads.add(threading.current_thread().name)
        if item < 2:
            meeting.wait()  # passes only if two items are in work at once
        time.sleep((item % 3) * 0.002)
        return item * item

    seen: list[tuple[int, int]] = []
    found = scored_in_order(score, iter(range(40)), total=40, progress=lambda done, total: seen.append((done, total)))
    assert found == [i * i for i in range(40)]
    assert seen == [(i, 40) for i in range(1, 41)]
    assert len(threads) > 1
    assert threading.current_thread().name not in threads


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def items():
        nonlocal taken
        for item in range(100_000):
            taken += 1
            yield item

    def score(item: int) -> int:
        if item == 3:
            raise UserError("no", code="x")
        return item

    with pytest.raises(UserError):
        scored_in_order(score, items(), total=100_000)
    assert taken < 1000


def test_the_first_error_in_order_is_raised() -> None:
    def score(item: int) -> int:
        if item == 1:
            time.sleep(0.05)
        if item in (1, 2):
            raise UserError(f"item {item}", code="x")
        return item

    with pytest.raises(UserError, match="item 1"):
        scored_in_order(score, range(6), total=6)


def test_cancel_stops_before_all_is_done() -> None:
    cancel = CancelToken()
    worked: list[int] = []

    def score(item: int) -> int:
        worked.append(item)
        return item

    def progress(done: int, _: int) -> None:
        if done == 5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        scored_in_order(score, range(10_000), total=10_000, progress=progress, cancel=cancel)
    assert len(worked) < 1000


def test_nothing_to_do() -> None:
    assert scored_in_order(lambda item: item, [], total=0) == []
