"""The parent's side of the import worker: a process without network that reads strangers' checkpoints.

One is started before it is needed and kept; each job there has a process of its own with limits on memory and time
(`_import_main.py`). A job that crashes or is cancelled does not harm the next. No torch here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

import rvos_core
from rvos_core.errors import UsageError, UserError
from rvos_core.types import CancelToken
from rvos_core.weights.job import Job
from rvos_core.weights.sniff import refused

_log = logging.getLogger("rvos.model")

_MIB = 1024 * 1024
_BASE_MEMORY_BYTES = 640 * _MIB
_MEMORY_PER_BYTE = 3.0  # of the file: mapped once, written once, read back once
_BASE_TIME_S = 60.0
_BYTES_PER_S = 20e6  # what even a slow disk reads
_START_S = 120.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Limits:
    """What one job may take: address space beyond the worker's own, and time of the wall and of the processor."""

    memory_bytes: int
    time_s: float

    @staticmethod
    def for_file(path: Path) -> Limits:
        """Limits for a checkpoint of this size."""
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        return Limits(_BASE_MEMORY_BYTES + int(_MEMORY_PER_BYTE * size), _BASE_TIME_S + size / _BYTES_PER_S)


class ImportWorker:
    """A warm process that converts checkpoints, one at a time.

    Args:
        reuse: keep the process for the next job, where the system can fork; else a new one is started for each job.

    Attributes:
        peak_bytes: the most memory that a job which answered has held.
    """

    def __init__(self, *, reuse: bool = True) -> None:
        self._reuse = reuse and sys.platform == "linux"
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader: threading.Thread | None = None
        self._is_ready = False
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and return at once; it becomes ready by itself."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._answers, self._is_ready = queue.Queue(), False
        command = [sys.executable, "-P", "-m", "rvos_core.weights._import_main", *([] if self._reuse else ["--once"])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if _log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        arguments = (self._process.stdout, self._answers)
        self._reader = threading.Thread(target=_read_answers, args=arguments, name="import-worker", daemon=True)
        self._reader.start()

    def wait_until_ready(self, *, cancel: CancelToken | None = None) -> None:
        """Raises: UserError: the process does not start. Cancelled: the person stopped it."""
        self.start()
        if not self._is_ready:
            answer = self._next_answer(_START_S, cancel)
            if answer is None or "ready" not in answer:
                self.close()
                hint = "Close other programs and try again; `rvos --debug` logs more."
                raise UserError(
                    "The process that reads checkpoints does not start.", hint=hint, code="checkpoint.worker"
                )
            self._is_ready = True

    def convert(self, job: Job, *, limits: Limits | None = None, cancel: CancelToken | None = None) -> dict[str, Any]:
        """Do one job and return what `conversion.convert` returned.

        Raises:
            UserError: the file is refused, or needs more memory or time than any checkpoint should.
            Cancelled: the person stopped it; the process is ended.
        """
        source = Path(job.source)
        limits = limits or Limits.for_file(source)
        self.wait_until_ready(cancel=cancel)
        assert self._process is not None and self._process.stdin is not None
        line = json.dumps({"job": asdict(job), "memory_bytes": limits.memory_bytes, "time_s": limits.time_s})
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._next_answer(limits.time_s + 5.0, cancel)
        if answer is None or not self._reuse:
            self.close()
        self.peak_bytes = max(self.peak_bytes, int((answer or {}).get("peak_bytes", 0)))
        return _result(answer, source, limits)

    def close(self) -> None:
        """End the process and whatever it started."""
        process, self._process, self._is_ready = self._process, None, False
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is process.stdin and stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        _kill(process)
        process.wait()
        if self._reader is not None:
            self._reader.join()
        if process.stdout is not None:
            process.stdout.close()

    def _next_answer(self, timeout_s: float, cancel: CancelToken | None) -> dict[str, Any] | None:
        """The next line of the process; None if it ended or took too long."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if cancel is not None and cancel.cancelled:
                self.close()
                cancel.raise_if_cancelled()
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=_POLL_S)
        return {"failure": "slow"}


def _result(answer: dict[str, Any] | None, source: Path, limits: Limits) -> dict[str, Any]:
    """The result in an answer. Raises: UserError: there is none."""
    answer = answer or {"failure": "crashed"}
    if "result" in answer:
        result: dict[str, Any] = answer["result"]
        return result
    if "error" in answer:
        kind = UsageError if answer.get("exit_code") == UsageError.exit_code else UserError
        raise kind(answer["error"]["message"], hint=answer["error"]["hint"], code=answer["error"]["code"])
    _log.warning("reading %s ended: %s", source, answer)
    match answer.get("failure"):
        case "memory":
            what = f"needs more memory than a checkpoint of its size should ({limits.memory_bytes / 1e9:.1f} GB)"
            raise refused(
                source, what, "It is damaged or made to fill the memory; nothing was imported.", code="memory"
            )
        case "slow":
            what = f"cannot be read within {limits.time_s:.0f} s"
            raise refused(source, what, "It is damaged, or its disk does not answer.", code="slow")
        case "forbidden":
            what = "is refused: reading it tried to do more than read"
            raise refused(source, what, "Take the file from the authors' own page.", code="asks_to_run_code")
        case _:
            what = "broke the process that reads checkpoints"
            raise refused(source, what, "It is damaged: nothing was imported. Download it again.", code="crashed")


def _read_answers(stream: IO[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed while it waits
        for line in stream:
            answers.put(json.loads(line))
    answers.put(None)


def _kill(process: subprocess.Popen[str]) -> None:
    """End the process with its forks; they are the only members of its session."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _environment() -> dict[str, str]:
    """Our own environment; the child finds this very package, and does its arithmetic in one thread."""
    root = str(Path(rvos_core.__file__).resolve().parents[1])
    search = [root, *sys.path]  # as it is here: an application may have been started in many ways
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, search))}
