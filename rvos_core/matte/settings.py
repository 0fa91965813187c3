"""What is done to one object's matte: a stack of settings with keyframes. Immutable, so that undo keeps the old one."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from rvos_core.errors import UserError

Colour = tuple[int, int, int]

_CODE = "matte.bad_setting"


class Refine(StrEnum):
    """How the outline is found in the picture, beyond the soft edge."""

    NONE = "none"
    EDGE = "edge"  # closed-form matting in a band along the outline, or where a trimap is painted


@dataclass(frozen=True)
class Range:
    """What a number may be, ends included."""

    low: float
    high: float


RANGES: Mapping[str, Range] = {
    "grow_px": Range(-100, 100),
    "feather_px": Range(0, 200),
    "despeckle_px": Range(0, 1000),
    "clean_black": Range(0, 0.99),
    "clean_white": Range(0.01, 1),
    "border_fix_px": Range(0, 100),
    "soft_edge_px": Range(1, 64),
    "steady": Range(0, 1),
    "inside_px": Range(1, 200),
    "outside_px": Range(1, 200),
    "despill": Range(0, 1),
    "despill_reach_px": Range(0, 1000),
}


@dataclass(frozen=True)
class MatteSettings:
    """The knobs of one object at one frame. Lengths are pixels of the frame. docs/howto/mattes.md says what each does.

    Attributes:
        fill_holes: what the mask goes round belongs to it.
        despeckle_px: parts of the mask smaller than a square of this side are dropped, pinholes closed.
        border_fix_px: the mask within this distance of the frame's border is taken from further inside.
        soft_edge: the outline follows the picture within a band (guided filter).
        soft_edge_px: half the width of that band.
        refine: `edge` solves for alpha in a band (closed form); it includes the soft edge.
        inside_px, outside_px: how far the band of `refine` reaches into the object and out of it.
        steady: share, 0..1, that earlier frames have in the edge.
        grow_px: outwards, or inwards where negative.
        feather_px: distance over which the edge fades.
        clean_black, clean_white: alpha at or below is 0, at or above is 1; linear between.
        straight_colours: the object's own colours where it is translucent, without the ground's.
        despill: share, 0..1, of `despill_colour`'s tint that is taken out of the object.
        despill_colour: RGB 0..255 of the screen or surroundings that shine on the object.
        despill_reach_px: how far from the edge into the object; 0: everywhere.
    """

    fill_holes: bool = False
    despeckle_px: float = 0.0
    border_fix_px: float = 0.0
    soft_edge: bool = True
    soft_edge_px: float = 4.0
    refine: Refine = Refine.NONE
    inside_px: float = 14.0
    outside_px: float = 10.0
    steady: float = 0.0
    grow_px: float = 0.0
    feather_px: float = 0.0
    clean_black: float = 0.0
    clean_white: float = 1.0
    straight_colours: bool = True
    despill: float = 0.0
    despill_colour: Colour = (0, 255, 0)
    despill_reach_px: float = 16.0

    def __post_init__(self) -> None:
        for name, limits in RANGES.items():
            _check_number(name, getattr(self, name), limits)
        if not self.clean_black < self.clean_white:
            raise _bad("clean_black", "must be below clean_white", f"{self.clean_black} and {self.clean_white}")

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back unchanged."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "refine": self.refine.value, "despill_colour": list(self.despill_colour)}

    @classmethod
    def from_dict(cls, values: object) -> MatteSettings:
        """What `as_dict` made; knobs that are left out have their default.

        Raises:
            UserError: for a knob that does not exist or a value it cannot have; the message names it.
        """
        return cls().changed(values)

    def changed(self, values: object) -> MatteSettings:
        """The same with some knobs set, as `as_dict` has them. Raises: UserError: as `from_dict`."""
        if not isinstance(values, Mapping):
            raise _bad("settings", "must be an object of knobs", values)
        known = {each.name for each in fields(self)}
        for name in values:
            if name not in known:
                raise _bad(str(name), f"is no knob of a matte; they are {', '.join(sorted(known))}", values[name])
        return replace(self, **{name: _read(name, value, getattr(self, name)) for name, value in values.items()})


@dataclass(frozen=True)
class MatteStack:
    """The settings of one object over a clip.

    Attributes:
        default: where there is no keyframe.
        keyframes: (frame index, settings), in order of frames, each frame once.
    """

    default: MatteSettings = field(default_factory=MatteSettings)
    keyframes: tuple[tuple[int, MatteSettings], ...] = ()

    def __post_init__(self) -> None:
        frames = [frame for frame, _ in self.keyframes]
        if any(not isinstance(frame, int) or frame < 0 for frame in frames) or frames != sorted(set(frames)):
            raise _bad("keyframes", "must name frames from 0 on, in order and each once", frames)

    def at(self, frame_index: int) -> MatteSettings:
        """Settings of one frame: numbers go linearly from keyframe to keyframe, switches and colours stay until the
        next; before the first and after the last keyframe its settings hold."""
        if not self.keyframes:
            return self.default
        after = bisect_right([frame for frame, _ in self.keyframes], frame_index)
        if after == 0 or after == len(self.keyframes):
            return self.keyframes[max(0, after - 1)][1]
        (start, before), (stop, behind) = self.keyframes[after - 1 : after + 1]
        share = (frame_index - start) / (stop - start)
        numbers = {name: (1 - share) * getattr(before, name) + share * getattr(behind, name) for name in RANGES}
        return replace(before, **numbers)

    def with_keyframe(self, frame_index: int, settings: MatteSettings) -> MatteStack:
        """A stack that also has (or has changed) this keyframe."""
        others = {frame: each for frame, each in self.keyframes if frame != frame_index}
        return replace(self, keyframes=tuple(sorted({**others, frame_index: settings}.items(), key=lambda e: e[0])))

    def without_keyframe(self, frame_index: int) -> MatteStack:
        """A stack that lacks this keyframe."""
        return replace(self, keyframes=tuple(each for each in self.keyframes if each[0] != frame_index))

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back unchanged."""
        return {
            "default": self.default.as_dict(),
            "keyframes": [{"frame": frame, "settings": each.as_dict()} for frame, each in self.keyframes],
        }

    @classmethod
    def from_dict(cls, values: object) -> MatteStack:
        """What `as_dict` made. Raises: UserError: naming the keyframe and the knob that is wrong."""
        if not isinstance(values, Mapping) or not set(values) <= {"default", "keyframes"}:
            raise _bad("stack", "must be an object of `default` and `keyframes`", values)
        listed = values.get("keyframes", [])
        if not isinstance(listed, list | tuple):
            raise _bad("keyframes", "must be a list", listed)
        default = MatteSettings.from_dict(values.get("default", {}))
        return cls(default, tuple(_keyframe(number, each, default) for number, each in enumerate(listed)))


def _keyframe(number: int, entry: object, default: MatteSettings) -> tuple[int, MatteSettings]:
    name = f"keyframes[{number}]"
    if not isinstance(entry, Mapping) or set(entry) != {"frame", "settings"}:
        raise _bad(name, "must be an object of `frame` and `settings`", entry)
    frame = entry["frame"]
    if not isinstance(frame, int) or isinstance(frame, bool) or frame < 0:
        raise _bad(f"{name}.frame", "must be a whole number from 0 on", frame)
    try:
        return frame, default.changed(entry["settings"])
    except UserError as error:
        raise UserError(f"{name}: {error.message}", hint=error.hint, code=error.code) from None


def _read(name: str, value: object, example: object) -> Any:
    """`value` in the type that the knob has. Raises: UserError."""
    if isinstance(example, bool):
        if not isinstance(value, bool):
            raise _bad(name, "must be true or false", value)
        return value
    if isinstance(example, Refine):
        if value not in [each.value for each in Refine]:
            raise _bad(name, f"must be one of {', '.join(Refine)}", value)
        return Refine(str(value))
    if isinstance(example, tuple):
        return read_colour(name, value)
    _check_number(name, value, RANGES[name])
    return float(value)  # type: ignore[arg-type]


def read_colour(name: str, value: object, *, code: str = _CODE) -> Colour:
    """An RGB triple of whole numbers 0..255. Raises: UserError: naming `name`."""
    parts = list(value) if isinstance(value, list | tuple) else []
    if len(parts) != 3 or any(not isinstance(each, int) or isinstance(each, bool) for each in parts):
        raise _bad(name, "must be three whole numbers, 0 to 255", value, code=code)
    if min(parts) < 0 or max(parts) > 255:
        raise _bad(name, "must be three whole numbers, 0 to 255", value, code=code)
    return (parts[0], parts[1], parts[2])


def _check_number(name: str, value: object, limits: Range) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _bad(name, "must be a number", value)
    if not limits.low <= value <= limits.high:
        raise _bad(name, f"must be between {limits.low:g} and {limits.high:g}", value)


def _bad(name: str, rule: str, value: object, *, code: str = _CODE) -> UserError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return UserError(f"{name} {rule}, not {shown}.", hint="See docs/howto/mattes.md.", code=code)
