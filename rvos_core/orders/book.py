"""The studio's book of orders: one JSON file each in its data folder, so that they survive the end of a program.

A program that works on an order holds its lock; another one leaves it alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.orders.order import Order

_log = logging.getLogger("rvos.jobs")

_KEPT_DAYS = 30
_ID = re.compile(r"[0-9]+-[0-9a-f]{8}")


class State(StrEnum):
    """How an order stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """There is still something to be done."""
        return self in (State.WAITING, State.RUNNING, State.PAUSED)


@dataclass(frozen=True)
class Entry:
    """An order in the book.

    Attributes:
        done, total: output frames, as far as they are known.
        outputs: files and folders that it makes, once it is planned.
        findings: what reading back found, a sentence an output; and what a person should know.
        problem, hint: why it failed, and what to do.
        changed: seconds since 1970.
    """

    order: Order
    state: State = State.WAITING
    done: int = 0
    total: int = 0
    outputs: tuple[Path, ...] = ()
    findings: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""
    changed: float = field(default_factory=time.time)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "order": self.order.as_dict(),
            "state": self.state.value,
            "done": self.done,
            "total": self.total,
            "outputs": [str(each) for each in self.outputs],
            "findings": list(self.findings),
            "problem": self.problem,
            "hint": self.hint,
            "changed": self.changed,
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Entry:
        """The inverse of `as_dict`. Raises: UserError: it is damaged."""
        try:
            return Entry(
                Order.from_dict(values["order"]),
                State(values["state"]),
                int(values["done"]),
                int(values["total"]),
                tuple(Path(each) for each in values["outputs"]),
                tuple(str(each) for each in values["findings"]),
                str(values["problem"]),
                str(values["hint"]),
                float(values["changed"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"An order of an export cannot be read: {error}.", hint="Order it anew.", code="orders.damaged"
            ) from error


class OrderBook:
    """Args: folder: made with the first order, e.g. `Library().folder / "exports"`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: dict[str, FileLock] = {}

    def open(self, *, now: float | None = None) -> list[Entry]:
        """Take what earlier programs left, oldest first; what another program works on is left to it.

        An order that was at work when its program ended comes back as paused. Finished ones of 30 days ago are removed,
        files that cannot be read are logged and left.
        """
        limit = (time.time() if now is None else now) - _KEPT_DAYS * 86400
        found = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            if not _ID.fullmatch(path.stem) or not self._claim(path.stem):
                continue
            entry = _read(path)
            if entry is None:
                self._release(path.stem)
            elif not entry.state.is_open and entry.changed < limit:
                self.remove(entry.order.order_id)
            else:
                found.append(replace(entry, state=State.PAUSED) if entry.state.is_open else entry)
        return sorted(found, key=lambda each: each.order.created)

    def put(self, entry: Entry) -> None:
        """Write an entry, new or changed; where the disk refuses, that is logged: the order itself goes on."""
        order_id = entry.order.order_id
        content = json.dumps(replace(entry, changed=time.time()).as_dict(), indent=1)
        try:
            write_file(self._path(order_id), content.encode())
        except UserError as error:
            _log.warning("an order of an export cannot be kept: %s", error)
            return
        self._claim(order_id)

    def remove(self, order_id: str) -> None:
        """Forget an order. Never fails."""
        with contextlib.suppress(OSError):
            self._path(order_id).unlink(missing_ok=True)
        self._release(order_id)

    def close(self) -> None:
        """Let go of all orders; they stay in the book."""
        for order_id in list(self._locks):
            self._release(order_id)

    def _path(self, order_id: str) -> Path:
        return self.folder / f"{order_id}.json"

    def _claim(self, order_id: str) -> bool:
        if order_id in self._locks:
            return True
        lock = FileLock(self.folder / f"{order_id}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return False
        self._locks[order_id] = lock
        return True

    def _release(self, order_id: str) -> None:
        lock = self._locks.pop(order_id, None)
        if lock is None:
            return
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)  # while it is held, so that nobody's is removed
        lock.release()


def _read(path: Path) -> Entry | None:
    try:
        return Entry.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, UserError) as error:
        _log.warning("%s cannot be read: %s", path, error)
        return None
