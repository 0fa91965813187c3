"""Figures and tables in the pages: they stand between two comments and are replaced as a whole.

`<!-- figure: NAME -->` ... `<!-- /figure -->` holds the flow chart of the published network NAME,
`<!-- parameters: NAME -->` ... `<!-- /parameters -->` the parameters of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.models.figures.mermaid import caption, flow_chart, parameter_table
from rvos_core.models.figures.run import Run, run

_DRAWINGS: Mapping[str, Callable[[Run], str]] = {
    "figure": lambda seen: f"{flow_chart(seen)}\n\n{caption(seen)}",
    "parameters": parameter_table,
}
_OPENING = re.compile(r"<!-- (figure|parameters): (\S+) -->")
_WHOLE = re.compile(r"(<!-- (figure|parameters): (\S+) -->)\n(.*?)(<!-- /\2 -->)", re.DOTALL)


def redraw_folder(folder: Path) -> tuple[Path, ...]:
    """Draw all figures of the pages `*.md` in `folder` again. Returns: the pages that changed.

    Raises:
        UserError: the folder has no page with a figure, or a page is not as `redraw` wants it.
    """
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
    if not any(_OPENING.search(text) for text in pages.values()):
        raise UserError(
            f"{folder} holds no page with a figure.",
            hint="Give the folder of the models' pages, docs/models.",
            code="figures.none",
        )
    drawn = {path: redraw(text, where=str(path)) for path, text in pages.items()}
    changed = tuple(path for path, text in drawn.items() if text != pages[path])
    for path in changed:
        write_file(path, drawn[path].encode())
    return changed


def redraw(text: str, *, where: str) -> str:
    """A page with its figures and tables drawn again.

    Args:
        text: the page, Markdown.
        where: its name, for errors.

    Raises:
        UserError: a figure has no end.
        UsageError: a figure is of a network that does not exist.
    """
    for opening in _OPENING.finditer(text):
        closed = _WHOLE.match(text, opening.start())
        if closed is None or _OPENING.search(closed[4]):
            raise UserError(
                f"{where}: {opening[0]} has no end.",
                hint=f"Put <!-- /{opening[1]} --> on a line of its own behind it.",
                code="figures.no_end",
            )
    runs = {name: run(name) for name in dict.fromkeys(found[3] for found in _WHOLE.finditer(text))}
    return _WHOLE.sub(partial(_drawn, runs), text)


def _drawn(runs: Mapping[str, Run], found: re.Match[str]) -> str:
    opening, kind, name, _, closing = found.groups()
    return f"{opening}\n{_DRAWINGS[kind](runs[name])}\n{closing}"
