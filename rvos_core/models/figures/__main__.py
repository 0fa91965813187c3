"""`python -m rvos_core.models.figures FOLDER`: draw the figures of the pages in FOLDER again."""

from __future__ import annotations

import argparse
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.models.figures.pages import redraw_folder


def main(arguments: list[str] | None = None) -> None:
    """Draws. Exits with a code other than 0, and says why, where it cannot."""
    parser = argparse.ArgumentParser(
        prog="python -m rvos_core.models.figures", description="Draw the figures of the models' pages again."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the pages, docs/models")
    try:
        redraw_folder(parser.parse_args(arguments).folder)
    except UserError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
