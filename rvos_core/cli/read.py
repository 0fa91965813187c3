"""`rvos read`: how sentences are understood, slot by slot; for writing them, and for checking those of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.language import Reading


def read(
    expressions: Annotated[
        list[str] | None, typer.Argument(metavar="EXPRESSION...", help="Sentences, each in quotation marks.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Also the lines of a UTF-8 text file; - reads stdin.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is understood of sentences: category, colour, side and so on, and which words mean nothing here."""
    from rvos_core.language import read_expression

    output = Output(as_json=as_json)
    texts = [*(expressions or []), *(_lines(file) if file is not None else [])]
    if not texts:
        raise UsageError("There is no sentence to read.", hint="Give one, or a file of them with --file.", code="usage")
    readings = [read_expression(text) for text in texts]
    for reading in readings:
        output.say(f"{reading.text}\n    {_in_words(reading)}")
    understood = sum(not reading.unknown and not reading.contradictions for reading in readings)
    if len(readings) > 1:
        output.say(f"{understood} of {len(readings)} sentences are understood to the last word")
    output.result({"readings": [reading.as_dict() for reading in readings], "understood": understood})


def _in_words(reading: Reading) -> str:
    parts = [f"{name} {_value(value)}" for name, value in reading.said.items()] or ["says nothing that is known here"]
    parts += [f"beside it: {', '.join(reading.also)}"] * bool(reading.also)
    parts += [f"not known: {', '.join(reading.unknown)}"] * bool(reading.unknown)
    parts += [f"contradicts itself: {first} and {second}" for first, second in reading.contradictions]
    return "; ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_value(each)}" for name, each in value.items()) + ")"
    return str(value)


def _lines(file: Path) -> list[str]:
    """Lines that hold something. Raises: UserError: the file cannot be read, or is no text."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(
            f"{file} cannot be read: {reason}.", hint="Give a text file with a sentence a line.", code="read.file"
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
