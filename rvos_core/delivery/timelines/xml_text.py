"""What both XML timelines share: text that XML can hold, file addresses, and bytes that never vary."""

from __future__ import annotations

import re
from pathlib import PurePath, PureWindowsPath
from urllib.parse import quote
from xml.etree import ElementTree as ET

# Everything but what XML 1.0 calls a character; surrogates (undecodable names of files) among it.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """`text` with a replacement sign for what XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", text)


def child(parent: ET.Element, tag: str, text: object = None, /, **attributes: object) -> ET.Element:
    """A new element at the end of `parent`; attributes that are None are left out."""
    values = {name: legal(str(value)) for name, value in attributes.items() if value is not None}
    element = ET.SubElement(parent, tag, values)
    if text is not None:
        element.text = legal(str(text))
    return element


def file_url(path: PurePath, *, host: str = "") -> str:
    """The address of an absolute path, percent-encoded; `host` stands where a path is on no named machine."""
    url = path.as_uri()
    if not host or not url.startswith("file:///"):
        return url
    rest = url.removeprefix("file:///")
    if isinstance(path, PureWindowsPath):
        drive, _, rest = rest.partition("/")
        rest = f"{quote(drive)}/{rest}"  # with its colon encoded
    return f"file://{host}/{rest}"


def document(root: ET.Element, doctype: str) -> bytes:
    """UTF-8 bytes of a whole file, one element a line."""
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {doctype}>\n{text}\n'.encode()
