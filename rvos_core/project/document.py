"""A project and the one thread that writes to it: everybody else hands in what is to be done, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
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
        return self._submit(lambda: work(self._opened()))

    def do(self, work: Callable[[Project], T]) -> T:
        """Hand in work and wait. Raises: what the work raises. Not from the document's own thread."""
        return self.submit(work).result()

    def go_on_in(self, target: Path, *, program: str) -> Future[Path]:
        """*Save as*: write a copy and work on in it. What is handed in afterwards goes to the copy, nothing is lost
        between the two. The future raises `UserError` where the copy cannot be made; work then goes on where it was.
        """
        return self._submit(lambda: self._move(target, program))

    def close(self, then: Callable[[], object] | None = None) -> Future[None]:
        """Do what was handed in, close the project, then `then`; all in the document's thread. Safe to call twice.

        Returns: when it is done; nobody has to wait for it, but the program has to before it ends.
        """
        try:
            done = self._submit(lambda: self._close(then))
        except Cancelled:
            done = Future()
            done.set_result(None)
        self._executor.shutdown(wait=False)
        return done

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        try:
            return self._executor.submit(work)
        except RuntimeError:
            raise Cancelled("the document is closed") from None

    def _opened(self) -> Project:
        if self._project is None:
            self._project = self._open()
        return self._project

    def _move(self, target: Path, program: str) -> Path:
        former = self._opened()
        former.save_as(target)
        former.close()
        try:
            self._project = Project(target, program=program)
        except UserError:
            self._project = Project(former.path, program=program)
            raise
        return target

    def _close(self, then: Callable[[], object] | None) -> None:
        try:
            if self._project is not None:
                self._project.close()
        except UserError as error:
            _log.error("closing %s: %s", self._project.path if self._project else "", error)
        self._project = None
        if then is not None:
            then()
