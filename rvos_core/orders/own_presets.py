"""Presets that a person saved: one JSON file each, in the studio's data folder, or anywhere to be passed on."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.delivery.naming import safe_name
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.errors import UserError
from rvos_core.files import write_file, writing

_log = logging.getLogger("rvos.jobs")

SUFFIX = ".rvos-preset"
VERSION = 1
_MAX_BYTES = 1_000_000
_MAX_NAME = 80


@dataclass(frozen=True)
class OwnPreset:
    """A name and what is made under it; in, out and target belong to the order, not to the preset.

    Attributes:
        editor: name of the editing program's preset that it comes from, whose timeline and recipe come along; "": none.
    """

    name: str
    specs: tuple[DeliverySpec, ...]
    editor: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _MAX_NAME:
            raise UserError(
                f"A preset cannot be called {self.name[:100]!r}.",
                hint=f"Give it a name of up to {_MAX_NAME} characters.",
                code="presets.name",
            )
        if not self.specs:
            raise UserError("A preset without any output.", hint="Save it anew.", code="presets.damaged")

    def to_json(self) -> str:
        """The document."""
        specs = [each.as_dict() for each in self.specs]
        document = {"rvos_preset": VERSION, "name": self.name, "editor": self.editor, "specs": specs}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> OwnPreset:
        """The inverse of `to_json`, parsed. Raises: UserError: it is no preset, or of a newer version."""
        if values.get("rvos_preset") != VERSION or not isinstance(values.get("specs"), list):
            raise UserError(
                "This is no preset, or one of a newer version.", hint="Choose another file.", code="presets.damaged"
            )
        specs = []
        for each in values["specs"]:
            if not isinstance(each, dict):
                raise UserError("The preset is damaged.", hint="Choose another file.", code="presets.damaged")
            specs.append(DeliverySpec.from_dict(each))
        return OwnPreset(str(values.get("name", "")), tuple(specs), str(values.get("editor", "")))


class PresetShelf:
    """Args: folder: made with the first preset, e.g. `Library().folder / "presets"`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[OwnPreset]:
        """All presets by their names; files that cannot be read are logged and left."""
        found = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else ():
            try:
                found.append(read_preset(path))
            except UserError as error:
                _log.warning("%s", error)
        return sorted(found, key=lambda each: each.name.casefold())

    def find(self, name: str) -> OwnPreset | None:
        """The preset of that name; None: there is none."""
        return next((each for each in self.all() if each.name == name), None)

    def save(self, preset: OwnPreset) -> None:
        """Keep a preset; one of the same name is replaced. Raises: UserError: the disk refuses."""
        write_preset(self._path(preset.name), preset)

    def remove(self, name: str) -> None:
        """Forget a preset. Never fails."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{safe_name(name, room=len(SUFFIX))}{SUFFIX}"


def read_preset(path: Path) -> OwnPreset:
    """Read a preset's file. Raises: UserError: naming it and what is wrong."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        values = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(values, dict):
            raise ValueError("it holds no object")
        return OwnPreset.from_dict(values)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Choose another file.",
            code="presets.cannot_read",
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is no preset of RVOS Studio: {error}.", hint="Choose another file.", code="presets.damaged"
        ) from error
    except UserError as error:
        raise UserError(f"{path}: {error.message}", hint=error.hint, code=error.code) from error


def write_preset(path: Path, preset: OwnPreset) -> None:
    """Write a preset to be passed on. Raises: UserError: the disk refuses."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, preset.to_json().encode("utf-8"))
