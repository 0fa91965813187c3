"""Colours of objects: one list for people's eyes, one for the pixels of indexed PNG files."""

from __future__ import annotations

import colorsys

import numpy as np

# Okabe and Ito, "Color Universal Design" (2008), without black: told apart with every common colour-vision deficiency.
# Ordered so that the first ones differ most from each other and from grass, sky and skin.
OBJECT_COLOURS: tuple[tuple[int, int, int], ...] = (
    (86, 180, 233),  # sky blue
    (230, 159, 0),  # orange
    (204, 121, 167),  # reddish purple
    (0, 158, 115),  # bluish green
    (240, 228, 66),  # yellow
    (213, 94, 0),  # vermilion
    (0, 114, 178),  # blue
)


def object_colour(slot: int) -> tuple[int, int, int]:
    """RGB 0..255 of object number `slot` (from 0); later rounds of the list are lighter, then darker."""
    if slot < 0:
        raise ValueError(f"objects are numbered from 0, not {slot}")
    turn, index = divmod(slot, len(OBJECT_COLOURS))
    red, green, blue = OBJECT_COLOURS[index]
    if turn == 0:
        return red, green, blue
    hue, light, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    light = light + (1 - light) * 0.45 if turn % 2 else light * 0.6
    return tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, light, saturation))  # type: ignore[return-value]


def davis_palette() -> np.ndarray:
    """The palette of DAVIS and Pascal VOC files: (256, 3) uint8 RGB; the bits of an id spread over the channels."""
    ids = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((ids >> channel) & 1) << (7 - bit)).astype(np.uint8)
        ids = ids >> 3
    return colours
