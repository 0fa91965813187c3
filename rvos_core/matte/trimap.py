"""Trimaps: what is surely object (255), surely not (0), and what a refinement has to find out (128).

One is made from the mask, one may be given whole, and a person's strokes lie over either (`masks.trimap_strokes`).
"""

from __future__ import annotations

import cv2
import numpy as np

from rvos_core.errors import UserError
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED, TrimapStrokes

__all__ = [
    "INSIDE",
    "OUTSIDE",
    "UNKNOWN",
    "UNPAINTED",
    "automatic_trimap",
    "painted_trimap",
    "signed_distance",
    "stroke_labels",
    "under_strokes",
]

_FAR = np.float32(1024)  # pixels: further is as good as that
_MIDDLE = 0.75  # of the depth around it: what is as deep as that is the middle of a thin part


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance of pixel centres to the outline of `mask` (H, W) bool: (H, W) float32, pixels, positive inside.

    The outline runs between pixels: the first pixel on either side is half a pixel away. Up to 1024 pixels; without an
    outline the distance is plus or minus the frame's diagonal.
    """
    far = float(np.hypot(*mask.shape))
    if mask.all() or not mask.any():
        return np.full(mask.shape, far if mask.any() else -far, dtype=np.float32)
    solid = np.ascontiguousarray(mask, dtype=bool).view(np.uint8)
    return np.asarray(_to_other(solid) - _to_other(1 - solid) - np.where(mask, np.float32(0.5), np.float32(-0.5)))


def automatic_trimap(mask: np.ndarray, *, inside_px: float, outside_px: float) -> np.ndarray:
    """A band along the outline of `mask` is unknown.

    Args:
        mask: (H, W) bool.
        inside_px, outside_px: how far the band reaches into the object and out of it.

    Returns:
        (H, W) uint8 of 0, 128 and 255. Parts that are thinner than twice `inside_px` keep their middle, so that each
        has something to start from.
    """
    distance = signed_distance(mask)
    trimap = np.full(mask.shape, UNKNOWN, dtype=np.uint8)
    trimap[distance <= -outside_px] = OUTSIDE
    trimap[(distance >= inside_px) | _middle(distance, inside_px)] = INSIDE
    return trimap


def painted_trimap(painted: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """A trimap that a person made, checked: 0 is outside, 255 inside, all between unknown.

    Args:
        painted: (H, W) uint8.
        height, width: of the frame.

    Returns:
        (H, W) uint8 of 0, 128 and 255.

    Raises:
        UserError: if it has another size or is no grey picture of 8 bits.
    """
    hint = "Paint it on the frame itself: black outside, white inside, grey where it is to be found out."
    if painted.ndim != 2 or painted.dtype != np.uint8:
        raise UserError("The painted trimap is no grey picture of 8 bits.", hint=hint, code="matte.bad_trimap")
    if painted.shape != (height, width):
        size = f"{painted.shape[1]}x{painted.shape[0]}"
        raise UserError(
            f"The painted trimap is {size}, its frame {width}x{height}.", hint=hint, code="matte.bad_trimap"
        )
    trimap = np.full(painted.shape, UNKNOWN, dtype=np.uint8)
    trimap[painted == OUTSIDE] = OUTSIDE
    trimap[painted == INSIDE] = INSIDE
    return trimap


def stroke_labels(strokes: TrimapStrokes, *, height: int, width: int) -> np.ndarray:
    """What is painted on a frame, (H, W) uint8. Raises: UserError: it is of another size, or damaged."""
    if strokes.size != (height, width):
        raise UserError(
            f"The painted trimap is {strokes.size[1]}x{strokes.size[0]}, its frame {width}x{height}.",
            hint="Link the project to the clip that it was painted on, or clear the painted trimap.",
            code="matte.bad_trimap",
        )
    return strokes.labels()


def under_strokes(trimap: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`trimap` where `labels` say UNPAINTED, else what they say; all (H, W) uint8."""
    return np.where(labels == UNPAINTED, trimap, labels)


def _to_other(solid: np.ndarray) -> np.ndarray:
    """Distance of each 1 of `solid` (H, W) uint8 to the nearest 0, between centres: (H, W) float32.

    OpenCV's last bit differs from call to call. Squares of true distances are whole numbers: that makes it certain.
    """
    rough = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.sqrt(np.rint(np.square(np.minimum(rough, _FAR)))))


def _middle(distance: np.ndarray, reach_px: float) -> np.ndarray:
    """The middle of parts that are nowhere deeper than `reach_px`: what is nearly as deep as anything around it."""
    side = 2 * max(1, round(reach_px)) + 1
    deepest = cv2.dilate(distance, np.ones((side, side), dtype=np.uint8))
    return np.asarray((deepest < reach_px) & (distance > 0) & (distance >= _MIDDLE * deepest))
