"""The roles a model can play, and the values it returns. See docs/architecture.md.

Shape letters: b batch, t frames, q queries, c channels, h w cells (stride 4 of the network input), l words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ModelCard:
    """What a model is, how to run it and what it was measured to do.

    Attributes:
        name: stable name, e.g. `ifirvos-mini`.
        arch: the system, e.g. `ifirvos`.
        parameters: number of parameters.
        licence: SPDX id of the weights.
        description: one or two honest sentences for a person.
        trained_on: what the weights have seen.
        size: short side of the network input, pixels.
        long_side: cap of the long side of the network input, pixels.
        window, stride: default sliding window, frames.
        present_at: consensus below this means that the object is not there; None: the model does not say.
        visible_on, visible_off: hysteresis thresholds of the class probability for "in sight".
        measured: name of a benchmark -> figures, e.g. `{"synth-test": {"jf": 0.8}}`.
        claimed: the same as a paper has them, not measured here.
        source: where imported weights came from: a file's name, a hub id with its revision, a page; empty for our own.
        source_sha256: of the file that was imported.
    """

    name: str
    arch: str
    parameters: int
    licence: str
    description: str
    trained_on: str
    size: int
    long_side: int
    window: int
    stride: int
    visible_on: float = 0.5
    visible_off: float = 0.5
    present_at: float | None = None
    bundled: bool = False
    measured: dict[str, Any] = field(default_factory=dict)
    claimed: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    source_sha256: str = ""


@dataclass(frozen=True)
class TextFeatures:
    """An expression as the model reads it. `token_ids`, `token_padding`: (1, l); `unknown_words` as typed."""

    expression: str
    token_ids: torch.Tensor
    token_padding: torch.Tensor
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrameFeatures:
    """Frames of one window after everything that does not depend on the text.

    Attributes:
        levels: maps (t, c, h, w) from fine to coarse.
        input_size: (height, width) of the network input, padding included, pixels.
        padding: (t, H, W) bool, True where the input is padded (right and below), or None where nothing is.
    """

    levels: tuple[torch.Tensor, ...]
    input_size: tuple[int, int]
    padding: torch.Tensor | None = None

    @property
    def frames(self) -> int:
        return int(self.levels[0].shape[0])

    @property
    def picture_size(self) -> tuple[int, int]:
        """(height, width) of the picture in the network input, without padding, pixels."""
        if self.padding is None:
            return self.input_size
        return int((~self.padding[0, :, 0]).sum()), int((~self.padding[0, 0]).sum())

    def only(self, frame: int) -> FrameFeatures:
        """One frame as a window of its own: what the protocol of A2D-Sentences refers to, see `EncodedFrames.only`."""
        padding = None if self.padding is None else self.padding[frame : frame + 1]
        return FrameFeatures(tuple(level[frame : frame + 1] for level in self.levels), self.input_size, padding)


@dataclass(frozen=True)
class WindowPrediction:
    """What a referrer says of one window.

    Attributes:
        mask_logits: (t, q, h, w) float32 at stride 4 of the network input.
        class_logits: (t, q) float32; sigmoid = P(this query is the referred object and visible).
        boxes: (t, q, 4) float32 cxcywh in [0, 1] of the frame.
        consensus: P(the object is there at all), or None where the model has no such head.
    """

    mask_logits: torch.Tensor
    class_logits: torch.Tensor
    boxes: torch.Tensor
    consensus: float | None = None


class Referrer(Protocol):
    """Text -> one object's masks on a window of frames."""

    card: ModelCard

    def encode_text(self, expression: str) -> TextFeatures:
        """Tokenise `expression` as it stands; words outside the vocabulary are named in the result."""
        ...

    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        """Resize, normalise and encode frames.

        Args:
            frames: (H, W, 3) uint8 RGB, all of one size.
            size: short side of the network input; None: the card's.
            multiple: the resized pictures are padded with zeros, right and below, to sides that are multiples of this:
                what the public code does to batches, and nothing else needs.
        """
        ...

    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        """Predict masks, classes and boxes of all queries on these frames."""
        ...


@dataclass(frozen=True)
class FramePrediction:
    """What a propagator says of one frame.

    Attributes:
        object_ids: stable ids; row k of the tensors belongs to `object_ids[k]`.
        probabilities: (o, h, w) float32 at the size of the network input, after the objects were weighed against each
            other; what is missing to 1 in a cell is background.
        logits: (o, h, w) float32 at stride 4 of the network input: each object on its own.
    """

    object_ids: tuple[int, ...]
    probabilities: torch.Tensor
    logits: torch.Tensor


class Propagator(Protocol):
    """Remembered (frame, masks) -> masks on further frames. Objects may be added at any time; ids never change."""

    card: ModelCard

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects that are followed, in the order in which they were shown."""
        ...

    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        """Show objects in a frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
            masks: object id (1 or more) -> (H, W) bool; all false: it is known not to be in sight.
            permanent: never forget it (a person's correction); else it leaves as predicted frames do. The first frame
                of an object is kept in any case.
        """
        ...

    def step(self, frame: np.ndarray) -> FramePrediction:
        """Predict the frame that follows the last one, (H, W, 3) uint8 RGB, and remember of it what the policy says."""
        ...

    def forget(self, object_id: int) -> None:
        """Follow an object no longer."""
        ...

    def restart(self) -> None:
        """The next frame does not follow the last one: keep only the frames that are kept for good."""
        ...


@dataclass(frozen=True)
class Clicks:
    """What a person pointed at on one frame, about one object. All in pixels of the frame as displayed.

    Attributes:
        positive: (x, y) of pixels that belong to the object.
        negative: (x, y) of pixels that do not.
        box: (left, top, right, bottom) round the object, right and bottom exclusive; None: no box was drawn.
    """

    positive: tuple[tuple[int, int], ...] = ()
    negative: tuple[tuple[int, int], ...] = ()
    box: tuple[int, int, int, int] | None = None


Around: TypeAlias = Callable[[int], np.ndarray | None]
"""A frame's neighbours in its clip: called with a number of frames, negative for those before, it gives that frame,
(H, W, 3) uint8 RGB, or None where the clip has none. What is prepared is kept while the same object is given again."""


class Clicker(Protocol):
    """Points and a box -> the object's mask on one frame."""

    name: str

    def segment(
        self, frame: np.ndarray, clicks: Clicks, *, current: np.ndarray | None = None, around: Around | None = None
    ) -> np.ndarray:
        """Find the object.

        Args:
            frame: (H, W, 3) uint8 RGB.
            clicks: inside the frame; at least one positive point or a box.
            current: (H, W) bool, the mask that is being corrected; None: there is none.
            around: the frame's neighbours in its clip; None: a still picture.

        Returns:
            (H, W) bool.
        """
        ...
