"""A strict reader of FCPXML 1.8 to 1.11, after Apple's DTDs of those versions, for the elements that are used here.

An element, an attribute, an order or a value that the DTD does not have is an error; so is a time that is no whole
multiple of the sequence's frame duration. What is read is told in frames: where every clip and marker is on the
timeline, and which frames of its file it shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

VERSIONS = ("1.8", "1.9", "1.10", "1.11")
_HEAD = re.compile(rb'<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE fcpxml>\n<fcpxml ')
_TIME = re.compile(r"(\d+)(?:/([1-9]\d*))?s")
_FLAG, _NUMBER, _DIGIT_ID = r"[01]", r"[1-9]\d*", r"[A-Za-z_][\w.-]*"
_ANY, _TC = r".*", r"DF|NDF"
_ANCHORED = "(?:audio |video |clip |title |caption |mc-clip |ref-clip |sync-clip |asset-clip |audition |spine )*"
_MARKERS = "(?:marker |chapter-marker |rating |keyword |analysis-marker )*"

# Children as a pattern of their names, each followed by a space.
_CONTENT = {
    "fcpxml": "(?:import-options )?(?:resources )?(?:library |(?:event )*)",
    "resources": "(?:asset |effect |format |media )*",
    "format": "",
    "asset": "(?:media-rep )+(?:metadata )?",
    "media-rep": "(?:bookmark )?",
    "library": "(?:event |smart-collection )*",
    "event": "(?:clip |audition |mc-clip |ref-clip |sync-clip |asset-clip |project )*",
    "project": "sequence ",
    "sequence": "(?:note )?spine (?:metadata )?",
    "spine": "(?:audio |video |clip |title |mc-clip |ref-clip |sync-clip |asset-clip |audition |gap |transition )*",
    "asset-clip": f"(?:note )?(?:conform-rate )?(?:timeMap )?{_ANCHORED}{_MARKERS}(?:metadata )?",
    "gap": f"(?:note )?{_ANCHORED}{_MARKERS}(?:metadata )?",
    "marker": "",
    "note": "",
    "metadata": "(?:md )*",
    "md": "(?:array )?",
}
_COLOUR = r"\d+-\d+-\d+ \((?:Rec\. 601 \(NTSC\)|Rec\. 601 \(PAL\)|Rec\. 709|Rec\. 2020(?: PQ| HLG)?)\)"
# Attributes with the patterns of their values; those that must be there have a "!".
_ATTRIBUTES: dict[str, dict[str, str]] = {
    "fcpxml": {"version!": _ANY},
    "resources": {},
    "format": {
        "id!": _DIGIT_ID, "name": r"FFVideoFormat\w+", "frameDuration": _TIME.pattern, "width": _NUMBER,
        "height": _NUMBER, "paspH": _NUMBER, "paspV": _NUMBER, "colorSpace": _COLOUR,
    },
    "asset": {
        "id!": _DIGIT_ID, "name": _ANY, "uid": _ANY, "start": _TIME.pattern, "duration": _TIME.pattern,
        "hasVideo": _FLAG, "format": _DIGIT_ID, "hasAudio": _FLAG, "audioSources": _NUMBER, "audioChannels": _NUMBER,
        "audioRate": _NUMBER,
    },
    "media-rep": {"kind": "original-media|proxy-media", "sig": _ANY, "src!": r"file://\S+", "suggestedFilename": _ANY},
    "library": {"location": _ANY, "colorProcessing": "standard|wide|wide-hdr"},
    "event": {"name": _ANY, "uid": _ANY},
    "project": {"name": _ANY, "uid": _ANY, "id": _DIGIT_ID, "modDate": _ANY},
    "sequence": {
        "format!": _DIGIT_ID, "duration": _TIME.pattern, "tcStart": _TIME.pattern, "tcFormat": _TC,
        "audioLayout": "mono|stereo|surround", "audioRate": r"32k|44\.1k|48k|88\.2k|96k|176\.4k|192k",
    },
    "spine": {"lane": r"-?\d+", "offset": _TIME.pattern, "name": _ANY, "format": _DIGIT_ID},
    "asset-clip": {
        "ref!": _DIGIT_ID, "lane": r"-?[1-9]\d*", "offset": _TIME.pattern, "name": _ANY, "start": _TIME.pattern,
        "duration": _TIME.pattern, "enabled": _FLAG, "srcEnable": "all|audio|video", "format": _DIGIT_ID,
        "tcStart": _TIME.pattern, "tcFormat": _TC, "audioRole": _ANY, "videoRole": _ANY,
    },
    "gap": {
        "name": _ANY, "offset": _TIME.pattern, "start": _TIME.pattern, "duration!": _TIME.pattern, "enabled": _FLAG,
    },
    "marker": {"start!": _TIME.pattern, "duration": _TIME.pattern, "value!": _ANY, "completed": _ANY, "note": _ANY},
    "note": {},
    "metadata": {},
    "md": {"key!": _ANY, "value": _ANY, "editable": _FLAG},
}  # fmt: skip
_CHANGES: dict[str, tuple[dict[str, str], dict[str, dict[str, str]]]] = {
    "1.8": (
        {"asset": "(?:bookmark )?(?:metadata )?", "media-rep": "never"},
        {"asset": {"src!": r"file://\S+"}},
    ),
    "1.9": ({}, {"asset": {"videoSources": _NUMBER}}),
    "1.10": ({"resources": "(?:asset |effect |format |media |locator )*"}, {"asset": {"videoSources": _NUMBER}}),
    "1.11": ({"resources": "(?:asset |effect |format |media |locator )*"}, {"asset": {"videoSources": _NUMBER}}),
}


class NotFcpxml(AssertionError):
    """Says which element is wrong, and how."""


@dataclass(frozen=True)
class ReadAsset:
    """A file: where, its first frame's number, frames, size, pixel aspect, channels of sound."""

    path: str
    start: int
    frames: int
    size: tuple[int, int]
    aspect: Fraction
    channels: int


@dataclass(frozen=True)
class ReadClip:
    """A clip: `at` counts from the timeline's first frame, `media_in` from the file's first one."""

    name: str
    lane: int
    at: int
    media_in: int
    length: int
    enabled: bool
    asset: ReadAsset
    note: str
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReadTimeline:
    """A whole file."""

    version: str
    name: str
    frame_s: Fraction
    size: tuple[int, int]
    start: int
    drop: bool
    length: int
    clips: tuple[ReadClip, ...]
    markers: tuple[tuple[int, int, str, str], ...]  # frame of the timeline, length, name, note


def read_fcpxml(content: bytes) -> ReadTimeline:
    """Read a file. Raises: NotFcpxml: it breaks a rule of its version's DTD, or a time is not on a frame."""
    if not _HEAD.match(content):
        raise NotFcpxml("the head is not that of an FCPXML file")
    root = ElementTree.fromstring(content)
    version = root.get("version", "")
    if version not in VERSIONS:
        raise NotFcpxml(f"version {version!r}")
    _check(root, version)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    if len(set(ids)) != len(ids):
        raise NotFcpxml(f"ids are there twice: {ids}")
    return _Reader(root, version).read()


def _check(element: Element, version: str) -> None:
    content, attributes = _CHANGES[version]
    if element.tag not in _CONTENT:
        raise NotFcpxml(f"there is no element {element.tag}")
    children = "".join(f"{each.tag} " for each in element)
    if not re.fullmatch(content.get(element.tag, _CONTENT[element.tag]), children):
        raise NotFcpxml(f"{element.tag} of {version} has {children!r} in it")
    if element.tag != "note" and (element.text or "").strip():
        raise NotFcpxml(f"{element.tag} has text in it")
    known = _ATTRIBUTES[element.tag] | attributes.get(element.tag, {})
    for name in (name.removesuffix("!") for name in known if name.endswith("!")):
        if name not in element.attrib:
            raise NotFcpxml(f"{element.tag} of {version} lacks {name}")
    for name, value in element.attrib.items():
        pattern = known.get(name, known.get(f"{name}!"))
        if pattern is None or not re.fullmatch(pattern, value, re.DOTALL):
            raise NotFcpxml(f"{element.tag} of {version} cannot have {name}={value!r}")
    for each in element:
        _check(each, version)


class _Reader:
    """One document under way."""

    def __init__(self, root: Element, version: str) -> None:
        self._root = root
        self._version = version
        self._resources = {each.get("id"): each for each in root.find("resources") or ()}
        sequence = root.find("library/event/project/sequence")
        if sequence is None:
            raise NotFcpxml("there is no sequence")
        self._sequence = sequence
        self._frame_s = self._duration(self._format(sequence.get("format")))
        self._clips: list[ReadClip] = []
        self._markers: list[tuple[int, int, str, str]] = []

    def read(self) -> ReadTimeline:
        sequence = self._sequence
        start = self._frames(sequence, "tcStart")
        spine = sequence.find("spine")
        assert spine is not None
        at = start
        for item in spine:
            if self._frames(item, "offset") != at:
                raise NotFcpxml(f"{item.get('name')} begins at {item.get('offset')}, not where the one before ends")
            if item.get("lane") is not None:
                raise NotFcpxml(f"{item.get('name')} on the spine has a lane")
            self._item(item, at - start)
            at += self._frames(item, "duration")
        length = self._frames(sequence, "duration")
        if length != at - start:
            raise NotFcpxml(f"the spine has {at - start} frames, the sequence {length}")
        video = self._format(sequence.get("format"))
        return ReadTimeline(
            self._version, self._root.findall("library/event/project")[0].get("name", ""), self._frame_s, _size(video),
            start, sequence.get("tcFormat") == "DF", length, tuple(self._clips), tuple(self._markers),
        )  # fmt: skip

    def _item(self, item: Element, at: int) -> None:
        """An item of the spine and what is connected to it; `at` counts from the timeline's first frame."""
        if item.tag == "asset-clip":
            self._clip(item, at, lane=0)
        origin = self._frames(item, "start")
        for each in item:
            if each.tag == "asset-clip":
                if each.get("lane") is None:
                    raise NotFcpxml(f"{each.get('name')} is connected without a lane")
                self._clip(each, at + self._frames(each, "offset") - origin, lane=int(each.get("lane", "0")))
            elif each.tag == "marker":
                place = at + self._frames(each, "start") - origin
                self._markers.append(
                    (place, self._frames(each, "duration"), each.get("value", ""), each.get("note", ""))
                )

    def _clip(self, clip: Element, at: int, *, lane: int) -> None:
        asset = self._asset(clip.get("ref"))
        media_in, length = self._frames(clip, "start") - asset.start, self._frames(clip, "duration")
        if media_in < 0 or length < 1 or media_in + length > asset.frames:
            raise NotFcpxml(f"{clip.get('name')} shows {media_in}..{media_in + length} of {asset.frames} frames")
        self._format(clip.get("format"))
        facts = tuple((each.get("key", ""), each.get("value", "")) for each in clip.findall("metadata/md"))
        self._clips.append(
            ReadClip(
                clip.get("name", ""), lane, at, media_in, length, clip.get("enabled", "1") == "1", asset,
                clip.findtext("note", ""), facts,
            )
        )  # fmt: skip

    def _asset(self, name: str | None) -> ReadAsset:
        asset = self._resources.get(name)
        if asset is None or asset.tag != "asset":
            raise NotFcpxml(f"there is no asset {name}")
        representation = asset.find("media-rep")
        url = asset.get("src", "") if representation is None else representation.get("src", "")
        video = self._format(asset.get("format"))
        if self._duration(video) != self._frame_s:
            raise NotFcpxml(f"{name} has another rate than the sequence")
        return ReadAsset(
            unquote(urlsplit(url).path), self._frames(asset, "start"), self._frames(asset, "duration"), _size(video),
            Fraction(int(video.get("paspH", "1")), int(video.get("paspV", "1"))),
            int(asset.get("audioChannels", "0")) if asset.get("hasAudio") == "1" else 0,
        )  # fmt: skip

    def _format(self, name: str | None) -> Element:
        found = self._resources.get(name)
        if found is None or found.tag != "format":
            raise NotFcpxml(f"there is no format {name}")
        return found

    def _duration(self, video: Element) -> Fraction:
        return _seconds(video.get("frameDuration", ""))

    def _frames(self, element: Element, name: str) -> int:
        frames = _seconds(element.get(name, "")) / self._frame_s
        if frames.denominator != 1:
            raise NotFcpxml(f"{element.tag} {element.get('name')}: {name} is {element.get(name)}, {frames} frames")
        return frames.numerator


def _seconds(text: str) -> Fraction:
    """A time, as exactly as it is written; the denominator has 32 bits, the numerator 64."""
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) >= 2**63 or int(found[2] or 1) >= 2**31:
        raise NotFcpxml(f"{text!r} is no time")
    return Fraction(int(found[1]), int(found[2] or 1))


def _size(video: Element) -> tuple[int, int]:
    return int(video.get("width", "0")), int(video.get("height", "0"))


def read_file(path: Path) -> ReadTimeline:
    """The same for a file on the disk."""
    return read_fcpxml(path.read_bytes())
