"""J&F over time as a picture, PNG or SVG: one clip by its frames, several by the share of each that has passed.

The curve is worked out once as lines, areas and texts in a coordinate system of points; two small painters draw those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

import numpy as np

from rvos_core.errors import UsageError, UserError
from rvos_core.files import write_file

WIDTH, HEIGHT = 960, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 936, 56, 424
_STEPS = 101  # points of a curve over several clips
_BAND = (0.1, 0.9)  # quantiles between which most clips lie
_INK, _GRID, _PAPER = "#222222", "#dddddd", "#ffffff"
_COLOURS = {"J": "#2f6fb5", "F": "#c2631c", "J&F": "#1d7f4d"}
_FURTHER_COLOURS = ("#2f6fb5", "#c2631c", "#1d7f4d", "#8a4fb0", "#8a6d1d")
_BAND_COLOUR = "#d5e8dd"
_OVERSAMPLED = 3


@dataclass(frozen=True)
class Series:
    """Scores of one object or expression. `frames`: numbers in order; `j`, `f`: one value each, 0..1."""

    name: str
    frames: tuple[int, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]


class Painter(Protocol):
    """What a picture is drawn by; lengths in points, the origin in the upper left corner."""

    def line(self, points: Sequence[tuple[float, float]], *, colour: str, width: float) -> None: ...

    def area(self, points: Sequence[tuple[float, float]], *, colour: str) -> None: ...

    def text(self, x: float, y: float, text: str, *, size: int, anchor: str, colour: str = _INK) -> None:
        """`y` is the base line; `anchor` is start, middle or end."""

    def content(self) -> bytes:
        """The finished file."""


def check_plot_path(path: Path) -> None:
    """Refuse a name before work begins. Raises: UsageError: it ends neither in .png nor in .svg."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise UsageError(
            f"--plot {path} is neither a .png nor an .svg file.",
            hint="The name's ending decides the form.",
            code="usage.plot",
        )


def write_plot(path: Path, series: Sequence[Series], *, title: str) -> None:
    """Draw `series` (at least one) and write the picture, atomically.

    Raises:
        UsageError: as `check_plot_path`.
        UserError: the disk refuses, or Pillow is needed and not installed.
    """
    painter = painter_for(path)
    draw(painter, series, title=title)
    write_file(path, painter.content())


def painter_for(path: Path) -> Painter:
    """What draws a file of this name. Raises: UsageError, UserError: as `write_plot`."""
    check_plot_path(path)
    return SvgPainter() if path.suffix.lower() == ".svg" else PngPainter()


def draw_curves(
    painter: Painter, curves: Mapping[str, Sequence[tuple[int, float]]], *, title: str, label: str, marks: Sequence[int]
) -> None:
    """Draw axes and one curve for each name.

    Args:
        curves: at most five, of points (x, y) with y in 0..1.
        label: what x is.
        marks: where a part of the x axis ends; a line is drawn there.
    """
    steps = [x for points in curves.values() for x, _ in points]
    if not steps or len(curves) > len(_FURTHER_COLOURS):
        raise ValueError(f"between one and {len(_FURTHER_COLOURS)} curves can be drawn, not {len(curves)}")
    last = max(steps)
    painter.text(_LEFT, 30, _shortened(title), size=18, anchor="start")
    for mark in marks:
        x = _x(mark / last)
        painter.line([(x, _TOP), (x, _BOTTOM)], colour=_GRID, width=1)
    _axes(painter, 0, last, label=label)
    colours = dict(zip(curves, _FURTHER_COLOURS, strict=False))
    for name, points in curves.items():
        _curve(painter, [(_x(x / last), _y(y)) for x, y in points], colour=colours[name], width=2.0)
    _legend(painter, colours)


def draw(painter: Painter, series: Sequence[Series], *, title: str) -> None:
    """Draw axes and curves: each measure of one clip, or the mean of J&F over several with the band of most of them."""
    if not series:
        raise ValueError("there is nothing to draw")
    painter.text(_LEFT, 30, _shortened(title), size=18, anchor="start")
    frames = series[0].frames
    one_clip = all(each.frames == frames for each in series)
    first, last = (frames[0], max(frames[-1], frames[0] + 1)) if one_clip else (0, 100)
    if one_clip:
        x = [_x((frame - first) / (last - first)) for frame in frames]
    else:
        x = [_x(step / (_STEPS - 1)) for step in range(_STEPS)]
    table = np.stack([_both(each) if one_clip else _resampled(_both(each)) for each in series])
    if len(series) > 1:
        low, high = np.quantile(table, _BAND, axis=0)
        painter.area(_points(x, high) + _points(x, low)[::-1], colour=_BAND_COLOUR)
    _axes(painter, first, last, label=("frame" if one_clip else "share of the clip in %") + _how_many(len(series)))
    curves = {"J&F": table.mean(axis=0)}
    if len(series) == 1:
        curves = {"J": np.asarray(series[0].j), "F": np.asarray(series[0].f), **curves}
    for name, values in curves.items():
        _curve(painter, _points(x, values), colour=_COLOURS[name], width=2.4 if name == "J&F" else 1.2)
    _legend(painter, {name: _COLOURS[name] for name in curves})


def _both(series: Series) -> np.ndarray:
    return np.asarray((np.asarray(series.j) + np.asarray(series.f)) / 2)


def _resampled(values: np.ndarray) -> np.ndarray:
    """`_STEPS` values from the first to the last of a clip of any length."""
    own = np.linspace(0, 1, len(values)) if len(values) > 1 else np.zeros(1)
    return np.asarray(np.interp(np.linspace(0, 1, _STEPS), own, values))


def _how_many(series: int) -> str:
    return f" (mean of {series} curves, the band holds the middle 80 %)" if series > 1 else ""


def _axes(painter: Painter, first: int, last: int, *, label: str) -> None:
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        painter.line([(_LEFT, y), (_RIGHT, y)], colour=_GRID, width=1)
        painter.text(_LEFT - 8, y + 4, f"{tenth / 10:.1f}", size=12, anchor="end")
    for tick in _ticks(first, last):
        x = _x((tick - first) / (last - first))
        painter.line([(x, _BOTTOM), (x, _BOTTOM + 5)], colour=_INK, width=1)
        painter.text(x, _BOTTOM + 20, str(tick), size=12, anchor="middle")
    painter.line([(_LEFT, _TOP), (_LEFT, _BOTTOM), (_RIGHT, _BOTTOM)], colour=_INK, width=1)
    painter.text((_LEFT + _RIGHT) / 2, _BOTTOM + 42, label, size=13, anchor="middle")


def _ticks(first: int, last: int) -> list[int]:
    """At most 11 round whole numbers in the range."""
    step = next(
        unit * 10**power
        for power in range(12)
        for unit in (1, 2, 5)
        if last // (unit * 10**power) - math.ceil(first / (unit * 10**power)) < 11
    )
    return list(range(math.ceil(first / step) * step, last + 1, step))


def _curve(painter: Painter, points: list[tuple[float, float]], *, colour: str, width: float) -> None:
    if len(points) == 1:  # one frame: a short bar at its height
        points = [(points[0][0] - 4, points[0][1]), (points[0][0] + 4, points[0][1])]
    painter.line(points, colour=colour, width=width)


def _points(x: Sequence[float], values: np.ndarray) -> list[tuple[float, float]]:
    return [(a, _y(float(b))) for a, b in zip(x, values, strict=True)]


def _legend(painter: Painter, colours: Mapping[str, str]) -> None:
    x = float(_RIGHT)
    for name, colour in reversed(list(colours.items())):
        painter.text(x, 30, name, size=13, anchor="end", colour=colour)
        x -= (9 if len(name) < 8 else 6.4) * len(name) + 30
        painter.line([(x, 26), (x + 22, 26)], colour=colour, width=2.4)
        x -= 14


def _shortened(title: str) -> str:
    return title if len(title) <= 80 else f"{title[:79]}…"


def _x(share: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * share


def _y(value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * value


class SvgPainter:
    """Draws as text; two decimals are finer than any screen."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def line(self, points: Sequence[tuple[float, float]], *, colour: str, width: float) -> None:
        self._parts.append(
            f'<polyline points="{_pairs(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            'stroke-linejoin="round"/>'
        )

    def area(self, points: Sequence[tuple[float, float]], *, colour: str) -> None:
        self._parts.append(f'<polygon points="{_pairs(points)}" fill="{colour}"/>')

    def text(self, x: float, y: float, text: str, *, size: int, anchor: str, colour: str = _INK) -> None:
        printable = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
        self._parts.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(printable)}</text>"
        )

    def content(self) -> bytes:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="{_PAPER}"/>\n'
        )
        return (head + "\n".join(self._parts) + "\n</svg>\n").encode()


class PngPainter:
    """Draws with Pillow at a multiple of the size, which is then reduced: smooth lines without a plotting library."""

    def __init__(self) -> None:
        try:
            from PIL import Image, ImageDraw
        except ImportError as error:
            raise UserError(
                "A plot as .png needs the package Pillow, which is not installed.",
                hint="Write an .svg, or `pip install pillow`.",
                code="evaluation.pillow",
            ) from error
        self._image = Image.new("RGB", (WIDTH * _OVERSAMPLED, HEIGHT * _OVERSAMPLED), _PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Sequence[tuple[float, float]], *, colour: str, width: float) -> None:
        self._draw.line(_enlarged(points), fill=colour, width=round(width * _OVERSAMPLED), joint="curve")

    def area(self, points: Sequence[tuple[float, float]], *, colour: str) -> None:
        self._draw.polygon(_enlarged(points), fill=colour)

    def text(self, x: float, y: float, text: str, *, size: int, anchor: str, colour: str = _INK) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size * _OVERSAMPLED)
        place = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        printable = "".join(each if each.isprintable() else "?" for each in text)
        self._draw.text((x * _OVERSAMPLED, y * _OVERSAMPLED), printable, fill=colour, font=font, anchor=place)

    def content(self) -> bytes:
        from io import BytesIO

        file = BytesIO()
        self._image.reduce(_OVERSAMPLED).save(file, format="PNG", optimize=True)
        return file.getvalue()


def _enlarged(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _OVERSAMPLED, y * _OVERSAMPLED) for x, y in points]


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
