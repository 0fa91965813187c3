"""A strict reader of FCPXML: the elements, attributes and order that Apple's document types have, and its times.

Written from the published document types 1.8 to 1.11, for the part of them that timelines of mattes can use; whatever
else stands in a document is an error here. It shares nothing with the writer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

TIME = re.compile(r"(-?\d+)(?:/(\d+))?s")
_CLIP = ["name", "start", "duration!", "enabled=0|1", "lane", "offset"]


@dataclass
class ReadClip:
    """An asset-clip in frames: `at` on the timeline from its beginning, `first` in its media from the media's start."""

    lane: int
    at: int
    first: int
    frames: int
    enabled: bool
    heard: bool
    name: str
    note: str
    path: str
    media_start: int
    media_frames: int
    markers: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass
class ReadTimeline:
    """What a document says. `gaps`: stretches of the storyline that hold nothing, (at, frames)."""

    name: str
    rate: Fraction
    size: tuple[int, int]
    start: int
    frames: int
    clock: str
    clips: list[ReadClip]
    gaps: list[tuple[int, int]]


def read_fcpxml(content: bytes) -> ReadTimeline:
    """Raises: AssertionError: anything that the document type does not have, or a time between two frames."""
    assert content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    top = fromstring(content)
    assert top.tag == "fcpxml"
    version = top.get("version", "")
    for element in top.iter():
        _check(element, version)
    resources = {each.get("id"): each for each in top.find("resources")}
    assert len(resources) == len(top.find("resources")), "ids are there once"
    return _Reader(top, resources, version).read()


def _rules(version: str) -> dict[str, tuple[str, list[str]]]:
    """Element -> (children as a regular expression over `<name>`, attributes; `!` required, `=` one of)."""
    old = version == "1.8"
    asset = ["id!", "name", "uid", "start", "duration", "hasVideo", "format", "hasAudio", "audioSources"]
    asset += ["audioChannels", "audioRate"]
    return {
        "fcpxml": ("(<resources>)?(<library>|(<event>)*)", ["version!"]),
        "resources": ("(<asset>|<effect>|<format>|<media>)*", []),
        "format": (
            "",
            ["id!", "name", "frameDuration", "fieldOrder", "width", "height", "paspH", "paspV", "colorSpace"],
        ),
        "asset": ("(<metadata>)?", [*asset, "src!"]) if old else ("(<media-rep>)+(<metadata>)?", asset),
        **({} if old else {"media-rep": ("", ["kind=original-media|proxy-media", "sig", "src!", "suggestedFilename"])}),
        "library": ("(<event>)*", ["location", "colorProcessing"]),
        "event": ("(<asset-clip>|<project>)*", ["name", "uid"]),
        "project": ("<sequence>", ["name", "uid", "id", "modDate"]),
        "sequence": (
            "(<note>)?<spine>(<metadata>)?",
            [
                *("format!", "duration", "tcStart", "tcFormat=DF|NDF", "audioLayout=mono|stereo|surround"),
                "audioRate=32k|44.1k|48k|88.2k|96k|176.4k|192k",
            ],
        ),
        "spine": ("(<asset-clip>|<gap>)*", ["lane", "offset", "name", "format"]),
        "gap": ("(<note>)?(<asset-clip>)*(<marker>)*", ["name", "offset", "start", "duration!", "enabled=0|1"]),
        "asset-clip": (
            "(<note>)?(<asset-clip>|<spine>)*(<marker>)*(<metadata>)?",
            [
                *(*_CLIP, "ref!", "srcEnable=all|audio|video", "format", "tcStart", "tcFormat=DF|NDF", "audioRole"),
                *("videoRole", "modDate", "audioStart", "audioDuration"),
            ],
        ),
        "marker": ("", ["start!", "duration", "value!", "completed", "note"]),
        "note": ("", []),
    }


def _check(element: Element, version: str) -> None:
    rules = _rules(version)
    assert element.tag in rules, f"FCPXML {version} has no {element.tag}"
    children, attributes = rules[element.tag]
    found = "".join(f"<{child.tag}>" for child in element)
    assert re.fullmatch(children, found), f"{element.tag} holds {found}"
    if element.tag != "note":
        assert not (element.text or "").strip(), f"text in {element.tag}"
    allowed: dict[str, list[str] | None] = {}
    for each in attributes:
        name, _, values = each.partition("=")
        allowed[name.rstrip("!")] = values.split("|") if values else None
        assert not name.endswith("!") or name[:-1] in element.attrib, f"{element.tag} lacks {name[:-1]}"
    for name, value in element.attrib.items():
        assert name in allowed, f"{element.tag} has no {name}"
        assert allowed[name] is None or value in allowed[name], f"{element.tag} {name}={value}"


class _Reader:
    def __init__(self, top: Element, resources: dict[str | None, Element], version: str) -> None:
        self.top, self.resources, self.old = top, resources, version == "1.8"
        self.sequence = top.find("library/event/project/sequence")
        assert self.sequence is not None
        self.format = resources[self.sequence.get("format")]
        assert self.format.tag == "format"
        self.frame = _seconds(self.format.get("frameDuration"))
        self.clips: list[ReadClip] = []
        self.gaps: list[tuple[int, int]] = []

    def read(self) -> ReadTimeline:
        sequence = self.sequence
        for each in self.top.iter("format"):
            assert _seconds(each.get("frameDuration")) == self.frame
        start, frames = self.frames(sequence.get("tcStart")), self.frames(sequence.get("duration"))
        place = start
        for item in sequence.find("spine"):
            assert "lane" not in item.attrib
            offset, length = self.frames(item.get("offset")), self.frames(item.get("duration"))
            assert offset == place, "the storyline has no holes and no overlaps"
            place += length
            if item.tag == "gap":
                self.gaps.append((offset - start, length))
            else:
                self.clip(item, at=offset - start)
            begin = self.frames(item.get("start", "0s"))
            for child in item.findall("asset-clip"):
                local = self.frames(child.get("offset")) - begin
                assert 0 <= local < length, "a clip is connected to what lies under its first frame"
                assert child.find("asset-clip") is None
                self.clip(child, at=offset - start + local)
        assert place == start + frames
        return ReadTimeline(
            name=self.top.find("library/event/project").get("name"),
            rate=1 / self.frame,
            size=(int(self.format.get("width")), int(self.format.get("height"))),
            start=start,
            frames=frames,
            clock=sequence.get("tcFormat"),
            clips=self.clips,
            gaps=self.gaps,
        )

    def clip(self, item: Element, *, at: int) -> None:
        asset = self.resources[item.get("ref")]
        assert asset.tag == "asset" and asset.get("hasVideo") == "1"
        assert self.resources[asset.get("format")].tag == "format" and item.get("format") == asset.get("format")
        media_start, media_frames = self.frames(asset.get("start")), self.frames(asset.get("duration"))
        first, length = self.frames(item.get("start")) - media_start, self.frames(item.get("duration"))
        assert first >= 0 and first + length <= media_frames, "a clip lies inside its media"
        assert item.get("tcFormat") == self.sequence.get("tcFormat")
        heard = asset.get("hasAudio") == "1" and item.get("srcEnable", "all") != "video"
        markers = []
        for each in item.findall("marker"):
            begin, size = self.frames(each.get("start")) - media_start, self.frames(each.get("duration"))
            assert first <= begin and begin + size <= first + length
            markers.append((begin, size, each.get("value")))
        address = asset.get("src") if self.old else asset.find("media-rep").get("src")
        parts = urlsplit(address)
        assert parts.scheme in ("file", "") and not parts.netloc and not parts.query and not parts.fragment
        assert re.fullmatch(r"[A-Za-z0-9%/:~._-]*", parts.path), "percent-encoded"
        self.clips.append(
            ReadClip(
                lane=int(item.get("lane", "0")),
                at=at,
                first=first,
                frames=length,
                enabled=item.get("enabled", "1") == "1",
                heard=heard,
                name=item.get("name"),
                note=item.findtext("note") or "",
                path=unquote(parts.path, errors="surrogateescape"),
                media_start=media_start,
                media_frames=media_frames,
                markers=markers,
            )
        )

    def frames(self, text: str | None) -> int:
        count = _seconds(text) / self.frame
        assert count.denominator == 1, f"{text} lies between two frames"
        return count.numerator


def _seconds(text: str | None) -> Fraction:
    found = TIME.fullmatch(text or "")
    assert found is not None, f"{text!r} is no time"
    return Fraction(int(found[1]), int(found[2] or 1))
