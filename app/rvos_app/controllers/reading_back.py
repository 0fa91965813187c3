"""Masks that are no longer in memory come back from the project's file, through a reader of the GUI thread's own."""

from __future__ import annotations

import logging
from pathlib import Path

from rvos_app.errors import ErrorReporter
from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.inference.events import FrameResult
from rvos_core.inference.recording import frame_result
from rvos_core.project.reading import ProjectReader

_log = logging.getLogger("rvos.project")


class ReadingBack:
    """Connects the state's shelves of masks with the file that holds them all.

    Attributes:
        reader: of the open project; None: there is no file yet, or it cannot be read.
    """

    def __init__(self, state: StudioState, *, reporter: ErrorReporter) -> None:
        self._state = state
        self._reporter = reporter
        self.reader: ProjectReader | None = None

    def start(self, path: Path | None) -> None:
        """Read from this project, as soon as its file is there; does nothing where one is read already."""
        if self.reader is None and path is not None and path.exists():
            try:
                self.reader = ProjectReader(path)
            except UserError as error:
                _log.error("masks cannot be read back: %s", error)
        if self.reader is not None:
            self._state.read_from(self._mask)

    def stop(self) -> None:
        """Let go of the file."""
        self._state.read_from(None)
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def _mask(self, object_id: int, frame: int) -> FrameResult | None:
        if self.reader is None:
            return None
        try:
            found = self.reader.mask(object_id, frame)
            return None if found is None else frame_result(found)
        except UserError as error:
            self._reporter.report_error(error)
            return None
