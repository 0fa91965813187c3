"""What `rvos export` and `rvos matte` take alike: formats, presets, settings of a delivery; how refusals are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.delivery.naming import collisions
from rvos_core.delivery.presets import PRESETS
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.delivery.plan_checks import Problem
    from rvos_core.delivery.presets import Preset

_FREE_SETTINGS = ("content", "depth", "alpha", "compression", "linear", "background")


class OddSize(StrEnum):
    """How an odd size becomes even."""

    PAD = "pad"
    CROP = "crop"
    FULL_COLOUR = "444"


class Proxy(StrEnum):
    """One part of how many of the size."""

    FULL = "1"
    HALF = "2"
    QUARTER = "4"


PresetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--preset", metavar="NAME|FILE", help=f"For an editing program: {', '.join(PRESETS)}; an own one; or its file."
    ),
]
NamingOption = Annotated[
    str | None, typer.Option("--naming", metavar="TEMPLATE", help="E.g. {clip}_{object}_{kind}.{frame:04}.")
]
FirstNumberOption = Annotated[
    int | None, typer.Option("--start-number", metavar="N", min=0, help="Of the first picture (its frame's index).")
]
HandlesOption = Annotated[int, typer.Option("--handles", metavar="N", min=0, help="Frames more at either side.")]
OddSizeOption = Annotated[OddSize | None, typer.Option("--odd-size", help="Where the encoder takes even sizes only.")]
EvenRateOption = Annotated[
    bool, typer.Option("--even-rate", help="Repeat and leave out frames of a source whose rate varies.")
]
TogetherOption = Annotated[bool, typer.Option("--together", help="All objects in one file.")]
ProxyOption = Annotated[Proxy, typer.Option("--proxy", help="1/N of the size.")]
SoundOption = Annotated[bool, typer.Option("--sound/--no-sound", help="Copy the source's sound into video.")]
SettingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--spec",
        metavar="NAME=VALUE",
        help="Any other setting, may be repeated: depth=8, alpha=premultiplied, content=cutout, compression=dwaa, "
        "linear=false, background=#00ff00.",
    ),
]
PlanOption = Annotated[bool, typer.Option("--plan", help="Only say what would be written, and what hinders.")]


def split_names(values: Iterable[str] | None) -> tuple[str, ...]:
    """Names of an option that may be repeated, or hold several between commas."""
    return tuple(name.strip() for value in values or () for name in value.split(",") if name.strip())


def spec_changes(
    *,
    naming: str | None = None,
    start_number: int | None = None,
    handles: int = 0,
    odd_size: OddSize | None = None,
    rate: Fraction | None = None,
    even_rate: bool = False,
    together: bool = False,
    proxy: Proxy = Proxy.FULL,
    sound: bool = True,
    settings: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Options as values for `DeliverySpec.changed`; those that were not given change nothing. Raises: UsageError."""
    given = {
        "naming": naming or None,
        "start_number": start_number,
        "handles": handles or None,
        "odd_size": None if odd_size is None else odd_size.value,
        "rate": None if rate is None else str(rate),
        "timing": "constant" if even_rate else None,
        "objects": "together" if together else None,
        "scale": int(proxy) if proxy is not Proxy.FULL else None,
        "audio": None if sound else False,
    }
    return {name: value for name, value in given.items() if value is not None} | dict(map(_setting, settings or ()))


def _setting(text: str) -> tuple[str, Any]:
    """`name=value`, the value as JSON, a colour as #rrggbb, or else text. Raises: UsageError: there is no such name."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or name not in _FREE_SETTINGS:
        raise UsageError(
            f"--spec {text}: {'there is no such setting' if sign else 'it has no value'}.",
            hint=f"There are {', '.join(_FREE_SETTINGS)}; for example --spec depth=8.",
            code="usage.spec",
        )
    if name == "background" and value.startswith("#"):
        try:
            return name, list(bytes.fromhex(value[1:]))
        except ValueError:
            return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def told_apart(named: Sequence[tuple[str, DeliverySpec]]) -> list[tuple[str, DeliverySpec]]:
    """Formats of one call that would take the same names get `{format}` into theirs, but where a naming was given."""
    found = []
    for name, spec in named:
        if not spec.naming and any(_place(other) == _place(spec) and other != spec for _, other in named):
            stem, dot, number = spec.template.partition(".{frame")
            spec = replace(spec, naming=f"{stem}_{{format}}{dot}{number}")
        found.append((name, spec))
    return found


def _place(spec: DeliverySpec) -> tuple[str, ...]:
    return spec.template, spec.kind_token, "" if spec.kind.still else spec.kind.suffix


def find_preset(name: str) -> Preset:
    """One of the program's, of the person's own, or in a file of this name. Raises: UserError: there is none."""
    from rvos_core.delivery.preset_files import load_presets, read_preset
    from rvos_core.project.library import Library

    path = Path(name)
    if path.suffix and path.exists():
        return read_preset(path)
    return load_presets(Library().folder / "presets").find(name)


def refuse_blocked(problems: Iterable[Problem]) -> None:
    """Raises: UserError: the first that blocks, with the option that helps."""
    for problem in problems:
        if problem.blocks:
            error = problem.error()
            if problem.choices:
                error.hint = f"{error.hint} Say which with --odd-size {'|'.join(problem.choices)}.".strip()
            raise error


def refuse_one_place_for_two(made: Sequence[tuple[Path, object]], *, hint: str) -> None:
    """Where several are written by one call: `made` is each place and what it will hold, which two may share.

    Raises:
        UserError: two different things would have one name; with `hint`.
    """
    for earlier, later in collisions([path for path, _ in made]):
        if made[earlier][1] != made[later][1]:  # presets may want the very same file
            raise UserError(
                f"Two of the exports would both be written to {made[later][0]}.", hint=hint, code="delivery.same_name"
            )


def changed(spec: DeliverySpec, changes: Mapping[str, Any]) -> DeliverySpec:
    """A format's specification with the options of the call. Raises: UsageError: it does not go with them."""
    try:
        return spec.changed(changes)
    except UserError as error:
        raise UsageError(error.message, hint=error.hint, code=error.code) from error
