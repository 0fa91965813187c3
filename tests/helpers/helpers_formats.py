"""Random annotation documents, and what is left of one when a format has lost what its table says."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from rvos_core.formats import registry
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sight,
    default_name,
)
from rvos_core.formats.format import Format, Loss, ReadOptions
from rvos_core.formats.yolo_seg import one_line
from rvos_core.masks import Rle, area, decode, empty, encode, fill_holes

CLIPS = ("bear", "dog-agility", "0062f687f1", "café", "Train_2")
FRAME_NAMES = ("{:05d}", "frame_{:06d}", "{}", "img-{:03d}")
LATIN = "ab é\"',;=|#1"
TEXTS = LATIN + "日Ω\t\n"
LABELS = ("dog", "traffic light", "größer", "")


@st.composite
def documents(draw: st.DrawFn, *, letters: str = TEXTS, ids: Collection[int] = (1, 2, 3, 7, 40, 254)) -> AnnotationSet:
    """One or two clips of up to five frames and three objects, with everything that a document can say."""
    names = draw(st.lists(st.sampled_from(CLIPS), min_size=1, max_size=2, unique=True))
    return AnnotationSet(tuple(draw(clips(name, letters=letters, ids=ids)) for name in names))


@st.composite
def clips(draw: st.DrawFn, name: str, *, letters: str, ids: Collection[int]) -> AnnotatedClip:
    height, width = draw(st.integers(7, 24)), draw(st.integers(9, 32))
    pattern, step = draw(st.sampled_from(FRAME_NAMES)), draw(st.sampled_from((1, 5)))
    frames = tuple(pattern.format(i * step) for i in range(draw(st.integers(1, 5))))
    chosen = sorted(draw(st.sets(st.sampled_from(sorted(ids)), min_size=1, max_size=3)))
    words = st.text(letters, min_size=1, max_size=8).filter(lambda text: text.strip())
    objects = tuple(
        AnnotatedObject(
            each,
            draw(st.one_of(st.just(default_name(each)), words)),
            draw(st.sampled_from(LABELS)),
            draw(st.dictionaries(words, words, max_size=2)),
        )
        for each in chosen
    )
    meant = st.one_of(
        st.sampled_from(chosen).map(lambda each: (each,)), st.just(None), st.lists(st.sampled_from(chosen), unique=True)
    )
    expressions = tuple(
        Expression(
            str(number),
            draw(words),
            None if (about := draw(meant)) is None else tuple(about),
            draw(st.sampled_from(("full_video", "first_frame"))),
            draw(st.sampled_from(("", "1", "2", "ann"))),
            draw(st.sampled_from((True, True, False))),
        )
        for number in range(draw(st.integers(0, 5)))
    )
    dice = np.random.default_rng(draw(st.integers(0, 2**20)))
    sights = [_sights(dice, chosen, height, width) for _ in frames]
    rate = draw(st.sampled_from((None, Fraction(24), Fraction(24000, 1001))))
    first = draw(st.sampled_from((0, 0, 3)))  # of a part of a clip
    return AnnotatedClip(name, width, height, frames, objects, sights.__getitem__, expressions, rate, first=first)


def _sights(dice: np.random.Generator, ids: list[int], height: int, width: int) -> dict[int, Sight]:
    if dice.random() < 0.2:
        return {}
    found = {}
    for each in ids:
        if dice.random() < 0.2:
            continue
        if dice.random() < 0.2:
            found[each] = Sight(empty(height, width), bool(dice.random() < 0.5), bool(dice.random() < 0.5))
        else:
            found[each] = Sight(encode(random_mask(dice, height, width)), bool(dice.random() < 0.3))
    return found


def random_mask(dice: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A few boxes and some single pixels: several parts, holes, thin lines, masks at the edge; never empty."""
    mask = np.zeros((height, width), dtype=bool)
    for _ in range(dice.integers(1, 4)):
        top, left = dice.integers(0, height), dice.integers(0, width)
        mask[top : top + dice.integers(1, 9), left : left + dice.integers(1, 12)] ^= True
    if dice.random() < 0.4:
        mask ^= dice.random((height, width)) < 0.05
    mask[dice.integers(0, height), dice.integers(0, width)] = True
    return mask


def what_is_left(annotations: AnnotationSet, chosen: Format, *, losses: Collection[Loss] | None = None) -> Any:
    """The document as plain values, without what the format loses. Equal before and after a round trip."""
    lost = frozenset(chosen.losses if losses is None else losses)
    clips_left = [_clip(clip, lost) for clip in annotations.clips]
    if Loss.EMPTY_CLIPS in lost:
        clips_left = [each for each in clips_left if each["masks"]]
    return sorted(clips_left, key=lambda each: each["name"])


def _clip(clip: AnnotatedClip, lost: frozenset[Loss]) -> dict[str, Any]:
    masks: dict[tuple[Any, int], tuple[Rle, bool, bool]] = {}
    said = []
    for index, name in enumerate(clip.frames):
        sights = dict(clip.sights(index))
        frame = clip.number(index) if Loss.FRAME_NAMES in lost else name
        if sights:
            said.append(frame)
        if Loss.OVERLAP in lost:
            sights = _last_on_top(clip, sights)
        for object_id, sight in sights.items():
            mask = encode(fill_holes(decode(sight.mask))) if Loss.HOLES in lost else sight.mask
            hidden = Loss.OCCLUSION if area(mask) else Loss.ABSENCE
            flags = (False, False) if hidden in lost else (sight.occluded, sight.outside)
            if area(mask) or any(flags):
                masks[frame, object_id] = (mask, *flags)
    if Loss.MASKS in lost:
        masks = {}
    seen = {object_id for _, object_id in masks}
    if Loss.UNSEEN in lost and not seen:
        said = []
    frames: list[Any] = list(range(clip.number(len(clip.frames))) if Loss.FRAME_NAMES in lost else clip.frames)
    if Loss.FRAMES in lost:
        frames = sorted({frame for frame, _ in masks})
    elif Loss.UNSAID_FRAMES in lost:
        frames = said
    expressions = [_expression(each, lost) for each in clip.expressions if _stays(each, lost)]
    if Loss.ONE_SENTENCE in lost:
        expressions = list({each[2]: each for each in reversed(expressions)}.values())[::-1]
    named = {i for each in clip.expressions if _stays(each, lost) for i in each.object_ids or ()}
    objects = {
        each.object_id: _object(each, lost)
        for each in clip.objects
        if Loss.UNSEEN not in lost or each.object_id in seen | (named if Loss.EXPRESSIONS not in lost else set())
    }
    values = {
        "name": clip.name,
        "size": None if Loss.SIZE in lost and not said else (clip.width, clip.height),
        "frames": frames,
        "objects": objects,
        "expressions": [] if Loss.EXPRESSIONS in lost else expressions,
        "rate": None if Loss.RATE in lost else clip.rate,
        "masks": masks,
    }
    if Loss.MASKS in lost:
        values |= {"size": None, "frames": []}
    return _without_tracks(values, clip) if Loss.TRACKS in lost else values


def _last_on_top(clip: AnnotatedClip, sights: dict[int, Sight]) -> dict[int, Sight]:
    free = np.ones((clip.height, clip.width), dtype=bool)
    found = {}
    for each in reversed(clip.objects):
        if each.object_id in sights:
            mask = decode(sights[each.object_id].mask)
            found[each.object_id] = Sight(encode(mask & free))
            free &= ~mask
    return found


def _stays(each: Expression, lost: frozenset[Loss]) -> bool:
    if each.object_ids is None:
        return Loss.UNTOLD not in lost
    if len(each.object_ids) != 1 and Loss.SEVERAL in lost:
        return False
    return each.positive or Loss.NEGATIVES not in lost


def _expression(each: Expression, lost: frozenset[Loss]) -> tuple[Any, ...]:
    text = " ".join(each.text.split()) if Loss.BLANKS in lost else each.text
    return (
        None if Loss.EXPRESSION_IDS in lost else each.expression_id,
        text,
        each.object_ids,
        None if Loss.KINDS in lost else each.kind,
        None if Loss.ANNOTATORS in lost else each.annotator,
        each.positive,
    )


def _object(each: AnnotatedObject, lost: frozenset[Loss]) -> tuple[Any, ...]:
    return (
        None if Loss.NAMES in lost else each.name,
        None if Loss.CATEGORIES in lost else one_line(each.label) if Loss.NAMES in lost else each.category,
        None if Loss.ATTRIBUTES in lost else dict(each.attributes),
    )


def _without_tracks(values: dict[str, Any], clip: AnnotatedClip) -> dict[str, Any]:
    """Labels and masks of each frame, in any order."""
    label_of = {each.object_id: each.label for each in clip.objects}
    loose = sorted(
        (str(frame), one_line(label_of[i]), mask.counts)
        for (frame, i), (mask, *_) in values["masks"].items()
        if area(mask)
    )
    return values | {"objects": {}, "masks": loose}


def read_any(path: Path, **options: Any) -> tuple[str, AnnotationSet]:
    """What a path is taken for, and what is in it."""
    chosen = registry.detect(path)
    return chosen.format_id, registry.read(path, chosen, ReadOptions(**options))


def mask_at(clip: AnnotatedClip, frame: int, object_id: int) -> np.ndarray:
    return decode(clip.sights(frame)[object_id].mask)


def ring(height: int = 12, width: int = 16) -> np.ndarray:
    """A box with a hole, out of the middle."""
    mask = np.zeros((height, width), dtype=bool)
    mask[2:9, 3:11] = True
    mask[4:6, 5:8] = False
    return mask
