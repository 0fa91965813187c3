"""Hostile and broken checkpoints: one clear error each, quickly, and nothing of them is run, sent, kept or left."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hostile_checkpoints import CASES
from hostile_pickles import Trap, good_state
from rvos_core.errors import UserError
from rvos_core.weights.importing import ImportRequest, import_model
from rvos_core.weights.sources import Source
from rvos_core.weights.worker import ImportWorker

_MAX_S = 20.0  # of one case on any machine; measured at most 1.9 s on two cores that eleven programs shared
_MAX_BYTES = 1_000_000_000


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return good_state()


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_there_are_at_least_sixty() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused(
    name: str, worker: ImportWorker, state: dict[str, torch.Tensor], listener: socket.socket, tmp_path: Path
) -> None:
    make, code = CASES[name]
    folder = tmp_path / "from"
    folder.mkdir()
    trap = Trap(folder, state, tmp_path / "canary", listener.getsockname()[1])
    file = make(trap)
    worker.wait_until_ready()
    begin = time.monotonic()
    with pytest.raises(UserError) as caught:
        import_model(ImportRequest(Source(file), "imported"), worker=worker)
    seconds = time.monotonic() - begin
    error = caught.value
    assert error.code == code, error
    assert file.name in error.message and error.hint
    assert "weights_only" not in str(error) and "Traceback" not in str(error)
    assert not trap.canary.exists()
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not (tmp_path / "models" / "imported").exists()
    assert not list((tmp_path / "models").glob(".*")), "a part was left"
    assert seconds < _MAX_S
    assert worker.peak_bytes < _MAX_BYTES


def test_a_good_one_is_read_after_all_that(
    worker: ImportWorker, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    from rvos_core.weights.job import Job

    torch.save({"model": state}, tmp_path / "good.pth")
    assert worker.convert(Job(str(tmp_path / "good.pth")))["arch"] == "referformer"
