"""Straight colours: what the object itself looks like where it is translucent, and without the screen's shine.

Germer, Uelwer, Conrad, Harmeling, "Fast Multi-Level Foreground Estimation", ICPR 2020: on each of ever finer grids a
few steps of a solver for the colours of object and ground, whose mixture is the picture (equations 2 to 5 there).
"""

from __future__ import annotations

import cv2
import numpy as np

from rvos_core.matte.spreading import spread
from rvos_core.matte.trimap import signed_distance

_SMOOTHNESS = 1e-5  # of colours where alpha is level
_GRADIENT = 1.0  # and how much more of it where alpha changes
_SMALL_SIDE = 32  # pixels: grids up to here take
_SMALL_STEPS, _STEPS = 10, 5  # so many steps, larger ones fewer
_MIXED = 1 / 510  # alpha nearer to 0 or 1 than that is 0 or 1 in eight bits
_MARGIN = 8  # pixels around what is translucent


def straight_colours(frame: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The object's colours.

    Args:
        frame: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32, 0..1.

    Returns:
        (H, W, 3) uint8 RGB, straight: the frame where alpha is 1, the object's share of the mixture where it is
        between, and the object's colours continued outwards where it is 0, so that nothing of the ground is left to
        shine through when a program enlarges or blurs the picture.
    """
    solid, nothing = alpha >= 1 - _MIXED, alpha <= _MIXED
    result = frame.copy()
    if solid.all():
        return result
    if nothing.all():
        return np.zeros_like(frame)
    mixed = ~solid & ~nothing
    if mixed.any():
        x, y, across, down = cv2.boundingRect(mixed.view(np.uint8))
        place = np.s_[max(0, y - _MARGIN) : y + down + _MARGIN, max(0, x - _MARGIN) : x + across + _MARGIN]
        found, here = _object_colours(frame[place], alpha[place].astype(np.float32)), mixed[place]
        result[place][here] = np.rint(found[here] * 255)
    weight = np.where(nothing, np.float32(0), alpha.astype(np.float32))
    continued = spread(result.astype(np.float32), weight)
    result[nothing] = np.rint(continued[nothing].clip(0, 255))
    return result


def despilled(
    colours: np.ndarray, alpha: np.ndarray, *, colour: tuple[int, int, int], strength: float, reach_px: float
) -> np.ndarray:
    """Colours without the tint that a screen or the surroundings throw on the object.

    What points the way of `colour`, apart from grey, is taken out; brightness (the mean of the channels) stays.

    Args:
        colours: (H, W, 3) uint8 RGB, straight.
        alpha: (H, W) float32, 0..1.
        colour: RGB 0..255 of the tint; a grey one has no tint, and nothing happens.
        strength: share that is taken out, 0..1.
        reach_px: from the edge into the object, fading; 0: everywhere.

    Returns:
        (H, W, 3) uint8 RGB, straight.
    """
    tint = np.asarray(colour, dtype=np.float32)
    tint -= tint.mean()
    length = float(np.linalg.norm(tint))
    if strength <= 0 or length < 1:
        return colours
    tint /= length
    values = colours.astype(np.float32)
    amount = (values @ tint).clip(0, None) * np.float32(strength)  # grey has none: the tint's channels add up to 0
    if reach_px > 0:
        amount *= (1 - signed_distance(alpha > 0.5) / np.float32(reach_px)).clip(0, 1)
    return np.asarray(np.rint((values - amount[..., None] * tint).clip(0, 255)), dtype=np.uint8)


def _object_colours(frame: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32, 0..1: colours of the object, those of the ground being found beside them and left."""
    picture = frame.astype(np.float32) / 255
    height, width = alpha.shape
    object_, ground = _mean(picture, alpha), _mean(picture, 1 - alpha)
    for level in range(max(1, max(height, width) - 1).bit_length(), -1, -1):
        size = (max(1, -(-width >> level)), max(1, -(-height >> level)))
        here = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
        share = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
        object_, ground = (
            cv2.resize(each, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 3)
            for each in (object_, ground)
        )
        object_[share >= 1 - _MIXED] = here[share >= 1 - _MIXED]
        ground[share <= _MIXED] = here[share <= _MIXED]
        steps = _SMALL_STEPS if max(size) <= _SMALL_SIDE else _STEPS
        _relax(here, share, object_, ground, steps=steps)
    return object_


def _relax(picture: np.ndarray, alpha: np.ndarray, object_: np.ndarray, ground: np.ndarray, *, steps: int) -> None:
    """Steps of Jacobi's method, in place: each pixel's two colours from its neighbours' and the picture.

    Only where something is mixed, and next to it: elsewhere one of both colours is the picture, the other unseen.
    """
    height, width = alpha.shape
    mixed = ((alpha > _MIXED) & (alpha < 1 - _MIXED)).view(np.uint8)
    rows, columns = np.nonzero(cv2.dilate(mixed, np.ones((5, 5), dtype=np.uint8)))
    if not rows.size:
        return
    here = rows * width + columns
    beside = [  # past the border the pixel itself
        np.clip(rows + dy, 0, height - 1) * width + np.clip(columns + dx, 0, width - 1)
        for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    shares, colours = alpha.reshape(-1, 1), picture.reshape(-1, 3)[here]
    front, back = object_.reshape(-1, 3), ground.reshape(-1, 3)  # views
    own_share, rest = shares[here], 1 - shares[here]
    pulls = [_SMOOTHNESS + _GRADIENT * np.abs(own_share - shares[each]) for each in beside]
    pull = np.add.reduce(pulls)
    # The matrix [[alpha^2 + pull, alpha * rest], [alpha * rest, rest^2 + pull]] of each pixel, inverted.
    scale = 1 / (pull * (own_share * own_share + rest * rest + pull))
    own, cross, other = (rest * rest + pull) * scale, own_share * rest * scale, (own_share * own_share + pull) * scale
    for _ in range(steps):
        right = own_share * colours + np.add.reduce([w * front[each] for w, each in zip(pulls, beside, strict=True)])
        left = rest * colours + np.add.reduce([w * back[each] for w, each in zip(pulls, beside, strict=True)])
        front[here], back[here] = (own * right - cross * left).clip(0, 1), (other * left - cross * right).clip(0, 1)


def _mean(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(1, 1, 3): the mean colour under a weight."""
    total = max(float(weight.sum()), 1e-6)
    return np.asarray((picture * weight[..., None]).sum((0, 1), keepdims=True) / total, dtype=np.float32)
