"""Where the edge of a frame is looked for: the mask as the knobs shape it, the region round it, the automatic trimap.

The renderer works by it, and the window shows it to who paints on the trimap.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from rvos_core.matte.edges import cleaned, mended_at_border, shape_of
from rvos_core.matte.settings import MatteSettings
from rvos_core.matte.trimap import OUTSIDE, automatic_trimap

Region = tuple[int, int, int, int]  # top, bottom, left, right; may reach past the frame


def shaped(
    given: np.ndarray | None, settings: MatteSettings, *, height: int, width: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """The mask that a matte begins with.

    Args:
        given: (H, W) bool, (h, w) float logits, or None.
        settings: holes, specks and the frame's border are seen to.
        height, width: of the frame.

    Returns:
        The mask, (height, width) bool, and its softness, (height, width) float32 in 0..1, or None without a mask.
    """
    if given is None:
        return np.zeros((height, width), dtype=bool), None
    first, softness = shape_of(given, height=height, width=width)
    mask = cleaned(first, holes=settings.fill_holes, despeckle_px=settings.despeckle_px)
    if settings.border_fix_px > 0:
        mask = mended_at_border(mask, round(settings.border_fix_px))
    return mask, np.where(mask == first, softness, mask.astype(np.float32))


def reach_of(settings: MatteSettings) -> int:
    """How far from what is covered the edge is looked for, pixels."""
    return math.ceil(max(3 * settings.soft_edge_px, settings.outside_px + 3, settings.inside_px + 3))


def region_round(covered: np.ndarray, reach: int) -> Region | None:
    """What is covered, (H, W) bool, and `reach` pixels round it; None where nothing is.

    It reaches past the frame's border, where picture and mask go on: so an edge there makes no rim.
    """
    left, top, across, down = cv2.boundingRect(np.ascontiguousarray(covered).view(np.uint8))
    return (top - reach, top + down + reach, left - reach, left + across + reach) if across else None


def cut(picture: np.ndarray, region: Region, margin: int) -> np.ndarray:
    """`picture` (H, W[, C]) within `region`; up to `margin` past the border it goes on as at the border."""
    height, width = picture.shape[:2]
    top, bottom, left, right = region
    inner = picture[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    sides = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if max(sides) > margin:
        raise ValueError(f"a region {sides} past the frame, more than {margin}")
    return np.asarray(cv2.copyMakeBorder(inner, *sides, cv2.BORDER_REPLICATE))


def band_of(solid: np.ndarray, settings: MatteSettings) -> np.ndarray:
    """The automatic trimap of a mask, (h, w) bool, as (h, w) uint8."""
    return automatic_trimap(solid, inside_px=settings.inside_px, outside_px=settings.outside_px)


def frame_trimap(given: np.ndarray | None, settings: MatteSettings, *, height: int, width: int) -> np.ndarray:
    """The automatic trimap of a frame, over which a person paints. Arguments: as `shaped`.

    Returns:
        (height, width) uint8 of 0 (outside), 128 (unknown), 255 (inside): what `refine=EDGE` begins with.
    """
    mask, _ = shaped(given, settings, height=height, width=width)
    trimap = np.full((height, width), OUTSIDE, dtype=np.uint8)
    reach = reach_of(settings)
    region = region_round(mask, reach)
    if region is not None:
        top, bottom, left, right = region
        band = band_of(cut(mask.view(np.uint8), region, reach).view(bool), settings)
        rows, columns = slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))
        trimap[rows, columns] = band[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return trimap
