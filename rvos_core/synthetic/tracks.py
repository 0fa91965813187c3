"""What an object does from frame to frame, measured on the scene and on what was drawn."""

from __future__ import annotations

import numpy as np

from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.facts import Track
from rvos_core.synthetic.render import Rendering
from rvos_core.synthetic.scene import Scene


def track_of(scene: Scene, rendering: Rendering, index: int, config: WorldConfig) -> Track | None:
    """The track of actor `index`; None where it goes straight on without a course."""
    course = scene.actors[index].course
    if course is None:
        return None
    spans = rendering.spans[:, index]
    drawn = spans[:, 2] > spans[:, 0]
    limits = np.array([config.width, config.height], np.float32)
    beyond = (spans[:, 2:] <= 0).any(axis=1) | (spans[:, :2] >= limits).any(axis=1)
    cut = (spans[:, :2] < 0).any(axis=1) | (spans[:, 2:] > limits).any(axis=1)
    heights = np.stack([actor.course.y for actor in scene.actors if actor.course is not None])
    order = np.argsort(-heights, axis=0, kind="stable")
    return Track(
        x=course.x.astype(np.float32),
        y=course.y.astype(np.float32),
        metre=course.metre.astype(np.float32),
        lift=course.lift.astype(np.float32),
        speed=course.speed.astype(np.float32),
        depth=np.argmax(order == index, axis=0),
        facing=course.facing.astype(np.int64),
        outside=~drawn | beyond,
        truncated=drawn & ~beyond & cut,
    )
