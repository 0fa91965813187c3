"""An engine that knows the miniature data sets by heart, so that figures of its predictions can be said beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from helpers_datasets import COLOURS, MasksOf, MiniVideo, right
from helpers_inference import CARD
from rvos_core.models.api import FrameFeatures, TextFeatures, WindowPrediction
from rvos_core.models.engine import Pace

QUERIES = 4
_ABSENT = -8.0


class KnowingEngine:
    """Recognises a picture as the nearest of `videos`' frames and answers with that frame's masks, a query an object.

    The colour in the sentence says which query is meant; a sentence without one is answered by no query's object.

    Args:
        videos: what it knows.
        masks_of: how it draws an object it knows.
        stride: pixels a cell of its masks; at 1 they are exact, at 4 where outlines lie on multiples of 4.
        before: called before each answer with the number of answers so far.
        card: changes of the model card.
    """

    device = "cpu"
    frames_on_their_own = True

    def __init__(
        self,
        videos: Sequence[MiniVideo],
        masks_of: MasksOf = right,
        *,
        stride: int = 1,
        before: Callable[[int], None] = lambda answers: None,
        **card: object,
    ) -> None:
        self.card = replace(CARD, **card)  # type: ignore[arg-type]
        self.pace = Pace()
        self.asked: list[tuple[str, int]] = []
        self.encoded: list[int] = []
        self._before = before
        self._stride = stride
        self._places = [(video, t) for video in videos for t in range(len(video.pictures))]
        self._pictures = np.concatenate([video.pictures for video in videos]).astype(np.float32)
        self._masks = {(video.name, o): masks_of(video, o) for video in videos for o in video.categories}

    def input_size(self, height: int, width: int, *, size: int | None = None) -> tuple[int, int]:
        return height, width

    def memory_mib(self, frames: int, input_size: tuple[int, int]) -> float:
        return 1.0

    def encode_text(self, expression: str) -> TextFeatures:
        ids = torch.zeros(1, 1, dtype=torch.long)
        return TextFeatures(expression, ids, torch.zeros_like(ids, dtype=torch.bool))

    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        self.encoded.append(len(frames))
        places = [
            int(np.abs(self._pictures - frame.astype(np.float32)).mean(axis=(1, 2, 3)).argmin()) for frame in frames
        ]
        height, width = frames[0].shape[:2]
        return FrameFeatures((torch.tensor(places, dtype=torch.float32).reshape(-1, 1, 1, 1),), (height, width))

    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        self._before(len(self.asked))
        places = [self._places[int(value)] for value in frames.levels[0].flatten()]
        self.asked.append((text.expression, len(places)))
        height, width = frames.input_size
        full = np.zeros((len(places), QUERIES, height, width), dtype=bool)
        for row, (video, t) in enumerate(places):
            for query, object_id in enumerate(video.categories):
                full[row, query] = self._masks[video.name, object_id][t]
        cells = full[..., self._stride // 2 :: self._stride, self._stride // 2 :: self._stride]
        masks = torch.where(torch.from_numpy(cells), 8.0, _ABSENT)
        meant = [query for query, (name, _) in enumerate(COLOURS.values()) if name in text.expression.lower().split()]
        classes = torch.full((len(places), QUERIES), _ABSENT)
        classes[:, meant[0] if meant else QUERIES - 1] = 2.0
        return WindowPrediction(masks, classes, torch.zeros(*classes.shape, 4))
