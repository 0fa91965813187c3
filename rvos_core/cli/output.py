"""What a command says: its result on stdout, progress on stderr; with `--json` one JSON object on stdout.

Errors look the same in every command.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rvos_core.errors import UserError

_PLAIN_LINE_EVERY_S = 15.0


class Output:
    """The voice of one command.

    Args:
        as_json: print one JSON object instead of text; progress stays on stderr.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, values: Mapping[str, Any]) -> None:
        """The command's answer for programs; silent without `--json`."""
        if self.as_json:
            sys.stdout.write(json.dumps(values, allow_nan=False) + "\n")
            sys.stdout.flush()

    def say(self, text: str = "") -> None:
        """A line of the answer for people; silent with `--json`. Plain text: brackets are not markup."""
        if not self.as_json:
            self._out.print(escape(text))

    def show(self, renderable: Any) -> None:
        """A rich renderable (a table) for people; silent with `--json`."""
        if not self.as_json:
            self._out.print(renderable)

    def note(self, text: str) -> None:
        """A line beside the answer (progress, a warning), on stderr in both forms."""
        self._err.print(escape(text), style="dim")

    @contextmanager
    def progress(self, label: str) -> Iterator[Meter]:
        """A progress bar on a terminal; a line now and then where stderr is a file or a pipe."""
        if not self._err.is_terminal:
            yield Meter(label, self)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._err, transient=True) as bar:
            yield Meter(label, self, bar=bar)


class Meter:
    """One bar of progress; made by `Output.progress`."""

    def __init__(self, label: str, output: Output, *, bar: Progress | None = None) -> None:
        self._label = label
        self._output = output
        self._bar = bar
        self._task = bar.add_task(label, total=None, detail="") if bar else None
        self._said_at = time.monotonic()

    def read_back(self, done: int, total: int) -> None:
        """So much of what was written is read back."""
        self.update(done, total, detail="read back")

    def update(self, done: int, total: int, *, detail: str = "") -> None:
        """`done` of `total` steps are finished."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, detail=detail)
        elif time.monotonic() - self._said_at > _PLAIN_LINE_EVERY_S:
            self._said_at = time.monotonic()
            self._output.note(f"{self._label}: {done} of {total}{', ' + detail if detail else ''}")


def report_error(error: UserError, *, as_json: bool) -> None:
    """Say what went wrong: the JSON error object on stdout, or one sentence (and what to do) on stderr."""
    if as_json:
        Output(as_json=True).result({"error": error.as_dict()})
    else:
        sys.stderr.write(f"rvos: {error}\n")


def plural(number: int, noun: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds_in_words(seconds: float) -> str:
    """`3.2 s`, `48 s`, `12 min`, `1 h 05 min`: as exact as it is useful."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
