"""Pictures and clips that backgrounds are replaced by, opened when they are first asked for."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rvos_core.media import MediaReader

_OPEN_AT_ONCE = 4


class Backgrounds:
    """A `BackgroundSource` whose names are paths. Belongs to one thread; to be closed.

    A clip begins with the frame 0 of what it stands behind, and begins again where it ends.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, MediaReader] = OrderedDict()

    def __call__(self, source: str, frame_index: int) -> np.ndarray:
        """(h, w, 3) uint8 RGB. Raises: UserError: it is gone, or neither a picture nor a clip."""
        if source in self._open:
            self._open.move_to_end(source)
        else:
            from rvos_core.media import open_media

            self._open[source] = open_media(source)
            if len(self._open) > _OPEN_AT_ONCE:
                self._open.popitem(last=False)[1].close()
        reader = self._open[source]
        return reader.frame(frame_index % reader.info.frame_count)

    def close(self) -> None:
        """Close the files. Safe to call twice."""
        while self._open:
            self._open.popitem()[1].close()
