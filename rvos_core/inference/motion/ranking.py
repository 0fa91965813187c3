"""Which track the sentence means: every slot that can be seen scores every track.

A score is a probability between 0 and 1 that the word holds. Nouns are not seen by this engine: they stay unchecked and
are said to be. Where something that was said holds for no track, nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.inference.motion.appearance import spread
from rvos_core.inference.motion.colours import share_of, shares
from rvos_core.inference.motion.moments import Moment
from rvos_core.inference.motion.tracks import Sighting, Track
from rvos_core.language.slots import ExpressionSlots

FITS = 0.5  # a word that scores less does not hold
_LOOKED_AT = 12  # sightings that colours are taken from
_SOLID, _SHORT = 0.55, 0.35  # shares: of the moments of its own time, and of the longest track's sightings
_ALL_ALONG = 0.8  # instead of the second, where the smallest thing is meant
_SALIENCE = 0.25  # exponent of it: what was said counts more
_FRAGMENT = 0.6  # the most that a comparison can hold for one of those
_CLEAR = 0.79  # of two tracks of which nothing was said, the second must strike the eye so much less
_PEOPLE_PARTS = {"upper": (0.12, 0.6), "lower": (0.5, 0.95)}  # of a standing thing's height
_RIGID = frozenset({"car", "bus", "truck", "van", "tractor", "boat", "ball", "suitcase", "sign", "vehicle"})
_UPRIGHT = frozenset({"person"})


@dataclass(frozen=True)
class Ranked:
    """A track and how well it fits.

    Attributes:
        words: (what was said, its score), in the order of the slots.
        fit: geometric mean of the scores, 1 where nothing was said that can be seen.
        total: what tracks are ordered by: the fit, and how much the track strikes the eye.
    """

    track: Track
    words: tuple[tuple[str, float], ...]
    fit: float
    total: float

    @property
    def failing(self) -> tuple[str, ...]:
        """Words that do not hold."""
        return tuple(word for word, score in self.words if score < FITS)


@dataclass(frozen=True)
class Seen:
    """What is measured of a track.

    Attributes:
        x, y: mean place of its middle, 0..1.
        area: mean share of the picture.
        height_over_width: of its box.
        way: (2,) mean motion without the camera's, picture heights a frame.
        speed: mean length of that motion.
        swing: how unlike its parts move, 0: all as one.
        first, last: frames where it is seen first and last.
        whole, upper, lower: shares of colour terms.
        at_border_first, at_border_last: it touches the picture's border then.
        turned: its motion sideways changes its sign for good.
        solid: it is steadily there.
    """

    x: float
    y: float
    area: float
    height_over_width: float
    way: np.ndarray
    speed: float
    swing: float
    first: int
    last: int
    whole: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    at_border_first: bool
    at_border_last: bool
    turned: bool
    solid: bool = True


def look_at(track: Track, moments: Sequence[Moment]) -> Seen:
    """Measure a track."""
    each = track.sightings
    height, width = each[0].mask.shape
    centres = np.array([s.centre / (width, height) for s in each])
    ways = np.array([s.drift for s in each]) / height
    boxes = np.array([_box(s.mask) for s in each], dtype=np.float64)
    parts = [
        _colours(s, moments[s.moment].picture)
        for s in spread(sorted(each, key=lambda s: -s.certainty)[: 2 * _LOOKED_AT], _LOOKED_AT)
    ]
    whole, upper, lower = (np.mean([part[k] for part in parts], axis=0) for k in range(3))
    swings = [
        float(moments[s.moment].drift[s.mask].astype(np.float32).std(0).mean()) / height
        for s in spread(each, _LOOKED_AT)
    ]
    thirds = np.array_split(ways[:, 0], 3)
    turned = (
        len(each) >= 6
        and thirds[0].mean() * thirds[-1].mean() < 0
        and min(abs(thirds[0].mean()), abs(thirds[-1].mean())) > 0.001
    )
    return Seen(
        x=float(centres[:, 0].mean()),
        y=float(centres[:, 1].mean()),
        area=float(np.median([s.area for s in each])) / (height * width),
        height_over_width=float(np.median((boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0]))),
        way=_way(each, moments) / height if len(each) >= 4 else ways.mean(0),
        speed=float(np.linalg.norm(ways, axis=1).mean()),
        swing=float(np.mean(swings)) / max(float(np.linalg.norm(ways, axis=1).mean()), 1e-3),
        first=each[0].frame_index,
        last=each[-1].frame_index,
        whole=whole,
        upper=upper,
        lower=lower,
        at_border_first=_at_border(each[0].mask),
        at_border_last=_at_border(each[-1].mask),
        turned=bool(turned),
    )


def _way(sightings: Sequence[Sighting], moments: Sequence[Moment]) -> np.ndarray:
    """(2,) cells a frame: how the middle moves over the picture, less how the camera moves the picture."""
    shown = moments[sightings[0].moment : sightings[-1].moment + 1]
    frames = np.array([moment.frame_index for moment in shown], dtype=np.float64)
    pans = np.array([moment.pan for moment in shown])
    carried = np.concatenate([[np.zeros(2)], np.cumsum(pans[:-1] * np.diff(frames)[:, None], axis=0)])
    first = sightings[0].moment
    places = np.array([each.centre - carried[each.moment - first] for each in sightings])
    times = np.array([each.frame_index for each in sightings], dtype=np.float64)
    times -= times.mean()
    slope: np.ndarray = (times[:, None] * (places - places.mean(0))).sum(0) / max(float((times**2).sum()), 1.0)
    return slope


def rank(tracks: Sequence[Track], moments: Sequence[Moment], slots: ExpressionSlots) -> tuple[Ranked, ...]:
    """All tracks of one shot, the best one first."""
    most = max((track.salience for track in tracks), default=1.0)
    longest = max((len(track.sightings) for track in tracks), default=1)
    least = _ALL_ALONG if slots.size == "smallest" else _SHORT  # pieces of things are small
    seen = [replace(look_at(track, moments), solid=_solid(track, least * longest)) for track in tracks]
    rows: list[list[tuple[str, float]]] = [[] for _ in tracks]
    for word, scores in _scores(slots, seen):
        for row, score in zip(rows, scores, strict=True):
            row.append((word, round(float(score), 4)))
    weak = [_shape(slots, each) for each in seen]
    ranked = []
    for track, row, hint in zip(tracks, rows, weak, strict=True):
        fit = float(np.exp(np.mean([np.log(max(score, 1e-3)) for _, score in row]))) if row else 1.0
        product = float(np.prod([max(score, 1e-3) for _, score in row])) if row else 1.0
        ranked.append(Ranked(track, tuple(row), fit, product * hint * (track.salience / most) ** _SALIENCE))
    return tuple(sorted(ranked, key=lambda each: (bool(each.failing), -each.total)))


def _solid(track: Track, least: float) -> bool:
    """Whether a track is steadily there, so that others can be compared with it; fragments come and go."""
    own = track.sightings[-1].moment - track.sightings[0].moment + 1
    return len(track.sightings) >= max(_SOLID * own, least)


def alike(ranked: Sequence[Ranked]) -> bool:
    """Whether nothing that was said tells the first two apart: several things strike the eye and fit as well."""
    return len(ranked) > 1 and not ranked[1].failing and ranked[1].total > _CLEAR * ranked[0].total


def in_words(ranked: Ranked) -> str:
    """`black .93, left .88`."""
    return ", ".join(f"{word} {score:.2f}".replace("0.", ".") for word, score in ranked.words)


def _scores(slots: ExpressionSlots, seen: Sequence[Seen]) -> list[tuple[str, list[float]]]:
    """Each thing that was said and can be seen, with its score for every track."""
    found: list[tuple[str, list[float]]] = []

    solid = [each for each in seen if each.solid]

    def add(word: str | None, score: Callable[[Seen], float]) -> None:
        """A word that is true of a thing by itself."""
        if word is not None:
            found.append((word, [score(each) for each in seen]))

    def compare(word: str | None, score: Callable[[Seen, Sequence[Seen]], float]) -> None:
        """A word that compares things: fragments are compared with the others, but are not what is meant."""
        if word is not None:
            scores = [score(each, solid if each.solid else [*solid, each]) for each in seen]
            found.append((word, [s if each.solid else min(s, _FRAGMENT) for s, each in zip(scores, seen, strict=True)]))

    dressed = slots.category == "person" or slots.clothing is not None
    add(slots.colour, lambda each: _colour(slots.colour or "", each, dressed=dressed))
    if slots.lower_colour is not None:
        word = slots.lower_colour
        add(word, lambda each: _ramp(share_of(word, each.lower), 0.35))
    compare(slots.side, lambda each, others: _side(slots.side or "", each, others))
    compare(
        slots.size,
        lambda each, others: _extreme(each.area, [s.area for s in others], most=slots.size == "biggest"),
    )
    add(slots.direction and f"to the {slots.direction}", lambda each: _direction(slots.direction or "", each))
    compare(
        slots.speed,
        lambda each, others: _extreme(each.speed, [s.speed for s in others], most=slots.speed == "fastest"),
    )
    compare(slots.order, lambda each, others: _order(slots.order or "", each, others))
    add(slots.change, lambda each: _change(slots.change or "", each, seen))
    if slots.relation is not None and slots.other is not None and len(seen) > 1:
        other = slots.other
        add(slots.relation, lambda each: _relation(slots.relation or "", other, each, seen))
    return found


def _colour(word: str, each: Seen, *, dressed: bool) -> float:
    if dressed:
        return max(_ramp(share_of(word, each.upper), 0.3), _ramp(share_of(word, each.whole), 0.3))
    return _ramp(share_of(word, each.whole), 0.45)


def _ramp(value: float, full: float) -> float:
    return min(1.0, value / full)


def _side(side: str, each: Seen, seen: Sequence[Seen]) -> float:
    places = sorted(other.x for other in seen)
    if side == "middle":
        return float(np.exp(-(((each.x - 0.5) / 0.22) ** 2)))
    towards = -1.0 if side in ("left", "leftmost") else 1.0
    rank_ = sum(towards * other > towards * each.x + 1e-9 for other in places)
    relative = 1.0 if rank_ == 0 else 0.25 / rank_
    if side in ("leftmost", "rightmost"):
        return relative
    absolute = float(1 / (1 + np.exp(-towards * (each.x - 0.5) / 0.06)))
    return 0.5 * (absolute + relative) if len(seen) > 1 else absolute


def _extreme(value: float, values: Sequence[float], *, most: bool) -> float:
    """1 for the most (or least) of all, less the farther behind."""
    best = max(values) if most else min(values)
    ratio = value / max(best, 1e-6) if most else best / max(value, 1e-6)
    return 1.0 if value == best else min(0.8, float(ratio))


def _direction(side: str, each: Seen) -> float:
    length = float(np.linalg.norm(each.way))
    if length < 4e-4:
        return 0.3
    cosine = float(each.way[0]) / length * (1.0 if side == "right" else -1.0)
    return float(np.clip(0.5 + 0.7 * cosine, 0.0, 1.0))


def _order(order: str, each: Seen, seen: Sequence[Seen]) -> float:
    place, _, kind = order.partition(" ")
    if kind.startswith("from"):
        keys = [(1 if kind == "from left" else -1) * other.x for other in seen]
        key = (1 if kind == "from left" else -1) * each.x
    else:
        keys = [float(other.first if kind == "to enter" else other.last) for other in seen]
        key = float(each.first if kind == "to enter" else each.last)
    ranks = sorted(keys)
    wanted = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": len(ranks) - 1}[place]
    if wanted >= len(ranks):
        return 0.0
    return 1.0 if key == ranks[wanted] else 0.2


def _change(change: str, each: Seen, seen: Sequence[Seen]) -> float:
    begin, end = min(other.first for other in seen), max(other.last for other in seen)
    if change == "enters":
        return 1.0 if each.first > begin and each.at_border_first else 0.3
    if change == "leaves":
        return 1.0 if each.last < end and each.at_border_last else 0.3
    if change == "turns":
        return 1.0 if each.turned else 0.4
    return 0.6  # stops, starts, returns: sightings alone do not tell them from being hidden


def _relation(relation: str, other: ExpressionSlots, each: Seen, seen: Sequence[Seen]) -> float:
    rest = [one for one in seen if one is not each]
    if other.colour is not None:
        rest.sort(key=lambda one: -share_of(other.colour or "", one.whole))
    near = rest[0]
    if relation == "left of":
        return float(1 / (1 + np.exp((each.x - near.x) / 0.05)))
    if relation == "right of":
        return float(1 / (1 + np.exp((near.x - each.x) / 0.05)))
    if relation == "next to":
        return float(np.exp(-(np.hypot(each.x - near.x, each.y - near.y) / 0.5)))
    higher = float(1 / (1 + np.exp((each.y - near.y) / 0.05)))  # farther things stand higher in the picture
    return higher if relation == "behind" else 1.0 - higher


def _shape(slots: ExpressionSlots, each: Seen) -> float:
    """A weak hint, 0.7..1, of what the noun and the action let expect of outline and motion."""
    hint = 1.0
    if slots.category in _UPRIGHT and each.height_over_width < 0.8:
        hint *= 0.8
    if slots.category in _RIGID and each.swing > 1.5:
        hint *= 0.85
    if slots.action in ("walking", "running", "riding") and each.swing < 0.15:
        hint *= 0.9
    return hint


def _colours(sighting: Sighting, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = cv2.erode(sighting.mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if np.count_nonzero(mask) < 12:
        mask = sighting.mask
    _, top, _, bottom = _box(mask)
    rows = (np.arange(mask.shape[0]) - top) / max(1, bottom - top)
    bands = [mask]
    for begin, end in _PEOPLE_PARTS.values():
        bands.append(mask & ((rows >= begin) & (rows <= end))[:, None])
    whole, upper, lower = (shares(picture[band]) for band in bands)
    return whole, upper, lower


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def _at_border(mask: np.ndarray) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any() or mask[:, [1, -2]].any())
