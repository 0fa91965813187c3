"""Frames of an order's objects for delivery and for the preview: straight colours and alpha, the same in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from rvos_core.delivery.exporter import FrameOf
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.masks import decode
from rvos_core.orders.source import OrderSource

_EDGE_SIGMA_PX = 0.7  # an edge about two pixels wide, as soft as a sampled one is


class MatteFrames:
    """A `FrameSource` of one order. Belongs to the source's thread."""

    def __init__(self, source: OrderSource) -> None:
        self._source = source

    def __call__(self, item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        """(frame index, (H, W, 3) uint8 straight colours, (H, W) float32 alpha 0..1) of one object, in this order.

        Frames without a mask are transparent.

        Raises:
            UserError: a frame or a mask cannot be read.
        """
        info = self._source.info
        nothing = np.zeros((info.height, info.width), np.float32)
        for index in wanted:
            mask = self._source.mask(item.object_id, index)
            yield index, self._source.frame(index), nothing if mask is None else soft_edge(decode(mask))


def soft_edge(mask: np.ndarray) -> np.ndarray:
    """Alpha, (H, W) float32 in 0..1, of a mask, (H, W) bool."""
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SIGMA_PX, borderType=cv2.BORDER_REPLICATE)
    return np.clip(blurred, 0, 1, out=blurred)
