"""The one page beside an export that tells an editor how to take it: what is there, what to click, what to look at.

The steps are in `recipe_steps`. None of these programs was at hand; each page says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import TextWrapper

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.recipe_steps import STEPS, Export, Section
from rvos_core.delivery.timelines.placing import DeliveredFile
from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.types import MediaInfo

_WIDTH = 100
_MANY = 12
_HONEST = (
    "These steps follow what is published about the program. They were not tried in it, and menus have other names in "
    "other versions. What the files hold was read back after writing; the report beside each file says how."
)


def write_recipe(
    recipe: str,
    folder: Path,
    info: MediaInfo,
    files: Sequence[DeliveredFile],
    *,
    timelines: Sequence[Path] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Write the page of one editing program beside an export, over one that is there.

    Args:
        recipe: of `delivery.presets.RECIPES`.
        folder: of the export.
        info, files, timelines, notes: as of `recipe_text`.

    Returns:
        The file, `HOWTO-<recipe>.txt`.

    Raises:
        UserError: as `recipe_text`, or the disk refuses.
    """
    text = recipe_text(recipe, folder, info, files, timelines=timelines, notes=notes)
    path = folder / f"HOWTO-{recipe}.txt"
    write_file(path, text.encode("utf-8", "replace"))
    return path


def recipe_text(
    recipe: str,
    folder: Path,
    info: MediaInfo,
    files: Sequence[DeliveredFile],
    *,
    timelines: Sequence[Path] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page.

    Args:
        recipe: of `delivery.presets.RECIPES`.
        folder: names of files are told from here.
        info: the clip.
        files: what was delivered of it, at least one.
        timelines: files that place it above the clip.
        notes: sentences that a person should know.

    Raises:
        UserError: there is no such recipe.
    """
    if recipe not in STEPS:
        raise UserError(
            f"There is no how-to “{recipe}”.", hint=f"There are {', '.join(STEPS)}.", code="delivery.recipe"
        )
    if not files:
        raise ValueError("nothing was delivered")
    title, steps = STEPS[recipe]
    export = Export(info, tuple(files), tuple(timelines), folder)
    lines = [f"{info.path.name} in {title}", "", *_wrapped(_HONEST), ""]
    for section in (_contents(export), *steps(export)):
        lines += [section.title, *_numbered(section), ""]
    if notes:
        lines += ["Also", *(line for note in notes for line in _wrapped(note, first="- ", later="  ")), ""]
    return "\n".join(lines)


def _contents(export: Export) -> Section:
    """Every file with what a person must know to use it."""
    lines = []
    for each in export.files[:_MANY]:
        what = f"cut-out, {_alpha(each)}" if each.content == CUTOUT else "matte: white is the object, black is not"
        numbers = ""
        if each.pictures is not None:
            first = each.pictures.first
            numbers = f", pictures {first} to {first + each.frames - 1}"
        code = f", from timecode {each.timecode}" if each.timecode is not None else ""
        lines.append(
            f"{export.name(each)}: {each.title}, {what}; {each.width}x{each.height}, {each.frames} frames at "
            f"{float(each.rate):.6g} a second{numbers}{code}" + (f"; {each.object_name}" if each.object_name else "")
        )
    if len(export.files) > _MANY:
        lines.append(f"and {len(export.files) - _MANY} more, as their reports say")
    lines += [f"{export.relative(path)}: timeline, puts all of this above the clip" for path in export.timelines]
    span = export.files[0].span
    lines.append(
        f"The first frame is frame {span.start} of {export.info.path.name}, counted from 0"
        + (f", the last one frame {span.stop - 1}." if all(each.span == span for each in export.files) else ".")
    )
    return Section("What is here", tuple(lines), numbered=False)


def _alpha(file: DeliveredFile) -> str:
    return "no alpha" if file.alpha == "none" else f"{file.alpha} alpha"


def _numbered(section: Section) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(section.steps, start=1):
        mark = f"{number}. " if section.numbered else "- "
        lines += step.splitlines() if step.startswith("    ") else _wrapped(step, first=mark, later=" " * len(mark))
    return lines


def _wrapped(text: str, *, first: str = "", later: str = "") -> list[str]:
    """Lines of at most 100 characters; names of files are never broken."""
    wrapper = TextWrapper(
        _WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(" ".join(text.split()))
