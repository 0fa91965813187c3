"""Named deliveries, one an editing program, and a person's own: what is written, which timeline goes with it.

What programs accept was not tried in them; docs/howto/editors.md says what is known. Their files: `preset_files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rvos_core.delivery.naming import collisions, output_name
from rvos_core.delivery.outputs import CUTOUT, MATTE, PREMULTIPLIED, STRAIGHT
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError

VERSION = 1
TIMELINES = ("fcpxml", "xmeml", "otio")
RECIPES = ("premiere", "aftereffects", "resolve", "finalcut", "nuke", "web")
_MARK = "rvos_preset"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MAX_SPECS = 16
_MAX_TEXT = 200
_SAMPLE = {"clip": "clip", "object": "object", "id": "1", "expression": "expression"}


@dataclass(frozen=True)
class Preset:
    """One named way of delivering.

    Attributes:
        id: names it for commands and files: small letters, digits and hyphens.
        title: for people.
        specs: what is written, one after the other; none of them says from where to where of the clip.
        timelines: files that place what is written above the source, of `TIMELINES`.
        recipe: which how-to lies beside it, of `RECIPES`; "": none.
        notes: sentences that a person should know.

    Raises:
        UserError: a value that cannot be, or two specs whose files would have one name.
    """

    id: str
    title: str
    specs: tuple[DeliverySpec, ...]
    timelines: tuple[str, ...] = ()
    recipe: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise _refused("id", self.id, "it has small letters, digits and hyphens, at most 64")
        if not self.title.strip() or len(self.title) > _MAX_TEXT or not self.title.isprintable():
            raise _refused("title", self.title, f"it is one line of 1 to {_MAX_TEXT} characters")
        if not 1 <= len(self.specs) <= _MAX_SPECS:
            raise _refused("specs", f"a list of {len(self.specs)}", f"there are 1 to {_MAX_SPECS}")
        for name in self.timelines:
            if name not in TIMELINES or self.timelines.count(name) > 1:
                raise _refused("timelines", name, f"each of these at most once: {', '.join(TIMELINES)}")
        if self.recipe and self.recipe not in RECIPES:
            raise _refused("recipe", self.recipe, f"there are: {', '.join(RECIPES)}")
        if any(each.start is not None or each.stop is not None for each in self.specs):
            raise _refused("specs", "from in to out", "in and out belong to a clip; a preset is for every clip")
        self._check_names()

    def specs_between(self, start: int | None, stop: int | None) -> tuple[DeliverySpec, ...]:
        """The specs for frames `start <= frame < stop` of a clip; None: its ends."""
        return tuple(replace(each, start=start, stop=stop) for each in self.specs)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            _MARK: VERSION,
            "id": self.id,
            "title": self.title,
            "specs": [each.as_dict() for each in self.specs],
            "timelines": list(self.timelines),
            "recipe": self.recipe,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preset:
        """The inverse of `as_dict`. Raises: UserError: a key or value that this version does not know."""
        plain = dict(values)
        version = plain.pop(_MARK, None)
        if type(version) is not int or version != VERSION:
            raise _refused(_MARK, version, f"a preset says its version there; this program knows {VERSION}")
        known = [each.name for each in fields(cls)]
        for name, value in plain.items():
            if name not in known:
                raise _refused(name, value, f"there are: {', '.join(known)}")
            is_list = name in ("specs", "timelines", "notes")
            if not isinstance(value, list if is_list else str):
                raise _refused(name, value, "it is a list" if is_list else "it is a text")
            wanted = dict if name == "specs" else str
            if is_list and not all(isinstance(each, wanted) for each in value):
                raise _refused(name, value, "it lists settings of deliveries" if wanted is dict else "it lists texts")
        for name in ("id", "title", "specs"):
            if name not in plain:
                raise _refused(name, None, "it is missing")
        plain["specs"] = tuple(DeliverySpec.from_dict(each) for each in plain["specs"])
        for name in ("timelines", "notes"):
            plain[name] = tuple(plain.get(name, ()))
        return cls(**plain)

    def _check_names(self) -> None:
        """Raises: UserError: two specs would write to one place."""
        paths = [
            output_name(
                Path("folder"),
                each.template,
                {**_SAMPLE, "kind": each.kind_token, "format": each.format_token},
                suffix=each.kind.suffix,
                still=each.kind.still,
            ).path
            for each in self.specs
        ]
        for first, second in collisions(paths):
            formats = f"{self.specs[first].kind.title} and {self.specs[second].kind.title}"
            raise _refused("specs", formats, "both would have one name; give one of them another naming")


def _refused(name: str, value: object, why: str) -> UserError:
    shown = repr(value)
    shown = shown if len(shown) <= _MAX_TEXT else f"{shown[:_MAX_TEXT]}..."
    return UserError(
        f"The preset does not work: {name} is {shown}.",
        hint=f"{why[:1].upper()}{why[1:]}.",
        code="delivery.preset",
    )


# Sound comes from the source, which lies below; a varying rate is made even, as timelines have one rate only.
_CUTOUT_MOV = DeliverySpec("prores4444", content=CUTOUT, alpha=STRAIGHT, audio=False, timing="constant")
_MATTE_MOV = DeliverySpec("prores422hq", content=MATTE, audio=False, timing="constant")
_TWO_MOVIES = (_CUTOUT_MOV, _MATTE_MOV)
_VFX_START = 1001  # where shots of visual effects are numbered from, so that handles have room below

_ALL = (
    Preset(
        "premiere",
        "Adobe Premiere Pro",
        _TWO_MOVIES,
        ("xmeml", "otio"),
        "premiere",
        ("The cut-out has straight alpha.", "The timeline is Final Cut Pro 7 XML (.xml): File > Import."),
    ),
    Preset(
        "aftereffects",
        "Adobe After Effects",
        _TWO_MOVIES,
        ("xmeml",),
        "aftereffects",
        ("The cut-out has straight alpha: Interpret Footage > Straight - Unmatted.",),
    ),
    Preset(
        "resolve",
        "DaVinci Resolve",
        _TWO_MOVIES,
        ("fcpxml", "xmeml", "otio"),
        "resolve",
        ("The cut-out has straight alpha: Clip Attributes > Alpha mode: Straight.",),
    ),
    Preset(
        "finalcut",
        "Final Cut Pro",
        _TWO_MOVIES,
        ("fcpxml",),
        "finalcut",
        ("The cut-out has straight alpha.", "Image sequences are no clips there; movies are."),
    ),
    Preset(
        "nuke",
        "Nuke",
        (
            DeliverySpec("exr", content=CUTOUT, depth=16, alpha=PREMULTIPLIED, start_number=_VFX_START),
            DeliverySpec("png", content=MATTE, depth=16, start_number=_VFX_START),
        ),
        ("otio",),
        "nuke",
        ("The EXR is premultiplied and in linear light.", f"Pictures are numbered from {_VFX_START}."),
    ),
    Preset(
        "web",
        "Web",
        (DeliverySpec("webm", content=CUTOUT), DeliverySpec("h264", content=CUTOUT, odd_size="pad")),
        (),
        "web",
        ("VP9 is lossy: thin and soft edges suffer.", "The H.264 file has no alpha; the cut-out lies on black."),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({each.id: each for each in _ALL})
