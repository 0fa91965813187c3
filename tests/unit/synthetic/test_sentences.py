"""Every sentence is read again from its words alone, by rules written here, and must mean what the clip says."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from rvos_core.synthetic import COLOURS, ObjectFacts, SyntheticClip, WorldConfig, make_clip, vocabulary

Test = Callable[[ObjectFacts], bool]

NOUNS: dict[str, Test] = {
    **dict.fromkeys(("person", "human", "one"), lambda o: o.category == "person"),
    **dict.fromkeys(("man", "guy"), lambda o: o.gender == "man"),
    **dict.fromkeys(("woman", "lady"), lambda o: o.gender == "woman"),
    **dict.fromkeys(("cyclist", "rider", "biker", "bicyclist"), lambda o: o.action == "riding"),
    "pedestrian": lambda o: o.category == "person" and o.action != "riding",
    **dict.fromkeys(("runner", "jogger"), lambda o: o.category == "person" and o.action == "running"),
    **dict.fromkeys(("car", "automobile"), lambda o: o.category == "car"),
    **dict.fromkeys(("bus", "coach"), lambda o: o.category == "bus"),
    "vehicle": lambda o: o.category in {"car", "bus"},
    **dict.fromkeys(("dog", "puppy", "animal"), lambda o: o.category == "dog"),
    **dict.fromkeys(("ball", "toy"), lambda o: o.category == "ball"),
}
BIKE = r"(?:a|the) (?:bike|bicycle)"
RIDES = rf"(?:riding|rides) {BIKE}|(?<!not )on {BIKE}|cycling|riding (?:to|towards|left|right)"
DOING: tuple[tuple[str, Test], ...] = (
    (RIDES, lambda o: o.action == "riding"),
    (r"on foot|not on a bike|without a bike", lambda o: o.category == "person" and o.action != "riding"),
    (r"\bwalk(?:ing|s)\b", lambda o: o.action == "walking"),
    (r"\brun(?:ning|s)\b", lambda o: o.action == "running"),
    (r"\bstand(?:ing|s)\b", lambda o: o.action in {"standing", "parked"}),
    (r"\bsit(?:ting|s)\b", lambda o: o.action == "sitting"),
    (r"\bdriving\b", lambda o: o.action == "moving"),
    (r"\bparked\b", lambda o: o.action == "parked"),
    (r"\broll(?:ing|s)\b", lambda o: o.action == "rolling"),
    (r"\blying\b", lambda o: o.action == "lying"),
    (r"\bnot moving\b", lambda o: o.travel == 0),
    (r"(?<!not )\b(?:moving|moves|going|heading)\b", lambda o: o.travel != 0),
)
PLAIN_COLOUR = "|".join((*COLOURS, "violet"))


def mean_column(facts: ObjectFacts) -> float:
    return float(facts.centre[facts.visible, 0].mean())


def read(text: str) -> tuple[list[Test], Callable[[ObjectFacts], float] | None]:
    """The conditions a sentence sets, and the quantity whose largest value it asks for."""
    words = text.split()
    noun = next(word for word in words if word in NOUNS)
    tests: list[Test] = [NOUNS[noun]]
    tests += [test for pattern, test in DOING if re.search(pattern, text)]
    tests += _colour_tests(text)
    ways = re.findall(
        r"(?:to the|towards the) (left|right)|(?:ing|s|bike) (left|right)\b", re.sub(r"furthest to the \w+", "", text)
    )
    for way in ("".join(pair) for pair in ways):
        sign = 1 if way == "right" else -1
        tests.append(lambda o, sign=sign: o.travel * sign > 0)
    if re.search(r"\b(?:on|at) the left", text):
        tests.append(lambda o: mean_column(o) < 0.5)
    if re.search(r"\b(?:on|at) the right", text):
        tests.append(lambda o: mean_column(o) > 0.5)
    if re.search(r"in the (?:middle|centre|center)", text):
        tests.append(lambda o: abs(mean_column(o) - 0.5) < 0.125)
    return tests, _superlative(text)


def _colour_tests(text: str) -> list[Test]:
    tests: list[Test] = []
    for match in re.finditer(rf"\b({PLAIN_COLOUR})\b(?: (trousers|pants|skirt))?", text):
        colour = match[1].replace("violet", "purple")
        if match[2]:
            tests.append(lambda o, colour=colour: o.lower_colour == colour)
        else:
            tests.append(lambda o, colour=colour: o.colour == colour)
        if match[2]:
            tests.append(lambda o, skirt=match[2] == "skirt": (o.gender == "woman") == skirt)
    return tests


def _superlative(text: str) -> Callable[[ObjectFacts], float] | None:
    if re.search(r"leftmost|furthest to the left", text):
        return lambda o: -mean_column(o)
    if re.search(r"rightmost|furthest to the right", text):
        return mean_column
    if re.search(r"bigge|large", text):
        return lambda o: o.size
    if re.search(r"smalle", text):
        return lambda o: -o.size
    return None


def meant(text: str, clip: SyntheticClip) -> list[int]:
    """Indices of the objects that a sentence can mean."""
    tests, quantity = read(text)
    fitting = [k for k, facts in enumerate(clip.objects) if facts.visible.any() and all(test(facts) for test in tests)]
    if quantity is None or not fitting:
        return fitting
    assert len(fitting) >= 2, f"{text!r} compares one object with itself"
    return [max(fitting, key=lambda k: quantity(clip.objects[k]))]


@pytest.mark.parametrize(
    ("config", "clips"), [(WorldConfig(), 250), (WorldConfig(frames=5), 90)], ids=["still", "short"]
)
def test_true_sentences_mean_one_object_and_negatives_none(config: WorldConfig, clips: int) -> None:
    said = 0
    for seed in range(1_001_000, 1_001_000 + clips):
        clip = make_clip(seed, config)
        for expression in clip.expressions:
            wanted = [] if expression.target is None else [expression.target]
            if expression.target is None and re.search("most|gest|ler|lest|ger|furthest", expression.text):
                tests, _ = read(expression.text)
                assert not any(all(test(facts) for test in tests) for facts in clip.objects if facts.visible.any())
            else:
                assert meant(expression.text, clip) == wanted, (seed, expression)
            said += 1
    assert said > 8 * clips


def test_what_is_meant_can_be_seen() -> None:
    for seed in range(1_002_000, 1_002_040):
        clip = make_clip(seed, WorldConfig(frames=5))
        for target in {e.target for e in clip.expressions if e.target is not None}:
            shown = (clip.labels == target + 1).sum(axis=(1, 2))
            assert (shown > 0).sum() >= 2.5
            assert shown[shown > 0].mean() >= 0.0024 * clip.labels[0].size


def test_still_pictures_are_not_said_to_move() -> None:
    texts = [e.text for seed in range(1_003_000, 1_003_100) for e in make_clip(seed, WorldConfig()).expressions]
    assert not [text for text in texts if re.search(r"\b(moving|going|heading|towards|driving|rolling|parked)\b", text)]


def test_sentences_for_one_object_vary_and_negatives_are_near_misses() -> None:
    lengths, near, negatives = set(), 0, 0
    for seed in range(1_004_000, 1_004_120):
        clip = make_clip(seed, WorldConfig(frames=4))
        positives = [e for e in clip.expressions if e.target is not None]
        lengths |= {len(e.text.split()) for e in positives}
        assert len({(e.target, e.slots) for e in positives}) == len(positives)
        for negative in (e for e in clip.expressions if e.target is None):
            negatives += 1
            changes = min(sum(v != vars(e.slots)[k] for k, v in vars(negative.slots).items()) for e in positives)
            near += changes == 1
    assert len(lengths) >= 8
    assert negatives > 150
    assert near == negatives


def test_vocabulary_holds_every_word() -> None:
    words = {
        word
        for seed in range(1_005_000, 1_005_150)
        for e in make_clip(seed, WorldConfig(height=48, width=80, frames=3)).expressions
        for word in e.text.split()
    }
    assert words <= set(vocabulary())
    assert 80 <= len(vocabulary()) <= 150
    assert len(words) > 85
    assert list(vocabulary()) == sorted(set(vocabulary()))
    assert all(re.fullmatch("[a-z]+", word) for word in vocabulary())


def test_directions_are_seen_in_the_picture() -> None:
    """With the camera held still, what is said to go left has its mask move left."""
    config = WorldConfig(height=96, width=160, frames=5, camera=0.0, occluders=0.0)
    checked = 0
    for seed in range(1_006_000, 1_006_060):
        clip = make_clip(seed, config)
        for e in clip.expressions:
            if e.target is None or e.slots.direction is None:
                continue
            box = clip.objects[e.target].boxes
            inside = (box[:, 0] > 1) & (box[:, 2] < config.width - 1) & (clip.objects[e.target].whole > 0.99)
            columns = np.flatnonzero(inside)
            if len(columns) >= 3:
                middle = box[columns, [0]] + box[columns, [2]]
                checked += 1
                assert (middle[-1] > middle[0]) == (e.slots.direction == "right")
    assert checked >= 10
