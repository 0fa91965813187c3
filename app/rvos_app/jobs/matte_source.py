"""Mattes and effects of a clip's objects for jobs: a recipe made on the GUI thread, opened in the thread that renders.

recipe = looks.source_for([object_id])          # GUI thread; None: no clip is open
with recipe.open(cancel=context.cancel) as opened:   # any thread
    opened.scene.matte(object_id, frame_index)   # Matte: alpha (H, W) float32, colours (H, W, 3) uint8 straight
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rvos_app.jobs.stored_results import CopiedResults, Results, StoredResults, is_copied
from rvos_app.mask_shelf import MaskShelf
from rvos_core.masks import decode
from rvos_core.matte.backgrounds import Backgrounds
from rvos_core.matte.look import read_looks
from rvos_core.matte.scene import Scene
from rvos_core.media import MediaReader
from rvos_core.types import CancelToken


@dataclass(frozen=True)
class MatteObject:
    """One object as it is when the recipe is made.

    Attributes:
        look: JSON, see `rvos_core.matte.look`.
        results: opens its masks, each time anew.
    """

    object_id: int
    name: str
    colour: tuple[int, int, int]
    look: str = field(repr=False)
    results: Callable[[], Results] = field(repr=False)


@dataclass(frozen=True)
class MatteSource:
    """A recipe: immutable, so any number of threads may open it. `reader` stays the window's own."""

    reader: MediaReader
    objects: tuple[MatteObject, ...]

    def open(self, *, cancel: CancelToken | None = None) -> OpenMattes:
        """Open clip and masks for the calling thread. Raises: UserError: a look makes no sense, or the clip is gone."""
        return OpenMattes(self, cancel)


class OpenMattes:
    """An opened recipe; a context manager. Belongs to the thread that opened it.

    Attributes:
        scene: renders mattes and effects; what it computed last it remembers.
        reader: of the clip, this thread's own.
    """

    def __init__(self, source: MatteSource, cancel: CancelToken | None) -> None:
        looks = read_looks({each.object_id: each.look for each in source.objects})
        self._results: Mapping[int, Results] = {each.object_id: each.results() for each in source.objects}
        self._backgrounds = Backgrounds()
        self.reader = source.reader.reopen()
        self.scene = Scene(self.reader.frame, self._mask, looks, backgrounds=self._backgrounds, cancel=cancel)

    def _mask(self, object_id: int, frame_index: int) -> np.ndarray | None:
        found = self._results[object_id].get(frame_index)
        return decode(found.mask) if found is not None and found.visible else None

    def close(self) -> None:
        """Let go of the files. Safe to call twice."""
        self.reader.close()
        self._backgrounds.close()
        for each in self._results.values():
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def results_opener(shelf: MaskShelf, object_id: int, project: Path | None) -> Callable[[], Results]:
    """What a shelf holds now, to be opened as often as wanted. `project`: where the rest of a long one lies."""
    if project is None or is_copied(shelf):
        return partial(CopiedResults, dict(shelf))
    return partial(StoredResults, project, object_id)
