"""Steadiness over time: an edge takes part of what it was on the frames before, carried along by optical flow.

A frame looks back on `LOOK_BACK` frames' own alphas, never on steadied ones. So a frame can be computed alone, and is
the same to the bit whether a person jumps to it or an export comes past it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

LOOK_BACK = 3

_SMALLEST_SIDE = 32  # pixels: optical flow needs that much of a picture
_AGREEMENT = 16.0  # levels of difference at which an earlier frame has lost most of its say
_PATCH = 5  # pixels over which the largest channel's difference is averaged
_SOFT = 0.02  # alpha nearer to 0 or 1 than that is no edge
_REACH = 3  # pixels around the edge that are steadied, and in which it looks for what alpha may be
_MARGIN = 24  # pixels around the edge that the flow sees


class Steadier:
    """Steadies a clip frame after frame, in order.

    Args:
        strength: share that each earlier frame has, against 1 of the frame itself: 0 (nothing) to 1.
    """

    def __init__(self, strength: float) -> None:
        self._strength = strength
        self._earlier: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=LOOK_BACK)

    def step(self, frame: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """The next frame, (H, W, 3) uint8 RGB, and its own alpha (H, W) float32. Returns: (H, W) float32, 0..1."""
        result = steadied(frame, alpha, list(self._earlier)[::-1], strength=self._strength)
        self._earlier.append((frame, alpha))
        return result


def steadied(
    frame: np.ndarray,
    alpha: np.ndarray,
    earlier: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    strength: float,
) -> np.ndarray:
    """One frame's alpha, its edge averaged with that of earlier frames where their pictures agree with this one.

    Args:
        frame: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32, 0..1, of this frame alone.
        earlier: (frame, alpha) of the frames before, the nearest first, each alpha of its frame alone.
        strength: 0 (nothing) to 1.

    Returns:
        (H, W) float32, 0..1; as given outside the edge, and where frames are too small for optical flow.
    """
    place = _around_edges([alpha, *(each for _, each in earlier)])
    if strength <= 0 or not earlier or place is None:
        return alpha
    here, own = np.ascontiguousarray(frame[place]), np.ascontiguousarray(alpha[place])
    if min(own.shape) < _SMALLEST_SIDE:
        return alpha
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    grey = cv2.cvtColor(here, cv2.COLOR_RGB2GRAY)
    columns, rows = np.meshgrid(np.arange(own.shape[1], dtype=np.float32), np.arange(own.shape[0], dtype=np.float32))
    reach = np.ones((2 * _REACH + 1, 2 * _REACH + 1), dtype=np.uint8)
    least, most = cv2.erode(own, reach), cv2.dilate(own, reach)
    edge = (most - least > _SOFT).astype(np.float32)
    weighted, weights = own.copy(), np.ones_like(own)
    for picture, values in earlier:
        there = np.ascontiguousarray(picture[place])
        still = np.zeros((*own.shape, 2), dtype=np.float32)
        flow = flow_of.calc(grey, cv2.cvtColor(there, cv2.COLOR_RGB2GRAY), still)
        places = (columns + flow[..., 0], rows + flow[..., 1])
        carried = cv2.remap(values[place], *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = cv2.remap(there, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        off = cv2.blur(cv2.absdiff(seen, here).max(-1).astype(np.float32), (_PATCH, _PATCH)) / _AGREEMENT
        say = np.float32(strength) * np.exp(-off * off) * edge
        # Within what the frame itself shows nearby: what has moved away leaves no ghost.
        weighted += say * np.minimum(np.maximum(carried, least), most)
        weights += say
    result = alpha.copy()
    result[place] = (weighted / weights).clip(0, 1)
    return result


def _changes(alpha: np.ndarray) -> np.ndarray:
    """1 where alpha is between 0 and 1 or steps from one to the other: (H, W) uint8."""
    kernel = np.ones((3, 3), dtype=np.uint8)
    return (cv2.dilate(alpha, kernel) - cv2.erode(alpha, kernel) > _SOFT).view(np.uint8)


def _around_edges(alphas: Sequence[np.ndarray]) -> tuple[slice, slice] | None:
    """The box of all edges with a margin; None without any."""
    boxes = [cv2.boundingRect(_changes(alpha)) for alpha in alphas]
    boxes = [each for each in boxes if each[2]]
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return np.s_[max(0, top - _MARGIN) : bottom + _MARGIN, max(0, left - _MARGIN) : right + _MARGIN]
