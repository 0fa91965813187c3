"""Plots: the curve is where the figures are, both forms are what they say, and names are checked before the work."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rvos_core.errors import UsageError, UserError
from rvos_core.evaluation.plot import HEIGHT, WIDTH, Series, check_plot_path, write_plot

SVG = "{http://www.w3.org/2000/svg}"
GREEN = "#1d7f4d"


def series(values: list[float], *, first: int = 0, name: str = "clip") -> Series:
    return Series(name, tuple(range(first, first + len(values))), tuple(values), tuple(values))


def parts(path: Path, kind: str) -> list[ElementTree.Element]:
    return ElementTree.parse(path).getroot().findall(f"{SVG}{kind}")


def curve(path: Path, colour: str) -> list[tuple[float, float]]:
    """Points of the longest line of that colour."""
    lines = [each.get("points", "") for each in parts(path, "polyline") if each.get("stroke") == colour]
    longest = max(lines, key=len)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in longest.split())]


def test_one_clip_has_a_curve_for_each_measure(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    write_plot(path, [Series("clip", (4, 5, 6), (0.0, 0.5, 1.0), (1.0, 1.0, 1.0))], title="J&F <of> clip\n")
    both = curve(path, GREEN)
    assert [x for x, _ in both] == [64.0, 500.0, 936.0]
    heights = [y for _, y in both]
    assert heights == [240.0, 148.0, 56.0]  # 0.5, 0.75, 1.0 between 424 (0) and 56 (1)
    texts = ["".join(each.itertext()) for each in parts(path, "text")]
    assert "J&F <of> clip\N{REPLACEMENT CHARACTER}" in texts
    assert {"J", "F", "J&F", "frame", "4", "5", "6", "0.0", "1.0"} <= set(texts)


def test_clips_of_one_length_keep_their_frames_and_others_share_an_axis(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    write_plot(path, [series([0.0, 1.0, 0.0]), series([1.0, 1.0, 0.0])], title="two")
    assert len(curve(path, GREEN)) == 3
    assert "frame (mean of 2 curves" in ElementTree.tostring(ElementTree.parse(path).getroot(), encoding="unicode")
    write_plot(path, [series([0.0, 1.0]), series([1.0] * 7)], title="two")
    points = curve(path, GREEN)
    assert len(points) == 101
    top, bottom = 56.0, 424.0
    assert points[0][1] == pytest.approx((top + bottom) / 2)  # mean of 0 and 1
    assert points[-1][1] == top
    assert len(parts(path, "polygon")) == 1


@pytest.mark.parametrize("frames", [1, 2, 11, 12, 400, 20_000])
def test_ticks_are_few_and_in_the_picture(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "plot.svg"
    write_plot(path, [series([0.5] * frames, first=17)], title="x")
    ticks = [each for each in parts(path, "text") if re.fullmatch(r"\d+", "".join(each.itertext()))]
    assert 1 <= len(ticks) <= 11
    assert all(64 <= float(each.get("x", "")) <= 936 for each in ticks)


def test_png_shows_the_same_curve(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "plot.PNG"
    write_plot(path, [series([0.25] * 50)], title="J&F of clip")
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    green = np.abs(picture - (0x1D, 0x7F, 0x4D)).sum(axis=2) < 40
    rows = np.flatnonzero(green[:, 100:900].mean(axis=1) > 0.95)
    assert rows.size and np.all(np.abs(rows - (424 - 0.25 * 368)) <= 2)


def test_names_and_disks_that_do_not_do(tmp_path: Path) -> None:
    for name in ("plot.pdf", "plot"):
        with pytest.raises(UsageError, match=r"neither a \.png nor an \.svg"):
            check_plot_path(Path(name))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_plot(tmp_path / "file" / "plot.svg", [series([1.0])], title="x")
    with pytest.raises(ValueError, match="nothing to draw"):
        write_plot(tmp_path / "plot.svg", [], title="x")
    assert not (tmp_path / "plot.svg").exists()
