"""Options that several commands share, and the reading of those that are more than a number."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from rvos_core.errors import UsageError

DEFAULT_MODEL = "ifirvos-mini"
DEFAULT_PROPAGATOR = "isvos-mini"
DEFAULT_ENGINE = "auto"

_BROADCAST_RATES = (24, 30, 48, 60, 120)  # 23.976 means 24000/1001

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; progress stays on stderr.")]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="NAME|PATH", help="A model's name (`rvos models list`) or folder.")
]
EngineOption = Annotated[
    str,
    typer.Option("--model", metavar="NAME|PATH", help="auto, motion, a model's name (`rvos models list`) or folder."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
PlainMasksOption = Annotated[
    bool,
    typer.Option("--plain-masks", help="Enlarge the network's masks as they are, not along the picture's edges."),
]
OutputOption = Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder for what is written.")]


class Vote(StrEnum):
    """Over what the winning query is chosen: the whole span, or each window on its own (the papers' chunks)."""

    SPAN = "span"
    WINDOW = "window"


class Format(StrEnum):
    """What `segment` can write: `png` masks always, and beside them a picture of the masks or the data set's form."""

    PNG = "png"
    OVERLAY = "overlay"
    DAVIS = "davis"


def read_window(text: str | None) -> int | None:
    """Frames per window: None as the model card says, 0 for `all`, else a number from 1 on.

    Raises:
        UsageError: anything else.
    """
    if text is None:
        return None
    if text.strip().lower() == "all":
        return 0
    try:
        frames = int(text)
    except ValueError:
        frames = 0
    if frames < 1:
        raise UsageError(
            f"--window {text} is not a number of frames.", hint="Give 1 or more, or `all`.", code="usage.window"
        )
    return frames


def read_rate(text: str | None) -> Fraction | None:
    """Frames per second as an exact fraction: `24`, `23.976` (24000/1001), `30000/1001`.

    Raises:
        UsageError: not a number above 0 and up to 1000.
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(
            f"--fps {text} is not a frame rate.",
            hint="Give frames per second, e.g. 25 or 30000/1001.",
            code="usage.fps",
        )
    for whole in _BROADCAST_RATES:
        exact = Fraction(whole * 1000, 1001)
        if rate.denominator != 1 and abs(rate - exact) < Fraction(1, 200):
            return exact
    return rate


def read_formats(values: list[str] | None) -> frozenset[Format]:
    """The formats named by `--format`, which may be given more than once or with commas.

    Raises:
        UsageError: a name that is not a format.
    """
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    try:
        return frozenset(Format(name) for name in names) | {Format.PNG}
    except ValueError as error:
        known = ", ".join(Format)
        raise UsageError(f"--format: {error}.", hint=f"There are: {known}.", code="usage.format") from error
