"""Twelve frames of a `rvos segment` result side by side, for docs/images and for looking at.

    python packaging/mask_sheet.py RESULT SHEET.png [--over CLIP]

RESULT is the folder that `rvos segment` wrote. Without `--over` only the masks are drawn, so that no footage is copied.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from rvos_core.masks import read_indexed_png

_COUNT, _COLUMNS, _HEIGHT = 12, 6, 120


def main() -> int:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--over", type=Path, metavar="CLIP")
    arguments = parser.parse_args()
    paths = sorted((arguments.result / "masks").glob("*.png"))
    chosen = [paths[int(index)] for index in np.linspace(0, len(paths) - 1, _COUNT).round()]
    tiles = [_tile(path, _frames(arguments.over, chosen).get(path)) for path in chosen]
    rows = [np.hstack(tiles[first : first + _COLUMNS]) for first in range(0, _COUNT, _COLUMNS)]
    cv2.imwrite(str(arguments.sheet), np.vstack(rows)[..., ::-1])
    return 0


def _frames(clip: Path | None, paths: list[Path]) -> dict[Path, np.ndarray]:
    if clip is None:
        return {}
    from rvos_core.media import open_media

    with open_media(clip) as reader:
        return {path: reader.frame(int(path.stem)) for path in paths}


def _tile(path: Path, frame: np.ndarray | None) -> np.ndarray:
    mask = read_indexed_png(path) > 0
    drawn = np.full((*mask.shape, 3), 40, np.uint8) if frame is None else frame.copy()
    drawn[mask] = drawn[mask] // 2 + np.array((0, 90, 127), np.uint8)
    size = (round(mask.shape[1] * _HEIGHT / mask.shape[0]), _HEIGHT)
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    cv2.putText(small, path.stem, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    return cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT)


if __name__ == "__main__":
    sys.exit(main())
