"""Flow, and what is left of it without the camera's part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rvos_core.inference.motion.flow import (
    CHANNELS,
    FlowEstimator,
    camera_flow,
    camera_of,
    flow_size,
    motion_input,
    small_frame,
)
from rvos_resources.paths import weights_dir


def photograph(height: int = 240, width: int = 420) -> np.ndarray:
    picture = cv2.imread(str(weights_dir().parent / "photographs" / "gravel.jpg"))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)[..., ::-1].copy()


def panned(shift: int) -> np.ndarray:
    return np.ascontiguousarray(photograph()[20:212, 20 + shift : 356 + shift])


def with_square(frame: np.ndarray, x: int, y: int) -> np.ndarray:
    placed = frame.copy()
    placed[y : y + 40, x : x + 50] = photograph()[:40, 300:350][::-1]
    return placed


@pytest.mark.parametrize(("height", "width"), [(480, 854), (853, 480), (1080, 1920), (8, 8), (100, 2000)])
def test_the_small_frame_has_sides_that_the_network_can_halve(height: int, width: int) -> None:
    rows, columns = flow_size(height, width)
    assert rows % 16 == columns % 16 == 0 and min(rows, columns) >= 16 and max(rows, columns) <= 448
    assert small_frame(np.zeros((height, width, 3), np.uint8)).shape == (rows, columns, 3)


def test_a_pan_is_the_camera_and_leaves_nothing() -> None:
    flow = FlowEstimator().flow(panned(0), panned(5))
    inner = np.s_[16:-16, 16:-16]
    assert abs(float(np.median(flow.whole[inner][..., 0])) + 5) < 0.3
    assert float(np.abs(flow.residual[inner]).mean()) < 0.3
    assert flow.followed > 0.9


def test_what_moves_by_itself_is_left_where_it_is() -> None:
    frame, other = with_square(panned(0), 120, 70), with_square(panned(5), 123, 74)
    flow = FlowEstimator().flow(frame, other)
    middle = np.median(flow.residual[80:100, 130:160].reshape(-1, 2), axis=0)
    np.testing.assert_allclose(middle, (8.0, 4.0), atol=1.0)  # 3 with the picture, and 5 that the camera took away
    assert float(np.abs(flow.residual[20:50, 20:90]).mean()) < 0.4


def test_a_homography_is_found_again_in_its_own_flow() -> None:
    camera = np.array([[1.02, 0.01, 3.0], [-0.012, 0.99, -2.0], [1e-5, -2e-5, 1.0]])
    field = camera_flow(camera, (192, 336))
    field[60:120, 100:180] += 9.0  # a fifth of nothing that it has to follow
    found, followed = camera_of(field)
    assert np.abs(camera_flow(found, (192, 336)) - camera_flow(camera, (192, 336))).max() < 0.1
    assert 0.8 < followed < 1.0


def test_a_picture_without_points_still_has_a_camera() -> None:
    found, _ = camera_of(np.full((16, 16, 2), 2.0, np.float32))
    np.testing.assert_allclose(found[:2, 2], 2.0)


def test_a_lone_frame_gives_a_finite_input() -> None:
    frame = panned(0)
    flow = FlowEstimator().flow(frame, frame)
    view = motion_input(frame, frame, frame, (flow, flow))
    assert view.shape == (CHANNELS, 192, 336) and view.dtype == np.float32
    assert np.isfinite(view).all()
