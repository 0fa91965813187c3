"""What a person painted over trimaps reaches exports: they equal what the preview computes, also looking back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ordered_projects import matte_order, square, write_project
from rvos_core.masks import TrimapStrokes
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNPAINTED
from rvos_core.matte import MatteRenderer, MatteSettings, MatteStack, Refine
from rvos_core.matte.look import Look
from rvos_core.media import open_media
from rvos_core.orders import fulfil, open_source
from rvos_core.orders.preview import preview_frame
from rvos_core.project.edits import SetLook
from rvos_core.project.store import Project
from rvos_core.project.trimaps import PaintTrimap
from rvos_core.types import FrameSpan

_STACK = MatteStack(MatteSettings(refine=Refine.EDGE, inside_px=4, outside_px=4, steady=0.5))


def test_an_export_equals_the_preview_with_what_is_painted(tmp_path: Path) -> None:
    path = write_project(tmp_path, names=("car",))
    order = matte_order(path, tmp_path / "out", "png16", span=FrameSpan(2, 5))
    labels = np.full((48, 64), UNPAINTED, dtype=np.uint8)
    labels[30:40, 40:60], labels[0:6, 0:12] = INSIDE, OUTSIDE
    strokes = TrimapStrokes.of(labels)
    with Project(path, program="test") as project:
        project.apply(SetLook(1, Look(_STACK).to_json()))
        with open_source(order) as source:
            bare = source.take_masks(FrameSpan(0, 8))
        project.apply(PaintTrimap(1, 3, strokes))
    with open_source(order) as source:
        shown = preview_frame(source, 3).alpha
        assert source.take_masks(FrameSpan(0, 8)) != bare, "what is resumed is not what was begun"
        assert np.array_equal(preview_frame(source, 3).alpha, shown)
    (folder,) = fulfil(order).outputs
    with open_media(tmp_path / "street.mp4") as clip:
        renderer = MatteRenderer(clip.frame, lambda i: square(i), _STACK, strokes=lambda i: strokes if i == 3 else None)
        for picture, index in zip(sorted(folder.iterdir()), (2, 3, 4), strict=True):
            alpha = renderer.matte(index).alpha
            written = cv2.imread(str(picture), -1)
            assert written is not None
            assert np.abs(written - alpha * 65535.0).max() <= 0.5
            assert (alpha[30:40, 40:60] == 1).all() == (index == 3)
            if index == 3:
                assert np.array_equal(alpha, shown)
