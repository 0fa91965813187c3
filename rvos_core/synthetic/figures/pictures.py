"""The photographs that ship with the program, read once: backgrounds, surfaces and patches on objects."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from rvos_resources.paths import photographs_dir

SCENES = ("coffee", "rocket")
SURFACES = ("brick", "grass", "gravel")
PHOTOGRAPHS: tuple[str, ...] = ("brick", "coffee", "grass", "gravel", "rocket")


@cache
def photograph(name: str) -> np.ndarray:
    """A photograph in colour: (h, w, 3) uint8 RGB.

    Raises:
        FileNotFoundError: where the file is not there or no picture.
    """
    return cv2.cvtColor(_read(name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@cache
def surface(name: str) -> np.ndarray:
    """A photograph in grey: (h, w) uint8.

    Raises:
        FileNotFoundError: where the file is not there or no picture.
    """
    return _read(name, cv2.IMREAD_GRAYSCALE)


def _read(name: str, flags: int) -> np.ndarray:
    path = photographs_dir() / f"{name}.jpg"
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if picture is None:
        raise FileNotFoundError(f"{path} is not a picture")
    return picture
