"""A person's own presets: one JSON file each in a folder, and files to hand to others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.delivery.presets import PRESETS, Preset
from rvos_core.errors import UserError
from rvos_core.files import write_file, writing

SUFFIX = ".rvospreset"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class PresetShelf:
    """What there is to choose from.

    Attributes:
        presets: the program's, then the person's by title.
        problems: files of the folder that are no presets; they do not keep the others away.
    """

    presets: tuple[Preset, ...]
    problems: tuple[UserError, ...]

    def find(self, name: str) -> Preset:
        """By id, or by title in any case. Raises: UserError: there is none."""
        found = [each for each in self.presets if each.id == name]
        found = found or [each for each in self.presets if each.title.casefold() == name.strip().casefold()]
        if not found:
            raise UserError(
                f"There is no preset “{name}”.",
                hint=f"There are: {', '.join(each.id for each in self.presets)}.",
                code="delivery.preset_unknown",
            )
        return found[0]


def load_presets(folder: Path | None) -> PresetShelf:
    """All presets: the program's own and those in `folder`, which need not exist."""
    own: list[Preset] = []
    problems: list[UserError] = []
    for path in _files(folder, problems):
        try:
            preset = read_preset(path)
            _refuse_taken(preset, [*PRESETS.values(), *own], path)
        except UserError as error:
            problems.append(error)
        else:
            own.append(preset)
    own.sort(key=lambda each: (each.title.casefold(), each.id))
    return PresetShelf((*PRESETS.values(), *own), tuple(problems))


def read_preset(path: Path) -> Preset:
    """The preset in a file that somebody saved or sent.

    Raises:
        UserError: the file cannot be read, is no JSON object, has a key twice, or as `Preset.from_dict`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _no_preset(path, f"it cannot be read ({error.strerror or error})") from error
    if len(content) > _MAX_BYTES:
        raise _no_preset(path, "it is larger than 1 MiB")
    try:
        values = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise _no_preset(path, "it is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise _no_preset(path, f"it is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _no_preset(path, "it is not a JSON object")
    try:
        return Preset.from_dict(values)
    except UserError as error:
        raise UserError(f"{path}: {error.message}", hint=error.hint, code=error.code) from error


def write_preset(path: Path, preset: Preset) -> None:
    """Write a preset to a file of its own, to be handed on. Raises: UserError: the disk refuses."""
    text = json.dumps(preset.as_dict(), ensure_ascii=False, indent=1) + "\n"
    write_file(path, text.encode("utf-8", "backslashreplace"))


def save_preset(folder: Path, preset: Preset, *, replace: bool = False) -> Path:
    """Keep a preset among a person's own.

    Args:
        replace: one of theirs with the same id may go.

    Returns:
        Its file.

    Raises:
        UserError: another preset has its id or title, or the disk refuses.
    """
    path = folder / f"{preset.id}{SUFFIX}"
    others = [each for each in load_presets(folder).presets if not (replace and _is_own(each, preset.id))]
    _refuse_taken(preset, others, path)
    if path.exists() and not replace:
        raise _taken(path, f"there is a file {path.name}")
    write_preset(path, preset)
    return path


def import_preset(folder: Path, file: Path, *, replace: bool = False) -> Preset:
    """Take over a preset that somebody sent. Raises: UserError: as `read_preset` and `save_preset`."""
    preset = read_preset(file)
    save_preset(folder, preset, replace=replace)
    return preset


def remove_preset(folder: Path, name: str) -> None:
    """Delete a person's own preset by its id. Raises: UserError: there is none, or it is the program's."""
    if name in PRESETS:
        raise UserError(
            f"The preset “{name}” comes with the program and cannot be deleted.",
            hint="Presets that you saved can be.",
            code="delivery.preset_builtin",
        )
    found = [path for path in _files(folder, []) if _id_in(path) == name]
    if not found:
        raise UserError(
            f"There is no preset “{name}” in {folder}.", hint="Look at the list.", code="delivery.preset_unknown"
        )
    with writing(found[0]):
        found[0].unlink()


def _files(folder: Path | None, problems: list[UserError]) -> list[Path]:
    if folder is None or not folder.exists():
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except OSError as error:
        problems.append(_no_preset(folder, f"it cannot be read ({error.strerror or error})"))
        return []


def _id_in(path: Path) -> str | None:
    try:
        return read_preset(path).id
    except UserError:
        return None


def _is_own(preset: Preset, name: str) -> bool:
    return preset.id == name and name not in PRESETS


def _refuse_taken(preset: Preset, others: list[Preset], path: Path) -> None:
    for other in others:
        if other.id == preset.id:
            raise _taken(path, f"“{other.title}” has the id {other.id}, too")
        if other.title.casefold() == preset.title.casefold():
            raise _taken(path, f"there is another preset with the title “{other.title}”")


def _taken(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} would be a preset that cannot be told from another: {why}.",
        hint="Give it another id and title, or replace the other one.",
        code="delivery.preset_taken",
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"“{twice}” is there twice")
    return values


def _no_preset(path: Path, why: str) -> UserError:
    return UserError(f"{path} is no preset: {why}.", hint="Save it anew.", code="delivery.preset_file")
