"""XML that is not trusted, element by element: no entities, no DTD, bounded depth, text and tags.

defusedxml refuses what attacks parsers; the rest (a gigabyte of text, a hundred thousand levels) is counted here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rvos_core.datasets.reading import bad_content
from rvos_core.errors import UserError
from rvos_core.formats.content import require_file

_CHUNK = 2**18
_MAX_DEPTH = 40
_MAX_TEXT = 2**20
_MAX_CHILDREN = 200_000
_MAX_SILENCE = 8 * 2**20  # bytes without a tag's beginning or end


@dataclass
class Element:
    """A tag with what is in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """The children of that tag."""
        return [each for each in self.children if each.tag == tag]

    def first(self, tag: str) -> Element | None:
        """The first child of that tag."""
        return next((each for each in self.children if each.tag == tag), None)

    def value(self, *path: str) -> str:
        """The stripped text below a path of tags; empty where there is none."""
        here: Element | None = self
        for tag in path:
            here = here.first(tag) if here is not None else None
        return here.text.strip() if here is not None else ""


def elements(path: Path, tags: Collection[str]) -> Iterator[Element]:
    """Each element of one of `tags`, complete, as soon as it ends; others are passed over.

    Raises:
        UserError: it is no XML, has entities or a DTD, or is made to fill the memory.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser, ParseError

    require_file(path)
    builder = _Builder(path, frozenset(tags))
    parser = DefusedXMLParser(target=builder, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    silence = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                before = builder.events
                parser.feed(chunk)
                silence = 0 if builder.events > before else silence + len(chunk)
                if silence > _MAX_SILENCE:
                    raise bad_content(path, "has a tag or a text of more than 8 MB")
                yield from builder.take()
            parser.close()
            yield from builder.take()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the name.", code="formats.unreadable"
        ) from error
    except DefusedXmlException as error:
        raise bad_content(path, "has a DTD or entities of its own, which annotations never need") from error
    except (ParseError, ValueError) as error:
        raise bad_content(path, f"is not valid XML ({error!s:.100})") from error


class _Builder:
    """What the parser calls; keeps the elements that are wanted and nothing else."""

    def __init__(self, path: Path, tags: frozenset[str]) -> None:
        self._path = path
        self._tags = tags
        self._open: list[Element] = []
        self._depth = 0
        self._done: list[Element] = []
        self.events = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise bad_content(self._path, f"is nested more than {_MAX_DEPTH} deep")
        if self._open or tag in self._tags:
            self._open.append(Element(tag, dict(attributes)))

    def end(self, _: str) -> None:
        self.events += 1
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        if self._open:
            siblings = self._open[-1].children
            siblings.append(element)
            if len(siblings) > _MAX_CHILDREN:
                raise bad_content(self._path, f"has more than {_MAX_CHILDREN} elements in one ({self._open[-1].tag})")
        else:
            self._done.append(element)

    def data(self, text: str) -> None:
        if self._open:
            here = self._open[-1]
            if len(here.text) + len(text) > _MAX_TEXT:
                raise bad_content(self._path, f"has a text of more than 1 MB ({here.tag})")
            here.text += text

    def close(self) -> None:
        """The parser asks for a result; there is none beyond what `take` gave."""

    def take(self) -> list[Element]:
        """The elements that were finished since the last call."""
        done, self._done = self._done, []
        return done
