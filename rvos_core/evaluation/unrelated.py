"""Unrelated videos for R2-VOS's robustness: each expression is also asked of a video that does not show what it means.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 5.1: the negative
video is drawn from the shuffled videos, constrained to be unrelated, so that every video can be picked. A video counts
as related to an expression, as far as the data says, if one of its objects has the category of what is meant, or its
own expressions share a word that names a thing; people of all kinds count as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rvos_core.datasets.expression_list import read_expression_list
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.datasets.things import things
from rvos_core.errors import UserError
from rvos_core.files import write_file

_SEPARATOR = "+"  # between the video and the expression that a question comes from; no data set has it in its names


@dataclass(frozen=True)
class UnrelatedPair:
    """One expression and the video, which it does not speak of, that it is asked of.

    Attributes:
        source: the video that the expression belongs to.
        expression: as it is there.
        video: name of the unrelated video.
    """

    source: str
    expression: Expression
    video: str

    @property
    def question_id(self) -> str:
        """Name of the folder of the prediction below the unrelated video."""
        return f"{self.source}{_SEPARATOR}{self.expression.expression_id}"


def draw_pairs(dataset: ReferringDataset, *, seed: int) -> tuple[UnrelatedPair, ...]:
    """One unrelated video for each expression, the same for the same data and seed.

    The videos are dealt in rounds: in a round every video that can still be used is used once, so that all videos are
    picked equally often as far as their contents allow.

    Raises:
        UserError: no video is unrelated to some expression.
    """
    questions = list(dataset.pairs())
    allowed = unrelated_table(dataset)
    hopeless = np.flatnonzero(~allowed.any(axis=1))
    if hopeless.size:
        video, expression = questions[hopeless[0]]
        raise UserError(
            f'No video of {dataset.root} is unrelated to "{expression.text}" ({video.name}, '
            f"{expression.expression_id}), nor to {hopeless.size - 1} others.",
            hint="Draw from a data set with more different videos.",
            code="evaluation.unrelated",
        )
    chosen = _deal(allowed, np.random.Generator(np.random.PCG64(seed)))
    return tuple(
        UnrelatedPair(video.name, expression, dataset.videos[k].name)
        for (video, expression), k in zip(questions, chosen, strict=True)
    )


def unrelated_table(dataset: ReferringDataset) -> np.ndarray:
    """(expressions, videos) bool: True where the video does not show what the expression means, as far as is known."""
    named = [
        frozenset().union(*(things(each.text) for each in video.expressions), *map(things, video.categories.values()))
        for video in dataset.videos
    ]
    table = np.zeros((sum(1 for _ in dataset.pairs()), len(dataset.videos)), dtype=bool)
    for row, (video, expression) in enumerate(dataset.pairs()):
        meant = things(expression.text).union(
            *(things(video.categories[i]) for i in expression.object_ids or () if i in video.categories)
        )
        table[row] = [
            other.name != video.name and not meant & named[column] for column, other in enumerate(dataset.videos)
        ]
    return table


def write_pairs(path: Path, pairs: Sequence[UnrelatedPair], *, dataset: ReferringDataset, seed: int) -> None:
    """Write the questions as a `meta_expressions.json`, which any predictor for Ref-YouTube-VOS can read.

    Raises: UserError: the disk refuses.
    """
    videos: dict[str, dict[str, object]] = {}
    for video in dataset.videos:
        mine = [pair for pair in pairs if pair.video == video.name]
        if mine:
            expressions = {pair.question_id: {"exp": pair.expression.text} for pair in mine}
            videos[video.name] = {"expressions": expressions, "frames": list(video.frames)}
    write_file(path, json.dumps({"videos": videos, "unrelated": {"seed": seed}}, indent=1).encode())


def read_pairs(path: Path, *, dataset: ReferringDataset) -> ReferringDataset:
    """The data set of the unrelated questions that `write_pairs` wrote.

    Raises:
        UserError: the file is not such, or its questions are not one for each expression of the data set.
    """
    videos = read_expression_list(path, images=dataset.root, objects_of=lambda *_: ())
    found = replace(dataset, videos=_with_images(videos, dataset, path), truth=None, notes=())
    wanted = {f"{video.name}{_SEPARATOR}{each.expression_id}" for video, each in dataset.pairs()}
    asked = [each.expression_id for _, each in found.pairs()]
    odd = sorted(wanted.symmetric_difference(asked))
    if odd or len(asked) != len(wanted):
        raise UserError(
            f"{path} does not ask every expression of {dataset.name} ({dataset.split}) once"
            f"{f', first: {odd[0]}' if odd else ''}.",
            hint="Draw the pairs again with --make-pairs.",
            code="evaluation.pairs",
        )
    return found


def as_dataset(pairs: Sequence[UnrelatedPair], dataset: ReferringDataset) -> ReferringDataset:
    """The questions as a data set without true masks (they are all empty)."""
    videos = []
    for video in dataset.videos:
        mine = (pair for pair in pairs if pair.video == video.name)
        asked = tuple(Expression(pair.question_id, pair.expression.text, ()) for pair in mine)
        if asked:
            videos.append(replace(video, expressions=asked))
    return replace(dataset, videos=tuple(videos), truth=None, notes=())


def _with_images(videos: Sequence[Video], dataset: ReferringDataset, path: Path) -> tuple[Video, ...]:
    known = {video.name: video for video in dataset.videos}
    unknown = next((video.name for video in videos if video.name not in known), None)
    if unknown is not None:
        raise UserError(
            f"{path} asks about {unknown}, which {dataset.name} ({dataset.split}) does not have.",
            hint="Take the pairs that were drawn from this split.",
            code="evaluation.unknown",
        )
    return tuple(replace(known[video.name], expressions=video.expressions) for video in videos)


def _deal(allowed: np.ndarray, dice: np.random.Generator) -> list[int]:
    """A video for every expression: rounds of a matching between the videos and the expressions that have none yet."""
    expressions, videos = allowed.shape
    chosen = np.full(expressions, -1)
    while (chosen < 0).any():
        open_rows = [int(row) for row in dice.permutation(expressions) if chosen[row] < 0]
        taken: dict[int, int] = {}  # expression -> video, of this round
        for video in dice.permutation(videos):
            _offer(int(video), open_rows, allowed, taken)
        for row, video in taken.items():
            chosen[row] = video
    return [int(video) for video in chosen]


def _offer(video: int, rows: Sequence[int], allowed: np.ndarray, taken: dict[int, int]) -> None:
    """Give `video` one of `rows`; where all that suit it are taken, move other videos along an augmenting path."""
    suitors = [video]
    came_from: dict[int, int] = {}  # row -> the video that asks for it
    for asking in suitors:
        for row in rows:
            if row in came_from or not allowed[row, asking]:
                continue
            came_from[row] = asking
            if row not in taken:
                for each, mover in _path(row, came_from, dict(taken), video):
                    taken[each] = mover
                return
            suitors.append(taken[row])


def _path(row: int, came_from: Mapping[int, int], before: Mapping[int, int], video: int) -> Iterator[tuple[int, int]]:
    """(row, its new video) from the free row back to `video`."""
    row_of = {mover: each for each, mover in before.items()}
    while True:
        mover = came_from[row]
        yield row, mover
        if mover == video:
            return
        row = row_of[mover]
