"""The edge of one frame's matte, all but refinement: holes and specks, the soft edge, moving and fading it, levels.

Soft edge: He, Sun, Tang, "Guided Image Filtering", PAMI 2013, section 3.5 (colour guide), in a band along the outline.
"""

from __future__ import annotations

import cv2
import numpy as np

from rvos_core.masks import fill_holes
from rvos_core.matte.trimap import signed_distance

_EPSILON = 1e-4  # variance of colour (in 0..1) that counts as an edge
_NO_NORMAL = 0.7  # slope of the distance below which no single side is the nearest


def shape_of(given: np.ndarray, *, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What one frame's mask says.

    Args:
        given: (H, W) bool, or (h, w) floats: logits of any size.
        height, width: of the frame.

    Returns:
        The mask, (height, width) bool, and its softness, (height, width) float32 in 0..1: 0 and 1 for a mask, the
        probability for logits.

    Raises:
        ValueError: for a bool mask of another size.
    """
    if given.dtype == bool:
        if given.shape != (height, width):
            raise ValueError(f"a mask of shape {given.shape} for a frame of {width}x{height}")
        return given, given.astype(np.float32)
    clipped = np.clip(given, -20, 20).astype(np.float32)
    enlarged = np.asarray(cv2.resize(clipped, (width, height), interpolation=cv2.INTER_LINEAR))
    return enlarged > 0, 1 / (1 + np.exp(-enlarged))


def cleaned(mask: np.ndarray, *, holes: bool, despeckle_px: float) -> np.ndarray:
    """`mask` (H, W) bool with its holes filled (if asked), its specks dropped and its pinholes closed.

    A speck or pinhole has fewer pixels than a square of `despeckle_px`. The largest part of either always stays.
    """
    result = fill_holes(mask) if holes else mask
    if despeckle_px <= 1 or not result.any():
        return result
    limit = despeckle_px * despeckle_px
    result = _without_small(result, limit)
    return ~_without_small(~result, limit)


def mended_at_border(mask: np.ndarray, fix_px: int) -> np.ndarray:
    """`mask` (H, W) bool whose outer `fix_px` rows and columns say what lies next to them further inside.

    Networks stop short of the frame's border. At most to the middle of the frame.
    """
    down, across = (min(fix_px, (side - 1) // 2) for side in mask.shape)
    inner = np.ascontiguousarray(mask[down : mask.shape[0] - down, across : mask.shape[1] - across])
    sides = (down, down, across, across)
    return np.asarray(cv2.copyMakeBorder(inner.view(np.uint8), *sides, cv2.BORDER_REPLICATE)).view(bool)


def soft_edge(frame: np.ndarray, mask: np.ndarray, *, band_px: float, softness: np.ndarray | None = None) -> np.ndarray:
    """Alpha that changes where the picture does, near the outline of `mask`.

    Args:
        frame: (H, W, 3) uint8 RGB.
        mask: (H, W) bool.
        band_px: reach of the band to either side; further away alpha is 0 or 1.
        softness: (H, W) float32, 0..1: what is filtered in place of the mask, as `shape_of` gives it.

    Returns:
        (H, W) float32, 0..1.
    """
    alpha = mask.astype(np.float32)
    distance = np.abs(signed_distance(mask))
    if float(distance.min()) >= band_px:
        return alpha
    start = alpha if softness is None else softness
    filtered = guided(frame.astype(np.float32) / 255, start, radius=max(1, round(band_px)))
    trust = (2 - 2 * distance / band_px).clip(0, 1)  # fades out in the outer half
    return np.asarray((alpha + trust * (filtered - alpha)).clip(0, 1))


def guided(picture: np.ndarray, values: np.ndarray, *, radius: int) -> np.ndarray:
    """Guided filter with a colour guide (equations 19 to 21).

    Args:
        picture: (H, W, 3) float32 in 0..1.
        values: (H, W) float32.
        radius: of the box, pixels.

    Returns:
        (H, W) float32; may leave the range of `values` a little.
    """
    side = 2 * radius + 1

    def box(planes: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.blur(planes, (side, side), borderType=cv2.BORDER_REFLECT))

    mean_colour, mean = box(picture), box(values)
    common = box(picture * values[..., None]) - mean_colour * mean[..., None]
    red, green, blue = (picture[..., channel] for channel in range(3))
    m_red, m_green, m_blue = (mean_colour[..., channel] for channel in range(3))
    rr, gg, bb = (box(c * c) - m * m + _EPSILON for c, m in ((red, m_red), (green, m_green), (blue, m_blue)))
    rg, rb, gb = (
        box(red * green) - m_red * m_green,
        box(red * blue) - m_red * m_blue,
        box(green * blue) - m_green * m_blue,
    )
    # The symmetric 3x3 matrix of each pixel, inverted by its cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    c_r, c_g, c_b = (common[..., channel] for channel in range(3))
    slopes = np.dstack(
        (
            (c_rr * c_r + c_rg * c_g + c_rb * c_b) * scale,
            (c_rg * c_r + c_gg * c_g + c_gb * c_b) * scale,
            (c_rb * c_r + c_gb * c_g + c_bb * c_b) * scale,
        )
    )
    shift = mean - (slopes * mean_colour).sum(-1)
    return np.asarray((box(slopes) * picture).sum(-1) + box(shift))


def grown(alpha: np.ndarray, grow_px: float) -> np.ndarray:
    """Alpha (H, W) float32 with its edge moved outwards by `grow_px` (inwards where negative), parts of pixels too.

    A hard edge is redrawn from the distance to its outline; a soft one is carried along the normals of that distance,
    and keeps its softness.
    """
    if grow_px == 0 or not alpha.any():
        return alpha
    inside = alpha > 0.5
    distance = signed_distance(inside)
    if not ((alpha > 0) & (alpha < 1)).any():
        return np.asarray((distance + np.float32(grow_px + 0.5)).clip(0, 1))
    smooth = cv2.GaussianBlur(distance, (0, 0), 1.0)
    down, across = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8), cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    length = np.maximum(np.hypot(down, across), 1e-3)
    rows, columns = np.indices(alpha.shape, dtype=np.float32)
    from_x = columns + np.float32(grow_px) * across / length
    from_y = rows + np.float32(grow_px) * down / length
    moved = cv2.remap(alpha, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if grow_px > 0:
        return np.asarray(np.maximum(alpha, moved))
    middle = (length < _NO_NORMAL) & (distance < -grow_px)  # between two sides that both go past it
    return np.asarray(np.where(middle, np.float32(0), np.minimum(alpha, moved)))


def feathered(alpha: np.ndarray, feather_px: float) -> np.ndarray:
    """Alpha (H, W) float32 whose edges fade over about `feather_px` pixels (a Gaussian of a quarter of that)."""
    if feather_px <= 0:
        return alpha
    blurred = cv2.GaussianBlur(alpha, (0, 0), feather_px / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred.clip(0, 1))


def levels(alpha: np.ndarray, *, black: float, white: float) -> np.ndarray:
    """Alpha (H, W) float32: 0 at `black` and below, 1 at `white` and above, linear between."""
    if black <= 0 and white >= 1:
        return alpha
    return np.asarray(((alpha - np.float32(black)) / np.float32(white - black)).clip(0, 1))


def _without_small(mask: np.ndarray, limit: float) -> np.ndarray:
    """`mask` without those of its parts (side neighbours) that have fewer than `limit` pixels; the largest stays."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    wanted = sizes >= limit
    wanted[0] = False
    if len(sizes) > 1:
        wanted[1 + int(np.argmax(sizes[1:]))] = True
    return np.asarray(wanted[labels])
