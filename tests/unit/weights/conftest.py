"""One import worker for all tests of this folder: starting it costs two seconds, a job in it milliseconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rvos_core.weights.worker import ImportWorker


@pytest.fixture(scope="session")
def worker() -> Iterator[ImportWorker]:
    with ImportWorker() as worker:
        yield worker
