"""Masks drawn onto a frame: a translucent colour and an outline. For exported video; the window paints its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from rvos_core.masks import Rle, decode, object_colour, pixel_bbox


@dataclass(frozen=True)
class OverlayStyle:
    """How masks are drawn.

    Attributes:
        opacity: of the fill, 0 (none) to 1 (opaque).
        outline_px: width of the outline; None: by frame size; 0: no outline.
        colours: RGB 0..255, one an object; objects beyond the list take the colour-blind-safe palette.
    """

    opacity: float = 0.45
    outline_px: int | None = None
    colours: tuple[tuple[int, int, int], ...] = field(default=())

    def colour(self, slot: int) -> tuple[int, int, int]:
        """RGB of object number `slot`, from 0."""
        return self.colours[slot] if slot < len(self.colours) else object_colour(slot)


def draw_overlay(
    frame: np.ndarray, masks: Sequence[Rle | np.ndarray], *, style: OverlayStyle | None = None
) -> np.ndarray:
    """Draw `masks`, later ones on top. Works inside each mask's box only.

    Args:
        frame: (H, W, 3) uint8 RGB; not changed.
        masks: one an object, (H, W) bool or `Rle`.
        style: opacity, outline and colours.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: if a mask has another size than the frame.
    """
    style = style or OverlayStyle()
    picture = frame.copy()
    height, width = frame.shape[:2]
    outline_px = max(1, round(min(height, width) / 300)) if style.outline_px is None else style.outline_px
    for slot, given in enumerate(masks):
        mask = as_mask(given, height=height, width=width)
        box = pixel_bbox(mask)
        if box is not None:
            _draw_one(picture, mask, box=box, colour=style.colour(slot), opacity=style.opacity, outline_px=outline_px)
    return picture


def as_mask(mask: Rle | np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Pixels (height, width) bool of a mask. Raises: ValueError: if it has another size."""
    pixels = decode(mask) if isinstance(mask, Rle) else np.asarray(mask, dtype=bool)
    if pixels.shape != (height, width):
        raise ValueError(f"a mask of shape {pixels.shape} for a frame of {width}x{height}")
    return pixels


def _draw_one(
    picture: np.ndarray,
    mask: np.ndarray,
    *,
    box: tuple[int, int, int, int],
    colour: tuple[int, int, int],
    opacity: float,
    outline_px: int,
) -> None:
    height, width = mask.shape
    x0, y0, x1, y1 = box
    solid = np.ascontiguousarray(mask[y0:y1, x0:x1]).view(np.uint8)
    region = picture[y0:y1, x0:x1]
    cv2.copyTo(cv2.LUT(region, _blend_table(colour, opacity)), solid, region)
    if outline_px:
        # The outline may leave the box by half its width: draw in a view that has that margin.
        left, top = max(0, x0 - outline_px), max(0, y0 - outline_px)
        margin = picture[top : min(height, y1 + outline_px), left : min(width, x1 + outline_px)]
        outlines, _ = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(x0 - left, y0 - top))
        cv2.drawContours(margin, outlines, -1, colour, outline_px, cv2.LINE_AA)


def _blend_table(colour: tuple[int, int, int], opacity: float) -> np.ndarray:
    """What each channel value becomes under the colour: (256, 1, 3) uint8."""
    values = np.arange(256, dtype=np.float64)[:, None, None]
    return np.rint(values * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)
