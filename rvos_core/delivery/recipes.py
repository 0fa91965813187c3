"""One page of what to click, with the names of what was delivered of a clip: `HOWTO-<editor>_<clip>.txt` beside it.

Every clip has a page of its own, as its numbers, timecodes and timeline are its own. What was delivered of it to the
same folder before is named, too, by the reports that lie there.
"""

from __future__ import annotations

import html
import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePath
from urllib.parse import quote

from rvos_core.delivery.naming import clip_name, safe_name, safe_token
from rvos_core.delivery.outputs import CUTOUT, MATTE
from rvos_core.delivery.recipe_steps import EDITORS, Editor, Section
from rvos_core.delivery.timelines.placing import DeliveredFile
from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.types import FrameSpan, MediaInfo

_WIDTH = 100
_FIRST_OF_MOVIES = 1  # number of a movie's first frame in Nuke
_PLAYABLE = {".webm": "video/webm", ".mp4": "video/mp4"}  # by browsers
_UNTRIED = (
    "The menus are named as their maker's manual names them; nobody tried these steps in the program itself, and "
    "versions differ. How the files were checked is in the .report.txt beside each of them."
)


def recipe_path(editor: str, info: MediaInfo, folder: Path) -> Path:
    """Where `write_recipe` puts the page of a clip."""
    start, suffix = f"HOWTO-{editor}_", ".txt"
    return folder / f"{start}{safe_name(safe_token(clip_name(info)), room=len(start + suffix))}{suffix}"


def write_recipe(
    editor: str, info: MediaInfo, files: Sequence[DeliveredFile], *, folder: Path, timelines: Sequence[Path] = ()
) -> Path:
    """Write the page, atomically; arguments as in `recipe`. Raises: UserError: as `recipe`, or the disk refuses."""
    path = recipe_path(editor, info, folder)
    earlier = delivered_before(info, folder, besides=[each.path for each in files])
    text = recipe(editor, info, files, folder=folder, timelines=timelines, earlier=earlier)
    write_file(path, text.encode("utf-8", "backslashreplace"))
    return path


def delivered_before(info: MediaInfo, folder: Path, *, besides: Sequence[Path]) -> list[Path]:
    """What else of a clip lies in `folder`, by the reports there; reports that cannot be read are left out."""
    found = []
    for report in sorted(folder.glob("*.report.json")):
        try:
            said = json.loads(report.read_text(encoding="utf-8"))
            output, source = report.with_name(str(said["file"])), str(said["source"])
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue
        if source == str(info.path) and output.parent == folder and output not in besides and output.exists():
            found.append(output)
    return found


def recipe(
    editor: str,
    info: MediaInfo,
    files: Sequence[DeliveredFile],
    *,
    folder: Path,
    timelines: Sequence[Path] = (),
    earlier: Sequence[Path] = (),
) -> str:
    """The page.

    Args:
        editor: of `EDITORS`.
        info: the clip.
        files: what was delivered of it, not empty.
        folder: where the page will lie; names are given from there.
        timelines: files that place everything; the first is named.
        earlier: what was delivered of the clip before and lies there, too.

    Raises:
        UserError: there is no such editor.
    """
    if editor not in EDITORS:
        raise UserError(
            f"There is no recipe for “{editor}”.",
            hint=f"There are: {', '.join(EDITORS)}.",
            code="delivery.recipe_unknown",
        )
    known = EDITORS[editor]
    words = _words(known, info, files, folder, timelines)
    title = f"How to use this delivery in {known.title}"
    lines = [title, "=" * len(title), "", *_inventory(info, files, folder, timelines)]
    lines += [f"Earlier   {_from(path, folder)}" for path in earlier]
    for section in known.sections:
        if _has(section, info, files, timelines):
            lines += ["", section.title, "-" * len(section.title)]
            for number, step in enumerate(section.steps, start=1):
                lines += _wrapped(step.format_map(words), first=f"{number}. ")
    lines += ["", "If it looks wrong", "-----------------"]
    for name, step in (
        ("All of the frame is covered (alpha shows opaque): ", known.opaque),
        ("A dark or bright rim round the object (halo): ", known.halo),
        ("The matte is early or late (shifted): ", known.shifted),
    ):
        lines += _wrapped(name + step.format_map(words), first="- ")
    return "\n".join([*lines, "", *_wrapped(_UNTRIED)]) + "\n"


def _has(section: Section, info: MediaInfo, files: Sequence[DeliveredFile], timelines: Sequence[Path]) -> bool:
    """Whether the delivery has what a section is about."""
    pictures = {each.content for each in files if each.pictures is not None}
    movies = {each.content for each in files if each.pictures is None}
    exr = any(each.pictures is not None and each.pictures.after.lower().endswith(".exr") for each in files)
    return {
        "": True,
        "timeline": bool(timelines),
        "cutout": CUTOUT in movies,
        "matte": MATTE in movies,
        "pictures": bool(pictures),
        "cutout pictures": CUTOUT in pictures,
        "matte pictures": MATTE in pictures,
        "exr": exr,
        "source pictures": info.kind == "images",
    }[section.needs]


def _inventory(info: MediaInfo, files: Sequence[DeliveredFile], folder: Path, timelines: Sequence[Path]) -> list[str]:
    """What lies there, a line each."""
    lines = [f"Clip      {info.path.name}, {info.width}x{info.height}, {_rate(info.rate)} frames/s"]
    for each in files:
        kind = "Cut-out" if each.content == CUTOUT else "Matte"
        facts = [each.title, f"{each.alpha} alpha" if each.alpha != "none" else "", f"{each.frames} frames"]
        if each.timecode is not None:
            facts.append(f"from {each.timecode}")
        name = each.object_name if each.object_name != each.expression else ""  # usually the sentence is the name
        whose = ", ".join(filter(None, (name, f"“{each.expression}”" if each.expression else "")))
        lines.append(f"{kind:<9} {_shown(each, folder)}{f': {whose}' if whose else ''}")
        lines.append(f"{'':<9} {', '.join(fact for fact in facts if fact)}; {_covered(each.span)}")
    lines += [f"Timeline  {_from(path, folder)}" for path in timelines]
    return lines


def _words(
    known: Editor, info: MediaInfo, files: Sequence[DeliveredFile], folder: Path, timelines: Sequence[Path]
) -> Mapping[str, str]:
    cutouts = [each for each in files if each.content == CUTOUT]
    mattes = [each for each in files if each.content == MATTE]
    first = next((each for each in files if each.pictures is not None), files[0])
    number = first.pictures.first if first.pictures is not None else _FIRST_OF_MOVIES
    alpha = next((each.alpha for each in cutouts if each.alpha != "none"), "straight")
    start = "their first frames coincide"
    if first.span.start:
        start = f"the first frame of what was delivered lies on frame {first.span.start} of the clip, counted from 0"
    if first.timecode is not None:
        start += f" (timecode {first.timecode})"
    return {
        "clip": info.path.name,
        "cutout": _shown(cutouts[0], folder) if cutouts else "the cut-out",
        "cutouts": ", ".join(_shown(each, folder) for each in cutouts),
        "matte": _shown(mattes[0], folder) if mattes else "the matte",
        "mattes": ", ".join(_shown(each, folder) for each in mattes),
        "timeline": _from(timelines[0], folder) if timelines else "",
        "rate": _rate(first.rate),
        "number": str(number),
        "span_start": str(first.span.start),
        "plate_start": str(number - first.span.start),
        "offset": start,
        "alpha": alpha,
        "alpha_name": known.alpha_names[alpha],
        "premult_step": " behind a Premult" if alpha == "straight" else "",
        "html": _html(cutouts, folder),
    }


def _html(cutouts: Sequence[DeliveredFile], folder: Path) -> str:
    """A video element; the one with alpha first, as browsers take the first that they can play."""
    playable = [each for each in cutouts if each.path.suffix in _PLAYABLE]
    lines = ["<video autoplay loop muted playsinline>"]
    for each in sorted(playable, key=lambda each: each.alpha == "none"):
        address = quote(os.fsencode(_from(each.path, folder)))
        lines.append(f'  <source src="{html.escape(address)}" type="{_PLAYABLE[each.path.suffix]}">')
    return "\n".join(f"     {line}" for line in [*lines, "</video>"])


def _shown(each: DeliveredFile, folder: Path) -> str:
    """`dog.mov`, or `dog/dog.####.png (1001 to 1024)`."""
    name = _from(each.path, folder)
    if each.pictures is None:
        return name
    numbers = f"{each.pictures.before}{'#' * each.pictures.digits}{each.pictures.after}"
    return f"{name}/{numbers} ({each.pictures.first} to {each.pictures.first + each.frames - 1})"


def _from(path: Path, folder: Path) -> str:
    """A name from `folder` on; in full where it lies elsewhere."""
    return PurePath(path.relative_to(folder)).as_posix() if path.is_relative_to(folder) else str(path)


def _covered(span: FrameSpan) -> str:
    return f"frames {span.start} to {span.stop - 1} of the clip"


def _rate(rate: Fraction) -> str:
    return f"{float(rate):.6g}"


def _wrapped(text: str, *, first: str = "") -> list[str]:
    """Lines of at most `_WIDTH` characters; names are never broken, and lines that are given stay."""
    head, *given = text.split("\n")
    wrapped = textwrap.wrap(
        head,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*wrapped, *given]
