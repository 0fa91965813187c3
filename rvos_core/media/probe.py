"""Trying a file in a process of its own, with bounds on memory and time, before the program opens it itself.

A broken file can take a decoder down with it, or eat all memory; here that costs one child process and becomes a
sentence. `ProbeReport` says what `open_media` would say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import rvos_core
from rvos_core.errors import UserError
from rvos_core.media.sniff import shown_name
from rvos_core.types import FrameSpan, MediaInfo

PROBE_MEMORY_BYTES = 3 * 1024**3
PROBE_TIME_S = 20.0


@dataclass(frozen=True)
class ProbeReport:
    """What opening `path` gives: `info` of the clip or `error` (code, message, hint), never both.

    Attributes:
        seconds: wall time of the try.
    """

    path: Path
    info: MediaInfo | None
    error: dict[str, str] | None
    seconds: float

    @property
    def is_ok(self) -> bool:
        return self.info is not None


def probe_media(
    path: str | Path, *, memory_bytes: int = PROBE_MEMORY_BYTES, time_s: float = PROBE_TIME_S
) -> ProbeReport:
    """Open `path` in a child process and report; bad files never raise here.

    Args:
        memory_bytes: address space the child may take (where the system can limit it).
        time_s: wall time after which the child is ended.
    """
    path = Path(path)
    begin = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "rvos_core.media._probe_main", str(memory_bytes), os.path.abspath(path)],  # noqa: PTH100
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_s,
            env=_child_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        error = _error(path, f"cannot be opened within {time_s:g} s", "Convert it to MP4 (H.264).", "media.too_slow")
        return ProbeReport(path, None, error, time.monotonic() - begin)
    except (OSError, ValueError) as problem:  # ValueError: a NUL character in the name
        error = _error(
            path, f"cannot be tried out ({problem})", "Check the name and the free memory.", "media.no_probe"
        )
        return ProbeReport(path, None, error, time.monotonic() - begin)
    seconds = time.monotonic() - begin
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        error = _error(path, "breaks the decoder", "It is damaged: copy or convert it again.", "media.decoder_crashed")
        return ProbeReport(path, None, error, seconds)
    if "error" in answer:
        return ProbeReport(path, None, answer["error"], seconds)
    return ProbeReport(path, info_from_json(path, answer["info"]), None, seconds)


def info_to_json(info: MediaInfo) -> dict[str, Any]:
    """`info` as plain JSON values, the path left out (it may not be text)."""
    values = asdict(info)
    del values["path"]
    for name in ("rate", "time_base", "sample_aspect"):
        values[name] = str(values[name])
    values["damaged"] = [[span.start, span.stop] for span in info.damaged]
    return values


def info_from_json(path: Path, values: dict[str, Any]) -> MediaInfo:
    """The inverse of `info_to_json`."""
    plain = dict(values)
    for name in ("rate", "time_base", "sample_aspect"):
        plain[name] = Fraction(plain[name])
    plain["damaged"] = tuple(FrameSpan(*span) for span in plain["damaged"])
    plain["pts"] = tuple(plain["pts"])
    plain["warnings"] = tuple(plain["warnings"])
    return MediaInfo(path=path, **plain)


def _error(path: Path, what: str, hint: str, code: str) -> dict[str, str]:
    return UserError(f"“{shown_name(path)}” {what}.", hint=hint, code=code).as_dict()


def _child_environment() -> dict[str, str]:
    """Our own environment; the child finds this very package and starts no threads for arithmetic."""
    package_root = str(Path(rvos_core.__file__).resolve().parents[1])
    search = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(search)}
