"""A project and the one thread that writes to it: everybody else hands in what is to be done, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rvos_core.errors import Cancelled, UserError
from rvos_core.project.store import Project

_log = logging.getLogger("rvos.project")
T = TypeVar("T")


class Document:
    """Safe over threads. What was handed in is done in that order, also when `close` follows at once.

    Args:
        open_project: called in the document's thread when the first work comes; may raise `UserError`.
    """

    def __init__(self, open_project: Callable[[], Project]) -> None:
        self._open = open_project
        self._project: Project | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="document")

    def submit(self, work: Callable[[Project], T]) -> Future[T]:
        """Hand in work; the future has its result once it is committed, or what it raised. Raises: Cancelled."""
        try:
            return self._executor.submit(lambda: work(self._opened()))
        except RuntimeError:
            raise Cancelled("the document is closed") from None

    def do(self, work: Callable[[Project], T]) -> T:
        """Hand in work and wait. Raises: what the work raises. Not from the document's own thread."""
        return self.submit(work).result()

    def close(self) -> None:
        """Do what was handed in, then close the project. Waits. Safe to call twice."""
        try:
            self._executor.submit(self._close)
        except RuntimeError:  # closed before
            return
        self._executor.shutdown(wait=True)

    def _opened(self) -> Project:
        if self._project is None:
            self._project = self._open()
        return self._project

    def _close(self) -> None:
        if self._project is None:
            return
        try:
            self._project.close()
        except UserError as error:
            _log.error("closing %s: %s", self._project.path, error)
        self._project = None
