"""`make_clip`: from a seed to frames, labels, facts and sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvos_core.language.phrases import COLOURS
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.expressions import describe
from rvos_core.synthetic.facts import CATEGORIES, Expression, ObjectFacts, SyntheticClip
from rvos_core.synthetic.predicates import Witness
from rvos_core.synthetic.render import Rendering, render_scene
from rvos_core.synthetic.scene import Scene
from rvos_core.synthetic.staging import plan_scene
from rvos_core.synthetic.tracks import track_of

_ATTEMPTS = 12


def make_clip(seed: int, config: WorldConfig) -> SyntheticClip:
    """Draw the clip of a seed: the same bytes in every process.

    Scenes that show too little (fewer than `min_objects` objects well visible, or sentences for fewer than two of them)
    are drawn up again from the same seed; the best one is kept where none suffices.

    Args:
        seed: not negative; see `split_seeds`.
        config: size, length and settings of the clip.
    """
    best = _draft(seed, 0, config)
    for attempt in range(1, _ATTEMPTS):
        if best.suffices(config):
            break
        other = _draft(seed, attempt, config)
        if other.merit > best.merit:
            best = other
    frames = degrade_frames(best.rendering.frames, best.harm, strength=config.degrade, h264=config.h264)
    return SyntheticClip(frames, best.rendering.labels, best.objects, best.expressions, best.scene.weather.kind)


@dataclass(frozen=True)
class _Draft:
    """A clip before it is degraded. `visible`: objects well visible; `meant`: objects with sentences of their own."""

    scene: Scene
    rendering: Rendering
    objects: tuple[ObjectFacts, ...]
    expressions: tuple[Expression, ...]
    visible: int
    meant: int
    harm: np.random.Generator

    @property
    def merit(self) -> tuple[int, int]:
        return self.meant, self.visible

    def suffices(self, config: WorldConfig) -> bool:
        return self.visible >= config.min_objects and self.meant >= min(2, config.min_objects)


def _draft(seed: int, attempt: int, config: WorldConfig) -> _Draft:
    streams = np.random.SeedSequence([seed, attempt]).spawn(4)
    plan, look, say, harm = (np.random.Generator(np.random.PCG64(stream)) for stream in streams)
    scene = plan_scene(plan, config)
    rendering = render_scene(scene, look, config)
    objects = gather_facts(scene, rendering, config)
    witness = Witness(objects, frame_px=config.height * config.width)
    expressions = describe(objects, witness, say, per_object=config.expressions_per_object, negatives=config.negatives)
    visible = sum(witness.clear(index) for index in range(len(objects)))
    meant = len({expression.target for expression in expressions if expression.target is not None})
    return _Draft(scene, rendering, objects, expressions, visible, meant, harm)


def gather_facts(scene: Scene, rendering: Rendering, config: WorldConfig) -> tuple[ObjectFacts, ...]:
    """Measure what can be seen of each actor; specks below `min_visible_px` are wiped from the labels, in place."""
    order = np.argsort([-actor.y for actor in scene.actors], kind="stable")
    depth = {int(actor): rank for rank, actor in enumerate(order)}
    duration = float(scene.times[-1] - scene.times[0])
    found = []
    for index, actor in enumerate(scene.actors):
        boxes, area = _measure(rendering.labels, index + 1, config.min_visible_px)
        visible = area > 0
        silhouette = rendering.silhouettes[:, index]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / np.array([config.width, config.height], np.float32)
        look = actor.look
        course = actor.course
        ahead = actor.facing if course is None else int(course.facing[0])
        facing = "right" if ahead > 0 else "left"
        distance = actor.speed * duration if course is None else float(course.x[-1] - course.x[0])
        moves = bool(actor.speed) if course is None else bool(course.speed.any())
        shown = silhouette[visible] if visible.any() else silhouette
        found.append(
            ObjectFacts(
                category=look.category,
                category_id=CATEGORIES.index(look.category),
                colour=look.colour,
                colour_id=COLOURS.index(look.colour),
                action=look.action,
                facing=facing,
                travel=distance * float(scene.camera.zoom.mean()),
                size=float(shown.mean()) / (config.height * config.width),
                depth=depth[index],
                boxes=boxes,
                visible=visible,
                area=area,
                whole=(area / np.maximum(silhouette, 1.0)).astype(np.float32),
                centre=centre.astype(np.float32),
                direction=facing if moves else None,
                gender=look.gender,
                lower_colour=look.lower_colour,
                hat=look.outfit.hat if look.outfit is not None else None,
                bag=look.outfit.bag if look.outfit is not None else None,
                track=track_of(scene, rendering, index, config),
            )
        )
    return tuple(found)


def _measure(labels: np.ndarray, value: int, least_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (T, 4) xyxy and areas (T,) of one label value, float32; zeros where it shows fewer than `least_px`."""
    boxes = np.zeros((len(labels), 4), np.float32)
    area = np.zeros(len(labels), np.float32)
    for index, frame in enumerate(labels):
        mask = frame == value
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            continue
        count = int(np.count_nonzero(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))
        if count < least_px:
            frame[mask] = 0
            continue
        boxes[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        area[index] = count
    return boxes, area
