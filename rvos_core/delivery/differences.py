"""How far what was found in a file is from what was meant: alpha, and colours where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rvos_core.delivery.meant import Meant, read_meant
from rvos_core.delivery.spec import DeliverySpec

_BLOCK_PX = 16
_FEWEST_PX = 64  # whose mean says something


@dataclass(frozen=True)
class ColourError:
    """Errors of colours over all compared frames, in 0..1 of the file's own R, G and B.

    Attributes:
        largest, mean: of single samples.
        tint: largest mean of a block of 16x16 pixels: what a lossy encoder loses of grain is not in it, another matrix
            or order of channels is. 0 where fewer than 64 pixels count.
    """

    largest: float
    mean: float
    tint: float


class Differences:
    """Adds up the differences of the frames that are compared.

    Args:
        meant: output frame -> file for `read_meant`.
        spec: how the file is written.

    Attributes:
        compared: output frames so far.
        largest, means: of alpha (a matte, brightness): largest error of all, mean error of each frame.
    """

    def __init__(self, meant: Mapping[int, Path], spec: DeliverySpec) -> None:
        self._meant = meant
        self._spec = spec
        self._colours: list[ColourError] = []
        self.compared: list[int] = []
        self.largest = 0.0
        self.means: list[float] = []

    def compare(
        self, place: int, plane: np.ndarray, colours: np.ndarray | None, *, channels: np.ndarray | None = None
    ) -> None:
        """Count one output frame, where it is one that is compared.

        Args:
            plane: (H, W) float32, as `Meant.plane`.
            colours: (H, W, 3) float32; None: the file has none.
            channels: (objects, H, W) float32, as `Meant.channels`; their error counts as alpha's.
        """
        if place not in self._meant:
            return
        meant = read_meant(self._meant[place], self._spec)
        if meant.plane.shape != plane.shape:
            error = np.ones((1, 1), np.float32)
        else:
            error = np.abs(plane - meant.plane)
            if meant.colours is not None and colours is not None:
                self._colours.append(_colour_error(meant, colours))
            if channels is not None and meant.channels is not None:
                error = np.concatenate([error[None], np.abs(channels - meant.channels)])
        self.compared.append(place)
        self.largest = max(self.largest, float(error.max()))
        self.means.append(float(error.mean()))

    @property
    def mean(self) -> float:
        """Mean error of alpha over all frames."""
        return sum(self.means) / len(self.means) if self.means else 0.0

    @property
    def colour(self) -> ColourError | None:
        """Over all frames; None where no colours were compared."""
        if not self._colours:
            return None
        return ColourError(
            largest=max(each.largest for each in self._colours),
            mean=sum(each.mean for each in self._colours) / len(self._colours),
            tint=max(each.tint for each in self._colours),
        )


def _colour_error(meant: Meant, found: np.ndarray) -> ColourError:
    assert meant.colours is not None
    counts = meant.counts.astype(np.float32)
    pixels = float(counts.sum())
    if not pixels:
        return ColourError(0.0, 0.0, 0.0)
    error = (found - meant.colours) * counts[..., None]
    return ColourError(float(np.abs(error).max()), float(np.abs(error).sum()) / (3 * pixels), _tint(error, counts))


def _tint(error: np.ndarray, counts: np.ndarray) -> float:
    """Largest mean error of a block of which enough counts, or, where there is no such block, of all that counts."""
    height, width = counts.shape
    size = (max(1, width // _BLOCK_PX), max(1, height // _BLOCK_PX))
    share = cv2.resize(counts, size, interpolation=cv2.INTER_AREA).reshape(size[::-1])
    means = cv2.resize(error, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], 3)
    full = share * (height * width / share.size) >= _FEWEST_PX
    if full.any():
        return float(np.abs(means[full] / share[full][:, None]).max())
    pixels = float(counts.sum())
    return float(np.abs(error.sum(axis=(0, 1))).max()) / pixels if pixels >= _FEWEST_PX else 0.0
