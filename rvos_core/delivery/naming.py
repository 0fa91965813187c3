"""Names of delivered files: a template with tokens, made safe for every system before anything is written.

`{clip}` name of the source, `{object}` of the object, `{id}` its number, `{expression}` its sentence, `{kind}` what the
file holds, `{frame:04}` number of the picture (sequences only). A slash makes a folder. What tokens stand for gets
underscores for spaces, and for all that shells, Nuke (`%`, `#`, `[`) or farms take for something else than a name; what
is written in the template itself stays as it is.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.types import MediaInfo

TOKENS = ("clip", "object", "kind", "format", "id", "expression", "frame")
MAX_NAME_BYTES = 200  # of 255; what marks a part, a report and a number needs room, too
MAX_PATH = 259  # characters that programs on Windows take without being told otherwise
_MAX_TEMPLATE = 400
_DEFAULT_DIGITS = 4
_ILLEGAL = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)
_KEPT = "_-.+"
_DIGITS = re.compile(r"0?[1-9]")


@dataclass(frozen=True)
class OutputName:
    """Where one output goes.

    Attributes:
        path: the file; of a sequence its folder.
        stem, digits, suffix: of a sequence, names are stem + number of at least `digits` digits + suffix.
        tail: of a sequence, what stands between the number and the suffix.
    """

    path: Path
    stem: str = ""
    digits: int = 0
    suffix: str = ""
    tail: str = ""

    @property
    def is_sequence(self) -> bool:
        """Whether `path` is a folder of numbered pictures."""
        return self.digits > 0

    def picture(self, number: int) -> str:
        """Name of picture `number` of a sequence."""
        return f"{self.stem}{number:0{self.digits}d}{self.tail}{self.suffix}"

    @property
    def owned(self) -> re.Pattern[str]:
        """Names of pictures of this very sequence, whatever its numbers."""
        ends = re.escape(self.tail + self.suffix)
        return re.compile(rf"{re.escape(self.stem)}\d{{{self.digits},}}{ends}")


def clip_name(info: MediaInfo) -> str:
    """What `{clip}` stands for before it is made safe: a file's name without its suffix, a folder's whole name."""
    return info.path.name if info.kind == "images" and info.path.is_dir() else info.path.stem


def check_template(template: str) -> None:
    """Raises: UserError: the template has a token that there is not, is empty, or is no template at all."""
    _parts(template)


def output_name(
    folder: Path, template: str, values: Mapping[str, str], *, suffix: str, still: bool, highest: int = 0
) -> OutputName:
    """The place of one output under `folder`.

    Args:
        values: of the tokens, `frame` left out; each goes through `safe_token`, so that none of them can make a folder.
        suffix: with its dot.
        still: a sequence: `{frame}` is put before the suffix where the template has none, and a folder of the
            sequence's own is made where the template names none.
        highest: number of the last picture, so that all numbers are equally long.

    Raises:
        UserError: as `check_template`; or `{frame}` in the name of a folder, or in that of a video.
    """
    folders, name = _divide(_parts(template))
    parent = folder.joinpath(*(safe_name(_filled(each, values)) for each in folders if each))
    before, spec, after = _around_frame(name)
    if not still:
        if spec is not None:
            raise _bad_template(template, "{frame} is for sequences of pictures")
        return OutputName(parent / (safe_name(_filled(name, values), room=len(suffix)) + suffix))
    if any(spec is not None for _, spec, _ in map(_around_frame, folders)):
        raise _bad_template(template, "{frame} cannot be in the name of a folder")
    digits = max(int(spec[-1]) if spec else _DEFAULT_DIGITS, len(str(highest)))
    if spec is None:
        before, after = [*name, (".", None)], []
    tail = _cleaned(_filled(after, values))
    text = _filled(before, values)
    bare = text.rstrip("._- ")
    stem = safe_name(bare, room=len(tail.encode()) + 24) if bare else ""
    if not any(folders):
        parent = parent / (stem or safe_name(safe_token(values.get("clip", ""))))
    return OutputName(parent, stem + (text[len(bare) :] or "." if bare else ""), digits, suffix, tail)


def safe_token(text: str) -> str:
    """What a token stands for, as one word: `the_yellow_car_left` for “the yellow car (left)”.

    Letters, marks and numbers of any script and `_ - . +` stay; what else there is between them becomes an underscore.
    """
    normal = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    kept = "".join(c if c in _KEPT or unicodedata.category(c)[0] in "LMN" else " " for c in normal)
    return "_".join(kept.split()) or ("_" if text else "")


def safe_name(text: str, *, room: int = 0) -> str:
    """One component of a path that Windows, macOS and Linux all take: characters replaced, length cut, never empty.

    Args:
        room: bytes to be left for what is put behind it.
    """
    name = _cleaned(text).strip(" .") or "_"
    name = name.encode("utf-8", "replace")[: MAX_NAME_BYTES - room].decode("utf-8", "ignore").rstrip(" .") or "_"
    return f"_{name}" if _RESERVED.match(name) else name


def name_problem(path: Path) -> str | None:
    """Why some system refuses a path, as the end of a sentence; None where all take it."""
    length = len(str(path.absolute()))
    if length > MAX_PATH:
        return f"is {length} characters long; many programs take {MAX_PATH}"
    return None


def collisions(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs of places (earlier, later) in `paths` that are one file where case and Unicode form do not count."""
    seen: dict[str, int] = {}
    found = []
    for place, path in enumerate(paths):
        key = unicodedata.normalize("NFC", str(path)).casefold()
        if key in seen:
            found.append((seen[key], place))
        seen.setdefault(key, place)
    return found


_Piece = tuple[str, str | None]  # (literal text, None) or (token, format)


def _parts(template: str) -> list[_Piece]:
    """The template as pieces: ("text", None) are literal, ("{token", spec) are tokens."""
    if not template.strip() or len(template) > _MAX_TEMPLATE:
        raise _bad_template(template, f"it is empty or longer than {_MAX_TEMPLATE} characters")
    pieces: list[_Piece] = []
    try:
        for literal, token, spec, conversion in string.Formatter().parse(template):
            if literal:
                pieces.append((literal, None))
            if token is None:
                continue
            if token not in TOKENS or conversion:
                raise _bad_template(template, f"there is no {{{token}}}; there are {', '.join(TOKENS)}")
            if spec and (token != "frame" or not _DIGITS.fullmatch(spec)):
                raise _bad_template(template, f"{{{token}:{spec}}} is not understood; {{frame:04}} is")
            pieces.append((f"{{{token}", spec or ""))
    except ValueError as error:
        raise _bad_template(template, f"its brackets do not match ({error})") from error
    return pieces


def _divide(pieces: Sequence[_Piece]) -> tuple[list[list[_Piece]], list[_Piece]]:
    """Pieces of every folder, and of the name, divided at slashes of literal text."""
    levels: list[list[_Piece]] = [[]]
    for text, spec in pieces:
        if spec is not None:
            levels[-1].append((text, spec))
            continue
        first, *rest = re.split(r"[/\\]", text)
        levels[-1].append((first, None))
        levels += [[(each, None)] for each in rest]
    return [[piece for piece in level if piece[0]] for level in levels[:-1]], levels[-1]


def _around_frame(pieces: Sequence[_Piece]) -> tuple[list[_Piece], str | None, list[_Piece]]:
    place = next((n for n, (text, spec) in enumerate(pieces) if spec is not None and text == "{frame"), None)
    if place is None:
        return list(pieces), None, []
    return list(pieces[:place]), pieces[place][1] or "", list(pieces[place + 1 :])


def _filled(pieces: Sequence[_Piece], values: Mapping[str, str]) -> str:
    return "".join(text if spec is None else safe_token(values.get(text[1:], "")) for text, spec in pieces)


def _cleaned(text: str) -> str:
    normal = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    return "".join(c if c.isprintable() else "_" for c in _ILLEGAL.sub("_", normal))


def _bad_template(template: str, why: str) -> UserError:
    return UserError(
        f"The naming “{template}” does not work: {why}.",
        hint="For example {clip}_{object}_{kind}.{frame:04}.",
        code="delivery.naming",
    )
