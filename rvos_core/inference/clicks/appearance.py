"""What the object looks like on one frame, learned from soft seeds: single colours, and colours with their texture.

Texture: ridge regression on random features of a Gaussian kernel (Rahimi and Recht, "Random features for large-scale
kernel machines", NIPS 2007) over means and deviations of Lab at three scales. The random numbers are always the same.
"""

from __future__ import annotations

import cv2
import numpy as np

_BINS = 16  # a side of the Lab cube
_SMOOTHING = 8.0  # pixels a bin must have seen before it says much
_MOST_ODDS = 2.5
_SCALES = (2, 4)  # of the texture, cells
_FEATURES, _WIDTH, _RIDGE = 128, 0.2, 0.01
_TAUGHT_STEP = 3  # of so many cells one is learned from
_STEP = 2  # pixels in one cell of the texture's grid
_MOST_TEXTURE = 1.5


class Appearance:
    """Log odds of each pixel, object against the rest.

    Args:
        picture: (h, w, 3) uint8 RGB.
        extra: (rows, columns, c) float32, further features of any size over the same picture, or None.
        extra_weight: of their deviations against one random feature's.
    """

    def __init__(self, picture: np.ndarray, *, extra: np.ndarray | None = None, extra_weight: float = 0.0) -> None:
        height, width = picture.shape[:2]
        self._size = (width, height)
        self._cells = (max(1, width // _STEP), max(1, height // _STEP))
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
        self._bins = _colour_bins(cv2.GaussianBlur(lab, (0, 0), 0.6))
        features = [_random_features(_textures(lab, self._cells))]
        if extra is not None:
            resized = np.stack([cv2.resize(level, self._cells) for level in np.moveaxis(extra, -1, 0)], axis=-1)
            features.append(_normalised(resized).reshape(features[0].shape[0], -1) * np.float32(extra_weight))
        features.append(np.ones((features[0].shape[0], 1), np.float32))
        self._features = np.concatenate(features, axis=1)

    def colour(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """(h, w) float32 log odds by a pixel's colour alone; `inside`, `outside`: (h, w) weights of the two sides."""
        counts = [_soft(np.bincount(self._bins.ravel(), each.ravel(), _BINS**3)) for each in (inside, outside)]
        total = np.array([max(float(each.sum()), 1.0) for each in counts])
        usual = _SMOOTHING * total / total.sum()
        shares = [np.log((count + small) / whole) for count, small, whole in zip(counts, usual, total, strict=True)]
        odds = np.clip(shares[0] - shares[1], -_MOST_ODDS, _MOST_ODDS).astype(np.float32)
        return np.asarray(odds[self._bins])

    def texture(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """As `colour`, by colour and texture of the surroundings together; coarser, and clipped."""
        own, other = (self._shares(each) for each in (inside, outside))
        taught = self._features[::_TAUGHT_STEP]
        both, difference = (own + other)[::_TAUGHT_STEP], (own - other)[::_TAUGHT_STEP]
        gram = (taught * both[:, None]).T @ taught
        gram[np.diag_indices(len(gram))] += _RIDGE / _TAUGHT_STEP
        coefficients = np.linalg.solve(gram, taught.T @ difference)
        said = (self._features @ coefficients).reshape(self._cells[::-1])
        return np.asarray(np.clip(2 * cv2.resize(said, self._size), -_MOST_TEXTURE, _MOST_TEXTURE))

    def _shares(self, weights: np.ndarray) -> np.ndarray:
        """Weights on the texture's grid, flat, that sum to one half: both sides count the same."""
        cells = cv2.resize(weights.astype(np.float32), self._cells, interpolation=cv2.INTER_AREA).ravel()
        return np.asarray(0.5 * cells / (cells.sum() + 1e-6))


def _textures(lab: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """(rows, columns, 15) float32: the colour, and its mean and deviation round each cell."""
    found = [cv2.GaussianBlur(lab, (0, 0), 0.7)]
    for scale in _SCALES:
        mean = cv2.GaussianBlur(lab, (0, 0), scale * _STEP)
        square = cv2.GaussianBlur(lab * lab, (0, 0), scale * _STEP)
        found += [mean, np.sqrt(np.maximum(square - mean * mean, 0))]
    resized = [cv2.resize(each, cells, interpolation=cv2.INTER_AREA) for each in found]
    return _normalised(np.concatenate([each.reshape(cells[1], cells[0], 3) for each in resized], axis=-1))


def _random_features(values: np.ndarray) -> np.ndarray:
    """(rows, columns, c) -> (rows * columns, `_FEATURES`) float32."""
    dice = np.random.default_rng(0)
    directions = dice.normal(size=(values.shape[-1], _FEATURES)).astype(np.float32) * np.float32(_WIDTH)
    shifts = dice.uniform(0, 2 * np.pi, _FEATURES).astype(np.float32)
    return np.asarray(np.cos(values.reshape(-1, values.shape[-1]) @ directions + shifts))


def _normalised(values: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = ((values - values.mean((0, 1))) / (values.std((0, 1)) + 1e-2)).astype(np.float32)
    return scaled


def _colour_bins(lab: np.ndarray) -> np.ndarray:
    """(h, w) int; chroma is stretched, as most colours lie near grey."""
    light = (lab[..., 0] * _BINS / 256).astype(np.int64)
    chroma = np.clip((lab[..., 1:] - 128) / 5 + _BINS / 2, 0, _BINS - 1).astype(np.int64)
    return np.asarray((light * _BINS + chroma[..., 0]) * _BINS + chroma[..., 1])


def _soft(counts: np.ndarray) -> np.ndarray:
    """Counts shared with neighbouring bins."""
    cube = counts.reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if each == axis else (0, 0) for each in range(3)], mode="edge")
        lower, upper = np.take(padded, range(_BINS), axis), np.take(padded, range(2, _BINS + 2), axis)
        cube = 0.5 * cube + 0.25 * (lower + upper)
    return cube.ravel()
