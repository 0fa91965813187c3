"""Makes davis16_shifted.json: J, F and their statistics on four DAVIS clips whose masks were moved by known amounts.

    python tests/golden/make_davis16_shifted.py ../shared/data/davis16/Annotations

Written out from the definitions, without a line of `rvos_core`: boundaries from pixel differences, nearness from the
squared distances of all pairs of boundary pixels, quarters from their limits.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SHIFTS = {"blackswan": (0, 12), "camel": (40, -60), "car-shadow": (-14, 5), "dog": (9, 9)}  # rows down, columns right


def moved(mask: np.ndarray, down: int, right: int) -> np.ndarray:
    """`mask` moved; what leaves the picture is lost."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    source = mask[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    top, left = max(0, down), max(0, right)
    result[top : top + source.shape[0], left : left + source.shape[1]] = source
    return result


def boundary(mask: np.ndarray) -> np.ndarray:
    """(n, 2) rows and columns of the pixels that differ from the right, lower or lower-right neighbour."""
    rows, columns = [], []
    for down, right in ((0, 1), (1, 0), (1, 1)):
        here = mask[: mask.shape[0] - down, : mask.shape[1] - right]
        there = mask[down:, right:]
        y, x = np.nonzero(here ^ there)
        rows.append(y)
        columns.append(x)
    return np.unique(np.stack([np.concatenate(rows), np.concatenate(columns)], axis=1), axis=0)


def share_near(these: np.ndarray, others: np.ndarray, reach: int) -> float:
    """Share of `these` that have one of `others` within `reach`."""
    near = 0
    for part in np.array_split(these, max(1, len(these) // 500)):
        squares = ((part[:, None] - others[None]) ** 2).sum(axis=2).min(axis=1)
        near += int((squares <= reach * reach).sum())
    return near / len(these)


def f_measure(truth: np.ndarray, drawn: np.ndarray) -> float:
    """F of two masks."""
    a, b = boundary(truth), boundary(drawn)
    if not len(a) or not len(b):
        return 1.0 if len(a) == len(b) else 0.0
    reach = math.ceil(0.008 * math.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2))
    precision, recall = share_near(b, a, reach), share_near(a, b, reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def j_measure(truth: np.ndarray, drawn: np.ndarray) -> float:
    """Intersection over union."""
    either = int((truth | drawn).sum())
    return int((truth & drawn).sum()) / either if either else 1.0


def summary(values: list[float]) -> dict[str, float]:
    """Mean, share above one half, and the first quarter's mean less the last one's; both limits belong to a quarter."""
    count = len(values)
    limits = [math.floor(1 + i * (count - 1) / 4 + 0.5) - 1 for i in range(5)]
    first, last = values[: limits[1] + 1], values[limits[3] : limits[4] + 1]
    return {
        "mean": math.fsum(values) / count,
        "recall": sum(value > 0.5 for value in values) / count,
        "decay": math.fsum(first) / len(first) - math.fsum(last) / len(last),
    }


def main(annotations: Path) -> None:
    """Score every clip and write the file beside this one."""
    figures = {}
    for clip, shift in SHIFTS.items():
        j, f = [], []
        for path in sorted((annotations / clip).glob("*.png")):
            truth = np.asarray(Image.open(path)) > 0
            drawn = moved(truth, *shift)
            j.append(j_measure(truth, drawn))
            f.append(f_measure(truth, drawn))
        figures[clip] = {"shift": shift, "frames": len(j), "J": summary(j), "F": summary(f)}
        figures[clip] |= {"inner": {"J": summary(j[1:-1]), "F": summary(f[1:-1])}}
        print(clip, figures[clip])
    (Path(__file__).parent / "davis16_shifted.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
