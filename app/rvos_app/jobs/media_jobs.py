"""Opening a clip, off the GUI thread: probe in a subprocess, open, read the first frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_core.errors import UserError
from rvos_core.media import MediaReader, open_media, probe_media


@dataclass(frozen=True)
class OpenedClip:
    """An open reader, not yet used by any other thread, and frame 0 (H, W, 3) uint8 RGB."""

    reader: MediaReader
    first_frame: np.ndarray


@dataclass(frozen=True)
class OpenClip:
    """Open a video file or a folder of numbered images."""

    path: Path

    @property
    def title(self) -> str:
        return tr("Opening {name}", name=self.path.name)

    def run(self, context: JobContext) -> OpenedClip:
        """A damaged or hostile file meets the probe's subprocess first, with its limits of memory and time.

        Raises:
            UserError: the file cannot be opened.
        """
        report = probe_media(self.path)
        if report.error is not None:
            raise UserError(report.error["message"], hint=report.error["hint"], code=report.error["code"])
        context.checkpoint()
        reader = open_media(self.path)
        try:
            first_frame = reader.frame(0)
            context.checkpoint()
        except BaseException:
            reader.close()
            raise
        return OpenedClip(reader, first_frame)
