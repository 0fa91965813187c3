"""An object's results for a job that takes longer than the person waits: as they are when the job begins.

A few are copied; of a long clip they are read from the project frame by frame, all from the same instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from rvos_app.mask_shelf import MaskShelf
from rvos_core.inference.events import FrameResult
from rvos_core.inference.recording import frame_result
from rvos_core.project.reading import ProjectReader

_COPIED = 2000  # masks


class Results(Protocol):
    """What a job asks. Belongs to the job's thread."""

    def get(self, index: int) -> FrameResult | None:
        """The result of a frame, or None where there is none. Raises: UserError: it is damaged."""
        ...

    def close(self) -> None:
        """The job has what it wants. Safe to call twice."""
        ...


class CopiedResults:
    """Results in memory."""

    def __init__(self, results: dict[int, FrameResult]) -> None:
        self._results = results

    def get(self, index: int) -> FrameResult | None:
        return self._results.get(index)

    def close(self) -> None:
        return None


class StoredResults:
    """Results in a project; the file is opened with the first question and read as it was then."""

    def __init__(self, path: Path, object_id: int) -> None:
        self._path = path
        self._object_id = object_id
        self._reader: ProjectReader | None = None

    def get(self, index: int) -> FrameResult | None:
        if self._reader is None:
            self._reader = ProjectReader(self._path)
            self._reader.hold()
        found = self._reader.mask(self._object_id, index)
        return None if found is None else frame_result(found)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def results_of(shelf: MaskShelf, object_id: int, project: Path | None) -> Results:
    """What a shelf holds now. `project`: where the rest of a long one lies."""
    if project is None or len(shelf) <= _COPIED:
        return CopiedResults(dict(shelf))
    return StoredResults(project, object_id)
