"""What this process holds at a moment, and the most of it over stretches of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

_STATUS = Path("/proc/self/statm")
_PAGE_MIB = 4096 / 2**20
_SAMPLED = 50  # frames from one look to the next

needs_proc = pytest.mark.skipif(not _STATUS.exists(), reason="memory is read from /proc")


def memory_mib() -> float:
    """Resident now; a process's peak would still be that of an earlier test."""
    return int(_STATUS.read_text().split()[1]) * _PAGE_MIB


class Highest:
    """The most memory, MiB, up to frame `early`, over all frames that are written, and while they are read back."""

    def __init__(self, early: int) -> None:
        self._early = early
        self.early = self.whole = self.reading = 0.0

    def progress(self, done: int, _total: int) -> None:
        """For writing."""
        if done % _SAMPLED == 0:
            self.whole = max(self.whole, memory_mib())
            if done <= self._early:
                self.early = self.whole

    def read_back(self, done: int, _total: int) -> None:
        """For reading back."""
        if done % _SAMPLED == 0:
            self.reading = max(self.reading, memory_mib())

    def require_flat(self, say: Callable[[str], None]) -> None:
        """Fails where it grew."""
        say(f"early {self.early:.1f}, whole {self.whole:.1f}, reading back {self.reading:.1f} MiB")
        assert self.whole - self.early < 4
        assert self.reading - self.early < 12, "reading back included"
