"""JSON values of configurations: frozen dataclasses to plain values and back, every value checked by its annotation."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from rvos_core.errors import UserError


class Serialisable:
    """`to_dict` / `from_dict` of a frozen dataclass: plain JSON values both ways, nothing unknown accepted."""

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON values (tuples become lists)."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build the configuration from JSON values; missing keys take their default.

        Raises:
            UserError: `values` has a key this configuration does not know, lacks a required one, or holds a value
                of the wrong kind.
        """
        hints = get_type_hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise _config_error(cls, f"unknown key {', '.join(map(repr, unknown))}; it knows {', '.join(fields)}")
        required = {
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        if required - set(values):
            raise _config_error(cls, f"{', '.join(map(repr, sorted(required - set(values))))} is missing")
        return cls(**{key: _parse(cls, key, hints[key], value) for key, value in values.items()})


def check_positive(config: Any, *names: str) -> None:
    """Raises: ValueError: one of the fields `names` of `config` is below 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} {getattr(config, name)} must be at least 1")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _parse(owner: type, key: str, kind: Any, value: Any) -> Any:
    """Check one JSON value against its annotation and return it as the dataclass holds it."""
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, Serialisable):
        if isinstance(value, dict):
            return kind.from_dict(value)
    elif origin is Literal:
        if value in get_args(kind):
            return value
        raise _config_error(owner, f"{key!r} is {value!r}, not one of {', '.join(map(repr, get_args(kind)))}")
    elif origin is tuple:
        args = get_args(kind)
        variadic = args[-1] is Ellipsis
        if isinstance(value, list | tuple) and (variadic or len(value) == len(args)):
            kinds = (args[0],) * len(value) if variadic else args
            return tuple(_parse(owner, key, k, v) for k, v in zip(kinds, value, strict=True))
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _config_error(owner, f"{key!r} is {value!r}, which is not a {_name(kind)}")


def _name(kind: Any) -> str:
    return str(kind) if isinstance(kind, types.GenericAlias) else typing.cast(str, getattr(kind, "__name__", str(kind)))


def _config_error(owner: type, what: str) -> UserError:
    return UserError(
        f"The model configuration ({owner.__name__}) cannot be read: {what}.",
        hint="The file may come from another version of RVOS Studio.",
        code="model.config",
    )
