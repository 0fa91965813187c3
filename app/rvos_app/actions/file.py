"""The File menu: open, export, close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app_model import Action

from rvos_app.actions.record import record


@dataclass(frozen=True)
class FileCommands:
    """What the File menu calls."""

    open_video: Callable[[], object]
    open_folder: Callable[[], object]
    open_demo: Callable[[], object]
    export: Callable[[], object]
    close_clip: Callable[[], object]
    quit: Callable[[], object]


def file_actions(do: FileCommands) -> list[Action[Any, Any]]:
    """Records of the File menu."""
    return [
        record(
            "file.open",
            "&Open Video…",
            do.open_video,
            place="1_open/1",
            keys=("Ctrl+O",),
            tip="Open a video file",
        ),
        record(
            "file.open_folder",
            "Open &Image Folder…",
            do.open_folder,
            place="1_open/2",
            keys=("Ctrl+Shift+O",),
            tip="Open a folder of numbered images as a clip",
        ),
        record(
            "file.open_demo",
            "Open &Demo Clip",
            do.open_demo,
            place="1_open/3",
            tip="Open the clip that ships with the program",
        ),
        record(
            "file.export",
            "&Export…",
            do.export,
            place="2_export/1",
            keys=("Ctrl+E",),
            tip="Write masks or an overlay video to disk",
            when="has_masks",
        ),
        record(
            "file.close",
            "&Close Clip",
            do.close_clip,
            place="3_close/1",
            keys=("Ctrl+W",),
            tip="Close the clip and its masks",
            when="has_clip",
        ),
        record("file.quit", "&Quit", do.quit, place="3_close/2", keys=("Ctrl+Q",), tip="Close the studio"),
    ]
