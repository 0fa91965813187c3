"""Answers to many expressions about one video: frames are read and encoded once a clip, whatever is asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rvos_core.datasets.referring import Expression, Video
from rvos_core.errors import UserError
from rvos_core.evaluation.predict.clip_model import ClipModel, chunks


@dataclass(frozen=True)
class VideoAnswer:
    """What the model says to one expression about one video.

    Attributes:
        expression: that was asked.
        mask_logits: (t, h, w) float32 at stride 4 of the network's input, for every frame of the video.
        size: (height, width) of the video's pictures.
    """

    expression: Expression
    mask_logits: np.ndarray
    size: tuple[int, int]


def answers(model: ClipModel, video: Video, expressions: Sequence[Expression], *, chunk: int) -> Iterator[VideoAnswer]:
    """The answer to each expression, in order.

    Args:
        model: answers one clip.
        video: its frames are pictures.
        expressions: of this video.
        chunk: frames of a clip; the query is chosen for each clip anew. 0: the whole video is one clip; then an answer
            is given before the next expression is asked, so that only one is held.

    Raises:
        UserError: a picture is missing, damaged or of another size, or memory does not suffice.
        Cancelled: the person stopped it.
    """
    pictures = _Pictures(video)
    spans = list(chunks(len(video.frames), chunk))
    if len(spans) == 1:
        features = model.encode(spans[0], pictures.read, where=video.name)
        for each in expressions:
            logits = model.answer(features, model.text(each.text), where=video.name)
            yield VideoAnswer(each, logits, pictures.size)
        return
    texts = [model.text(each.text) for each in expressions]
    parts: list[list[np.ndarray]] = [[] for _ in expressions]
    for span in spans:
        features = model.encode(span, pictures.read, where=video.name)
        for text, found in zip(texts, parts, strict=True):
            found.append(model.answer(features, text, where=video.name))
    for each, found in zip(expressions, parts, strict=True):
        yield VideoAnswer(each, np.concatenate(found), pictures.size)


class _Pictures:
    """The pictures of one video, of one size."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self._size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of those that were read."""
        assert self._size is not None, "nothing was read"
        return self._size

    def read(self, index: int) -> np.ndarray:
        path = self._video.image(self._video.frames[index])
        picture = read_picture(path)
        height, width = picture.shape[:2]
        if self._size not in (None, (height, width)):
            raise UserError(
                f"{path} is {width}x{height}, the pictures before it are {self.size[1]}x{self.size[0]}.",
                hint="Take the data set as its authors publish it.",
                code="predict.sizes",
            )
        self._size = (height, width)
        return picture


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, as it is stored: data sets are annotated without regard to a camera's rotation mark.

    Raises:
        UserError: it cannot be read or is no picture.
    """
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="Complete the data set as its authors lay it out.",
            code="predict.unreadable",
        ) from error
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(content, flags) if content.size else None
    if picture is None:
        raise UserError(
            f"{path} is {'damaged or no picture' if content.size else 'empty (0 bytes)'}.",
            hint="Copy it from the data set again.",
            code="predict.bad_picture",
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
