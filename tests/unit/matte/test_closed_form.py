"""Closed-form matting: against the paper's definition in dense matrices, exact where colours lie on a line."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rvos_core.errors import Cancelled, UserError
from rvos_core.matte import automatic_trimap, closed_form, closed_form_alpha, painted_trimap
from rvos_core.types import CancelToken


def dense_solution(frame: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Equation 12 of the paper, window by window, and a dense solver."""
    height, width = trimap.shape
    picture = frame.reshape(-1, 3) / 255
    numbers = np.arange(height * width).reshape(height, width)
    laplacian = np.zeros((height * width, height * width))
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            window = numbers[row - 1 : row + 2, column - 1 : column + 2].ravel()
            mean = picture[window].mean(0)
            covariance = (picture[window].T @ picture[window]) / 9 - np.outer(mean, mean)
            inverse = np.linalg.inv(covariance + 1e-7 / 9 * np.eye(3))
            for i in window:
                for j in window:
                    part = 1 + (picture[i] - mean) @ inverse @ (picture[j] - mean)
                    laplacian[i, j] += (i == j) - part / 9
    alpha, unknown = trimap.ravel() / 255, (trimap == 128).ravel()
    right = -laplacian[unknown][:, ~unknown] @ alpha[~unknown]
    alpha[unknown] = np.linalg.solve(laplacian[unknown][:, unknown], right)
    return alpha.reshape(height, width).clip(0, 1)


def banded(height: int, width: int) -> np.ndarray:
    """A trimap: left outside, right inside, a third unknown."""
    trimap = np.full((height, width), 128, dtype=np.uint8)
    trimap[:, : width // 3] = 0
    trimap[:, -(width // 3) :] = 255
    return trimap


@pytest.mark.parametrize(("height", "width"), [(9, 13), (3, 12), (14, 7)])
def test_it_is_the_solution_of_the_paper(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "_TOLERANCE", 1e-9)
    dice = np.random.default_rng(height)
    smooth = cv2.GaussianBlur(dice.random((height, width, 3)), (0, 0), 1.5)
    frame = (255 * (smooth - smooth.min()) / (smooth.max() - smooth.min())).astype(np.uint8)
    trimap = banded(height, width)
    trimap[height // 2, width // 2] = 255
    np.testing.assert_allclose(closed_form_alpha(frame, trimap), dense_solution(frame, trimap), atol=2e-3)


def test_alpha_between_two_colours_is_found() -> None:
    rows, columns = np.indices((60, 80))
    truth = 0.5 + 0.45 * np.sin(columns / 3) * np.cos(rows / 4)
    truth[:, :15], truth[:, 65:] = 0, 1
    frame = (truth[..., None] * (230, 180, 90) + (1 - truth[..., None]) * (20, 60, 120)).round().astype(np.uint8)
    trimap = np.full(truth.shape, 128, dtype=np.uint8)
    trimap[:, :15], trimap[:, 65:] = 0, 255
    assert np.abs(closed_form_alpha(frame, trimap) - truth).max() < 0.01


def test_what_is_known_stays() -> None:
    dice = np.random.default_rng(2)
    frame, trimap = dice.integers(0, 256, (20, 24, 3), dtype=np.uint8), banded(20, 24)
    alpha = closed_form_alpha(frame, trimap)
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 1).all()
    assert alpha.dtype == np.float32
    for side, value in ((0, 0), (255, 1), (128, 0.5)):
        one_sided = np.where(trimap == 128, np.uint8(128), np.uint8(side))
        assert (closed_form_alpha(frame, one_sided)[trimap == 128] == value).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (2, 9), (9, 2), (3, 3)])
def test_small_frames(height: int, width: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    trimap = np.full((height, width), 128, dtype=np.uint8)
    trimap[0, 0], trimap[-1, -1] = 0, 255
    alpha = closed_form_alpha(frame, trimap)
    assert np.isfinite(alpha).all()
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_tiles_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(5)
    mask = np.zeros((240, 300), dtype=np.uint8)
    cv2.ellipse(mask, (150, 120), (110, 80), 15, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3)[..., None]
    ground = cv2.GaussianBlur(dice.normal(0, 60, (240, 300, 3)), (0, 0), 5) + np.array((40, 90, 60))
    frame = (soft * (210, 170, 150) + (1 - soft) * ground).clip(0, 255).astype(np.uint8)
    trimap = automatic_trimap(mask > 0, inside_px=7, outside_px=7)
    whole = closed_form_alpha(frame, trimap)
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr(closed_form, "MAX_UNKNOWN", 2500)
    tiled = closed_form_alpha(frame, trimap, progress=lambda done, total: steps.append((done, total)))
    assert np.abs(tiled - whole).max() < 0.03
    assert len(steps) > 10
    assert steps[-1][0] == steps[-1][1] == np.count_nonzero(trimap == 128)
    assert steps == sorted(steps)


def test_it_stops_when_it_is_told_to() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        closed_form_alpha(np.zeros((9, 9, 3), dtype=np.uint8), banded(9, 9), cancel=cancel)


def test_an_automatic_trimap_keeps_the_middle_of_thin_parts_only() -> None:
    mask = np.zeros((60, 120), dtype=bool)
    mask[10:50, 10:60] = True
    mask[27:33, 60:110] = True  # an arm, six pixels thick
    trimap = automatic_trimap(mask, inside_px=10, outside_px=5)
    assert (trimap[29:31, 80:100] == 255).all()
    assert (trimap[:, 116:] == 0).all()
    assert trimap[12, 12] == 128  # a corner of the body is no thin part
    assert set(np.unique(trimap)) == {0, 128, 255}
    assert (automatic_trimap(np.zeros((4, 5), dtype=bool), inside_px=3, outside_px=3) == 0).all()
    assert (automatic_trimap(np.ones((4, 5), dtype=bool), inside_px=3, outside_px=3) == 255).all()


def test_a_painted_trimap_is_checked() -> None:
    painted = np.array([[0, 3, 255], [200, 128, 0]], dtype=np.uint8)
    assert painted_trimap(painted, height=2, width=3).tolist() == [[0, 128, 255], [128, 128, 0]]
    for wrong in (painted[:1], painted.astype(np.uint16), np.zeros((2, 3, 3), dtype=np.uint8)):
        with pytest.raises(UserError, match="painted trimap") as caught:
            painted_trimap(wrong, height=2, width=3)
        assert caught.value.code == "matte.bad_trimap"
