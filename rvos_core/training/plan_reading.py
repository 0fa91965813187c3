"""Training configurations from YAML: every key and every value is checked, and the nearest right one is suggested."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from rvos_core.errors import UserError
from rvos_core.training.plan import TrainPlan

_T = TypeVar("_T")
_BASE = "recipe"  # key of a file that begins with a named recipe


def read_plan(path: Path, recipes: Mapping[str, TrainPlan]) -> TrainPlan:
    """The training of a YAML file; `recipe: NAME` in it begins with that recipe and changes what else stands there.

    Raises:
        UserError: the file cannot be read, or has a key or a value that does not belong there; the message names it.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise bad_plan(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where is not None else ""
        raise bad_plan(f"{path} is not valid YAML{line}") from error
    if not isinstance(values, dict):
        raise bad_plan(f"{path} is not a configuration: it holds {_kind(values)} where keys are expected")
    base: dict[str, Any] = {"name": path.stem}
    if _BASE in values:
        base = plan_values(recipe_named(str(values.pop(_BASE)), recipes)) | {"name": path.stem}
    return plan_of(merged(base, values), where=str(path))


def recipe_named(name: str, recipes: Mapping[str, TrainPlan]) -> TrainPlan:
    """The recipe of that name. Raises: UserError: there is none; the nearest one is named."""
    if name in recipes:
        return recipes[name]
    raise bad_plan(f"there is no recipe {name!r}{_guess(name, recipes)}; `rvos train --list` shows them all")


def plan_of(values: Mapping[str, Any], *, where: str) -> TrainPlan:
    """A plan from plain values. Raises: UserError: naming the key or the value and `where` it stands."""
    return build(TrainPlan, values, where=where)


def plan_values(plan: TrainPlan) -> dict[str, Any]:
    """A plan as plain values, what `plan_of` takes."""
    values: dict[str, Any] = _plain(asdict(plan))
    return values


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `changes`; mappings in both are merged in turn, everything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def with_settings(plan: TrainPlan, settings: Sequence[str]) -> TrainPlan:
    """`plan` with `KEY.KEY=VALUE` changes, values as YAML. Raises: UserError."""
    import yaml

    values = plan_values(plan)
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise bad_plan(f"--set {text} is not KEY=VALUE, for instance optimiser.rate=1e-4")
        try:
            change: Any = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise bad_plan(f"--set {text}: {value!r} is not a YAML value") from error
        for part in reversed(key.split(".")):
            change = {part: change}
        values = merged(values, change)
    return plan_of(values, where="--set")


def build(kind: type[_T], values: Any, *, where: str) -> _T:
    """A frozen dataclass from a mapping, its fields checked by their annotations. Raises: UserError."""
    if not isinstance(values, Mapping):
        raise bad_plan(f"{where} is {_kind(values)}; keys are expected: {', '.join(f.name for f in fields(kind))}")  # type: ignore[arg-type]
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise bad_plan(f"{where} has the unknown key {key!r}{_guess(str(key), known)}")
    hints = get_type_hints(kind)
    for name, each in known.items():
        if name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise bad_plan(f"{where} lacks the key {name!r}")
    found = {key: _parsed(hints[key], value, where=f"{where}: {key}") for key, value in values.items()}
    try:
        return kind(**found)
    except ValueError as error:
        raise bad_plan(f"{where}: {error}") from error


def _parsed(kind: Any, value: Any, *, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return build(kind, value, where=where)  # type: ignore[arg-type]
    if origin is Literal:
        if value in arguments:
            return value
        raise bad_plan(f"{where} is {value!r}{_guess(str(value), map(str, arguments))}; there are {_listed(arguments)}")
    if origin is tuple and isinstance(value, list | tuple):
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(
                _parsed(k, v, where=f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))
            )
    elif origin is types.UnionType and value is None:
        return None
    elif (origin in (dict, Mapping) or _is_mapping(origin)) and isinstance(value, Mapping):
        return dict(value)
    elif kind is float:
        return _number(value, where=where)
    elif isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise bad_plan(f"{where} is {value!r}, {_kind(value)}; {_wanted(kind)} is expected")


def _number(value: Any, *, where: str) -> float:
    """YAML 1.1 reads `1e-4` as a text; here it is a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        if isinstance(value, str):
            return float(value)
    except ValueError:
        pass
    raise bad_plan(f"{where} is {value!r}, {_kind(value)}; a number is expected")


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _guess(name: str, known: Any) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {nearest[0]!r}?)" if nearest else ""


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _wanted(kind: Any) -> str:
    names = {str: "a text", int: "a whole number", bool: "true or false"}
    if kind in names:
        return names[kind]
    if get_origin(kind) is tuple:
        arguments = get_args(kind)
        return "a list" if arguments[-1] is Ellipsis else f"a list of {len(arguments)}"
    return "another kind of value"


def bad_plan(what: str) -> UserError:
    """The error for a configuration; `what` is a sentence without its end."""
    return UserError(
        f"Training configuration: {what}.",
        hint="docs/howto/training.md has every key.",
        code="training.config",
    )
