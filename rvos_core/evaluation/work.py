"""Shares the scoring of many frames among threads: PNG reading, OpenCV and large numpy operations run side by side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

from rvos_core.types import CancelToken

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress: TypeAlias = Callable[[int, int], None]  # frames scored, frames in all

_MAX_THREADS = 16
_WAITING_PER_THREAD = 4


def scored_in_order(
    score: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    total: int,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> list[Result]:
    """`score` of every item, in order; the first error in that order is raised, as if one thread did it all.

    Args:
        score: safe to run in several threads at a time.
        items: taken as they are needed, so that few of them wait.
        total: how many there are, for `progress`.
        progress: called in the calling thread after each item.
        cancel: checked before each item is waited for.

    Raises:
        Cancelled: if `cancel` is set; what has not begun is dropped.
    """
    source = iter(items)
    threads = max(1, min(_MAX_THREADS, os.cpu_count() or 1))
    found: list[Result] = []
    with ThreadPoolExecutor(threads, thread_name_prefix="rvos-score") as pool:
        waiting: deque[Future[Result]] = deque(
            pool.submit(score, item) for item in islice(source, threads * _WAITING_PER_THREAD)
        )
        try:
            while waiting:
                if cancel is not None:
                    cancel.raise_if_cancelled()
                found.append(waiting.popleft().result())
                waiting.extend(pool.submit(score, item) for item in islice(source, 1))
                if progress is not None:
                    progress(len(found), total)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return found


@dataclass
class Steps:
    """Counts the steps of a calculation in one thread: tells `progress`, and stops where `cancel` is set."""

    total: int
    progress: Progress | None = None
    cancel: CancelToken | None = None
    done: int = 0

    def add(self) -> None:
        """One more is about to be made. Raises: Cancelled."""
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)
