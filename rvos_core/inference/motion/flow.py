"""Dense flow between small frames, and what is left of it once the camera's own motion is taken out. No torch.

Everything is in pixels of the small frame (`flow_size`). The flow is OpenCV's DIS (Kroeger et al., 2016); the network
that looks at it is trained on flow of this very algorithm, whose errors it then knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SHORT_SIDE = 192  # of the small frame, pixels
_LONG_SIDE = 448
_MULTIPLE = 16  # the network halves four times
CHANNELS = 17  # of `motion_input`
_GRID = 12  # distance of the points that the camera is estimated from
_CAMERA_PX = 0.7  # a point that far from the estimate does not follow the camera
_LEAST_PX = 0.3  # motion below this is noise, however still the rest is


@dataclass(frozen=True)
class Flow:
    """From one small frame to another.

    Attributes:
        whole: (h, w, 2) float32, (x, y): where a pixel went.
        camera: (3, 3) float64 homography: where it would have gone if only the camera moved.
        residual: (h, w, 2) float32: `whole` without the camera's part.
        followed: share of the picture that goes with the camera, 0..1.
    """

    whole: np.ndarray
    camera: np.ndarray
    residual: np.ndarray
    followed: float


def flow_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the small frame for frames of this size: multiples of 16."""
    scale = min(SHORT_SIDE / min(height, width), _LONG_SIDE / max(height, width))
    rows, columns = (max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE) for side in (height, width))
    return rows, columns


def small_frame(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> the small frame (h, w, 3) uint8 RGB."""
    height, width = flow_size(*frame.shape[:2])
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


class FlowEstimator:
    """Flow between small frames of one size. It keeps buffers: one for each thread."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(self, frame: np.ndarray, other: np.ndarray) -> Flow:
        """From `frame` to `other`, both (h, w, 3) uint8 RGB."""
        room = np.zeros((*frame.shape[:2], 2), np.float32)
        found = self._dis.calc(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.cvtColor(other, cv2.COLOR_RGB2GRAY), room)
        whole = np.nan_to_num(np.asarray(found, dtype=np.float32), posinf=0.0, neginf=0.0)
        camera, followed = camera_of(whole)
        return Flow(whole, camera, whole - camera_flow(camera, whole.shape[:2]), followed)


def camera_of(flow: np.ndarray) -> tuple[np.ndarray, float]:
    """The homography that most of a flow (h, w, 2) follows, and the share that does.

    Where none can be found (a handful of points, all on a line) it is the shift that half of the picture has.
    """
    height, width = flow.shape[:2]
    y, x = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID]
    points = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    moved = points + flow[y.ravel(), x.ravel()]
    found, inliers = None, None
    if len(points) >= 12:
        cv2.setRNGSeed(0)
        found, inliers = cv2.findHomography(points, moved, cv2.RANSAC, _CAMERA_PX, maxIters=400, confidence=0.99)
    if found is None or inliers is None or not np.isfinite(found).all():
        shift = np.median(moved - points, axis=0)
        found = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]], [0.0, 0.0, 1.0]])
        near = np.abs(moved - points - shift).max(1) < _CAMERA_PX
        return found, float(near.mean())
    return found, float(inliers.mean())


def camera_flow(camera: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w, 2) float32: the flow of a picture of `size` under a homography."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    points = np.stack([x, y], -1)
    moved = cv2.perspectiveTransform(points.reshape(1, -1, 2), camera).reshape(points.shape)
    field: np.ndarray = moved - points
    return field.astype(np.float32)


def motion_input(frame: np.ndarray, before: np.ndarray, after: np.ndarray, flows: tuple[Flow, Flow]) -> np.ndarray:
    """What the flow network sees of a frame and two others around it.

    Args:
        frame, before, after: (h, w, 3) uint8 RGB, small.
        flows: from `frame` to `before` and to `after`.

    Returns:
        (17, h, w) float32: for each of the two flows it and its residual, each over its own 95th percentile; the
        logarithms of the larger percentile of each kind; for each other frame how much it differs where the flow and
        where the camera alone leads; the picture in -1..1.
    """
    scales = [
        max(float(np.percentile(np.abs(part), 95)), _LEAST_PX) for flow in flows for part in (flow.whole, flow.residual)
    ]
    parts = [flow_part for flow in flows for flow_part in (flow.whole, flow.residual)]
    moved = [np.clip(part / scale, -4, 4).transpose(2, 0, 1) for part, scale in zip(parts, scales, strict=True)]
    size = frame.shape[:2]
    levels = [np.full((1, *size), np.log(max(scales[kind], scales[kind + 2])), np.float32) for kind in (0, 1)]
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    differences = []
    for other, flow in zip((before, after), flows, strict=True):
        seen = cv2.cvtColor(other, cv2.COLOR_RGB2GRAY).astype(np.float32)
        for field in (flow.whole, flow.whole - flow.residual):
            differences.append((np.abs(_looked_up(seen, field) - grey) / 64)[None])
    picture = frame.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    return np.concatenate([*moved, *levels, *differences, picture]).astype(np.float32)


def _looked_up(picture: np.ndarray, field: np.ndarray) -> np.ndarray:
    """`picture` (h, w) where a flow (h, w, 2) leads."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    return cv2.remap(picture, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
