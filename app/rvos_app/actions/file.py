"""The File menu: open, save, import, export, close."""

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
    open_project: Callable[[], object]
    save: Callable[[], object]
    save_as: Callable[[], object]
    save_copy: Callable[[], object]
    revert: Callable[[], object]
    add_clip: Callable[[], object]
    next_clip: Callable[[], object]
    import_annotations: Callable[[], object]
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
            "file.open_project",
            "Open &Project…",
            do.open_project,
            place="1_open/0",
            keys=("Ctrl+Alt+O",),
            tip="Open a project with its clip, masks and history",
        ),
        *_saving(do),
        record(
            "file.import",
            "&Import Annotations…",
            do.import_annotations,
            place="3_export/0",
            keys=("Ctrl+Shift+I",),
            tip="Bring masks and sentences of a data set or another program into this project",
            when="can_edit and not run_active and not spreading",
        ),
        record(
            "file.export",
            "&Export…",
            do.export,
            place="3_export/1",
            keys=("Ctrl+E",),
            tip="Mattes, cut-outs, masks, video and annotations for other programs",
            when="has_masks",
        ),
        record(
            "file.close",
            "&Close Clip",
            do.close_clip,
            place="4_close/1",
            keys=("Ctrl+W",),
            tip="Close the clip; its masks are kept in its project",
            when="has_clip",
        ),
        record("file.quit", "&Quit", do.quit, place="4_close/2", keys=("Ctrl+Q",), tip="Close the studio"),
    ]


def _saving(do: FileCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "file.save",
            "&Save",
            do.save,
            place="2_save/1",
            keys=("Ctrl+S",),
            when="can_edit",
            tip="Every change is kept at once; this gives the state a name to come back to",
        ),
        record(
            "file.save_as",
            "Save &As…",
            do.save_as,
            place="2_save/2",
            keys=("Ctrl+Shift+S",),
            when="can_edit",
            tip="Give the project a name and a place, and go on in it",
        ),
        record(
            "file.save_copy",
            "Save a &Copy…",
            do.save_copy,
            place="2_save/3",
            when="has_clip",
            tip="Write a copy of the project, and go on in this one",
        ),
        record(
            "file.revert",
            "Re&vert To…",
            do.revert,
            place="2_save/4",
            when="has_snapshots and can_edit and not run_active",
            tip="Go back to a state that was saved; undo brings the present one back",
        ),
        record(
            "file.add_clip",
            "Add Clip to Pro&ject…",
            do.add_clip,
            place="2_save/5",
            when="can_edit and not run_active",
            tip="Take another clip into this project",
        ),
        record(
            "file.next_clip",
            "&Next Clip of Project",
            do.next_clip,
            place="2_save/6",
            keys=("Ctrl+Tab",),
            when="has_clips and can_edit and not run_active",
            tip="Show the next clip of this project",
        ),
    ]
