"""A picture taken apart by a matte: what the object adds to it and what the background adds, changed each on its own.

frame = alpha * object + (1 - alpha) * background. With straight colours the first term is known, and so is the second:
effects on one side need no halo of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from rvos_core.matte.render import COLOUR_MARGIN_PX, Matte
from rvos_core.matte.spreading import spread
from rvos_core.matte.trimap import signed_distance

_LEAST = 1e-3  # weight below which a colour says nothing


class Fit(StrEnum):
    """How a picture of another shape fills the frame."""

    COVER = "cover"  # all of the frame, cut at two sides
    CONTAIN = "contain"  # all of the picture, black bars
    STRETCH = "stretch"


@dataclass(frozen=True)
class Layers:
    """A picture and one matte on it; all float32.

    Attributes:
        alpha: (H, W), 0..1.
        object_: (H, W, 3), 0..255: alpha times the object's colours.
        background: (H, W, 3), 0..255: what else the picture is made of, (1 - alpha) times the background's colours.
        cover: (H, W), 0..1: how opaque the picture is; None where all of it is.
        colours: (H, W, 3), 0..255: new straight colours of the object; None where they have not changed.
    """

    alpha: np.ndarray
    object_: np.ndarray
    background: np.ndarray
    cover: np.ndarray | None = None
    colours: np.ndarray | None = None

    def with_object(self, colours: np.ndarray) -> Layers:
        """With other colours (H, W, 3) float32 of the object."""
        return replace(self, object_=colours * self.alpha[..., None], colours=colours)

    def with_background(self, share: np.ndarray) -> Layers:
        """With another `background`."""
        return replace(self, background=share)

    def on_background(self, colours: np.ndarray) -> Layers:
        """Before `colours`, (H, W, 3) or (3,) float32, straight."""
        return replace(self, background=colours * (1 - self.alpha)[..., None])

    def cut_out(self) -> Layers:
        """The object on nothing."""
        return replace(self, background=np.zeros_like(self.background), cover=self.alpha)

    def outlined(self, width_px: float, colour: np.ndarray, opacity: float) -> Layers:
        """With a line of `width_px` around the object, behind it and before the background."""
        if not (self.alpha > 0.5).any():
            return self
        line = np.float32(opacity) * (signed_distance(self.alpha > 0.5) + np.float32(width_px + 0.5)).clip(0, 1)
        free = (1 - self.alpha) * line
        background = self.background * (1 - line)[..., None] + free[..., None] * colour
        cover = self.cover if self.cover is None else np.maximum(self.cover, self.alpha + free)
        return replace(self, background=background, cover=cover)


class Stage:
    """A picture on which effects are done one after another.

    Args:
        frame: (H, W, 3) uint8 RGB; not changed.
        mattes: by object id; of the size of the frame, later ones on top.
    """

    def __init__(self, frame: np.ndarray, mattes: Mapping[int, Matte]) -> None:
        self._picture = frame.astype(np.float32)
        self._alphas = {object_id: matte.alpha for object_id, matte in mattes.items()}
        self._colours = {object_id: matte.colours.astype(np.float32) for object_id, matte in mattes.items()}
        self._cover: np.ndarray | None = None

    def layers(self, objects: tuple[int, ...] | None) -> Layers:
        """The picture as it is now, taken apart by the matte of some objects together."""
        object_ = np.zeros_like(self._picture)
        rest = np.ones(self._picture.shape[:2], dtype=np.float32)
        for object_id in self._chosen(objects):
            alpha = self._alphas[object_id]
            object_ = object_ * (1 - alpha)[..., None] + self._colours[object_id] * alpha[..., None]
            rest = rest * (1 - alpha)
        background = (self._picture - object_).clip(0, 255) * (rest > 0)[..., None]
        return Layers(1 - rest, object_, background, self._cover)

    def take(self, picture: Layers, objects: tuple[int, ...] | None) -> None:
        """Put the picture together again."""
        if picture.colours is not None:
            for object_id in self._chosen(objects):
                self._colours[object_id] = picture.colours
        self._picture = picture.object_ + picture.background
        self._cover = picture.cover

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB, or with straight alpha (H, W, 4) where it is cut out; black far from the object then."""
        if self._cover is None:
            return _bytes(self._picture)
        result = np.zeros((*self._cover.shape, 4), dtype=np.uint8)
        left, top, across, down = cv2.boundingRect((self._cover > _LEAST).view(np.uint8))
        if across:
            reach = COLOUR_MARGIN_PX
            place = np.s_[max(0, top - reach) : top + down + reach, max(0, left - reach) : left + across + reach]
            result[place][..., :3] = _bytes(_straight(self._picture[place], self._cover[place]))
        result[..., 3] = _bytes(self._cover * 255)
        return result

    def _chosen(self, objects: tuple[int, ...] | None) -> list[int]:
        return [each for each in self._alphas if objects is None or each in objects]


def blurred(share: np.ndarray, weight: np.ndarray, radius_px: float) -> np.ndarray:
    """Straight colours (H, W, 3) of a layer out of focus: only its own pixels are averaged.

    Args:
        share: (H, W, 3) float32, the layer as it is in the picture, times `weight`.
        weight: (H, W) float32, 0..1.
        radius_px: of the blur; its sigma is half of that.
    """
    return _averaged(share, weight, lambda values: _gaussian(values, radius_px / 2))


def pixelated(share: np.ndarray, weight: np.ndarray, block_px: int) -> np.ndarray:
    """Straight colours (H, W, 3) of a layer in squares of `block_px`; arguments as `blurred`."""
    height, width = weight.shape
    rows, columns = -(-height // block_px), -(-width // block_px)

    def squares(values: np.ndarray) -> np.ndarray:
        sides = (0, rows * block_px - height, 0, columns * block_px - width)
        padded = cv2.copyMakeBorder(values, *sides, cv2.BORDER_CONSTANT, value=0)
        small = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
        size = (columns * block_px, rows * block_px)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)[:height, :width])

    return _averaged(share, weight, squares)


def greyed(share: np.ndarray, amount: float) -> np.ndarray:
    """A layer (H, W, 3) float32 whose colours are drawn towards grey of the same luma (BT.709) by `amount`."""
    luma = share @ np.asarray((0.2126, 0.7152, 0.0722), dtype=np.float32)
    return np.asarray(share + np.float32(amount) * (luma[..., None] - share))


def fitted(picture: np.ndarray, *, height: int, width: int, fit: Fit) -> np.ndarray:
    """`picture` (h, w, 3) uint8 RGB at another size: (height, width, 3) uint8."""
    h, w = picture.shape[:2]
    if (h, w) == (height, width):
        return picture
    scales = (height / h, width / w)
    if fit is Fit.STRETCH:
        return _resized(picture, height, width)
    scale = max(scales) if fit is Fit.COVER else min(scales)
    rows, columns = max(1, round(h * scale)), max(1, round(w * scale))
    resized = _resized(picture, rows, columns)
    if fit is Fit.COVER:
        top, left = max(0, (rows - height) // 2), max(0, (columns - width) // 2)
        part = resized[top : top + height, left : left + width]
        return part if part.shape[:2] == (height, width) else _resized(part, height, width)
    result = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - min(rows, height)) // 2, (width - min(columns, width)) // 2
    result[top : top + rows, left : left + columns] = resized[:height, :width]
    return result


def _averaged(share: np.ndarray, weight: np.ndarray, average: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Average of a layer's own colours, continued to where the average met none of them."""
    amount = average(weight)
    colours = average(share) / np.maximum(amount, _LEAST)[..., None]
    lacking = amount < _LEAST
    if lacking.any() and not lacking.all():
        colours = np.where(lacking[..., None], spread(colours, (~lacking).astype(np.float32)), colours)
    return np.asarray(colours)


def _gaussian(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian; a wide one on a smaller grid, where it is as smooth and takes a fraction of the time."""
    reduce = int(max(1, min(sigma / 4, *(side / 4 for side in values.shape[:2]))))
    if reduce == 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    height, width = values.shape[:2]
    small = cv2.resize(values, (width // reduce, height // reduce), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / reduce, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _straight(premultiplied: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32; where alpha is 0 the colours nearby go on."""
    known = alpha > _LEAST
    colours = premultiplied / np.maximum(alpha, _LEAST)[..., None]
    if known.all() or not known.any():
        return np.asarray(colours * known[..., None])
    continued = spread(colours, np.where(known, alpha, np.float32(0)))
    return np.asarray(np.where(known[..., None], colours, continued))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(values.clip(0, 255)), dtype=np.uint8)


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    smaller = height < picture.shape[0] or width < picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method))
