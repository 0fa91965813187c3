"""The pictures of docs/howto/mattes.md: `python packaging/matte_pictures.py OUT`, from what is bundled; no window.

`matte-effects.webp` has every effect on a frame of the demo clip, with the clip's true masks; `matte-edge.webp` has the
edge of a photograph at 400 %: the mask as clicks give it, its soft edge, and the edge refined.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rvos_core.inference.clicks.plain import PlainClicker
from rvos_core.masks import read_indexed_png
from rvos_core.matte import (
    Blur,
    CutOut,
    Effect,
    EffectChain,
    GreyBackground,
    Highlight,
    Matte,
    MatteRenderer,
    MatteSettings,
    MatteStack,
    Outline,
    Pixelate,
    Refine,
    ReplaceBackground,
    Target,
)
from rvos_core.media import open_media
from rvos_core.models.api import Clicks
from rvos_resources.paths import demo_dir, photographs_dir

_FRAME, _RIDER = 20, 1
_CHECKER_PX = 16
_HEAD = Clicks(  # of astronaut.jpg, 480x480
    positive=((222, 110), (180, 60), (260, 60), (170, 120)),
    negative=((120, 40), (320, 100), (150, 10)),
    box=(130, 0, 310, 220),
)
_EDGE = (132, 6, 242, 106)  # x0, y0, x1, y1 of the same: what is shown at 400 %
_ZOOM, _CAPTION_PX, _GAP_PX = 4, 24, 8


def main() -> int:
    """Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder for the pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    _save(out / "matte-effects.webp", _effects(), columns=3)
    _save(out / "matte-edge.webp", _edges(), columns=3)
    return 0


def _effects() -> list[tuple[str, np.ndarray]]:
    with open_media(demo_dir() / "street.mp4") as reader:
        frame, other = reader.frame(_FRAME), reader.frame(0)
    labels = read_indexed_png(demo_dir() / "masks" / f"{_FRAME:05d}.png", size=frame.shape[:2])
    matte = MatteRenderer(lambda _: frame, lambda _: labels == _RIDER, MatteStack()).matte(_FRAME)
    flipped = np.ascontiguousarray(other[:, ::-1])
    chains: list[tuple[str, tuple[Effect, ...]]] = [
        ("cut-out on nothing", (CutOut(),)),
        ("cut-out on a colour", (CutOut(colour=(40, 90, 160)),)),
        ("background blurred", (Blur(target=Target.BACKGROUND),)),
        ("object pixelated", (Pixelate(target=Target.OBJECT),)),
        ("background grey", (GreyBackground(),)),
        ("highlighted", (Highlight(),)),
        ("outline", (Outline(),)),
        ("background replaced", (ReplaceBackground(source="other"),)),
        ("grey, then an outline", (GreyBackground(), Outline())),
    ]
    return [
        (title, _on_checker(EffectChain(chain).apply(frame, {_RIDER: matte}, frame_index=_FRAME,
                                                     backgrounds=lambda name, index: flipped)))
        for title, chain in chains
    ]  # fmt: skip


def _edges() -> list[tuple[str, np.ndarray]]:
    photograph = np.asarray(Image.open(photographs_dir() / "astronaut.jpg").convert("RGB"))
    mask = PlainClicker().segment(photograph, _HEAD)
    hard = Matte(mask.astype(np.float32), photograph)
    shown = [("the mask", hard)]
    for title, settings in (
        ("soft edge", MatteSettings()),
        ("refined", MatteSettings(refine=Refine.EDGE)),
    ):
        renderer = MatteRenderer(lambda _: photograph, lambda _: mask, MatteStack(settings))
        shown.append((f"{title}, straight colours", renderer.matte(0)))
    x0, y0, x1, y1 = _EDGE
    pictures = []
    for title, matte in shown:
        rgba = np.dstack([matte.colours, np.rint(matte.alpha * 255).astype(np.uint8)])[y0:y1, x0:x1]
        large = cv2.resize(rgba, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
        pictures.append((title, _on_checker(large)))
    return pictures


def _on_checker(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) uint8 over a checker where it has alpha: (H, W, 3) uint8."""
    if picture.shape[2] == 3:
        return picture
    rows, columns = np.indices(picture.shape[:2]) // _CHECKER_PX
    ground = np.where((rows + columns) % 2, 90, 140).astype(np.float32)[..., None]
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.rint(picture[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def _save(path: Path, pictures: Sequence[tuple[str, np.ndarray]], *, columns: int) -> None:
    """A sheet of captioned pictures of one size."""
    height, width = pictures[0][1].shape[:2]
    rows = -(-len(pictures) // columns)
    across, down = width + _GAP_PX, height + _CAPTION_PX + _GAP_PX
    sheet = Image.new("RGB", (columns * across + _GAP_PX, rows * down + _GAP_PX), (32, 34, 38))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=14)
    for place, (title, picture) in enumerate(pictures):
        left, top = _GAP_PX + place % columns * across, _GAP_PX + place // columns * down
        draw.text((left + 2, top + 2), title, fill=(225, 225, 225), font=font)
        sheet.paste(Image.fromarray(picture), (left, top + _CAPTION_PX))
    sheet.save(path, quality=82, method=6)


if __name__ == "__main__":
    raise SystemExit(main())
