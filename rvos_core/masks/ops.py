"""Pixel work on one mask at a time: from logits to display size, outlines, holes, moving it."""

from __future__ import annotations

import cv2
import numpy as np


def logits_to_mask(logits: np.ndarray, height: int, width: int, *, threshold: float = 0.0) -> np.ndarray:
    """Enlarge one frame's logits bilinearly (half-pixel centres, torch's align_corners=False) and threshold them.

    One frame at a time, so that a clip's logits never exist at full resolution.

    Args:
        logits: (h, w) floats at network resolution.
        height, width: display size, pixels.
        threshold: a pixel belongs to the object where its logit is greater.

    Returns:
        (height, width) bool.
    """
    grid: np.ndarray = np.ascontiguousarray(logits, dtype=np.float32)
    if grid.ndim != 2:
        raise ValueError(f"logits of one frame have two dimensions, not {grid.ndim}")
    if grid.shape != (height, width):
        grid = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grid > threshold)


def contours(mask: np.ndarray) -> list[np.ndarray]:
    """Outlines of `mask` (H, W) bool, holes included: closed polygons (n, 2) int32 of (x, y) pixel centres."""
    found, _ = cv2.findContours(_as_bytes(mask), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [np.asarray(outline, dtype=np.int32).reshape(-1, 2) for outline in found]


def pixel_bbox(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Tight box (x0, y0, x1, y1) of `mask` (H, W) bool, right and bottom exclusive; None where it is empty."""
    x, y, width, height = cv2.boundingRect(_as_bytes(mask))
    return (x, y, x + width, y + height) if width else None


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """`mask` (H, W) bool with what it goes round filled: background that no path of side neighbours joins to the edge.

    Background that touches the frame's edge is no hole.
    """
    height, width = mask.shape
    ringed = np.zeros((height + 2, width + 2), dtype=np.uint8)  # one empty ring joins all background at the edge
    ringed[1:-1, 1:-1] = mask
    cv2.floodFill(ringed, None, (0, 0), 2, flags=4)
    return np.asarray(ringed[1:-1, 1:-1] != 2)


def moved(mask: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """`mask` (H, W) bool, `dx` pixels to the right and `dy` down; what leaves the frame is cut off."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    if abs(dx) < width and abs(dy) < height:
        left, top = max(dx, 0), max(dy, 0)
        right, bottom = width + min(dx, 0), height + min(dy, 0)
        result[top:bottom, left:right] = mask[top - dy : bottom - dy, left - dx : right - dx]
    return result


def _as_bytes(mask: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(mask, dtype=bool).view(np.uint8)
