"""What a process gives up before it looks at a stranger's file: memory, time, the network, other programs and files.

Each part is taken where the system has it; together with reading nothing but plain tensors they are a second wall, not
the first.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of Python's audit hooks (PEP 578) that reading tensors never causes.
_FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "pty.",
    "ctypes.dlopen", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "pickle.find_class",
    "os.remove", "os.rename", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate", "os.kill",
    "os.putenv", "shutil.", "sqlite3.", "winreg.",
)  # fmt: skip


class Forbidden(PermissionError):
    """What was tried is not allowed in this process."""


def cut_network() -> None:
    """No network for this process and its children: none in Python; on Linux, where it may, none in the kernel.

    Call it while there is one thread.
    """
    os.environ.update(_OFFLINE)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            raise Forbidden("this process has no network")

    if sys.platform == "linux":
        _leave_network_namespace()
    sys.addaudithook(hook)


def limit_memory(extra_bytes: int) -> None:
    """From now on at most `extra_bytes` more address space, and no core file; nothing on systems without limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = _address_space()
        if used is not None:
            resource.setrlimit(resource.RLIMIT_AS, (used + extra_bytes, used + extra_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(cpu_s: float) -> None:
    """From now on at most `cpu_s` more seconds of processor time; the system ends the process after that."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        limit = int(used + cpu_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


def peak_memory() -> int:
    """The most memory that this process has held at once, bytes; 0 where the system does not say."""
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 0


def forbid_side_effects(writable: Path | None) -> Callable[[], str | None]:
    """From now on this process cannot run programs, use sockets or change files other than `writable`.

    Returns:
        Tells what was tried first, or None.
    """
    allowed = None if writable is None else os.fspath(writable)
    tried: list[str] = []
    sys.dont_write_bytecode = True  # a module imported late would try it

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & _WRITING or path == allowed or isinstance(path, int):
                return
        elif not event.startswith(_FORBIDDEN):
            return
        tried.append(event)
        raise Forbidden(f"{event} is not allowed while a checkpoint is read")

    sys.addaudithook(hook)
    return lambda: tried[0] if tried else None


def _leave_network_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) == 0:
            return
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return
    except (OSError, AttributeError):
        return
    with contextlib.suppress(OSError):  # so that files still belong to the person
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _address_space() -> int | None:
    """Bytes that this process has mapped; None where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
