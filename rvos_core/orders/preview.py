"""One frame as an order would write it, for people to look at before they wait for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.overlay import draw_overlay
from rvos_core.delivery.pixels import Picture, colours, scaled, together
from rvos_core.masks import decode, empty
from rvos_core.orders.mattes import ALL_WITH_EFFECTS, MatteFrames
from rvos_core.orders.order import ANNOTATIONS, EFFECTS, MASKS
from rvos_core.orders.plain import overlay_style
from rvos_core.orders.source import OrderSource
from rvos_core.types import CancelToken

_EDGE = (0.02, 0.98)  # alpha between these is an edge


@dataclass(frozen=True)
class FramePreview:
    """What would be written of a frame.

    Attributes:
        frame_index: in the clip.
        source: (H, W, 3) uint8 RGB, the clip's own frame.
        rgb: (H, W, 3) uint8 RGB, straight.
        alpha: (H, W) float32, 0..1.
        is_matte: the alpha itself is the picture.
        focus: (x, y) of the place with the most edge in it, pixels; None: there is no edge.
    """

    frame_index: int
    source: np.ndarray = field(repr=False)
    rgb: np.ndarray = field(repr=False)
    alpha: np.ndarray = field(repr=False)
    is_matte: bool
    focus: tuple[int, int] | None


def preview_frame(
    source: OrderSource, index: int, *, looked_at_px: int = 80, cancel: CancelToken | None = None
) -> FramePreview:
    """Compute a frame in the very way in which the export does.

    Args:
        looked_at_px: side of the square that `focus` is the middle of.
        cancel: looked at while the frame is refined.

    Raises:
        UserError: the frame or a mask cannot be read.
        Cancelled: `cancel` was set.
    """
    frame = source.frame(index)
    order = source.order
    if order.has_specs:
        things = [ALL_WITH_EFFECTS] if order.kind == EFFECTS else [each.for_delivery for each in source.objects]
        with MatteFrames.of(source, cancel=cancel) as mattes:
            pictures = [Picture(rgb, alpha) for each in things for _, rgb, alpha in mattes(each, [index])]
        shown = together(pictures)
        rgb = frame if shown.rgb is None else colours(shown.rgb, 8)
        is_matte = order.specs[0].chosen_content != CUTOUT
        return FramePreview(index, frame, rgb, shown.alpha, is_matte, edge_focus(shown.alpha, looked_at_px))
    nothing = empty(source.info.height, source.info.width)
    masks = [source.mask(each.object_id, index) or nothing for each in source.objects]
    solid = np.zeros(frame.shape[:2], np.float32)
    for mask in masks:
        solid = np.maximum(solid, decode(mask).astype(np.float32))
    focus = edge_focus(cv2.blur(solid, (3, 3)), looked_at_px)
    if order.kind in (MASKS, ANNOTATIONS):
        return FramePreview(index, frame, frame, solid, is_matte=True, focus=focus)
    drawn = draw_overlay(frame, masks, style=overlay_style(source))
    return FramePreview(index, frame, drawn, np.ones_like(solid), is_matte=False, focus=focus)


def edge_focus(alpha: np.ndarray, side_px: int) -> tuple[int, int] | None:
    """(x, y), the middle of the square of `side_px` with the most edge in it; None where there is no edge.

    Args:
        alpha: (H, W) float32 in 0..1.
    """
    edge = ((alpha > _EDGE[0]) & (alpha < _EDGE[1])).astype(np.float32)
    if not edge.any():
        return None
    density = cv2.boxFilter(edge, -1, (side_px, side_px), borderType=cv2.BORDER_CONSTANT)
    y, x = np.unravel_index(int(density.argmax()), density.shape)
    return int(x), int(y)


def shrunk(preview: FramePreview, longest_px: int) -> FramePreview:
    """The same with sides of at most `longest_px`; `focus` stays in pixels of the clip."""
    height, width = preview.alpha.shape
    share = longest_px / max(height, width)
    if share >= 1:
        return preview
    size = {"width": max(1, round(width * share)), "height": max(1, round(height * share))}
    small = scaled(Picture(preview.rgb, preview.alpha), **size)
    source = scaled(Picture(preview.source, np.ones_like(preview.alpha)), **size)
    assert small.rgb is not None
    assert source.rgb is not None
    return replace(preview, source=source.rgb, rgb=small.rgb, alpha=small.alpha)
