"""The product's own runs of many sentences on one drawn clip: each frame is encoded once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.inference.events import FrameResult, FramesRevised, RunRequest, WindowDone
from rvos_core.inference.runner import Runner
from rvos_core.inference.tracks import TrackMerger
from rvos_core.masks import decode, guide_of, logits_to_mask, mask_along_edges
from rvos_core.models.engine import Engine
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.models.api import FrameFeatures, TextFeatures, WindowPrediction

_RATE = Fraction(12)


@dataclass(frozen=True)
class Answer:
    """What a run found.

    Attributes:
        masks: (T, H, W) bool, the object.
        tracks: (T, q, h, w) float32, mask logits of every query at stride 4, linked over the windows.
        guides: T pictures along whose edges masks are drawn; none where masks are enlarged as they are.
    """

    masks: np.ndarray
    tracks: np.ndarray
    guides: tuple[np.ndarray, ...] = ()

    def candidates(self) -> np.ndarray:
        """(q, T, H, W) bool: the masks of all queries at display size."""
        enlarged = [
            self._enlarged(index, frame) for track in self.tracks.swapaxes(0, 1) for index, frame in enumerate(track)
        ]
        return np.array(enlarged, dtype=bool).reshape(-1, *self.masks.shape)

    def _enlarged(self, index: int, logits: np.ndarray) -> np.ndarray:
        height, width = self.masks.shape[1:]
        if not self.guides:
            return logits_to_mask(logits, height, width)
        return mask_along_edges(logits, self.guides[index], height, width)


class ClipRuns:
    """Runs on one clip.

    Args:
        referrer: the model.
        frames: (T, H, W, 3) uint8 RGB.
        name: of the clip, for messages.
        along_edges: as in `RunRequest`.
        cancel: asked before every window.
    """

    def __init__(
        self, referrer: Engine, frames: np.ndarray, *, name: str, along_edges: bool = True, cancel: CancelToken
    ) -> None:
        self._engine = _Remembering(referrer)
        self._runner = Runner(cast("Engine", self._engine))
        self._frames = frames
        self._name = name
        self._along_edges = along_edges
        self._cancel = cancel

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a sentence that the model does not know."""
        read: TextFeatures = self._engine.encode_text(text)
        return read.unknown_words

    def ask(self, text: str) -> Answer:
        """The run of a sentence on the whole clip.

        Raises:
            UserError: the model knows none of its words.
            Cancelled: `cancel` is set.
        """
        latest: dict[int, FrameResult] = {}
        merger = TrackMerger()
        parts = []
        request = RunRequest(text, FrameSpan(0, len(self._frames)), along_edges=self._along_edges)
        with clip_reader(self._frames, name=self._name, rate=_RATE) as reader:
            for event in self._runner.run(request, reader=reader, cancel=self._cancel):
                if not isinstance(event, WindowDone | FramesRevised):
                    continue
                latest.update((frame.frame_index, frame) for frame in event.frames)
                if isinstance(event, WindowDone):
                    window = FrameSpan(event.frames[0].frame_index, event.frames[-1].frame_index + 1)
                    parts.append(merger.add(window, *self._engine.latest_logits()))
        parts.append(merger.pending())
        tracks = np.concatenate([part.mask_logits for part in parts if part is not None])
        guides = tuple(guide_of(frame) for frame in self._frames) if self._along_edges else ()
        return Answer(np.stack([decode(latest[index].mask) for index in request.span]), tracks, guides)


class _Remembering:
    """An engine that encodes the same frames only once and keeps its latest answer; the rest is the model's own."""

    def __init__(self, referrer: Engine) -> None:
        self._referrer = referrer
        self._features: dict[tuple[object, ...], FrameFeatures] = {}
        self._latest: WindowPrediction | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._referrer, name)

    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        """As the model's own; the same frames are encoded once."""
        key = (size, multiple, *(frame.tobytes() for frame in frames))
        if key not in self._features:
            self._features[key] = self._referrer.encode_frames(frames, size=size, multiple=multiple)
        return self._features[key]

    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        """As the model's own; the answer is kept for `latest_logits`."""
        self._latest = self._referrer.refer(frames, text)
        return self._latest

    def latest_logits(self) -> tuple[np.ndarray, np.ndarray]:
        """Mask logits (t, q, h, w) and class logits (t, q) of the latest window, float32."""
        assert self._latest is not None
        return self._latest.mask_logits.float().cpu().numpy(), self._latest.class_logits.float().cpu().numpy()
