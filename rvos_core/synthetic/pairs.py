"""Two sentences that one word tells apart, for two look-alikes of a clip: only who reads that word finds both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rvos_core.language.phrases import COLOURS
from rvos_core.language.slots import ExpressionSlots
from rvos_core.synthetic.expressions import say
from rvos_core.synthetic.facts import (
    ACTIONS,
    CHANGES,
    DIRECTIONS,
    GENDERS,
    ORDERS,
    RELATIONS,
    SIDES,
    SIZES,
    SPEED_WORDS,
    Expression,
    SyntheticClip,
)
from rvos_core.synthetic.predicates import Witness

_VALUES: dict[str, tuple[str, ...]] = {
    "gender": GENDERS, "colour": COLOURS, "lower_colour": COLOURS, "hat": COLOURS, "bag": COLOURS, "action": ACTIONS,
    "side": SIDES, "size": SIZES, "direction": DIRECTIONS, "speed": SPEED_WORDS, "change": CHANGES, "order": ORDERS,
    "relation": RELATIONS,
}  # fmt: skip
_WORDINGS = 8  # tries to say both in the same words but one


def contrasting_pair(clip: SyntheticClip, *, seed: int) -> tuple[Expression, Expression] | None:
    """Two sentences that differ in one word and mean two objects of one category; None where the clip has no such.

    The first says what one of the clip's own sentences says; in the second one attribute is exchanged. The verifier
    finds that each means exactly its object.

    Args:
        clip: any clip of the world.
        seed: chooses among the pairs and their wordings.
    """
    witness = Witness(clip.objects, frame_px=clip.labels[0].size)
    rng = np.random.Generator(np.random.PCG64([seed, len(clip.expressions)]))
    options = [
        (expression.target, expression.slots, exchanged)
        for expression in clip.expressions
        if expression.target is not None
        for exchanged in _exchanges(expression.slots)
    ]
    for number in rng.permutation(len(options)).tolist():
        meant, slots, exchanged = options[number]
        other = witness.target(exchanged)
        if other is None or other == meant or clip.objects[other].category != clip.objects[meant].category:
            continue
        if texts := _one_word_apart(slots, exchanged, witness, rng):
            return Expression(texts[0], meant, slots), Expression(texts[1], other, exchanged)
    return None


def _exchanges(slots: ExpressionSlots) -> Iterator[ExpressionSlots]:
    """Every description that differs from `slots` in one attribute."""
    for name, values in _VALUES.items():
        said = getattr(slots, name)
        changes: list[dict[str, Any]] = [{name: value} for value in values if value != said]
        yield from (replace(slots, **change) for change in changes if said is not None)


def _one_word_apart(
    first: ExpressionSlots, second: ExpressionSlots, witness: Witness, rng: np.random.Generator
) -> tuple[str, str] | None:
    """Both descriptions worded with the same dice, so that they differ in a single word; None where none of a few
    throws gives that."""
    for dice in rng.integers(1 << 32, size=_WORDINGS).tolist():
        texts = tuple(say(slots, witness, np.random.Generator(np.random.PCG64(dice))) for slots in (first, second))
        words = [text.split() for text in texts]
        if len(words[0]) == len(words[1]) and sum(a != b for a, b in zip(*words, strict=True)) == 1:
            return texts[0], texts[1]
    return None
