"""An independent reading of the street world's sentences: from the words alone, by rules written here.

It knows nothing of slots, of the grammar's tables or of the verifier. Every word of a sentence must be used up; each
part becomes a plain yes-or-no question about the measured facts, with thresholds midway between what the verifier calls
plainly true and plainly false.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rvos_core.synthetic import ObjectFacts, SyntheticClip

Test = Callable[[ObjectFacts], bool]

COLOURS = "red|blue|green|yellow|white|black|orange|purple|violet|brown|pink|grey|gray"
VEHICLES = {"car", "bus", "truck", "van", "tractor", "motorbike"}
ANIMALS = {"dog", "cat", "horse", "cow", "sheep", "elephant", "bird", "swan"}
NOT_ON_FOOT = {"riding", "on horseback", "on a motorbike", "skateboarding"}


def _is(*names: str) -> Test:
    return lambda o: o.category in names


def _does(*names: str) -> Test:
    return lambda o: o.action in names


NOUNS: dict[str, Test] = {
    "person|human": _is("person"),
    "man|guy|gentleman": lambda o: o.gender == "man",
    "woman|lady": lambda o: o.gender == "woman",
    "cyclist|bicyclist": _does("riding"),
    "horse rider|horseman": _does("on horseback"),
    "motorcyclist|biker": _does("on a motorbike"),
    "skateboarder|skater": _does("skateboarding"),
    "pedestrian": lambda o: o.category == "person" and o.action not in NOT_ON_FOOT,
    "runner|jogger": lambda o: o.category == "person" and o.action == "running",
    "car|automobile": _is("car"),
    "bus|coach": _is("bus"),
    "truck|lorry": _is("truck"),
    "van|minivan": _is("van"),
    "tractor": _is("tractor"),
    "motorbike|motorcycle": _is("motorbike"),
    "bicycle|bike": _is("bicycle"),
    "boat|ship": _is("boat"),
    "dog|puppy": _is("dog"),
    "cat|kitten": _is("cat"),
    "horse|pony": _is("horse"),
    "cow|bull": _is("cow"),
    "sheep|lamb": _is("sheep"),
    "elephant": _is("elephant"),
    "bird": _is("bird", "swan"),
    "swan": _is("swan"),
    "ball": _is("ball"),
    "balloon": _is("balloon"),
    "kite": _is("kite"),
    "umbrella|parasol": _is("umbrella"),
    "road sign|traffic sign|sign": _is("sign"),
    "chair": _is("chair"),
    "bench": _is("bench"),
    "suitcase|trolley": _is("suitcase"),
    "vehicle": lambda o: o.category in VEHICLES,
    "animal|creature": lambda o: o.category in ANIMALS,
}


def steps(o: ObjectFacts) -> np.ndarray:
    """Distances over the ground from frame to frame, frame heights."""
    assert o.track is not None
    moved = np.diff(o.track.x.astype(np.float64))
    return np.where(np.abs(moved) < 1e-6, 0.0, moved)


def moving(o: ObjectFacts) -> bool:
    return bool(np.any(steps(o))) if len(o.visible) > 1 else bool(o.track is not None and o.track.speed.any())


def pace(o: ObjectFacts) -> float:
    assert o.track is not None
    return float(np.max(np.abs(steps(o)) / o.track.metre[:-1]))


def column(o: ObjectFacts) -> float:
    return float(o.centre[o.visible, 0].mean())


def _turns(o: ObjectFacts) -> bool:
    return bool((steps(o) > 0).any() and (steps(o) < 0).any())


def _stops(o: ObjectFacts) -> bool:
    return steps(o)[0] != 0 and steps(o)[-1] == 0


def _starts(o: ObjectFacts) -> bool:
    return steps(o)[0] == 0 and steps(o)[-1] != 0


def _leaves(o: ObjectFacts) -> bool:
    return bool(o.visible[0] and not o.visible[-1])


def _enters(o: ObjectFacts) -> bool:
    return bool(not o.visible[0] and o.visible[-1])


def _returns(o: ObjectFacts) -> bool:
    shown = np.flatnonzero(o.visible)
    return len(shown) < shown[-1] - shown[0] + 1


def _heads(sign: int) -> Test:
    return lambda o: float(steps(o).sum()) * sign > 0


def _wears(name: str, colour: str | None) -> Test:
    return lambda o: getattr(o, name) is not None if colour is None else getattr(o, name) == colour


PHRASES: tuple[tuple[str, Test], ...] = (
    (r"(?:who|that) turns and goes back|(?:who|that) turns (?:round|around)|turning round", _turns),
    (r"(?:who|that) comes to a stop|coming to a stop|(?:who|that) stops", _stops),
    (r"(?:who|that) starts moving|(?:who|that) sets off|(?:who|that) begins to move", _starts),
    (r"(?:who|that) leaves and comes back|(?:who|that) comes back|(?:who|that) returns", _returns),
    (r"(?:who|that) goes out of the picture|leaving the picture|(?:who|that) leaves(?: the picture)?", _leaves),
    (r"(?:who|that) comes into the picture|entering the picture|(?:who|that) enters(?: the picture)?", _enters),
    (r"(?:on|at) the left(?: side)?", lambda o: column(o) < 0.46),
    (r"(?:on|at) the right(?: side)?", lambda o: column(o) > 0.54),
    (r"in the (?:middle|centre|center)", lambda o: abs(column(o) - 0.5) < 0.125),
    (r"(?:who (?:rides|is riding)|riding|on) (?:a horse|horseback)", _does("on horseback")),
    (r"(?:who rides|riding|on) a (?:motorbike|motorcycle)", _does("on a motorbike")),
    (r"(?:on|riding) a skateboard|(?:who is )?skateboarding", _does("skateboarding")),
    (r"(?:who rides|who is riding|riding|on) a (?:bike|bicycle)|cycling", _does("riding")),
    (r"(?:who is )?on foot", lambda o: o.category == "person" and o.action not in NOT_ON_FOOT),
    (r"(?:(?:who|that) is )?walking|(?:who|that) walks", _does("walking")),
    (r"(?:(?:who|that) is )?running|(?:who|that) runs", _does("running")),
    (r"(?:(?:who|that) is )?standing(?: still)?|(?:who|that) stands still", _does("standing")),
    (r"sitting down|(?:that is )?sitting|that sits", _does("sitting")),
    (r"that lies at anchor|at anchor|that is anchored", _does("anchored")),
    (r"(?:that is )?lying|that lies there", _does("lying")),
    (r"(?:that is )?grazing|(?:eating|that eats) grass", _does("grazing")),
    (r"in the air", _does("flying", "floating")),
    (r"(?:that is )?flying|that flies", _does("flying")),
    (r"(?:that is )?floating", _does("floating")),
    (r"(?:that is )?swimming|that swims|on the water", _does("swimming")),
    (r"not moving|(?:that is )?parked", lambda o: not moving(o)),
    (r"(?:that is )?rolling|that rolls", _does("rolling")),
    (r"(?:(?:who|that) is )?(?:moving|going)|(?:who|that) moves|heading", moving),
)
RELATION = re.compile(
    r"\b(?:that is )?(behind|in front of|next to|beside|close to|(?:(?:to|on) the )?(?:left|right) of) the (.+)$"
)
ORDER = re.compile(r"\b(?:from the (left|right)|(?:to|that) (leave|enter)s?)\b")


@dataclass
class Reading:
    """Questions that the object must answer with yes, and what it is compared by: the greatest value wins."""

    tests: list[Test] = field(default_factory=list)
    value: Callable[[ObjectFacts], float] | None = None
    rank: int = 0
    relation: str | None = None
    reference: Reading | None = None


def read(text: str) -> Reading:
    """What a sentence asks. Raises: ValueError: where a word is left over or there is no noun."""
    found = Reading()
    rest = re.sub(r" in the (?:picture|video|scene|image|clip|frame)$", "", text)
    if related := RELATION.search(rest):
        found.relation = related[1]
        found.reference = read(related[2])
        rest = rest[: related.start()].strip()
    rest = _compared(rest, found)
    rest = _clothes(rest, found)
    ways = re.findall(r"\b(?:to the |towards the )?(left|right)\b(?! side)", re.sub(r"\b(?:on|at) the \w+", "", rest))
    for way in ways:
        found.tests.append(_heads(1 if way == "right" else -1))
        rest = re.sub(rf"(?<!on the )(?<!at the )\b(?:to the |towards the )?{way}\b(?! side)", "", rest, count=1)
    for pattern, test in PHRASES:
        if match := re.search(rf"\b(?:{pattern})\b", rest):
            found.tests.append(test)
            rest = rest[: match.start()] + " " + rest[match.end() :]
    for noun, test in NOUNS.items():
        if match := re.search(rf"\b(?:{noun})\b(?! rider)", rest):
            found.tests.append(test)
            rest = rest[: match.start()] + " " + rest[match.end() :]
            break
    else:
        raise ValueError(f"no noun in {text!r}")
    for match in re.finditer(rf"\b(?:(?:that|which) is )?({COLOURS})\b", rest):
        found.tests.append(_coloured("colour", match[1]))
    rest = re.sub(rf"\b(?:(?:that|which) is )?({COLOURS})\b", "", rest)
    left_over = [word for word in rest.split() if word not in {"the", "a", "an"}]
    if left_over:
        raise ValueError(f"{' '.join(left_over)!r} is left over of {text!r}")
    return found


def meant(text: str, clip: SyntheticClip) -> list[int]:
    """Indices of the objects that a sentence can mean."""
    asked = read(text)
    value = asked.value
    fitting = _fitting(asked, clip)
    if asked.relation is not None and asked.reference is not None:
        others = _fitting(asked.reference, clip)
        assert len(others) == 1, f"{text!r}: its reference means {others}"
        other = others[0]
        fitting = [k for k in fitting if k != other and _stands(clip.objects[k], clip.objects[other], asked.relation)]
    if value is None or not fitting:
        return fitting
    assert len(fitting) >= 2, f"{text!r} compares one object with itself"
    ranked = sorted(fitting, key=lambda k: -value(clip.objects[k]))
    return [ranked[asked.rank]]


def _fitting(asked: Reading, clip: SyntheticClip) -> list[int]:
    return [k for k, o in enumerate(clip.objects) if o.visible.any() and all(test(o) for test in asked.tests)]


def _stands(one: ObjectFacts, other: ObjectFacts, relation: str) -> bool:
    both = one.visible & other.visible
    middle = float((one.centre[both, 0] - other.centre[both, 0]).mean())
    if "left" in relation or "right" in relation:
        return middle < 0 if "left" in relation else middle > 0
    assert one.track is not None
    assert other.track is not None
    widths = [(o.boxes[both, 0] + o.boxes[both, 2]) / 2 / o.centre[both, 0] for o in (one, other)]
    gap = np.maximum(one.boxes[both, 0] - other.boxes[both, 2], other.boxes[both, 0] - one.boxes[both, 2])
    apart = float((gap / np.concatenate(widths).mean()).mean())
    nearer = float((one.track.y - other.track.y)[both].mean())
    if relation == "behind":
        return nearer < -0.015 and apart < 0.145
    if relation == "in front of":
        return nearer > 0.015 and apart < 0.145
    return apart < 0.14 and abs(nearer) < 0.16


def _coloured(name: str, word: str) -> Test:
    meaning = {"violet": "purple", "gray": "grey"}.get(word, word)
    return lambda o: getattr(o, name) == meaning


def _compared(text: str, found: Reading) -> str:
    """Take the comparison out of a sentence."""
    if first := re.search(r"\b(first|last|second|third)\b", text):
        order = ORDER.search(text)
        if order is not None:
            rest = (text[: first.start()] + text[first.end() : order.start()] + text[order.end() :]).strip()
            found.rank = {"first": 0, "last": 0, "second": 1, "third": 2}[first[1]]
            if order[1]:
                sign = -1 if order[1] == "left" else 1
                found.value = lambda o: sign * column(o)
            else:
                leaving, sign = order[2] == "leave", -1 if first[1] == "first" else 1
                found.tests.append(_leaves if leaving else _enters)
                found.value = lambda o: sign * float(np.flatnonzero(o.visible)[-1 if leaving else 0])
            return rest
    values: tuple[tuple[str, Callable[[ObjectFacts], float]], ...] = (
        (r"leftmost|furthest to the left", lambda o: -column(o)),
        (r"rightmost|furthest to the right", column),
        (r"biggest|bigger|largest|larger", lambda o: o.size),
        (r"smallest|smaller", lambda o: -o.size),
        (r"that (?:moves|is moving) fastest|fastest|faster|quickest|quicker", pace),
        (r"that (?:moves|is moving) slowest|slowest|slower", lambda o: -pace(o)),
    )
    for pattern, value in values:
        if match := re.search(rf"\b(?:{pattern})\b", text):
            found.value = value
            return text[: match.start()] + text[match.end() :]
    return text


def _clothes(text: str, found: Reading) -> str:
    """Take what is worn and carried out of a sentence."""
    for name, words in (("hat", "hat"), ("bag", "backpack|bag")):
        verb = "with|wearing|in|who has|carrying|who carries"
        pattern = rf"(?:{verb}) an? (?:({COLOURS}) )?(?:{words})(?: on(?! an? | the | foot| horseback))?\b"
        if match := re.search(pattern, text):
            colour = {"violet": "purple", "gray": "grey"}.get(match[1], match[1])
            found.tests.append(_wears(name, colour))
            text = text[: match.start()] + text[match.end() :]
    garment = rf"(?:an? )?(?:{COLOURS}) (?:shirt|top|jacket|sweater|trousers|pants|skirt)"
    verb = "who is wearing|who wears|wearing|dressed in|with|in"
    if match := re.search(rf"\b(?:{verb}) ({garment}(?: and {garment})?)", text):
        for colour, kind in re.findall(rf"({COLOURS}) (\w+)", match[1]):
            lower = kind in {"trousers", "pants", "skirt"}
            found.tests.append(_coloured("lower_colour" if lower else "colour", colour))
            if lower:
                found.tests.append(lambda o, skirt=kind == "skirt": (o.gender == "woman") == skirt)
        return text[: match.start()] + text[match.end() :]
    if match := re.search(rf"\b(?:{verb}) ({COLOURS})\b", text):
        found.tests.append(_coloured("colour", match[1]))
        return text[: match.start()] + text[match.end() :]
    return text
