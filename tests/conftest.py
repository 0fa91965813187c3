"""Settings of every test: no display, one compute thread a process, helpers importable, no thread left behind."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(_variable, "1")  # test processes run side by side: one core each
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

_GRACE_S = 3.0


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fails a test that ends while a non-daemon thread it started still runs."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _GRACE_S
    while left := [t for t in threading.enumerate() if t not in before and t.is_alive() and not t.daemon]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {', '.join(t.name for t in left)}")
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def nothing_of_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and projects go to the test's own folder, and the models that a person imported are not seen."""
    monkeypatch.setenv("RVOS_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.setenv("RVOS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RVOS_MODELS", str(tmp_path / "models"))
