"""The import worker: `python -m rvos_core.weights._import_main [--once]`, spoken to by `worker.py`.

It gives up the network, imports torch, says that it is ready and then takes jobs, one JSON object a line. On Linux
every job runs in a fork of its own, so that it starts at once, and what a file breaks is gone with it; elsewhere (and
with --once) the worker ends after one job.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from rvos_core.weights.sandbox import Forbidden, cut_network, forbid_side_effects, limit_memory, limit_time, peak_memory

_POLL_S = 0.004
_SMALLEST = ("-r50", "-swin-t", "-mini")  # of each kind of network
_FINISHED = 0
# Exit statuses of a job's process that has not answered.
_SIGNALS = {signal.SIGKILL: "memory", getattr(signal, "SIGXCPU", None): "slow"}


def main(arguments: list[str]) -> int:
    """Answer jobs until the parent closes its end."""
    answers = _private_stdout()
    cut_network()
    forking = sys.platform == "linux" and "--once" not in arguments
    _warm_up()
    _say(answers, {"ready": os.getpid()})
    for line in sys.stdin:
        job = json.loads(line)
        if not forking:
            _run(job, answers)
            return 0
        failure = _run_in_fork(job, answers)
        if failure is not None:
            _say(answers, {"failure": failure})
    return 0


def _private_stdout() -> TextIO:
    """A stream to the parent that nothing else prints into."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return stream


def _warm_up() -> None:
    """Import what jobs need, and build every kind of network once, so that forks begin with all of it."""
    import torch

    from rvos_core.models.architectures import ARCHITECTURES
    from rvos_core.weights import conversion, strict

    del conversion
    torch.set_num_threads(1)
    for entry in ARCHITECTURES.values():
        for name, make in entry.configurations.items():
            if name.endswith(_SMALLEST):
                strict.expected_shapes(entry.name, make())


def _run_in_fork(job: dict[str, Any], answers: TextIO) -> str | None:
    """None if the job has answered; else why not: `slow`, `memory` or `crashed`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _run(job, answers)
            code = _FINISHED
        finally:
            if code != _FINISHED:
                traceback.print_exc()
            os._exit(code)
    deadline = time.monotonic() + float(job["time_s"])
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "slow"
        time.sleep(_POLL_S)
    if os.WIFSIGNALED(status):
        return _SIGNALS.get(os.WTERMSIG(status), "crashed")
    return None if os.WEXITSTATUS(status) == _FINISHED else "crashed"


def _run(job: dict[str, Any], answers: TextIO) -> None:
    from rvos_core.errors import UserError
    from rvos_core.weights.conversion import convert
    from rvos_core.weights.job import Job

    task = Job(**job["job"])
    limit_memory(int(job["memory_bytes"]))
    limit_time(float(job["time_s"]))
    tried = forbid_side_effects(None if task.output is None else Path(task.output))
    try:
        answer: dict[str, Any] = {"result": convert(task)}
    except UserError as error:
        answer = {"error": error.as_dict(), "exit_code": error.exit_code}
    except (MemoryError, Forbidden) as error:
        answer = {"failure": "memory" if isinstance(error, MemoryError) else "forbidden", "why": str(error)[:200]}
    if tried() is not None:
        answer = {"failure": "forbidden", "tried": tried()}
    _say(answers, {**answer, "peak_bytes": peak_memory()})


def _say(stream: TextIO, answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        stream.write(json.dumps(answer) + "\n")
        stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
