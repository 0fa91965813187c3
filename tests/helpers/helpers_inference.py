"""What tests of inference share: clips in memory, a real small engine, and an engine whose answers the test writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from rvos_core.inference import FrameResult, FramesRevised, RunEvent, WindowDone
from rvos_core.language import WordTokenizer
from rvos_core.media import MediaReader, StoredFrame
from rvos_core.models.api import FrameFeatures, ModelCard, TextFeatures, WindowPrediction
from rvos_core.models.engine import Pace
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.types import MediaInfo
from tiny_ifirvos import VOCABULARY, tiny_model

WORDS = ("the", "a", "man", "in", "red", "blue", "riding", "bike", "car", "dog")

CARD = ModelCard(
    name="tiny",
    arch="ifirvos",
    parameters=50_000,
    licence="Apache-2.0",
    description="Random weights for tests.",
    trained_on="a street of riders and cars",
    size=64,
    long_side=128,
    window=8,
    stride=6,
    visible_on=0.0,
    visible_off=0.0,
)


class _Frame:
    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    @property
    def nbytes(self) -> int:
        return self._pixels.nbytes

    def to_rgb(self) -> np.ndarray:
        return self._pixels


class MemoryReader(MediaReader):
    """A clip that `draw(index)` draws frame by frame, (height, width, 3) uint8; nothing is kept."""

    def __init__(self, draw: Callable[[int], np.ndarray], frames: int, *, claimed: int | None = None) -> None:
        self._draw = draw
        self._frames = frames
        height, width = draw(0).shape[:2]
        count = claimed or frames
        self.info = MediaInfo(
            path=Path("memory.mp4"),
            kind="video",
            width=width,
            height=height,
            frame_count=count,
            rate=Fraction(25),
            rate_is_assumed=False,
            is_variable_rate=False,
            pts=tuple(range(count)),
            time_base=Fraction(1, 25),
            codec="none",
            pixel_format="rgb24",
            coded_width=width,
            coded_height=height,
            rotation_deg=0,
            sample_aspect=Fraction(1),
            has_audio=False,
        )
        self.reads: list[int] = []

    def stored(self, index: int) -> StoredFrame:
        self.reads.append(self.check_index(index))
        if index >= self._frames:
            raise StopIteration
        return _Frame(self._draw(index))

    def frames(self, span=None):  # type: ignore[no-untyped-def]
        for index in span:
            if index >= self._frames:
                return
            yield self.frame(index)

    def reopen(self) -> MediaReader:
        return MemoryReader(self._draw, self._frames)

    def close(self) -> None:
        pass


def moving_square(index: int, *, height: int = 48, width: int = 80) -> np.ndarray:
    """A red square that walks over a still ground; without cuts, different in every frame."""
    frame = np.full((height, width, 3), 96, dtype=np.uint8)
    frame[::7] += 40
    left = (3 * index) % (width - 16)
    frame[16:32, left : left + 16] = (220, 30, 30)
    frame[0, index % width] = (index % 256, 7, 9)
    return frame


def real_engine(*, queries: int = 3, device: str = "cpu", **card: object) -> FamilyReferrer:
    """A whole IFIRVOS with scattered weights of about 50,000 parameters."""
    model = tiny_model(queries=queries)
    tokenizer = WordTokenizer.from_words(WORDS)
    assert tokenizer.vocab_size <= VOCABULARY
    return FamilyReferrer(model, tokenizer, card=replace(CARD, **card), device=device)  # type: ignore[arg-type]


Answer = Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray]]


def numbered(index: int, *, height: int = 32, width: int = 48) -> np.ndarray:
    """A frame that says its index in its first pixel, for `ScriptedEngine`."""
    frame = np.full((height, width, 3), 128, dtype=np.uint8)
    frame[0, 0] = (index // 256, index % 256, 0)
    return frame


class ScriptedEngine:
    """Answers windows of `numbered` frames: `answer(indices)` gives mask logits (t, q, h, w), class logits (t, q);
    `consensus(indices)` gives P(the object is there).
    """

    device = "cpu"
    frames_on_their_own = True

    def __init__(
        self,
        answer: Answer,
        *,
        before: Callable[[str], None] = lambda what: None,
        consensus: Callable[[Sequence[int]], float] | None = None,
        **card: object,
    ) -> None:
        self.card = replace(CARD, **card)  # type: ignore[arg-type]
        self.pace = Pace()
        self.windows: list[list[int]] = []
        self.encoded: list[int] = []
        self.memory = 1.0
        self._answer = answer
        self._before = before
        self._consensus = consensus

    def encode_text(self, expression: str) -> TextFeatures:
        ids = torch.tensor([[0, 5, 2]])
        return TextFeatures(expression, ids, torch.zeros_like(ids, dtype=torch.bool))

    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        self._before("encode")
        indices = [256 * int(frame[0, 0, 0]) + int(frame[0, 0, 1]) for frame in frames]
        self.encoded += indices
        return FrameFeatures((torch.tensor(indices, dtype=torch.float32).reshape(-1, 1, 1, 1),), (32, 48))

    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        self._before("refer")
        indices = [int(value) for value in frames.levels[0].flatten()]
        self.windows.append(indices)
        masks, classes = self._answer(indices)
        boxes = torch.zeros(*classes.shape, 4)
        return WindowPrediction(
            torch.from_numpy(masks.astype(np.float32)),
            torch.from_numpy(classes.astype(np.float32)),
            boxes,
            None if self._consensus is None else self._consensus(indices),
        )

    def input_size(self, height: int, width: int, *, size: int | None = None) -> tuple[int, int]:
        return 32, 48

    def memory_mib(self, frames: int, input_size: tuple[int, int]) -> float:
        return self.memory * frames


def latest(events: Sequence[RunEvent]) -> dict[int, FrameResult]:
    """What a consumer holds after `events`: the latest result of every frame."""
    found: dict[int, FrameResult] = {}
    for event in events:
        if isinstance(event, WindowDone | FramesRevised):
            found.update((frame.frame_index, frame) for frame in event.frames)
    return found
