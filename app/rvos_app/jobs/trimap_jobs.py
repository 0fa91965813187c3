"""The trimap of one frame, made ready off the GUI thread: on a large frame it takes a tenth of a second."""

from __future__ import annotations

from dataclasses import dataclass, field

from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_core.masks import Rle, TrimapStrokes, decode
from rvos_core.matte.band import frame_trimap
from rvos_core.matte.settings import MatteSettings


@dataclass(frozen=True)
class MakeTrimapLayer:
    """What is shown of an object's trimap on a frame."""

    object_id: int
    frame_index: int
    mask: Rle = field(repr=False)
    settings: MatteSettings
    strokes: TrimapStrokes | None = field(repr=False)

    @property
    def title(self) -> str:
        return tr("Preparing the trimap")

    def run(self, context: JobContext) -> TrimapLayer:
        """Raises: UserError: the mask or what is painted is damaged."""
        return self.layer()

    def layer(self) -> TrimapLayer:
        """Made here and now. Raises: as `run`."""
        height, width = self.mask.height, self.mask.width
        automatic = frame_trimap(decode(self.mask), self.settings, height=height, width=width)
        fits = self.strokes is not None and self.strokes.size == (height, width)
        return TrimapLayer(self.object_id, self.frame_index, automatic, self.strokes if fits else None)
