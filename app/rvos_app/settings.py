"""What the studio remembers between two starts: one small JSON file in the person's configuration folder."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Literal

from platformdirs import user_config_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rvos_core.errors import UserError
from rvos_core.files import write_file

_log = logging.getLogger("rvos.project")

_EXPRESSIONS_KEPT = 100
_RECENT_KEPT = 12


class Settings(BaseModel):
    """Preferences and histories; every field has a default, unknown fields of newer versions are ignored."""

    model_config = ConfigDict(validate_assignment=True, extra="ignore")

    theme: Literal["dark", "light", "system"] = "dark"
    model: str = "auto"
    device: str = "auto"
    view_mode: Literal["overlay", "outline", "matte", "original", "cut_out", "effects"] = "overlay"
    show_boxes: bool = False
    overlay_opacity: float = Field(default=0.5, ge=0.05, le=1.0)
    brush_size: float = Field(default=40.0, ge=1.0, le=1000.0)  # diameter, pixels of the clip
    brush_hardness: float = Field(default=1.0, ge=0.0, le=1.0)
    muted: bool = False
    export_folder: str = ""
    expressions: list[str] = []
    recent_files: list[str] = []
    window_geometry: str = ""
    window_layout: str = ""

    def remember_expression(self, expression: str) -> None:
        """Put `expression` first in the history."""
        self.expressions = _first(expression, self.expressions, keep=_EXPRESSIONS_KEPT)

    def remember_file(self, path: Path) -> None:
        """Put `path` first among the recent clips."""
        self.recent_files = _first(str(path), self.recent_files, keep=_RECENT_KEPT)


class SettingsStore:
    """Reads and writes one settings file; a file that cannot be read is set aside, never overwritten.

    Args:
        path: the file; None takes `$RVOS_CONFIG_DIR` or the person's configuration folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _default_path()

    def load(self) -> Settings:
        """The stored settings, or the defaults where there are none or they are damaged."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return Settings()
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("settings %s cannot be read (%s); using the defaults", self.path, error)
            self._set_aside()
            return Settings()
        try:
            return Settings.model_validate(json.loads(text))
        except (ValueError, ValidationError, RecursionError) as error:
            _log.warning("settings %s are damaged (%s); using the defaults", self.path, error)
            self._set_aside()
            return Settings()

    def save(self, settings: Settings) -> bool:
        """Write beside, then rename. Returns False (and logs why) where the folder cannot be written."""
        try:
            write_file(self.path, settings.model_dump_json(indent=1).encode("utf-8"))
        except UserError as error:
            _log.warning("settings cannot be saved: %s", error)
            return False
        return True

    def _set_aside(self) -> None:
        for number in range(1, 100):
            aside = self.path.with_name(f"{self.path.name}.damaged-{number}")
            if not aside.exists():
                try:
                    self.path.rename(aside)
                except OSError as error:
                    _log.warning("damaged settings cannot be set aside: %s", error)
                return


def _default_path() -> Path:
    chosen = os.environ.get("RVOS_CONFIG_DIR")
    folder = Path(chosen) if chosen else user_config_path("rvos-studio", appauthor=False)
    return folder / "settings.json"


def _first(item: str, items: list[str], *, keep: int) -> list[str]:
    return [item, *(other for other in items if other != item)][:keep]
