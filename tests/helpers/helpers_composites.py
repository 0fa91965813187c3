"""Clips of real cut-outs that move over panned photographs, with a sentence and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rvos_resources.paths import weights_dir

SIZE = (360, 640)
FRAMES = 36
KINDS = ("colour", "side", "size", "direction", "order", "negative")
_CLIPS = ("blackswan", "car-shadow", "dog", "camel")
_GROUNDS = ("brick.jpg", "grass.jpg", "gravel.jpg", "coffee.jpg", "rocket.jpg", "chelsea.jpg", "astronaut.jpg")
_BLACK, _NOT_BLACK = "blackswan", ("car-shadow", "dog", "camel")


@dataclass(frozen=True)
class Composite:
    """frames: (t, H, W, 3) uint8 RGB; labels: (t, H, W) uint8, k + 1 the k-th thing; target: its label, 0: nothing."""

    frames: np.ndarray
    labels: np.ndarray
    sentence: str
    kind: str
    target: int


@dataclass(frozen=True)
class _Path:
    """Where a thing's middle is in frame t, from when on it is there, and its size (of the picture's height)."""

    start: np.ndarray
    step: np.ndarray
    begins: int
    size: float


def composite(davis: Path, index: int) -> Composite:
    """The clip of an index: its kind and everything else follow from it."""
    rng = np.random.default_rng([20261126, index])
    kind = KINDS[index % len(KINDS)]
    count = int(rng.integers(2, 4))
    names = [str(each) for each in rng.permutation(_CLIPS)[:count]]
    if kind == "colour":
        names = [_BLACK, *rng.permutation(_NOT_BLACK)[: count - 1]]
        names = [str(each) for each in rng.permutation(names)]
    paths = _paths(rng, count, kind)
    frames, labels = _painted(rng, davis, names, paths)
    sentence, target = _sentence(rng, kind, names, paths)
    return Composite(frames, labels, sentence, kind, target)


def _paths(rng: np.random.Generator, count: int, kind: str) -> list[_Path]:
    height, width = SIZE
    places = (np.arange(count) + rng.uniform(0.35, 0.65, count)) / count
    sizes = rng.permutation(np.array([0.62, 0.4, 0.27])[:count])
    found = []
    for k in range(count):
        size = float(sizes[k]) if kind == "size" else float(rng.uniform(0.32, 0.5))
        way = 1.0 if (k % 2 == 0) == (rng.random() < 0.5 or kind == "direction") else -1.0
        if kind == "direction":
            way = 1.0 if k == 0 else -1.0
        speed = float(rng.uniform(1.5, 3.2)) if kind != "side" else float(rng.uniform(1.5, 2.2))
        step = np.array([way * speed, float(rng.uniform(-0.3, 0.3))])
        middle = np.array([places[k] * width, float(rng.uniform(0.4, 0.65)) * height])
        start = middle - step * FRAMES / 2
        begins = 0
        if kind == "order":
            begins = 7 * k
        found.append(_Path(start, step, begins, size))
    return [found[int(k)] for k in rng.permutation(count)] if kind in ("direction", "order") else found


def _painted(
    rng: np.random.Generator, davis: Path, names: list[str], paths: list[_Path]
) -> tuple[np.ndarray, np.ndarray]:
    height, width = SIZE
    ground = cv2.imread(str(weights_dir().parent / "photographs" / _GROUNDS[int(rng.integers(len(_GROUNDS)))]))
    scale = 1.35 * max(height / ground.shape[0], width / ground.shape[1])
    ground = cv2.cvtColor(cv2.resize(ground, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    pan = np.array([float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-0.4, 0.4))])
    frames = np.empty((FRAMES, height, width, 3), np.uint8)
    labels = np.zeros((FRAMES, height, width), np.uint8)
    room = (np.array(ground.shape[1::-1]) - (width, height)) / 2
    for t in range(FRAMES):
        x, y = (room + pan * (t - FRAMES / 2)).round().astype(int)
        frames[t] = ground[y : y + height, x : x + width]
        for label, (name, path) in enumerate(zip(names, paths, strict=True), start=1):
            if t >= path.begins:
                picture, alpha = _cut_out(davis, name, t, path.size)
                _paste(frames[t], labels[t], picture, alpha, path.start + path.step * t - pan * (t - FRAMES / 2), label)
    return frames, labels


def _cut_out(davis: Path, name: str, t: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """The thing in frame `t` of its own clip, `size` of the composite's height high or as wide."""
    paths = sorted((davis / "JPEGImages" / name).glob("*.jpg"))
    path = paths[min(t, len(paths) - 1)]
    mask = cv2.imread(str(davis / "Annotations" / name / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE) > 127
    y, x = np.nonzero(mask)
    box = np.s_[y.min() : y.max() + 1, x.min() : x.max() + 1]
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)[box]
    scale = size * SIZE[0] / np.sqrt(picture.shape[0] * picture.shape[1])
    alpha = cv2.GaussianBlur(mask[box].astype(np.float32), (0, 0), 1.0)
    half = (max(2, round(picture.shape[1] * scale)), max(2, round(picture.shape[0] * scale)))
    return cv2.resize(picture, half, interpolation=cv2.INTER_AREA), cv2.resize(
        alpha, half, interpolation=cv2.INTER_AREA
    )


def _paste(
    frame: np.ndarray, labels: np.ndarray, picture: np.ndarray, alpha: np.ndarray, middle: np.ndarray, label: int
) -> None:
    shift = np.array([[1, 0, middle[0] - picture.shape[1] / 2], [0, 1, middle[1] - picture.shape[0] / 2]], np.float64)
    size = (SIZE[1], SIZE[0])
    placed = cv2.warpAffine(picture, shift, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(alpha, shift, size, flags=cv2.INTER_LINEAR)[..., None]
    frame[:] = (frame * (1 - cover) + placed * cover).round().astype(np.uint8)
    labels[cover[..., 0] > 0.5] = label


def _sentence(rng: np.random.Generator, kind: str, names: list[str], paths: list[_Path]) -> tuple[str, int]:
    if kind == "negative":
        return ("the blue one", "the pink one", "the purple one")[int(rng.integers(3))], 0
    if kind == "colour":
        return "the black one", names.index(_BLACK) + 1
    if kind == "side":
        places = [path.start[0] + path.step[0] * FRAMES / 2 for path in paths]
        return (
            ("the one on the left", int(np.argmin(places)) + 1)
            if rng.random() < 0.5
            else (
                "the one on the right",
                int(np.argmax(places)) + 1,
            )
        )
    if kind == "size":
        return "the smaller one", int(np.argmin([path.size for path in paths])) + 1
    if kind == "direction":
        return "the one going right", next(k for k, path in enumerate(paths, start=1) if path.step[0] > 0)
    begins = [path.begins for path in paths]
    return "the second to appear", begins.index(sorted(begins)[1]) + 1
