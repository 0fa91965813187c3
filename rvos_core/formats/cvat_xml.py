"""What both of CVAT's XML files share: escaped texts, the list of labels, points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from rvos_core.datasets.reading import bad_content, whole_number_in
from rvos_core.formats.annotations import AnnotatedObject, AnnotationSet
from rvos_core.formats.content import MAX_VERTICES, number_in
from rvos_core.formats.xml_reading import Element

OBJECT_ID = "object_id"
OBJECT_NAME = "object_name"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_COLOURS = ("#56b4e9", "#e69f00", "#cc79a7", "#009e73", "#f0e442", "#d55e00", "#0072b2")


def escaped(text: str) -> str:
    """`text` for an attribute or an element; characters that XML cannot hold become U+FFFD."""
    return "".join(_ESCAPES.get(each, each) for each in _NOT_XML.sub("\ufffd", text))


def opening(tag: str, attributes: Mapping[str, object], *, closed: bool = False) -> str:
    """`<tag a="b">`, or `<tag a="b"/>`."""
    inside = "".join(f' {key}="{escaped(str(value))}"' for key, value in attributes.items())
    return f"<{tag}{inside}{'/' if closed else ''}>"


def attribute_elements(thing: AnnotatedObject) -> Iterator[str]:
    """The `<attribute>` lines of an object: its number, its name, and its own attributes."""
    own = {key: value for key, value in thing.attributes.items() if key not in (OBJECT_ID, OBJECT_NAME)}
    for key, value in {OBJECT_ID: str(thing.object_id), OBJECT_NAME: thing.name, **own}.items():
        yield f"{opening('attribute', {'name': key})}{escaped(value)}</attribute>"


def labels_meta(annotations: AnnotationSet, *, name: str, mode: str, size: int) -> Iterator[str]:
    """The `<meta>` block: the task, and every label with the attributes that its objects have."""
    things = [each for clip in annotations.clips for each in clip.objects]
    labels: dict[str, dict[str, None]] = {}
    for each in things:
        labels.setdefault(each.label, {OBJECT_ID: None, OBJECT_NAME: None}).update(dict.fromkeys(each.attributes))
    yield f"<meta><task><name>{escaped(name)}</name><size>{size}</size><mode>{mode}</mode><labels>\n"
    for number, (label, attributes) in enumerate(labels.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        yield f"<label><name>{escaped(label)}</name><color>{colour}</color><attributes>\n"
        for key in attributes:
            yield (
                f"<attribute><name>{escaped(key)}</name><mutable>False</mutable><input_type>text</input_type>"
                "<default_value></default_value><values></values></attribute>\n"
            )
        yield "</attributes></label>\n"
    yield "</labels></task></meta>\n"


def object_in(
    element: Element, label: str, known: Mapping[int, AnnotatedObject], path: Path, where: str
) -> AnnotatedObject:
    """The object of a mask or track by its attributes; one of its own where CVAT's file has no `object_id`."""
    facts = {each.attributes.get("name", ""): each.text for each in element.all("attribute")}
    number = facts.pop(OBJECT_ID, None)
    object_id = max(known, default=0) + 1 if number is None else whole_number_in(number, path, where=where)
    if not object_id:
        raise bad_content(path, f"has an object 0 ({where})")
    name = facts.pop(OBJECT_NAME, label)
    category = "" if name == label and number is not None else label
    return AnnotatedObject(object_id, name, category, facts)


def points_in(text: str, path: Path, where: str) -> np.ndarray:
    """`x,y;x,y` as (n, 2) float64. Raises: UserError: fewer than 3 points, no numbers, too many."""
    if text.count(";") > MAX_VERTICES:
        raise bad_content(path, f"has a polygon of {text.count(';')} points ({where})")
    pairs = [pair.split(",") for pair in text.split(";") if pair.strip()]
    if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
        raise bad_content(path, f"has {text!r:.40} where the points of a polygon are expected ({where})")
    return np.array([[number_in(each.strip(), path, where=where) for each in pair] for pair in pairs])


def points_text(points: Iterable[Iterable[float]]) -> str:
    """(n, 2) as CVAT writes it, two decimals."""
    return ";".join(",".join(f"{value:.2f}" for value in point) for point in points)
