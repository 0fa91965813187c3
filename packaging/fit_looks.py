"""Find the numbers of `rvos_core.inference.looks`: logistic regression, the street world against photographs.

    python packaging/fit_looks.py [--out resources/rvos_resources/weights/looks.json]

The photographs are those of the resources, cropped, filtered, tinted and degraded, and scenes cut from them. Logs the
scores of held-out world clips; no real footage is used.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import cv2
import numpy as np

from rvos_core.inference.looks import statistics
from rvos_core.synthetic import make_clip, split_config, split_seeds
from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.moving import MovingConfig, make_moving_scene
from rvos_resources.paths import weights_dir

_LOG = logging.getLogger("rvos.model")
_STEPS, _RATE, _DECAY = 4000, 0.5, 3e-4


def world(split: str, clips: int) -> np.ndarray:
    """(clips, n) mean statistics of the clips of a split."""
    config = split_config("val" if split == "train" else split)
    found = []
    for seed in split_seeds(split)[:clips]:
        frames = make_clip(seed, config).frames
        found.append(np.mean([statistics(frame) for frame in (frames[0], frames[-1])], axis=0))
    return np.array(found)


def photographs(count: int) -> np.ndarray:
    """(count, n) statistics of pieces of photographs, made as unlike one another as they can be."""
    rng = np.random.default_rng(0)
    paths = sorted((weights_dir().parent / "photographs").glob("*.jpg"))
    pictures = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]
    return np.array([statistics(_piece(rng, pictures[index % len(pictures)])) for index in range(count)])


def _piece(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    rows = int(height * rng.uniform(0.35, 1.0))
    columns = min(width, int(rows * 1.6))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    piece = cv2.resize(
        picture[top : top + rows, left : left + columns], (448, 256) if rng.random() < 0.7 else (256, 448)
    )
    piece = np.clip(piece * np.exp(rng.normal(0, 0.25)), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        piece = cv2.bilateralFilter(piece, 5, float(rng.uniform(10, 40)), 3)
    if rng.random() < 0.4:
        piece = cv2.GaussianBlur(piece, (0, 0), float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.6:
        hsv = cv2.cvtColor(piece, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + rng.uniform(-40, 40)) % 180
        hsv[..., 1] *= np.exp(rng.normal(-0.2, 0.5))
        piece = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    return degrade_frames(piece[None], rng, strength=float(rng.uniform(0, 1)))[0]


def main() -> int:
    """Fit, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=weights_dir() / "looks.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    drawn = world("train", 1100)
    scenes = [statistics(make_moving_scene(seed, MovingConfig(nothing=0.3)).frames[1]) for seed in range(150)]
    real = np.concatenate([photographs(900), np.array(scenes)])
    values = np.concatenate([drawn, real])
    wanted = np.concatenate([np.ones(len(drawn)), np.zeros(len(real))])
    share = np.where(wanted > 0, 0.5 / len(drawn), 0.5 / len(real))
    mean, spread = values.mean(0), values.std(0) + 1e-6
    scaled = (values - mean) / spread
    weights, shift = np.zeros(scaled.shape[1]), 0.0
    for _ in range(_STEPS):
        wrong = (1 / (1 + np.exp(-(scaled @ weights + shift))) - wanted) * share
        weights -= _RATE * (scaled.T @ wrong + _DECAY * weights)
        shift -= _RATE * wrong.sum()
    folded = weights / spread
    shift -= float(mean @ folded)
    held_out = world("val", 60) @ folded + shift
    _LOG.info("held-out world clips: least %.2f, 2 %% %.2f, median %.2f", *np.quantile(held_out, (0, 0.02, 0.5)))
    document = {"weights": [round(float(each), 5) for each in folded], "shift": round(shift, 5)}
    arguments.out.write_text(json.dumps(document) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
