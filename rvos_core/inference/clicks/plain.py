"""Clicks to a mask without any weights, on any footage.

What lies near a click, by distances that edges lengthen, is taken for the object; from it the object's colours and
texture are learned, and the smoothest field that fits place, look and edges says what else belongs to it. A few turns
of that settle. A correction begins from the mask that is corrected, and reaches about as far as the wrong region can:
a person clicks in its middle, so the mask's own outline says how large it is.
"""

from __future__ import annotations

import cv2
import numpy as np

from rvos_core.inference.clicks.checking import check_request
from rvos_core.inference.clicks.choice import enforced
from rvos_core.inference.clicks.fields import smoothest_field
from rvos_core.inference.clicks.scene import Scene, Seeds, boxed, prepared, seeds_of
from rvos_core.models.api import Around, Clicks

_FIRST_REACH = 0.13  # of the first click, against the side of a square as large as the picture
_FIRST_TURNS, _TURNS = 4, 3
_MOST_RADIUS = 0.06  # of a wrong region, in sides of a square as large as the picture
_SURE_SHARE, _REACH_SHARE = 0.5, 0.9  # of its radius, along the cheapest path: surely wrong; perhaps
_ABOUT_SHARE, _LEAST_ABOUT = 4.0, 0.03  # farther from it than this nothing is changed
_CLEARER = 1.05  # how much stronger the edges must be for a change that reaches farther
_DEPTH = 0.03  # from the outline, in sides, where the current mask is nearly believed
_COLOUR, _TEXTURE, _PLACE, _NEARER = 0.5, 1.5, 1.0, 0.7  # weights of the evidence
_BELIEF, _CERTAIN = 0.15, 50.0  # against how much neighbours hold together
_NEAR, _NEAR_WEIGHT = 0.03, 20.0  # pixels so near to a seed teach the look more than others
_MOST = 1.5  # of a single piece of evidence
_LARGEST_HOLE = 0.02  # of the mask's area


class PlainClicker:
    """Place, colour, texture and edges of one frame; needs nothing but OpenCV."""

    name = "plain"

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, Around | None, Scene] | None = None

    def segment(
        self, frame: np.ndarray, clicks: Clicks, *, current: np.ndarray | None = None, around: Around | None = None
    ) -> np.ndarray:
        """As `Clicker`. The same question has the same answer, whatever was asked before.

        Without a click that contradicts `current`, only what the box cuts off is changed.

        Raises:
            UserError: as `check_request`.
        """
        check_request(frame, clicks, current)
        scene = self._scene(frame, around)
        if current is None or not current.any():
            field = _first(scene, seeds_of(scene, clicks), clicks)
            mask = _enlarged(field, frame.shape[:2]) > 0
        else:
            mask = _corrected(scene, clicks, current)
        return enforced(mask, clicks)

    def prepare(self, frame: np.ndarray, around: Around | None) -> Scene:
        """The frame at working size."""
        del around  # it looks at one frame only
        return prepared(frame)

    def _scene(self, frame: np.ndarray, around: Around | None) -> Scene:
        """As `prepare`, kept while the same frame is asked about again."""
        if self._last is None or self._last[1] is not around or not np.array_equal(self._last[0], frame):
            self._last = frame.copy(), around, self.prepare(frame, around)
        return self._last[2]


def _first(scene: Scene, seeds: Seeds, clicks: Clicks) -> np.ndarray:
    """(h, w) float32, above 0 on the object; there is no mask yet."""
    own, other = scene.distances(seeds.inside), scene.distances(seeds.outside)
    if clicks.box is None:
        place = np.clip(1 - own / _FIRST_REACH, -_MOST, 1)
        start = np.where(own < 0.6 * _FIRST_REACH, 1.0, -1.0)
    else:
        inside = boxed(scene, clicks.box)
        place = np.where(inside, 0.3, -_MOST)
        start = np.where(_ellipse(inside), 1.0, -1.0)
    field = start.astype(np.float32)
    for _ in range(_FIRST_TURNS):
        field = _settled(scene, seeds, field, place, own, other)
        whole = _whole(field > 0, seeds)
        field = np.where(whole, np.maximum(field, 0.05), np.minimum(field, -0.05)).astype(np.float32)
    return field


def _corrected(scene: Scene, clicks: Clicks, current: np.ndarray) -> np.ndarray:
    """(H, W) bool: the current mask with every click that it contradicts worked in, one after the other."""
    seeds = seeds_of(scene, clicks)
    before = scene.reduced(current)
    mask = before if clicks.box is None else before & ~seeds.outside
    wrong = [(place, True) for place, (x, y) in zip(seeds.positive, clicks.positive, strict=True) if not current[y, x]]
    wrong += [(place, False) for place, (x, y) in zip(seeds.negative, clicks.negative, strict=True) if current[y, x]]
    for place, inside in wrong:
        mask = _with_correction(scene, seeds, mask, place, inside)
    if wrong:
        mask = _whole(mask, seeds)
    changed = _enlarged(mask.astype(np.float32) - before.astype(np.float32), current.shape)
    return np.asarray((current | (changed > 0.5)) & (changed >= -0.5))


def _with_correction(scene: Scene, seeds: Seeds, mask: np.ndarray, place: tuple[int, int], inside: bool) -> np.ndarray:
    """(h, w) bool: `mask` after the click at `place`, which says that it is inside (or outside) the object."""
    within, without = (cv2.distanceTransform(each.astype(np.uint8), cv2.DIST_L2, 5) for each in (mask, ~mask))
    room = float((without if inside else within)[place[1], place[0]])
    radius = float(np.clip(room, scene.seed_radius, _MOST_RADIUS * scene.side))
    spot = np.zeros(scene.shape, dtype=bool)
    spot[place[1], place[0]] = True
    away = scene.distances(spot) * scene.side
    sure = ((away < _SURE_SHARE * radius) & ~(seeds.outside if inside else seeds.inside)) | spot
    near = np.clip(_MOST - away / (_REACH_SHARE * radius), -_MOST, _MOST)
    believed = np.clip((within - without) / (_DEPTH * scene.side), -_MOST, _MOST)
    where = np.maximum(believed, near) if inside else np.minimum(believed, -near)
    known = Seeds(
        seeds.inside | sure if inside else seeds.inside & ~sure,
        seeds.outside | sure if not inside else seeds.outside & ~sure,
        seeds.positive,
        seeds.negative,
    )
    own, other = scene.distances(known.inside), scene.distances(known.outside)
    field = np.where(where > 0, 1.0, -1.0).astype(np.float32)
    for _ in range(_TURNS):
        field = _settled(scene, known, field, where, own, other)
    straight = cv2.distanceTransform((~spot).astype(np.uint8), cv2.DIST_L2, 5)
    close_by = straight < _ABOUT_SHARE * max(radius, _LEAST_ABOUT * scene.side)
    everywhere = field > 0
    return _along_edges(scene, np.where(close_by, everywhere, mask), everywhere)


def _along_edges(scene: Scene, preferred: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The one of two masks, (h, w) bool, whose outline runs along stronger edges."""
    return other if _contrast(scene, other) > _CLEARER * _contrast(scene, preferred) else preferred


def _contrast(scene: Scene, mask: np.ndarray) -> float:
    """Mean cost of walking along the outline; 0 without one."""
    outline = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return float(scene.cost[outline].mean()) if outline.any() else 0.0


def _settled(
    scene: Scene, seeds: Seeds, field: np.ndarray, place: np.ndarray, own: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """One turn: learn the look from `field`, (h, w) float32, about -1 to 1, and find what fits all evidence.

    Args:
        place: (h, w), what the place alone says, above 0 for the object.
        own, other: distances from the seeds of both sides.
    """
    share = np.clip(0.5 + 0.5 * field, 0, 1)
    inside = share**2 + _NEAR_WEIGHT * np.exp(-np.square(own / _NEAR))
    outside = (1 - share) ** 2 + _NEAR_WEIGHT * np.exp(-np.square(other / _NEAR))
    evidence = _PLACE * place + _COLOUR * scene.appearance.colour(inside, outside)
    evidence = evidence + _TEXTURE * scene.appearance.texture(inside, outside)
    if scene.movement is not None:
        evidence = evidence + scene.movement.evidence(seeds.positive, seeds.negative, inside, outside)
    if seeds.outside.any():
        evidence = evidence + _NEARER * (other - own) / (other + own + 1e-3)
    target = np.tanh(0.7 * evidence)
    belief = _BELIEF * (0.3 + np.abs(target))
    certain = seeds.inside | seeds.outside
    target = np.where(seeds.inside, 1.0, np.where(seeds.outside, -1.0, target)).astype(np.float32)
    belief = np.where(certain, _CERTAIN, belief).astype(np.float32)
    return smoothest_field(scene.weights, belief=belief, target=target, start=field)


def _whole(mask: np.ndarray, seeds: Seeds) -> np.ndarray:
    """The parts of `mask`, (h, w) bool, that were clicked at (all where none was), without small holes."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    clicked = {int(parts[y, x]) for x, y in seeds.positive} - {0}
    kept = np.isin(parts, list(clicked)) if clicked else mask.copy()
    count, gaps, table, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    refused = {int(gaps[y, x]) for x, y in seeds.negative}
    height, width = mask.shape
    most = _LARGEST_HOLE * float(kept.sum())
    for gap in range(1, count):
        x, y, across, down, area = (int(each) for each in table[gap])
        enclosed = x > 0 and y > 0 and x + across < width and y + down < height
        if enclosed and area < most and gap not in refused:
            kept |= gaps == gap
    return np.asarray(kept)


def _ellipse(inside: np.ndarray) -> np.ndarray:
    """(h, w) bool: the ellipse in the middle of a box, (h, w) bool, half as wide and high."""
    x, y, across, down = cv2.boundingRect(inside.astype(np.uint8))
    drawn = np.zeros(inside.shape, np.uint8)
    axes = (max(1, round(0.35 * across)), max(1, round(0.35 * down)))
    cv2.ellipse(drawn, (x + across // 2, y + down // 2), axes, 0, 0, 360, 1, -1)
    return np.asarray((drawn > 0) & inside)


def _enlarged(field: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(h, w) floats -> (H, W) float32, bilinear."""
    height, width = size[:2]
    enlarged: np.ndarray = cv2.resize(np.clip(field, -1, 1).astype(np.float32), (width, height))
    return enlarged
