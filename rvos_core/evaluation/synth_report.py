"""What `rvos eval synth` measured: a score for every sentence, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rvos_core.evaluation.bootstrap import Interval, ratio_interval

_Row = tuple[int, float, float]  # seed of the clip, numerator, denominator


@dataclass(frozen=True)
class ExpressionScore:
    """One expression on one clip.

    Attributes:
        seed: of the clip.
        text: the expression.
        category: of the object that is meant.
        phrases: what tells the object apart: names of the slots that the expression fills, or `category` alone.
        unknown_words: those that the model does not know. Where there are any it is not asked, and all masks count as
            empty.
        j, f: means over the clip's frames.
        right_object: whether the mask's IoU over the whole clip is greater with the meant object than with any other.
        absent_frames: frames where the meant object is out of sight.
        false_frames: those of them on which the mask is not empty.
        area_px: pixels of the masks, over all frames.
        others: objects in sight on some frame beside the one that is meant.
        covered: those of them with which some query has an IoU over .5 over the whole clip.
    """

    seed: int
    text: str
    category: str
    phrases: tuple[str, ...]
    unknown_words: tuple[str, ...]
    j: float
    f: float
    right_object: bool
    absent_frames: int
    false_frames: int
    area_px: int
    others: int
    covered: int

    @property
    def jf(self) -> float:
        return (self.j + self.f) / 2


@dataclass(frozen=True)
class NegativeScore:
    """An expression that means nothing in the clip; `area_px`: pixels of its masks, over all frames; 0 is right."""

    seed: int
    text: str
    area_px: int


@dataclass(frozen=True)
class PairScore:
    """Two sentences that one word tells apart, for two objects of one category.

    Attributes:
        seed: of the clip.
        texts: the sentences.
        right: for each whether its mask fits its own object best, as `ExpressionScore.right_object`; a sentence with
            words that the model does not know is not.
    """

    seed: int
    texts: tuple[str, str]
    right: tuple[bool, bool]


@dataclass(frozen=True)
class SynthReport:
    """Scores of one model on one split.

    Attributes:
        model: name on the model card.
        split: which seeds.
        clips: number of clips.
        scores: one an expression, in order of clips.
        negatives: one a clip that has an expression without an object; not those with words that the model does not
            know, whose empty masks would be no merit.
        pairs: one a clip that has such a pair.
        seconds: wall time.
    """

    model: str
    split: str
    clips: int
    scores: tuple[ExpressionScore, ...]
    negatives: tuple[NegativeScore, ...]
    pairs: tuple[PairScore, ...]
    seconds: float

    def figures(self) -> dict[str, Interval]:
        """Each figure with its 95 % interval (bootstrap over clips): `jf`, `J`, `F`, `right_object`,
        `attribute_swap` (share of pairs with both sentences right), `others_covered`, `false_on_absent`, `R` (R2-VOS,
        section 5.1, over all clips), `false_on_negatives` (share of clips whose negative expression has a mask on any
        frame). A figure without a single case is left out.
        """
        areas = [(score.seed, float(score.area_px), float(score.area_px)) for score in self.scores if self.negatives]
        rows: dict[str, list[_Row]] = {
            "jf": [(score.seed, score.jf, 1) for score in self.scores],
            "J": [(score.seed, score.j, 1) for score in self.scores],
            "F": [(score.seed, score.f, 1) for score in self.scores],
            "right_object": [(score.seed, score.right_object, 1) for score in self.scores],
            "attribute_swap": [(pair.seed, all(pair.right), 1) for pair in self.pairs],
            "others_covered": [(score.seed, score.covered, score.others) for score in self.scores],
            "false_on_absent": [(score.seed, score.false_frames, score.absent_frames) for score in self.scores],
            "R": [*areas, *((negative.seed, -negative.area_px, 0) for negative in self.negatives)],
            "false_on_negatives": [(negative.seed, negative.area_px > 0, 1) for negative in self.negatives],
        }
        return {name: ratio_interval(values) for name, values in rows.items() if any(row[2] for row in values)}

    def by_phrase(self) -> dict[str, dict[str, float]]:
        """`expressions`, `jf` and `right_object` of the expressions that fill each slot, or name a category alone."""
        return self._grouped(lambda score: score.phrases)

    def by_category(self) -> dict[str, dict[str, float]]:
        """`expressions`, `jf` and `right_object` for each category of the object that is meant."""
        return self._grouped(lambda score: (score.category,))

    def strange_words(self) -> list[str]:
        """The words in `scores` that the model does not know, sorted."""
        return sorted({word for score in self.scores for word in score.unknown_words})

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval synth --json` prints."""
        figures = self.figures()
        return {
            **{name: figure.value for name, figure in figures.items()},
            "model": self.model,
            "split": self.split,
            "clips": self.clips,
            "expressions": len(self.scores),
            "unknown_words": sum(bool(score.unknown_words) for score in self.scores),
            "strange_words": self.strange_words(),
            "absent_frames": sum(score.absent_frames for score in self.scores),
            "others": sum(score.others for score in self.scores),
            "swap_pairs": len(self.pairs),
            "negatives": len(self.negatives),
            "interval_95": {name: [figure.low, figure.high] for name, figure in figures.items()},
            "by_phrase": self.by_phrase(),
            "by_category": self.by_category(),
            "seconds": self.seconds,
        }

    def _grouped(self, names_of: Callable[[ExpressionScore], Sequence[str]]) -> dict[str, dict[str, float]]:
        groups: dict[str, list[ExpressionScore]] = {}
        for score in self.scores:
            for name in names_of(score):
                groups.setdefault(name, []).append(score)
        return {
            name: {
                "expressions": len(group),
                "jf": float(np.mean([score.jf for score in group])),
                "right_object": float(np.mean([score.right_object for score in group])),
            }
            for name, group in sorted(groups.items())
        }
