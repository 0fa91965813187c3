"""How things and the camera move in the clips for propagation: poses, bends and joints for every frame.

A pose is a (2, 3) matrix that maps a thing's own units (one radius, y downwards) to pixels of the scene; the camera's
maps the scene to the frame. t frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.synthetic.warped_shapes import Shape

_GRID = 5  # knots of a bend, each way


@dataclass(frozen=True)
class Motion:
    """A thing's way through the clip.

    Attributes:
        poses: (t, 2, 3) float64.
        bends: (t, 5, 5, 2) float32: where a point of the thing is looked up, moved by so many units.
        turns: (t, parts) float64, radians at each joint.
        smear: (t, 2) float64, pixels that it moves while the shutter is open.
    """

    poses: np.ndarray
    bends: np.ndarray
    turns: np.ndarray
    smear: np.ndarray

    def leaves(self, frame: int, distance: np.ndarray) -> Motion:
        """The same way, but away by `distance` (pixels) in one frame."""
        poses = self.poses.copy()
        poses[frame, :, 2] += distance
        return replace(self, poses=poses)


@dataclass(frozen=True)
class Camera:
    """What the whole picture does.

    Attributes:
        poses: (t, 2, 3) float64, scene to frame.
        bends: (t, 5, 5, 2) float32: where a pixel of the frame is looked up, moved by so many pixels.
    """

    poses: np.ndarray
    bends: np.ndarray


@dataclass(frozen=True)
class Pace:
    """How lively a thing is, per frame.

    Attributes:
        speed_px: of its middle.
        turn: radians, standard deviation.
        growth: logarithm of its size, standard deviation.
        bend: of its outline, in radii, standard deviation.
        swing: share of its joints' range.
    """

    speed_px: float
    turn: float = 0.1
    growth: float = 0.04
    bend: float = 0.035
    swing: float = 0.6


def draw_motion(
    rng: np.random.Generator, shape: Shape, *, start: np.ndarray, radius_px: float, frames: int, pace: Pace
) -> Motion:
    """A way that begins at `start` (2,), pixels of the scene, and keeps about one direction."""
    direction = float(rng.uniform(0, 2 * np.pi))
    heading = np.array([np.cos(direction), np.sin(direction) * 0.6])
    steps = heading * pace.speed_px * rng.uniform(0.4, 1.6, (frames, 1))
    steps += rng.normal(0, 0.3 * pace.speed_px, (frames, 2))
    places = start + _walk(steps)
    angles = float(rng.normal(0, 0.25)) + _walk(rng.normal(0, pace.turn, frames) + float(rng.normal(0, pace.turn)))
    sizes = radius_px * np.exp(_walk(rng.normal(0, pace.growth, frames) + float(rng.normal(0, pace.growth))))
    aspects = np.exp(_walk(rng.normal(0, pace.growth, frames)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    poses = np.stack(
        [
            similarity(angle, size, place) @ _squeeze(aspect, mirror)
            for angle, size, place, aspect in zip(angles, sizes, places, aspects, strict=True)
        ]
    )
    bends = _walk(rng.normal(0, pace.bend, (frames, _GRID, _GRID, 2)))
    bends += rng.normal(0, 0.06, (_GRID, _GRID, 2))
    turns = _joints(rng, shape, frames, pace.swing)
    smear = np.gradient(places, axis=0) * float(rng.uniform(0.0, 0.6)) if frames > 1 else np.zeros((1, 2))
    return Motion(poses[:, :2], bends.astype(np.float32), turns, smear)


def draw_camera(
    rng: np.random.Generator, *, size: tuple[int, int], frames: int, strength: float, bend: float
) -> Camera:
    """A hand-held look at a scene as large as the frame.

    Args:
        rng: decides everything.
        size: (height, width) of the frame.
        frames: t.
        strength: of pan, zoom and turn; 0 holds it still, 1 is usual.
        bend: of the whole picture from frame to frame, in frame heights.
    """
    height, width = size
    pan = _walk(rng.normal(0, 0.02, (frames, 2)) + rng.normal(0, 0.03, 2)) * strength * height
    angles = _walk(rng.normal(0, 0.015, frames) + float(rng.normal(0, 0.015))) * strength
    zooms = np.exp(_walk(rng.normal(0, 0.012, frames) + float(rng.normal(0, 0.02))) * strength)
    middle = np.array([width, height]) / 2
    poses = []
    for shift, angle, zoom in zip(pan, angles, zooms, strict=True):
        pose = similarity(angle, zoom, middle + shift)
        pose[:2, 2] -= pose[:2, :2] @ middle
        poses.append(pose[:2])
    bends = _walk(rng.normal(0, max(bend, 0.0) * height, (frames, _GRID, _GRID, 2)))
    return Camera(np.stack(poses), bends.astype(np.float32))


def similarity(angle: float, size: float, place: np.ndarray) -> np.ndarray:
    """(3, 3): turned by `angle` (radians), `size` times as large, its origin at `place`."""
    cos, sin = size * np.cos(angle), size * np.sin(angle)
    return np.array([[cos, -sin, place[0]], [sin, cos, place[1]], [0.0, 0.0, 1.0]])


def inverse(pose: np.ndarray) -> np.ndarray:
    """The (2, 3) map back."""
    return cv2.invertAffineTransform(pose)


def chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(2, 3): first `inner`, then `outer`."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def part_poses(shape: Shape, turns: np.ndarray) -> list[np.ndarray]:
    """(2, 3) of each part, in the thing's units: how its joints and those that it hangs on have moved it.

    `turns`: (parts,) radians.
    """
    poses: list[np.ndarray] = []
    for part, turn in zip(shape, turns, strict=True):
        pivot = np.array(part.pivot)
        pose = similarity(float(turn), 1.0, pivot)[:2]
        pose[:, 2] -= pose[:, :2] @ pivot
        poses.append(pose if part.parent is None else chained(poses[part.parent], pose))
    return poses


def _joints(rng: np.random.Generator, shape: Shape, frames: int, swing: float) -> np.ndarray:
    """A gait: every joint swings at one pace with a phase of its own."""
    pace = float(rng.uniform(0.3, 1.4))
    phases = rng.uniform(0, 2 * np.pi, len(shape))
    reach = np.array([part.swing for part in shape]) * swing * rng.uniform(0.5, 1.5, len(shape))
    swung: np.ndarray = reach * np.sin(pace * np.arange(frames)[:, None] + phases)
    return swung


def _squeeze(aspect: float, mirror: float) -> np.ndarray:
    return np.diag([aspect * mirror, 1.0 / aspect, 1.0])


def _walk(steps: np.ndarray) -> np.ndarray:
    """Sums of the steps along axis 0, from 0 on."""
    walked = np.cumsum(steps, axis=0)
    walked -= walked[:1].copy()
    return walked
