"""What the video view paints of rendered pictures: their very pixels, on a checker where they are transparent."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from helpers_qt import painted
from rvos_app.canvas.preview import preview_of
from rvos_app.canvas.view import Overlay, VideoCanvas, ViewMode
from rvos_core.masks import encode

HEIGHT, WIDTH = 60, 80
GREYS = {0x9A, 0x66}


def noise(*channels: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, *channels), np.uint8)


def overlay(left: int = 30, *, object_id: int = 1) -> Overlay:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20:40, left : left + 20] = True
    return Overlay(object_id, encode(mask), (220, 40, 30), 0.5, None, "")


@pytest.fixture
def canvas(qtbot: QtBot) -> VideoCanvas:
    view = VideoCanvas()
    qtbot.addWidget(view)
    view.resize(320, 200)
    view.show()
    view.set_frame(noise(3))
    view.zoom_to(1.0)
    return view


def shown(view: VideoCanvas) -> np.ndarray:
    return painted(view)[70 : 70 + HEIGHT, 120 : 120 + WIDTH]


def test_a_rendered_matte_is_painted_pixel_for_pixel_in_its_mode_only(canvas: VideoCanvas) -> None:
    alpha = noise()
    canvas.set_overlays([overlay()])
    canvas.set_view_mode(ViewMode.MATTE)
    canvas.set_preview(preview_of(ViewMode.MATTE, alpha))
    assert np.array_equal(shown(canvas), np.repeat(alpha[..., None], 3, axis=2))
    canvas.set_view_mode(ViewMode.EFFECTS)
    assert np.array_equal(shown(canvas), noise(3)), "nothing was rendered for this mode: the frame"
    canvas.set_preview(preview_of(ViewMode.EFFECTS, 255 - noise(3)))
    assert np.array_equal(shown(canvas), 255 - noise(3))


def test_what_is_transparent_lies_on_a_checker(canvas: VideoCanvas) -> None:
    picture = np.dstack((noise(3), np.zeros((HEIGHT, WIDTH), np.uint8)))
    picture[10:50, 10:50, 3] = 255
    canvas.set_view_mode(ViewMode.CUT_OUT)
    canvas.set_preview(preview_of(ViewMode.CUT_OUT, picture))
    image = shown(canvas)
    assert np.array_equal(image[10:50, 10:50], noise(3)[10:50, 10:50])
    around = np.delete(image.reshape(-1, 3), np.flatnonzero(picture[..., 3].ravel()), axis=0)
    assert set(np.unique(around)) == GREYS
    picture[..., 3] = 128
    canvas.set_preview(preview_of(ViewMode.CUT_OUT, picture))
    half = shown(canvas).astype(int)
    checker = np.where((np.indices((HEIGHT, WIDTH)) // 8).sum(0) % 2 == 0, 0x66, 0x9A)[..., None]
    assert np.abs(half - (noise(3) + checker) / 2).max() <= 3


def test_until_it_is_rendered_a_cut_out_is_the_frame_within_the_masks(canvas: VideoCanvas) -> None:
    canvas.set_view_mode(ViewMode.CUT_OUT)
    canvas.set_overlays([overlay()])
    image = shown(canvas)
    assert np.array_equal(image[22:38, 32:48], noise(3)[22:38, 32:48])
    assert set(np.unique(image[:18])) == GREYS


def test_a_rendered_picture_goes_with_its_frame_and_its_masks(qtbot: QtBot, canvas: VideoCanvas) -> None:
    canvas.set_view_mode(ViewMode.MATTE)
    canvas.set_overlays([overlay()])
    canvas.set_preview(preview_of(ViewMode.MATTE, noise()))
    canvas.set_overlays([overlay()])
    assert canvas.preview is not None, "nothing has changed"
    with qtbot.waitSignal(canvas.previewDropped):
        canvas.set_overlays([overlay(20)])
    assert canvas.preview is None
    assert set(np.unique(shown(canvas))) == {0, 255}
    canvas.set_preview(preview_of(ViewMode.MATTE, noise()))
    canvas.set_frame(noise(3))
    assert canvas.preview is None
