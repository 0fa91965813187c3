"""What is done to a picture with mattes: a chain of effects, each on some or all objects. Immutable, to and from JSON.

What each looks like is in `layers`; here is what they are called, what they take and in which order they may stand.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np

from rvos_core.errors import UserError
from rvos_core.matte import layers
from rvos_core.matte.layers import Fit, Layers
from rvos_core.matte.render import Matte
from rvos_core.matte.settings import Colour, Range, read_colour

BackgroundSource = Callable[[str, int], np.ndarray]  # source's name, frame index -> (h, w, 3) uint8 RGB of any size

_HINT = "See docs/howto/mattes.md."
_CODE = "matte.bad_effect"


class Target(StrEnum):
    """What an effect changes."""

    OBJECT = "object"
    BACKGROUND = "background"


@dataclass(frozen=True, kw_only=True)
class Effect(ABC):
    """One step of a chain.

    Attributes:
        objects: ids of the objects it is about; None: all.
    """

    kind: ClassVar[str]
    limits: ClassVar[Mapping[str, Range]] = {}
    objects: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name, limits in self.limits.items():
            _check_number(f"{self.kind}.{name}", getattr(self, name), limits)

    @abstractmethod
    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        """The picture after this step. Raises: UserError: if a background is wanted and there is none."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `effect_from_dict` takes it back unchanged."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"kind": self.kind, **{name: _plain(value) for name, value in values.items()}}


@dataclass(frozen=True, kw_only=True)
class CutOut(Effect):
    """The object alone: on a colour, or (None) on nothing."""

    kind = "cut_out"
    colour: Colour | None = None

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        if self.colour is None:
            return picture.cut_out()
        return picture.on_background(np.asarray(self.colour, dtype=np.float32))


@dataclass(frozen=True, kw_only=True)
class Blur(Effect):
    """Object or background out of focus; neither bleeds into the other."""

    kind = "blur"
    limits: ClassVar[Mapping[str, Range]] = {"radius_px": Range(0.5, 500)}
    target: Target = Target.BACKGROUND
    radius_px: float = 12.0

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        return _changed(picture, self.target, lambda values, weight: layers.blurred(values, weight, self.radius_px))


@dataclass(frozen=True, kw_only=True)
class Pixelate(Effect):
    """Object or background in squares of one colour each."""

    kind = "pixelate"
    limits: ClassVar[Mapping[str, Range]] = {"block_px": Range(2, 500)}
    target: Target = Target.OBJECT
    block_px: float = 16.0

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        block = round(self.block_px)
        return _changed(picture, self.target, lambda values, weight: layers.pixelated(values, weight, block))


@dataclass(frozen=True, kw_only=True)
class GreyBackground(Effect):
    """The background loses its colour: `amount` 1 all of it, 0 none."""

    kind = "grey_background"
    limits: ClassVar[Mapping[str, Range]] = {"amount": Range(0, 1)}
    amount: float = 1.0

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        return picture.with_background(layers.greyed(picture.background, self.amount))


@dataclass(frozen=True, kw_only=True)
class Highlight(Effect):
    """All but the object is darkened: `darken` 1 to black, 0 not at all."""

    kind = "highlight"
    limits: ClassVar[Mapping[str, Range]] = {"darken": Range(0, 1)}
    darken: float = 0.6

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        return picture.with_background(picture.background * np.float32(1 - self.darken))


@dataclass(frozen=True, kw_only=True)
class Outline(Effect):
    """A line along the object's outside, behind the object: soft edges lie on it."""

    kind = "outline"
    limits: ClassVar[Mapping[str, Range]] = {"width_px": Range(0.5, 100), "opacity": Range(0, 1)}
    width_px: float = 3.0
    colour: Colour = (255, 255, 255)
    opacity: float = 1.0

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        return picture.outlined(self.width_px, np.asarray(self.colour, dtype=np.float32), self.opacity)


@dataclass(frozen=True, kw_only=True)
class ReplaceBackground(Effect):
    """The object before another picture or clip, which the caller knows by the name `source` (a path, as a rule)."""

    kind = "replace_background"
    source: str = ""
    fit: Fit = Fit.COVER

    def applied(self, picture: Layers, frame_index: int, backgrounds: BackgroundSource | None) -> Layers:
        if backgrounds is None or not self.source:
            raise UserError(
                "A background is to be replaced, and nothing is named to replace it.",
                hint="Choose a picture or a clip for the effect.",
                code="matte.no_background",
            )
        height, width = picture.alpha.shape
        other = layers.fitted(backgrounds(self.source, frame_index), height=height, width=width, fit=self.fit)
        return picture.on_background(other.astype(np.float32))


EFFECTS: Mapping[str, type[Effect]] = {
    each.kind: each for each in (CutOut, Blur, Pixelate, GreyBackground, Highlight, Outline, ReplaceBackground)
}


@dataclass(frozen=True)
class EffectChain:
    """Effects in order. After a cut-out on nothing only outlines make sense, and only they may follow.

    Raises:
        UserError: if something else does.
    """

    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        empty = False
        for number, effect in enumerate(self.effects):
            if empty and not isinstance(effect, Outline):
                raise _bad(f"effects[{number}]", "cannot follow a cut-out on nothing; only an outline can", effect.kind)
            empty = empty or (isinstance(effect, CutOut) and effect.colour is None)

    def apply(
        self,
        frame: np.ndarray,
        mattes: Mapping[int, Matte],
        *,
        frame_index: int = 0,
        backgrounds: BackgroundSource | None = None,
    ) -> np.ndarray:
        """The frame with all effects.

        Args:
            frame: (H, W, 3) uint8 RGB.
            mattes: of the objects that are on it, by id; where objects overlap, later ones are on top.
            frame_index: of the frame; it chooses the frame of a background clip.
            backgrounds: gives the pictures that backgrounds are replaced by.

        Returns:
            (H, W, 3) uint8 RGB, or (H, W, 4) uint8 RGB and straight alpha after a cut-out on nothing.

        Raises:
            UserError: if a background is wanted and there is none.
            ValueError: if a matte has another size than the frame.
        """
        for matte in mattes.values():
            if matte.alpha.shape != frame.shape[:2]:
                raise ValueError(f"a matte of shape {matte.alpha.shape} for a frame of shape {frame.shape}")
        stage = layers.Stage(frame, mattes)
        for effect in self.effects:
            picture = effect.applied(stage.layers(effect.objects), frame_index, backgrounds)
            stage.take(picture, effect.objects)
        return stage.picture()

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back unchanged."""
        return {"effects": [each.as_dict() for each in self.effects]}

    @classmethod
    def from_dict(cls, values: object) -> EffectChain:
        """What `as_dict` made. Raises: UserError: naming the effect and the value that is wrong."""
        if not isinstance(values, Mapping) or set(values) != {"effects"} or not isinstance(values["effects"], list):
            raise _bad("chain", "must be an object with a list `effects`", values)
        return cls(tuple(effect_from_dict(each, name=f"effects[{i}]") for i, each in enumerate(values["effects"])))


def effect_from_dict(values: object, *, name: str = "effect") -> Effect:
    """What `Effect.as_dict` made; what is left out has its default. Raises: UserError: naming what is wrong."""
    if not isinstance(values, Mapping) or values.get("kind") not in EFFECTS:
        raise _bad(name, f"must be an object whose `kind` is one of {', '.join(EFFECTS)}", values)
    kind = EFFECTS[values["kind"]]
    defaults = {each.name: each.default for each in fields(kind)}
    given = {}
    for key, value in values.items():
        if key == "kind":
            continue
        if key not in defaults:
            raise _bad(f"{name}.{key}", f"is no value of {kind.kind}; they are {', '.join(defaults)}", value)
        given[key] = _read(f"{name}.{key}", key, value, default=defaults[key], limits=kind.limits)
    return kind(**given)


def _read(name: str, key: str, value: object, *, default: object, limits: Mapping[str, Range]) -> Any:
    if key == "objects":
        ids = value if isinstance(value, list | tuple) else [None]
        if value is not None and not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
            raise _bad(name, "must be null or a list of object ids", value)
        return None if value is None else tuple(ids)
    if key == "colour":
        return None if value is None and default is None else read_colour(name, value, code=_CODE)
    if isinstance(default, StrEnum):
        choices = list(type(default))
        if value not in [each.value for each in choices]:
            raise _bad(name, f"must be one of {', '.join(choices)}", value)
        return type(default)(str(value))
    if isinstance(default, str):
        if not isinstance(value, str):
            raise _bad(name, "must be text", value)
        return value
    _check_number(name, value, limits[key])
    return float(value)  # type: ignore[arg-type]


def _changed(picture: Layers, target: Target, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Layers:
    if target is Target.OBJECT:
        return picture.with_object(change(picture.object_, picture.alpha))
    return picture.on_background(change(picture.background, 1 - picture.alpha))


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _check_number(name: str, value: object, limits: Range) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not limits.low <= value <= limits.high:  # type: ignore[arg-type,operator]
        raise _bad(name, f"must be a number between {limits.low:g} and {limits.high:g}", value)


def _bad(name: str, rule: str, value: object) -> UserError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return UserError(f"{name} {rule}, not {shown}.", hint=_HINT, code=_CODE)
