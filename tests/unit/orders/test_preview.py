"""Where a preview looks first, and its small form."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.orders.preview import FramePreview, edge_focus, shrunk


def test_the_place_with_the_most_edge_is_looked_at() -> None:
    alpha = np.zeros((60, 100), np.float32)
    assert edge_focus(alpha, 20) is None
    alpha[:, 10] = 0.5  # a line, and a patch of hair
    alpha[40:50, 70:80] = 0.3
    found = edge_focus(alpha, 12)
    assert found is not None
    assert abs(found[0] - 75) <= 3
    assert abs(found[1] - 45) <= 3
    alpha[alpha > 0] = 1
    assert edge_focus(alpha, 20) is None


@pytest.mark.parametrize(("size", "longest", "expected"), [((60, 100), 50, (30, 50)), ((60, 100), 200, (60, 100))])
def test_small_previews_keep_shape_and_focus(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 200, np.uint8)
    alpha = np.zeros(size, np.float32)
    alpha[10:20] = 1
    small = shrunk(FramePreview(3, rgb, rgb, alpha, is_matte=False, focus=(90, 15)), longest)
    assert small.alpha.shape == expected
    assert small.rgb.shape == small.source.shape == (*expected, 3)
    assert small.focus == (90, 15)
    assert small.alpha.mean() == pytest.approx(alpha.mean(), abs=0.01)
    assert (small.rgb == 200).all()
