"""A model as the papers run it on a clip: all frames at once, one query for all of them, no threshold on its score.

ReferFormer (Wu et al., CVPR 2022), section 3.5: the class probability of a query is averaged over the clip's frames,
and the best query's masks are the answer. The product's own rules (`rvos_core.inference`) know scene cuts, overlapping
windows and objects that leave; a benchmark's figures are those of the published rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from rvos_core.errors import UserError
from rvos_core.inference.feed import joined_features
from rvos_core.inference.visibility import sigmoid
from rvos_core.models.api import FrameFeatures, TextFeatures, WindowPrediction
from rvos_core.models.engine import Engine
from rvos_core.models.memory import free_memory_mib, unless_out_of_memory
from rvos_core.types import CancelToken

ReadFrame = Callable[[int], np.ndarray]  # index -> (H, W, 3) uint8 RGB

_T = TypeVar("_T")
_ENCODE_AT_ONCE = 8  # frames
_PUBLISHED_PRESENCE = 0.5  # R2-VOS: masks are blanked unless the sentence is likelier to fit than not
_NOWHERE = np.float32(-1e4)  # a logit


class ClipModel:
    """Runs `engine` on clips. Asks `cancel` before every frame and every expression."""

    def __init__(self, engine: Engine, *, cancel: CancelToken) -> None:
        self._engine = engine
        self._cancel = cancel

    def encode(
        self, indices: Sequence[int], read: ReadFrame, *, where: str, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        """Features of one clip: the frames `indices` of a video that `read` reads, all of one size.

        Args:
            where: names the video if memory runs out.
            size, multiple: as `Referrer.encode_frames`.

        Raises:
            UserError: memory does not suffice, or as `read`.
            Cancelled: the person stopped it.
        """
        block = _ENCODE_AT_ONCE if self._engine.frames_on_their_own else len(indices)
        parts: list[FrameFeatures] = []
        for first in range(0, len(indices), block):
            frames = []
            for index in indices[first : first + block]:
                self._cancel.raise_if_cancelled()
                frames.append(read(index))
            if not parts:
                self._require_memory(frames[0], len(indices), size=size, where=where)
            encode = partial(self._engine.encode_frames, frames, size=size, multiple=multiple)
            parts.append(self._within_memory(encode, len(indices), where))
        return parts[0] if len(parts) == 1 else joined_features(parts)

    def text(self, expression: str) -> TextFeatures:
        """The expression as the model reads it."""
        return self._engine.encode_text(expression)

    def refer(self, features: FrameFeatures, text: TextFeatures, *, where: str) -> WindowPrediction:
        """What all queries say of a clip. Raises: UserError: memory does not suffice. Cancelled."""
        self._cancel.raise_if_cancelled()
        return self._within_memory(partial(self._engine.refer, features, text), features.frames, where)

    def answer(self, features: FrameFeatures, text: TextFeatures, *, where: str) -> np.ndarray:
        """Mask logits (t, h, w) float32 of the clip's best query, at stride 4 of the network's input.

        They are negative everywhere where the model says that the object is not in the clip (R2-VOS).

        Raises:
            UserError, Cancelled: as `refer`.
        """
        prediction = self.refer(features, text, where=where)
        probability = sigmoid(prediction.class_logits.float().cpu().numpy())
        best = int(probability.mean(axis=0, dtype=np.float64).argmax())
        logits = np.ascontiguousarray(prediction.mask_logits[:, best].float().cpu().numpy())
        if prediction.consensus is not None and prediction.consensus <= self._presence():
            logits = np.full_like(logits, _NOWHERE)
        return logits

    def _presence(self) -> float:
        threshold = self._engine.card.present_at
        return _PUBLISHED_PRESENCE if threshold is None else threshold

    def _require_memory(self, frame: np.ndarray, frames: int, *, size: int | None, where: str) -> None:
        """Refuse a clip that the CPU's memory cannot hold: there the system ends the program instead of saying so."""
        free = free_memory_mib(self._engine.device) if self._engine.device == "cpu" else None
        height, width = frame.shape[:2]
        needed = self._engine.memory_mib(frames, self._engine.input_size(height, width, size=size))
        if free is not None and needed > free:
            raise self._too_little(frames, where, f" (about {needed:.0f} MiB needed, {free:.0f} MiB free)")

    def _within_memory(self, step: Callable[[], _T], frames: int, where: str) -> _T:
        found = unless_out_of_memory(lambda: (step(),))
        if found is None:
            raise self._too_little(frames, where)
        return found[0]

    def _too_little(self, frames: int, where: str, figures: str = "") -> UserError:
        count = "1 frame" if frames == 1 else f"{frames} frames at once"
        device, name = self._engine.device, self._engine.card.name
        elsewhere = "" if device == "cpu" else "with --device cpu, "
        return UserError(
            f"{device} has too little memory for {count} of {where} with {name}{figures}.",
            hint="What is finished is kept. Go on with a smaller --window (no longer the published protocol), "
            f"{elsewhere}or on a machine with more memory.",
            code="predict.out_of_memory",
        )


def chunks(frames: int, size: int) -> Iterator[range]:
    """Consecutive clips of `size` frames (0: all in one), the last one shorter."""
    step = size or max(1, frames)
    return (range(first, min(first + step, frames)) for first in range(0, frames, step))
