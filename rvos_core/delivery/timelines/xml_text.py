"""What both XML formats share: elements in a fixed order, text that XML can hold, addresses of files, reading back."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TypeAlias
from urllib.parse import quote

from rvos_core.delivery.timelines.model import Timeline
from rvos_core.errors import UserError

Element: TypeAlias = ElementTree.Element
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Element, tag: str, text: str | int | None = None, **attributes: str | int | None) -> Element:
    """Append an element; attributes that are None are left out, the others keep their order."""
    plain = {name: clean(str(value)) for name, value in attributes.items() if value is not None}
    child = ElementTree.SubElement(parent, tag, plain)
    if text is not None:
        child.text = clean(str(text))
    return child


def root(tag: str, **attributes: str) -> Element:
    """The outermost element."""
    return ElementTree.Element(tag, attributes)


def clean(text: str) -> str:
    """What XML cannot hold (control characters, halves of characters) becomes U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def document(outermost: Element) -> bytes:
    """UTF-8, indented, with the document type that importers look for; the same bytes every time."""
    ElementTree.indent(outermost, "  ")
    body = ElementTree.tostring(outermost, encoding="unicode")
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {outermost.tag}>\n'
    return f"{head}{body}\n".encode()


def file_url(path: Path, *, beside: Path | None = None, host: str = "") -> str:
    """Address of a file, percent-encoded byte by byte.

    Args:
        beside: a folder: the address is relative to it where that can be; None: absolute.
        host: between `file://` and an absolute path on this machine.
    """
    absolute = path.absolute()  # not `resolve`: a link stays a link
    if beside is not None:
        try:
            relative = PurePath(os.path.relpath(absolute, beside)).as_posix()
        except ValueError:  # another drive
            return file_url(absolute, host=host)
        return quote(os.fsencode(relative if relative.startswith("../") else f"./{relative}"))
    address = absolute.as_uri()
    return f"file://{host}{address.removeprefix('file://')}" if address.startswith("file:///") else address


def name_url(name: str) -> str:
    """A part of a file's name, percent-encoded as in `file_url`."""
    return quote(os.fsencode(name), safe="")


def refuse_sequences(timeline: Timeline, program: str) -> None:
    """Raises: UserError: a clip is a numbered sequence, which `program` has no clips of."""
    for place, track in enumerate(timeline.tracks):
        for clip in track.clips:
            if clip.media.pictures is not None:
                # On the lowest track is the source: no other format of what is delivered makes it a movie.
                instead = "Make a movie of them first" if place == 0 else "Deliver a movie (ProRes 4444)"
                raise UserError(
                    f"{program} cannot name the pictures in {clip.media.path} as one clip.",
                    hint=f"{instead}, or take the OpenTimelineIO timeline where your program reads it.",
                    code="delivery.timeline_sequence",
                )


def check_clips(path: Path, count: Callable[[Element], int], wanted: int) -> None:
    """Read a finished document back. Raises: UserError: it is not XML, or has another number of clips."""
    from defusedxml.ElementTree import parse

    try:
        found = count(parse(path).getroot())
    except (ElementTree.ParseError, ValueError) as error:
        raise unreadable(path, str(error)) from error
    if found != wanted:
        raise unreadable(path, f"it has {found} clips instead of {wanted}")


def unreadable(path: Path, why: str) -> UserError:
    """What a person is told when a finished timeline is not what was meant."""
    return UserError(
        f"The timeline {path.name} does not read back: {why}.",
        hint="Choose another name or folder, then deliver again.",
        code="delivery.timeline_unreadable",
    )
