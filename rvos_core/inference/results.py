"""Tracks in, display masks out: a preview with the best track so far, and what the final vote changes.

Logits are enlarged to display size one frame at a time. A revised frame comes from its stride-4 bits instead:
softened, so that the enlarged outline is smooth, it differs from the mask of the logits by a fraction of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from rvos_core.inference.candidates import CandidateStore
from rvos_core.inference.consensus import Presence
from rvos_core.inference.events import FrameResult, Vote
from rvos_core.inference.tracks import TrackFrames
from rvos_core.inference.visibility import Hysteresis, mask_certainty, sigmoid
from rvos_core.inference.vote import SpanVote, mask_likeness
from rvos_core.masks import empty, encode, logits_to_mask, mask_along_edges, pixel_bbox
from rvos_core.types import FrameSpan

_REVISION_BLOCK = 32  # frames an event
_NOT_SHOWN = -1
_SURE = 6.0  # logit of a cell that only its bit is left of


class SpanResults:
    """The results of one run. Keeps a few numbers a frame, and the candidates' bits until `close`.

    Args:
        span: frames of the run.
        height, width: display size, pixels.
        tracks: queries of the model.
        visible_on, visible_off: thresholds of the class probability (see `Hysteresis`).
        present_at: threshold of the windows' consensus (see `Presence`).
        vote: see `RunRequest`.
        guide: gives the picture along whose edges a frame's mask is drawn; None: masks are enlarged as they are.
    """

    def __init__(
        self,
        span: FrameSpan,
        *,
        height: int,
        width: int,
        tracks: int,
        visible_on: float,
        visible_off: float,
        present_at: float | None = None,
        vote: Vote,
        guide: Callable[[int], np.ndarray] | None = None,
    ) -> None:
        self._span = span
        self._guide = guide
        self._height = height
        self._width = width
        self._per_window = vote == "window"
        self._vote = SpanVote(tracks, frames=len(span))
        self._hysteresis = Hysteresis(tracks, on=visible_on, off=visible_off)
        self.presence = Presence(span, threshold=present_at)
        self._candidates = CandidateStore()
        self._probability = np.zeros((len(span), tracks), dtype=np.float32)
        self._certainty = np.zeros((len(span), tracks), dtype=np.float32)
        self._visible = np.zeros((len(span), tracks), dtype=bool)
        self._shown = np.full(len(span), _NOT_SHOWN, dtype=np.int16)
        self._shown_visible = np.zeros(len(span), dtype=bool)
        self._settled = 0

    def settle(self, frames: TrackFrames) -> None:
        """Takes the next frames that no later window changes any more.

        They were previewed before with the same values.
        """
        rows = self._rows(frames.span)
        if rows.start != self._settled:
            raise ValueError(f"frame {frames.span.start} settles out of order")
        probability = sigmoid(frames.class_logits)
        self._probability[rows] = probability
        self._certainty[rows] = mask_certainty(frames.mask_logits)
        masks = frames.mask_logits > 0
        self._visible[rows] = self._hysteresis.push(probability) & masks.any((-2, -1))
        self._vote.add(probability, mask_likeness(masks))
        self._candidates.append(masks)
        self._settled = rows.stop

    def begin_shot(self) -> None:
        """The next frames follow a scene cut: nothing is known yet of who is in sight."""
        self._hysteresis.reset()
        self._vote.begin_shot()

    def preview(self, frames: TrackFrames) -> tuple[FrameResult, ...]:
        """Results of the latest window's frames as they stand, with the best track so far."""
        rows = self._rows(frames.span)
        probability = sigmoid(frames.class_logits)
        masks = frames.mask_logits > 0
        visible = self._hysteresis.peek(probability) & masks.any((-2, -1))
        certainty = mask_certainty(frames.mask_logits)
        if self._per_window:
            new = self._shown[rows] == _NOT_SHOWN
            choice = int(probability.mean(axis=0, dtype=np.float64).argmax())
            self._shown[rows][new] = choice
        else:
            self._shown[rows] = self._vote.peek(probability, mask_likeness(masks))
        here = self.presence.in_windows(rows)
        self._shown_visible[rows] = visible[np.arange(len(here)), self._shown[rows]] & here
        return tuple(
            self._result(
                frame_index,
                frames.mask_logits[i, track],
                probability=float(probability[i, track]),
                certainty=float(certainty[i, track]),
                visible=bool(self._shown_visible[rows.start + i]),
            )
            for i, (frame_index, track) in enumerate(zip(frames.span, self._shown[rows], strict=True))
        )

    def revisions(self) -> Iterator[tuple[FrameResult, ...]]:
        """After the last `settle`: the frames that were shown otherwise than they are in the end, in blocks.

        They follow another track than the final one, or turn out to be without the object.
        """
        rows = slice(0, self._settled)
        best = self._shown[rows].astype(np.int64) if self._per_window else self._vote.path()
        visible = self._visible[np.arange(self._settled), best] & self.presence.in_windows(rows)
        if self.presence.absent:
            visible[:] = False
        stale = np.flatnonzero((self._shown[rows] != best) | (self._shown_visible[rows] != visible))
        for first in range(0, len(stale), _REVISION_BLOCK):
            block = stale[first : first + _REVISION_BLOCK]
            self._shown[block], self._shown_visible[block] = best[block], visible[block]
            yield tuple(self._revised(int(row), int(best[row])) for row in block)

    @property
    def settled(self) -> FrameSpan:
        """The frames whose results are final but for the vote."""
        return FrameSpan(self._span.start, self._span.start + self._settled)

    @property
    def score(self) -> float:
        """Mean class probability of the shown tracks over the settled frames."""
        return float(self._of_shown(self._probability).mean()) if self._settled else 0.0

    @property
    def visible_frames(self) -> int:
        return int(self._shown_visible[: self._settled].sum())

    def close(self) -> None:
        """Drop the candidates."""
        self._candidates.close()

    def _rows(self, span: FrameSpan) -> slice:
        return slice(span.start - self._span.start, span.stop - self._span.start)

    def _of_shown(self, values: np.ndarray) -> np.ndarray:
        rows = np.arange(self._settled)
        shown: np.ndarray = values[rows, self._shown[rows]]
        return shown

    def _revised(self, row: int, track: int) -> FrameResult:
        return self._result(
            self._span.start + row,
            soft_logits(self._candidates.mask(row, track)),
            probability=float(self._probability[row, track]),
            certainty=float(self._certainty[row, track]),
            visible=bool(self._shown_visible[row]),
        )

    def _result(
        self, frame_index: int, logits: np.ndarray, *, probability: float, certainty: float, visible: bool
    ) -> FrameResult:
        guide = None if self._guide is None or not visible else self._guide(frame_index)
        return drawn_result(
            frame_index,
            logits if visible else None,
            confidence=probability * certainty,
            height=self._height,
            width=self._width,
            guide=guide,
        )


def drawn_result(
    frame_index: int,
    logits: np.ndarray | None,
    *,
    confidence: float,
    height: int,
    width: int,
    guide: np.ndarray | None,
) -> FrameResult:
    """A frame's logits at stride 4 as its mask at display size.

    Args:
        frame_index: of the frame.
        logits: (h, w) float32; None: the object is out of sight.
        confidence: 0..1.
        height, width: display size, pixels.
        guide: the picture along whose edges the mask is drawn; None: it is enlarged as it is.
    """
    if logits is None:
        return FrameResult(frame_index, empty(height, width), confidence, None, visible=False)
    mask = logits_to_mask(logits, height, width) if guide is None else mask_along_edges(logits, guide, height, width)
    box = pixel_bbox(mask)
    floats = None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return FrameResult(frame_index, encode(mask), confidence, floats, visible=True)


def soft_logits(bits: np.ndarray) -> np.ndarray:
    """Something to enlarge in place of lost logits: `bits` (h, w) bool -> float32 whose sign is the mask, softened
    along its outline.
    """
    signed = np.where(bits, np.float32(_SURE), np.float32(-_SURE))
    softened = cv2.GaussianBlur(signed, (3, 3), 0.8, borderType=cv2.BORDER_REPLICATE)
    return np.where((softened > 0) == bits, softened, 0.25 * signed).astype(np.float32)
