"""What a delivery shall be: one frozen value with a JSON form, the same for presets, commands and the dialog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from rvos_core.delivery.naming import check_template
from rvos_core.delivery.outputs import (
    CUTOUT,
    DWAA_COLOUR,
    MATTE,
    OUTPUT_FORMATS,
    PREMULTIPLIED,
    STRAIGHT,
    ColourLimit,
    Encoding,
    OutputFormat,
)
from rvos_core.errors import UserError

VERSION = 1
_CHOICES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "format": tuple(OUTPUT_FORMATS),
        "content": (CUTOUT, MATTE),
        "alpha": (STRAIGHT, PREMULTIPLIED),
        "timing": ("source", "constant"),
        "odd_size": ("ask", "pad", "crop", "444"),
        "objects": ("each", "together"),
        "compression": ("zip", "dwaa"),
        "scale": (1, 2, 4),
    }
)


@dataclass(frozen=True)
class DeliverySpec:
    """One way of delivering a clip's objects.

    Attributes:
        format: a key of `OUTPUT_FORMATS`.
        content: "cutout" (the picture with alpha; on `background` where the format has none), "matte" (alpha as a
            picture), or "": what the format is usually for.
        depth: bits a sample, 0: the format's usual one; EXR: 16 half, 32 float.
        alpha: of cut-outs, "straight" or "premultiplied"; "": as the format has it by convention (EXR: premultiplied).
        audio: copy the source's sound into video.
        start_number: of the first picture of a sequence; None: the frame's own index in its clip.
        naming: template of the names, see `naming`; "": the usual one.
        objects: "each" in a file of its own, or "together" (later ones over earlier ones; EXR: a channel each).
        scale: 1, or a proxy of 1/2 or 1/4 of the size.
        start, stop: in and out, frames of the clip, half open; None: its ends.
        handles: frames more at either side, as far as the clip has them.
        rate: frames per second of the output; None: the source's.
        timing: "source" keeps a varying rate frame by frame; "constant" repeats and leaves out frames for an even one.
        odd_size: how an odd size becomes even where the encoder needs that: "pad" repeats the last column or row,
            "crop" drops it, "444" takes an encoding that needs no even size; "ask": the plan is blocked and says so.
        background: RGB 0..255 under cut-outs in formats without alpha.
        compression: of EXR.
        linear: EXR's colour is decoded from sRGB to linear light, as readers of EXR expect.
    """

    format: str
    content: str = ""
    depth: int = 0
    alpha: str = ""
    audio: bool = True
    start_number: int | None = None
    naming: str = ""
    objects: str = "each"
    scale: int = 1
    start: int | None = None
    stop: int | None = None
    handles: int = 0
    rate: Fraction | None = None
    timing: str = "source"
    odd_size: str = "ask"
    background: tuple[int, int, int] = (0, 0, 0)
    compression: str = "zip"
    linear: bool = True

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed and not (name in ("content", "alpha") and value == ""):
                raise _refused(name, value, f"there are: {', '.join(map(str, allowed))}")
        if self.content and self.content not in self.kind.contents:
            raise _refused("content", self.content, f"{self.kind.title} holds {' or '.join(self.kind.contents)}")
        if self.depth and self.depth not in self.kind.depths:
            raise _refused("depth", self.depth, f"{self.kind.title} has {', '.join(map(str, self.kind.depths))} bits")
        if self.kind.encodings and (self.chosen_content, self.chosen_depth) not in self.kind.encodings:
            raise _refused("depth", self.depth, f"{self.kind.title} has no {self.chosen_content} of that depth")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise _refused("rate", self.rate, "it lies between 0 and 1000 frames/s")
        for name in ("start", "stop", "start_number", "handles"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 10**9:
                raise _refused(name, value, "it is a number of frames, 0 or more")
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            raise _refused("background", self.background, "it has three numbers from 0 to 255")
        check_template(self.template)

    @property
    def kind(self) -> OutputFormat:
        """The format's facts."""
        return OUTPUT_FORMATS[self.format]

    @property
    def chosen_content(self) -> str:
        """`content`, or what the format is usually for."""
        return self.content or self.kind.contents[0]

    @property
    def chosen_depth(self) -> int:
        """`depth`, or the format's usual one."""
        return self.depth or self.kind.depths[0]

    @property
    def premultiplied(self) -> bool:
        """Whether colours of cut-outs are multiplied by alpha."""
        wanted = self.alpha or (PREMULTIPLIED if self.format == "exr" else STRAIGHT)
        return self.chosen_content == CUTOUT and self.kind.has_alpha and wanted == PREMULTIPLIED

    @property
    def encoding(self) -> Encoding | None:
        """How FFmpeg encodes it; None: stills."""
        encoding = self.kind.encoding(self.chosen_content, self.chosen_depth)
        if encoding is not None and encoding.even and self.odd_size == "444" and encoding.pixel_format == "yuv420p":
            return replace(encoding, pixel_format="yuv444p", even=False)
        return encoding

    @property
    def colour_limit(self) -> ColourLimit | None:
        """Errors of colours that are normal; None: there are none, or none that are known."""
        if self.chosen_content != CUTOUT:
            return None
        if self.format == "exr" and self.compression == "dwaa":
            return DWAA_COLOUR
        return self.kind.colour_error.get(self.chosen_depth)

    @property
    def kind_token(self) -> str:
        """What `{kind}` stands for in names; the file itself does not say how its alpha is meant, so its name does."""
        if self.chosen_content == MATTE:
            return "matte"
        if not self.kind.has_alpha:
            return "preview"
        return f"cutout_{'premult' if self.premultiplied else 'straight'}"

    @property
    def format_token(self) -> str:
        """What `{format}` stands for in names: the format, with its depth where there are several."""
        return f"{self.format}{self.chosen_depth}" if len(self.kind.depths) > 1 else self.format

    @property
    def template(self) -> str:
        """`naming`, or the usual template."""
        several = "{clip}_{object}_{kind}" if self.objects == "each" else "{clip}_{kind}"
        return self.naming or (f"{several}.{{frame:04}}" if self.kind.still else several)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = asdict(self)
        values["rate"] = None if self.rate is None else str(self.rate)
        values["background"] = list(self.background)
        return {"version": VERSION, **values}

    def to_json(self) -> str:
        """The document, one line."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DeliverySpec:
        """The inverse of `as_dict`; keys that are missing have their usual values.

        Raises:
            UserError: a key or value that this version does not know.
        """
        plain = dict(values)
        version = plain.pop("version", VERSION)
        if version != VERSION:
            raise _refused("version", version, f"this program knows {VERSION}")
        known = {each.name: each for each in fields(cls)}
        for name, value in plain.items():
            if name not in known:
                raise _refused(name, value, "there is no such setting")
            if not _fits(name, value, str(known[name].type)):
                raise _refused(name, value, f"it is of another kind ({known[name].type})")
        if "format" not in plain:
            raise _refused("format", None, "it is missing")
        try:
            if plain.get("rate") is not None:
                plain["rate"] = Fraction(plain["rate"])
        except (ValueError, ZeroDivisionError) as error:
            raise _refused("rate", plain["rate"], "give it as 25 or 30000/1001") from error
        if "background" in plain:
            plain["background"] = tuple(plain["background"])
        return cls(**plain)

    def changed(self, values: Mapping[str, Any]) -> DeliverySpec:
        """With other values, as `as_dict` has them. Raises: UserError: as `from_dict`."""
        return DeliverySpec.from_dict({**self.as_dict(), **values}) if values else self

    @classmethod
    def from_json(cls, text: str) -> DeliverySpec:
        """The inverse of `to_json`. Raises: UserError: no JSON object, or as `from_dict`."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"The delivery settings are not JSON: {error}.", hint="Save them anew.", code="delivery.spec"
            ) from error
        if not isinstance(values, dict):
            raise _refused("the document", type(values).__name__, "it is a JSON object")
        return cls.from_dict(values)


# Short names for the command line and menus.
NAMED_SPECS: Mapping[str, DeliverySpec] = MappingProxyType(
    {
        "prores4444": DeliverySpec("prores4444"),
        "prores4444premult": DeliverySpec("prores4444", alpha=PREMULTIPLIED),
        "prores422hq": DeliverySpec("prores422hq"),
        "png8": DeliverySpec("png", content=MATTE, depth=8),
        "png16": DeliverySpec("png", content=MATTE, depth=16),
        "pngcutout8": DeliverySpec("png", content=CUTOUT, depth=8),
        "pngcutout16": DeliverySpec("png", content=CUTOUT, depth=16),
        "tiff8": DeliverySpec("tiff", content=MATTE, depth=8),
        "tiff16": DeliverySpec("tiff", content=MATTE, depth=16),
        "tiffcutout8": DeliverySpec("tiff", content=CUTOUT, depth=8),
        "tiffcutout16": DeliverySpec("tiff", content=CUTOUT, depth=16),
        "exr": DeliverySpec("exr", content=CUTOUT),
        "exrmatte": DeliverySpec("exr", content=MATTE),
        "ffv1": DeliverySpec("ffv1"),
        "ffv1matte": DeliverySpec("ffv1", content=MATTE),
        "pngmov": DeliverySpec("pngmov"),
        "webm": DeliverySpec("webm"),
        "h264": DeliverySpec("h264"),
        "h264matte": DeliverySpec("h264", content=MATTE),
        "h265": DeliverySpec("h265"),
        "h265matte": DeliverySpec("h265", content=MATTE),
    }
)


def _fits(name: str, value: Any, kind: str) -> bool:
    """Whether a JSON value can be that of a setting; `kind` is the annotation in `DeliverySpec`."""
    if value is None:
        return "None" in kind
    if name == "rate":
        return isinstance(value, str)
    if name == "background":
        return isinstance(value, list) and all(type(each) is int for each in value)
    return type(value) is {"str": str, "int": int, "bool": bool}[kind.split(" ")[0]]


def _refused(name: str, value: object, why: str) -> UserError:
    return UserError(
        f"The delivery settings do not work: {name} is {value!r}.",
        hint=f"{why[:1].upper()}{why[1:]}.",
        code="delivery.spec",
    )
