"""Several objects of one clip with their looks: each one's matte, all alphas together, the picture with all effects.

The window's preview and every export ask here, so that what is seen is what is written.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from rvos_core.masks import TrimapStrokes
from rvos_core.matte.closed_form import Progress
from rvos_core.matte.effects import BackgroundSource, CutOut, EffectChain
from rvos_core.matte.look import Look, joined
from rvos_core.matte.render import FrameSource, Matte, MatteRenderer
from rvos_core.matte.settings import MatteSettings, Refine
from rvos_core.matte.steady import LOOK_BACK
from rvos_core.types import CancelToken

ObjectMasks = Callable[[int, int], np.ndarray | None]  # object id, frame index -> as `MaskSource` gives it
ObjectStrokes = Callable[[int, int], TrimapStrokes | None]  # object id, frame index -> as `StrokeSource` gives it

_FRAMES = LOOK_BACK + 2  # that are kept, as objects ask for the same ones
_COSTLY = (
    "fill_holes",
    "despeckle_px",
    "border_fix_px",
    "soft_edge",
    "soft_edge_px",
    "refine",
    "inside_px",
    "outside_px",
)


class Scene:
    """Renders objects of one clip. For one thread at a time.

    Args:
        frames: gives a frame of the clip, (H, W, 3) uint8 RGB.
        masks: gives an object's mask on a frame, or None.
        looks: of all objects, by id, from the lowest to the topmost.
        strokes: gives what a person painted over an object's trimap on a frame, or None.
        backgrounds: what backgrounds are replaced by.
        cancel: looked at while a frame is refined.
    """

    def __init__(
        self,
        frames: FrameSource,
        masks: ObjectMasks,
        looks: Mapping[int, Look],
        *,
        strokes: ObjectStrokes | None = None,
        backgrounds: BackgroundSource | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self._read = frames
        self._masks = masks
        self._strokes = strokes
        self._cancel = cancel
        self._backgrounds = backgrounds
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._renderers: dict[int, MatteRenderer] = {}
        self._lately: dict[int, deque[tuple[int, MatteSettings]]] = {}  # refined frames, by object
        self.looks: dict[int, Look] = {}
        self.set_looks(looks)

    def set_looks(self, looks: Mapping[int, Look]) -> None:
        """Take other looks; what does not depend on what has changed is not computed again."""
        self.looks = dict(looks)
        self._renderers = {object_id: self._renderer(object_id, look) for object_id, look in looks.items()}
        self._lately = {object_id: found for object_id, found in self._lately.items() if object_id in looks}

    def _renderer(self, object_id: int, look: Look) -> MatteRenderer:
        found = self._renderers.get(object_id)
        if found is None:
            masks = partial(self._masks, object_id)
            strokes = None if self._strokes is None else partial(self._strokes, object_id)
            return MatteRenderer(self.frame, masks, look.matte, strokes=strokes, cancel=self._cancel)
        found.stack = look.matte
        return found

    def forget(self, object_id: int) -> None:
        """The object has other masks or strokes than before."""
        if object_id in self._renderers:
            self._renderers[object_id].forget()
            self._lately.pop(object_id, None)

    def frame(self, frame_index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB, not to be changed. Raises: what `frames` raises."""
        if frame_index not in self._kept:
            self._kept[frame_index] = self._read(frame_index)
            if len(self._kept) > _FRAMES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(frame_index)
        return self._kept[frame_index]

    def takes_long(self, frame_index: int, objects: Sequence[int] | None = None) -> bool:
        """Whether a matte of that frame is to be refined and was not lately, so that `draft` is worth its while."""
        return any(
            self.looks[each].matte.at(frame_index).refine is not Refine.NONE
            and self._refined(each, frame_index) not in self._lately.get(each, ())
            for each in self._chosen(objects)
        )

    def _refined(self, object_id: int, frame_index: int) -> tuple[int, MatteSettings]:
        """What a renderer remembers its refinement by: the frame, and the knobs that it depends on."""
        here = self.looks[object_id].matte.at(frame_index)
        return frame_index, replace(MatteSettings(), **{name: getattr(here, name) for name in _COSTLY})

    def matte(self, object_id: int, frame_index: int, *, progress: Progress | None = None) -> Matte:
        """One object's matte. Raises: as `MatteRenderer.matte`; KeyError: it is none of the objects."""
        return self._renderers[object_id].matte(frame_index, progress=progress)

    def mattes(
        self, frame_index: int, objects: Sequence[int] | None = None, *, draft: bool = False
    ) -> dict[int, Matte]:
        """Mattes by object id. `objects`: None: all. `draft`: without what takes long. Raises: as `matte`."""
        made = {}
        for object_id in self._chosen(objects):
            renderer = self._renderers[object_id]
            made[object_id] = renderer.draft(frame_index) if draft else renderer.matte(frame_index)
            if not draft:
                lately = self._lately.setdefault(object_id, deque(maxlen=LOOK_BACK + 1))
                lately.append(self._refined(object_id, frame_index))
        return made

    def alpha(self, frame_index: int, objects: Sequence[int] | None = None, *, draft: bool = False) -> np.ndarray:
        """What the objects cover together, each over the others: (H, W) float32, 0..1. Raises: as `matte`."""
        free = np.ones(self.frame(frame_index).shape[:2], dtype=np.float32)
        for matte in self.mattes(frame_index, objects, draft=draft).values():
            free *= 1 - matte.alpha
        return np.asarray(1 - free)

    def cut_out(self, frame_index: int, objects: Sequence[int] | None = None, *, draft: bool = False) -> np.ndarray:
        """The objects on nothing: (H, W, 4) uint8 RGB and straight alpha. Raises: as `matte`."""
        mattes = self.mattes(frame_index, objects, draft=draft)
        return EffectChain((CutOut(),)).apply(self.frame(frame_index), mattes, frame_index=frame_index)

    def picture(self, frame_index: int, objects: Sequence[int] | None = None, *, draft: bool = False) -> np.ndarray:
        """The frame with the objects' effects.

        Returns:
            (H, W, 3) uint8 RGB; (H, W, 4) uint8 RGB and straight alpha where something is cut out on nothing; the
            frame itself, not to be changed, where nothing has an effect.

        Raises:
            UserError: a background cannot be read; otherwise as `matte`.
        """
        chosen = self._chosen(objects)
        chain = joined({each: self.looks[each] for each in chosen})
        if not chain.effects:
            return self.frame(frame_index)
        wanted = [each for each in chosen if self.looks[each].effects.effects]
        mattes = self.mattes(frame_index, wanted, draft=draft)
        return chain.apply(self.frame(frame_index), mattes, frame_index=frame_index, backgrounds=self._backgrounds)

    def _chosen(self, objects: Sequence[int] | None) -> list[int]:
        return [each for each in self.looks if objects is None or each in objects]
