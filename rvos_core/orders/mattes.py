"""Frames of an order's objects for delivery and for the preview: the mattes and effects of the project, in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from rvos_core.delivery.exporter import FrameOf
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.masks import decode
from rvos_core.matte.backgrounds import Backgrounds
from rvos_core.matte.look import Look, read_looks
from rvos_core.matte.scene import ObjectMasks, ObjectStrokes, Scene
from rvos_core.orders.order import EFFECTS
from rvos_core.orders.source import OrderSource
from rvos_core.types import CancelToken

# What stands in a plan of an order of effects, which shows all objects in one picture.
ALL_WITH_EFFECTS = DeliveryObject(0, "effects")


class MatteFrames:
    """A `FrameSource`; a context manager. Belongs to one thread.

    Args:
        frames: gives a frame of the clip, (H, W, 3) uint8 RGB.
        masks: gives an object's mask on a frame, (H, W) bool, or None.
        looks: of all objects, from the lowest to the topmost.
        strokes: gives what is painted over an object's trimap on a frame, or None; None: nothing is anywhere.
        effects: the frame with the objects' effects, in place of each object by itself.
        cancel: looked at while a frame is refined.
    """

    def __init__(
        self,
        frames: Callable[[int], np.ndarray],
        masks: ObjectMasks,
        looks: Mapping[int, Look],
        *,
        strokes: ObjectStrokes | None = None,
        effects: bool = False,
        cancel: CancelToken | None = None,
    ) -> None:
        self._effects = effects
        self._backgrounds = Backgrounds()
        self.scene = Scene(frames, masks, looks, strokes=strokes, backgrounds=self._backgrounds, cancel=cancel)

    @staticmethod
    def of(source: OrderSource, *, cancel: CancelToken | None = None) -> MatteFrames:
        """Those of an order. Raises: UserError: a look makes no sense."""

        def mask(object_id: int, index: int) -> np.ndarray | None:
            found = source.mask(object_id, index)
            return None if found is None else decode(found)

        return MatteFrames(
            source.frame,
            mask,
            read_looks(source.looks),
            strokes=source.strokes,
            effects=source.order.kind == EFFECTS,
            cancel=cancel,
        )

    def __call__(self, item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        """(frame index, (H, W, 3) uint8 straight colours, (H, W) float32 alpha 0..1) of one object, in this order.

        Frames without a mask are transparent; of effects, where nothing is cut out, all is opaque.

        Raises:
            UserError: a frame, a mask or a background cannot be read.
            Cancelled: once `cancel` is set.
        """
        for index in wanted:
            if self._effects:
                yield index, *_parted(self.scene.picture(index))
            else:
                matte = self.scene.matte(item.object_id, index)
                yield index, matte.colours, matte.alpha

    def close(self) -> None:
        """Let go of the backgrounds' files. Safe to call twice."""
        self._backgrounds.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _parted(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours and alpha of (H, W, 3) or (H, W, 4) uint8."""
    if picture.shape[2] == 3:
        return picture, np.ones(picture.shape[:2], np.float32)
    return np.ascontiguousarray(picture[..., :3]), picture[..., 3].astype(np.float32) / np.float32(255)
