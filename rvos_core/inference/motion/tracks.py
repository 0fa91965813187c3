"""From moments to moving things: cells grouped into things, things linked over time into tracks with stable ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from rvos_core.assignment import best_assignment
from rvos_core.inference.motion.moments import Moment

_LEAST_SHARE = 0.0012  # of the picture; less is noise
_SPLIT_SHARE = 0.2  # of a region that a second middle must have, to be a thing of its own
_REACH = 0.42  # cells that vote for a middle lie within this share of their region's side
_LINK_IOU = 0.12
_LINK_COLOUR = 0.45
_BINS = (6, 5, 5)  # of L, a, b
_LEAST_SIGHTINGS = 3
_PIECE = 0.75  # of a thing's salience that a piece of it may have
_LEAST_PRESENCE = 0.12  # share of its shot's moments in which a track is seen


@dataclass(frozen=True)
class Sighting:
    """A moving thing at one moment.

    Attributes:
        moment: the moment's index among the run's.
        frame_index: of the clip.
        mask: (h, w) bool cells.
        centre: (2,) (x, y), cells.
        certainty: mean probability inside, 0..1.
        drift: (2,) its motion without the camera's, cells a frame.
        colours: (150,) shares of Lab bins.
    """

    moment: int
    frame_index: int
    mask: np.ndarray
    centre: np.ndarray
    certainty: float
    drift: np.ndarray
    colours: np.ndarray

    @property
    def area(self) -> int:
        """Cells."""
        return int(np.count_nonzero(self.mask))


@dataclass
class Track:
    """One thing's sightings in one shot, in order of time. `track_id` counts from 1, the most striking first."""

    track_id: int
    shot: int
    sightings: list[Sighting] = field(default_factory=list)

    @property
    def salience(self) -> float:
        """How much it strikes the eye: how often it is seen, how surely, how large, how near the middle."""
        total = 0.0
        for each in self.sightings:
            height, width = each.mask.shape
            away = np.abs(each.centre / (width, height) - 0.5).max()
            total += each.certainty * np.sqrt(each.area / each.mask.size) * (1.2 - 0.8 * away)
        return float(total)


def find_tracks(moments: Sequence[Moment]) -> tuple[Track, ...]:
    """All things that move for a while, over all shots; ids by salience."""
    tracks: list[Track] = []
    for shot in sorted({moment.shot for moment in moments}):
        places = [index for index, moment in enumerate(moments) if moment.shot == shot]
        found = _joined(_link([(index, moments[index]) for index in places], shot))
        least = max(min(_LEAST_SIGHTINGS, len(places)), _LEAST_PRESENCE * len(places))
        tracks += [track for track in found if len(track.sightings) >= least]
    tracks.sort(key=lambda track: -track.salience)
    for number, track in enumerate(tracks, start=1):
        track.track_id = number
    return tuple(tracks)


def things_in(moment: Moment, index: int) -> list[Sighting]:
    """The moving things at a moment, the largest first."""
    labels = _grouped(moment)
    lab = cv2.cvtColor(moment.picture, cv2.COLOR_RGB2LAB)
    probability = 1 / (1 + np.exp(-np.clip(moment.moving, -30, 30)))
    found = []
    for label in range(1, labels.max() + 1):
        mask = labels == label
        if np.count_nonzero(mask) < _LEAST_SHARE * mask.size:
            continue
        y, x = np.nonzero(mask)
        found.append(
            Sighting(
                index,
                moment.frame_index,
                mask,
                np.array([x.mean(), y.mean()]),
                float(probability[mask].mean()),
                np.median(moment.drift[mask].astype(np.float32), axis=0),
                colour_shares(lab[mask]),
            )
        )
    return sorted(found, key=lambda each: -each.area)


def colour_shares(lab: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 Lab as OpenCV has it -> (150,) shares of bins, summing to 1."""
    bins = np.minimum(lab.astype(np.int32) * _BINS // 256, np.array(_BINS) - 1)
    flat = (bins[:, 0] * _BINS[1] + bins[:, 1]) * _BINS[2] + bins[:, 2]
    counts = np.bincount(flat, minlength=int(np.prod(_BINS))).astype(np.float64)
    shares: np.ndarray = counts / max(counts.sum(), 1.0)
    return shares


def _grouped(moment: Moment) -> np.ndarray:
    """(h, w) int: 0, or the number of the thing. Touching things are told apart by where their cells see the middle."""
    moving = cv2.morphologyEx((moment.moving > 0).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, regions = cv2.connectedComponents(moving, connectivity=8)
    labels = np.zeros(moving.shape, np.int32)
    used = 0
    for region in range(1, count):
        y, x = np.nonzero(regions == region)
        if len(y) < _LEAST_SHARE * moving.size:
            continue
        votes = np.stack([x, y], 1) + moment.offsets[y, x].astype(np.float32)
        parts = _split(votes, moving.shape)
        if not _move_apart(moment.drift[y, x].astype(np.float32), parts):
            parts = np.zeros_like(parts)
        labels[y, x] = used + 1 + parts
        used += int(parts.max()) + 1
    return labels


def _split(votes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, 2) votes of a region's cells -> (n,) the part that each belongs to, from 0."""
    middles: list[np.ndarray] = []
    reach = max(4.0, _REACH * np.sqrt(len(votes)))
    left = np.ones(len(votes), bool)
    while np.count_nonzero(left) >= _SPLIT_SHARE * len(votes) and len(middles) < 4:
        heat = np.zeros((size[0] // 2 + 1, size[1] // 2 + 1), np.float32)
        cells = np.clip((votes[left] / 2).round().astype(int), 0, (heat.shape[1] - 1, heat.shape[0] - 1))
        np.add.at(heat, (cells[:, 1], cells[:, 0]), 1.0)
        row, column = np.unravel_index(int(cv2.GaussianBlur(heat, (0, 0), 2.0).argmax()), heat.shape)
        middle = 2.0 * np.array([column, row])
        near = left & (np.linalg.norm(votes - middle, axis=1) < reach)
        if np.count_nonzero(near) < _SPLIT_SHARE * len(votes):
            break
        middles.append(middle)
        left &= ~near
    if len(middles) < 2:
        return np.zeros(len(votes), np.int32)
    distances = np.linalg.norm(votes[:, None] - np.array(middles)[None], axis=2)
    parts: np.ndarray = distances.argmin(1).astype(np.int32)
    return parts


def _move_apart(drift: np.ndarray, parts: np.ndarray) -> bool:
    """Whether some two parts of a region have motions of their own; a neck and its body have not. drift: (n, 2)."""
    ways = [np.median(drift[parts == part], axis=0) for part in range(int(parts.max()) + 1)]
    return any(not _together(one, other) for i, one in enumerate(ways) for other in ways[:i])


def _together(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two motions, cells a frame, can be those of one thing."""
    faster = max(float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    return float(np.linalg.norm(one - other)) < 0.2 + 0.3 * faster


def _joined(tracks: list[Track]) -> list[Track]:
    """Tracks of one shot, pieces of one thing put together: near each other, moving alike, one of them fragmentary."""
    tracks = sorted(tracks, key=lambda track: -track.salience)
    kept: list[Track] = []
    for track in tracks:
        whole = next((each for each in kept if _piece_of(track, each)), None)
        if whole is None:
            kept.append(track)
        else:
            whole.sightings = _merged(whole.sightings, track.sightings)
    return kept


def _piece_of(piece: Track, whole: Track) -> bool:
    by_moment = {each.moment: each for each in whole.sightings}
    shared = [(each, by_moment[each.moment]) for each in piece.sightings if each.moment in by_moment]
    if len(shared) < max(2, 0.5 * len(piece.sightings)):
        return False
    if piece.salience > _PIECE * whole.salience:
        return False
    near = [_gap(one, other) < 3 + 0.12 * np.sqrt(one.area + other.area) for one, other in shared]
    alike = [_together(one.drift, other.drift) for one, other in shared]
    return float(np.mean(near)) > 0.6 and float(np.mean(alike)) > 0.6


def _gap(one: Sighting, other: Sighting) -> float:
    """Cells between two masks."""
    away = cv2.distanceTransform((~other.mask).astype(np.uint8), cv2.DIST_L2, 3)
    return float(away[one.mask].min())


def _merged(whole: list[Sighting], piece: list[Sighting]) -> list[Sighting]:
    by_moment = {each.moment: each for each in whole}
    for each in piece:
        other = by_moment.get(each.moment)
        by_moment[each.moment] = each if other is None else _both(other, each)
    return [by_moment[moment] for moment in sorted(by_moment)]


def _both(one: Sighting, other: Sighting) -> Sighting:
    share = one.area / (one.area + other.area)
    return replace(
        one,
        mask=one.mask | other.mask,
        centre=share * one.centre + (1 - share) * other.centre,
        certainty=share * one.certainty + (1 - share) * other.certainty,
        drift=share * one.drift + (1 - share) * other.drift,
        colours=share * one.colours + (1 - share) * other.colours,
    )


def _link(moments: Iterable[tuple[int, Moment]], shot: int) -> list[Track]:
    tracks: list[Track] = []
    for index, moment in moments:
        things = things_in(moment, index)
        if tracks and things:
            scores = np.array([[_alike(track.sightings[-1], thing, moment) for thing in things] for track in tracks])
            pairs = [(row, column) for row, column in _pairs(scores) if scores[row, column] > 0]
        else:
            pairs = []
        for row, column in pairs:
            tracks[row].sightings.append(things[column])
        taken = {column for _, column in pairs}
        tracks += [Track(0, shot, [thing]) for column, thing in enumerate(things) if column not in taken]
    return tracks


def _pairs(scores: np.ndarray) -> list[tuple[int, int]]:
    """The best one-to-one pairs of rows and columns."""
    if len(scores) <= scores.shape[1]:
        return list(enumerate(best_assignment(scores)))
    return [(row, column) for column, row in enumerate(best_assignment(scores.T))]


def _alike(last: Sighting, thing: Sighting, moment: Moment) -> float:
    """How well a thing continues a track; 0: it does not."""
    frames = thing.frame_index - last.frame_index
    shift = (last.drift + moment.pan) * min(frames, 12)
    height, width = last.mask.shape
    moved = cv2.warpAffine(
        last.mask.astype(np.uint8), np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64), (width, height)
    )
    both = int(np.count_nonzero(thing.mask & (moved > 0)))
    iou = both / max(1, int(np.count_nonzero(thing.mask | (moved > 0))))
    colour = float(np.minimum(last.colours, thing.colours).sum())
    if iou >= _LINK_IOU:
        return iou + 0.5 * colour
    side = np.sqrt(max(last.area, thing.area))
    away = float(np.linalg.norm(last.centre + shift - thing.centre)) / float(side * (1.0 + 0.02 * frames))
    size = min(last.area, thing.area) / max(last.area, thing.area)
    if away < 1.2 and colour > _LINK_COLOUR and size > 0.3:
        return 0.5 * colour * (1.0 - away / 1.5)
    return 0.0
