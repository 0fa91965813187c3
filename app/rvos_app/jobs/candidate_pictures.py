"""Small pictures of what could be meant, each cut out round its thing, with its outline. Made in the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from rvos_core.inference.events import Candidate
from rvos_core.masks import bbox, decode, object_colour
from rvos_core.media import MediaReader

_MOST = 6
_HEIGHT, _WIDEST = 64, 112  # pixels
_ROOM = 0.35  # of the thing's side that is shown round it


@dataclass(frozen=True)
class CandidatePicture:
    """A candidate as the strip shows it.

    Attributes:
        pixels: (h, w, 3) uint8 RGB.
        kind: what it is: a thing that moves, or what a query of a model shows on that frame (number less one).
    """

    candidate: Candidate
    pixels: np.ndarray = field(repr=False)
    kind: Literal["moving", "query"] = "moving"


def candidate_pictures(reader: MediaReader, candidates: Sequence[Candidate]) -> tuple[CandidatePicture, ...]:
    """Pictures of the first few, in their order. Raises: UserError: a frame cannot be read."""
    return tuple(
        CandidatePicture(each, picture_of(reader.frame(each.frame_index), each)) for each in candidates[:_MOST]
    )


def picture_of(frame: np.ndarray, candidate: Candidate) -> np.ndarray:
    """(h, w, 3) uint8 RGB of a candidate, cut out of its frame (H, W, 3) uint8 RGB."""
    box = bbox(candidate.mask) or (0, 0, frame.shape[1], frame.shape[0])
    left, top, right, bottom = (float(side) for side in box)
    room = _ROOM * max(right - left, bottom - top) + 8
    x0, y0 = max(0, int(left - room)), max(0, int(top - room))
    x1, y1 = min(frame.shape[1], int(right + room)), min(frame.shape[0], int(bottom + room))
    scale = min(_HEIGHT / (y1 - y0), _WIDEST / (x1 - x0))
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    drawn = cv2.resize(np.ascontiguousarray(frame[y0:y1, x0:x1]), size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(decode(candidate.mask)[y0:y1, x0:x1].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, object_colour(candidate.number - 1), 1, cv2.LINE_AA)
    return drawn
