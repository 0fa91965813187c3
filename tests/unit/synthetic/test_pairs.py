"""Pairs of sentences one word apart: each means its own look-alike, by the verifier and by an independent reading."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from rvos_core.synthetic import Expression, SyntheticClip, contrasting_pair, make_clip, split_config, split_seeds
from sentence_reading import meant

SMALL = replace(split_config("val"), height=72, width=128, frames=6)


@cache
def drawn() -> tuple[tuple[int, SyntheticClip, tuple[Expression, Expression] | None], ...]:
    clips = [(seed, make_clip(seed, SMALL)) for seed in split_seeds("val")[:60]]
    return tuple((seed, clip, contrasting_pair(clip, seed=seed)) for seed, clip in clips)


def test_one_word_and_one_attribute_tell_them_apart() -> None:
    for _, _, pair in drawn():
        if pair is None:
            continue
        first, second = (expression.text.split() for expression in pair)
        assert len(first) == len(second)
        assert sum(one != other for one, other in zip(first, second, strict=True)) == 1
        one, other = (vars(expression.slots) for expression in pair)
        assert sum(one[name] != other[name] for name in one) == 1


def test_each_means_its_own_of_two_look_alikes() -> None:
    for _, clip, pair in drawn():
        if pair is None:
            continue
        targets = [expression.target for expression in pair]
        assert [meant(expression.text, clip) for expression in pair] == [[target] for target in targets]
        assert targets[0] != targets[1]
        assert len({clip.objects[target or 0].category for target in targets}) == 1


def test_most_clips_with_look_alikes_have_one_and_of_many_kinds() -> None:
    pairs = [pair for _, _, pair in drawn() if pair is not None]
    assert len(pairs) >= 30
    differences = {name for a, b in pairs for name, value in vars(a.slots).items() if value != vars(b.slots)[name]}
    assert len(differences) >= 4


def test_a_seed_chooses_the_same_pair_and_the_clip_keeps_its_sentences() -> None:
    seed, clip, pair = next(each for each in drawn() if each[2] is not None)
    assert contrasting_pair(make_clip(seed, SMALL), seed=seed) == pair
    assert clip.expressions == make_clip(seed, SMALL).expressions


def test_a_clip_without_look_alikes_has_none() -> None:
    for _, clip, pair in drawn():
        categories = [facts.category for facts in clip.objects]
        assert pair is None or len({*categories}) < len(categories)
