"""Options that several commands share, and the reading of those that are more than a number."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.models.propagators import ViewConfig

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
    """What `segment` can write beside the forms of `NAMED_SPECS`: `png` masks always, a picture of the masks, or the
    data set's form."""

    PNG = "png"
    OVERLAY = "overlay"
    DAVIS = "davis"


class Refine(StrEnum):
    """What is done with the masks of a run: nothing, or they are followed anew from its surest frames."""

    NONE = "none"
    PROPAGATE = "propagate"


class Quality(StrEnum):
    """How often the following model looks at each frame."""

    NORMAL = "normal"
    BEST = "best"

    @property
    def views(self) -> ViewConfig | None:
        """Scales and mirroring; None: the frame as it is."""
        from rvos_core.models.propagators import BEST_VIEWS

        return BEST_VIEWS if self is Quality.BEST else None


RefineOption = Annotated[
    Refine,
    typer.Option(
        "--refine",
        help="propagate: follow the run's surest frames with isvos-mini. It loses: J&F .732 -> .722 on street scenes.",
    ),
]
QualityOption = Annotated[
    Quality,
    typer.Option("--quality", help="best: look mirrored too: half as fast, J&F .903 -> .929 on two DAVIS clips."),
]
StartOption = Annotated[int | None, typer.Option("--start", metavar="FRAME", help="First frame, from 0.")]
EndOption = Annotated[int | None, typer.Option("--end", metavar="FRAME", help="First frame after the span.")]
WindowOption = Annotated[
    str | None, typer.Option("--window", metavar="N|all", help="Frames the model sees together (model card).")
]
StrideOption = Annotated[int | None, typer.Option("--stride", metavar="N", help="Frames from window to window.")]
SizeOption = Annotated[
    int | None, typer.Option("--size", metavar="PX", help="Short side of the network's input (model card).")
]
VoteOption = Annotated[Vote, typer.Option("--vote", help="One object for the span, or one per window.")]
BelieveOption = Annotated[
    bool, typer.Option("--believe", help="Take EXPRESSION for true: masks even where the model finds nothing fits.")
]
CandidateOption = Annotated[
    int | None, typer.Option("--candidate", metavar="N", help="Follow moving thing N, whatever EXPRESSION says.")
]
ListCandidatesOption = Annotated[
    bool, typer.Option("--list-candidates", help="Only look what moves: a table, and FOLDER/candidates/N.png.")
]
RateOption = Annotated[
    str | None, typer.Option("--fps", metavar="RATE", help="Frames per second of a folder of pictures (24).")
]
_FORMATS = f"There are {', '.join((*Format, *NAMED_SPECS))}."
FormatsOption = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="NAME", help=f"What to write beside masks/; may be repeated. {_FORMATS}"),
]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", metavar="P.rvos", help="Keep the run in a project too; made if new.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the run of EXPRESSION that was interrupted in --project.")
]


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


def read_formats(values: list[str] | None) -> frozenset[str]:
    """The formats named by `--format`, which may be given more than once or with commas: a `Format` or a `NAMED_SPECS`.

    Raises:
        UsageError: a name that is not a format.
    """
    names = [name.strip() for value in values or [] for name in value.split(",") if name.strip()]
    unknown = next((name for name in names if name not in NAMED_SPECS and name not in set(Format)), None)
    if unknown is not None:
        raise UsageError(f"--format: there is no {unknown!r}.", hint=_FORMATS, code="usage.format")
    return frozenset(names) | {Format.PNG}
