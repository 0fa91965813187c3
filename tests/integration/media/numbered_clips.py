"""Writes clips whose frames carry their own number in the picture, and reads that number back.

A picture is a grid of 4 x 4 cells. The corners are white, black, black, black from the top left, so that a turned or
mirrored picture is not taken for a number; the other twelve are the bits of the number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CORNERS = {(0, 0): 1, (0, 3): 0, (3, 0): 0, (3, 3): 0}
BITS = [(row, column) for row in range(4) for column in range(4) if (row, column) not in CORNERS]


def draw_number(number: int, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8 RGB with `number` (below 4096) in its cells."""
    cells = np.zeros((4, 4), np.uint8)
    for place, value in CORNERS.items():
        cells[place] = value
    for bit, place in enumerate(BITS):
        cells[place] = number >> bit & 1
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    return np.repeat((cells[rows][:, columns] * 200 + 30)[..., None], 3, axis=2).astype(np.uint8)


def read_number(picture: np.ndarray) -> int:
    """The number in the picture, or -1 where its corners say that this is no upright numbered picture."""
    height, width = picture.shape[:2]
    centre = [(2 * i + 1) / 8 for i in range(4)]
    cells = {
        (r, c): int(picture[int(centre[r] * height), int(centre[c] * width)].mean() > 127)
        for r in range(4)
        for c in range(4)
    }
    if any(cells[place] != value for place, value in CORNERS.items()):
        return -1
    return sum(cells[place] << bit for bit, place in enumerate(BITS))


@dataclass(frozen=True)
class ClipSpec:
    """What to write.

    Attributes:
        pts: presentation time of every frame in `time_base`; evenly spaced by `rate` without it.
        busy: with noise over the picture, so that its packets are of a usual size.
        prepare: turns the drawn picture into the coded one (the inverse of what display does).
        shown: numbers that a reader must find, in order; all by default.
        stream: sets properties of the video stream before the first frame.
    """

    name: str
    codec: str = "libx264"
    frames: int = 48
    size: tuple[int, int] = (160, 128)
    pix_fmt: str = "yuv420p"
    rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=lambda: {"g": "12", "bf": "2", "preset": "veryfast"})
    container: dict[str, str] = field(default_factory=dict)
    time_base: Fraction | None = None
    pts: Sequence[int] | None = None
    busy: bool = False
    prepare: Callable[[np.ndarray], np.ndarray] = lambda picture: picture
    stream: Callable[[Any], None] = lambda stream: None
    shown: Sequence[int] | None = None

    @property
    def numbers(self) -> list[int]:
        return list(range(self.frames)) if self.shown is None else list(self.shown)


def write_clip(folder: Path, spec: ClipSpec) -> Path:
    """Encode `spec` into `folder` with PyAV."""
    path = folder / spec.name
    width, height = spec.size
    random = np.random.default_rng(0)
    with av.open("file:" + str(path), "w", container_options=spec.container) as container:
        stream = container.add_stream(spec.codec, rate=spec.rate, options=spec.options)
        stream.pix_fmt = spec.pix_fmt
        coded = spec.prepare(draw_number(0, width, height))
        stream.height, stream.width = coded.shape[:2]
        stream.codec_context.thread_count = 1
        if spec.time_base is not None:
            stream.time_base = spec.time_base
            stream.codec_context.time_base = spec.time_base
        spec.stream(stream)
        for number in range(spec.frames):
            picture = draw_number(number, width, height)
            if spec.busy:
                picture = picture + random.integers(0, 26, picture.shape, np.uint8)
            frame = av.VideoFrame.from_ndarray(spec.prepare(picture), format="rgb24")
            frame = frame.reformat(format=spec.pix_fmt, threads=1)
            if spec.pts is not None:
                frame.pts = spec.pts[number]
                frame.time_base = spec.time_base or 1 / spec.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
