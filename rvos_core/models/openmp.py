"""How torch's compute threads wait; to be said before torch is imported."""

from __future__ import annotations

import os


def let_waiting_threads_sleep() -> None:
    """Waiting OpenMP threads soon sleep instead of spinning; a choice made in the environment stands.

    Spinning threads keep the others from finishing where the machine has other work: ten times slower was measured on
    two cores of which one was busy.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
