"""What things are covered with in the clips for propagation: cuts of photographs, noise of many scales, patterns."""

from __future__ import annotations

import cv2
import numpy as np

from rvos_core.synthetic.figures.pictures import photograph

PICTURES: tuple[str, ...] = (
    "astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "hubble", "retina", "rocket",
)  # fmt: skip
_NOISE = 0.25  # shares of the surfaces; the rest are cuts of photographs
_PATTERNS = 0.1


def draw_surface(rng: np.random.Generator, height: int, width: int, *, picture: str | None = None) -> np.ndarray:
    """Something to cover a thing with.

    Args:
        rng: decides everything.
        height, width: in pixels.
        picture: cut it from this photograph; None: from any, or noise, or a pattern.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    if picture is None:
        kind = rng.random()
        if kind < _NOISE:
            return _noise(rng, height, width)
        if kind < _NOISE + _PATTERNS:
            return _pattern(rng, height, width)
        picture = draw_picture(rng)
    return _recoloured(rng, _cut(rng, photograph(picture), (height, width)))


def draw_picture(rng: np.random.Generator) -> str:
    """The name of a photograph."""
    return PICTURES[int(rng.integers(len(PICTURES)))]


def octaves(rng: np.random.Generator, height: int, width: int, *, cells: int, roughness: float) -> np.ndarray:
    """Noise of many scales, (height, width, 3) float32 around 0.

    Args:
        rng: decides everything.
        height, width: in pixels.
        cells: across the coarsest scale; each further one has twice as many.
        roughness: amplitude of a scale over that of the coarser one.
    """
    total = np.zeros((height, width, 3), np.float32)
    amplitude = 1.0
    while cells <= max(height, width) // 2:
        grid = rng.standard_normal((cells, cells, 3), np.float32)
        total += amplitude * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        amplitude *= roughness
        cells *= 2
    return total


def _cut(rng: np.random.Generator, picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A turned, mirrored, scaled part of a photograph; beyond its borders it is reflected."""
    height, width = size
    short = min(picture.shape[:2])
    scale = short * float(np.exp(rng.uniform(np.log(0.2), np.log(1.0)))) / max(height, width)
    angle = float(rng.normal(0, 25)) if rng.random() < 0.8 else float(rng.uniform(0, 360))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.deg2rad(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag([mirror, 1.0])
    centre = rng.uniform(0.2, 0.8, 2) * picture.shape[1::-1]
    offset = centre - matrix @ (width / 2, height / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if scale > 1.3:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.45 * scale)
    return cv2.warpAffine(
        picture, np.hstack([matrix, offset[:, None]]), (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )


def _recoloured(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Other contrast, light and hue, so that a handful of photographs is worth many."""
    colour = np.eye(3) + rng.normal(0, 0.12, (3, 3))
    if rng.random() < 0.35:
        colour = colour[rng.permutation(3)]
    mean = picture.reshape(-1, 3).mean(0)
    contrast = float(np.exp(rng.normal(0, 0.25)))
    matrix = contrast * colour
    offset = mean - matrix @ mean + rng.normal(0, 22, 3)
    return cv2.transform(picture, np.hstack([matrix, offset[:, None]]))  # saturates


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    field = octaves(rng, height, width, cells=int(rng.integers(2, 9)), roughness=float(rng.uniform(0.4, 1.0)))
    grey = field.mean(2, keepdims=True)
    field = grey + (field - grey) * float(rng.uniform(0.1, 1.0))
    return _as_picture(rng.uniform(30, 220, 3) + field * float(rng.uniform(12, 55)))


def _pattern(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Stripes or checks of two colours, bent a little and unevenly lit."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = octaves(rng, height, width, cells=2, roughness=0.3)[..., 0] * float(rng.uniform(0, 6))
    period = float(rng.uniform(6, 28))
    turn = float(rng.uniform(0, np.pi))
    along = np.sin((x * np.cos(turn) + y * np.sin(turn) + bend) * 2 * np.pi / period)
    if rng.random() < 0.4:
        along = along * np.sin((y * np.cos(turn) - x * np.sin(turn) + bend) * 2 * np.pi / period)
    share = (1 / (1 + np.exp(-6 * along)))[..., None]
    first, second = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    lit = first * share + second * (1 - share) + octaves(rng, height, width, cells=2, roughness=0.5) * 9
    return _as_picture(lit)


def _as_picture(values: np.ndarray) -> np.ndarray:
    """Levels of any range -> uint8."""
    picture: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return picture
