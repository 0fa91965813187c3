"""Keeps the panels, the welcome page and the status bar true, and passes on what a person asks there."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from rvos_app.controllers.clip import ClipController, demo_clip
from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.run import RunController, note_of
from rvos_app.i18n import count, duration, tr
from rvos_app.jobs.media_jobs import OpenedClip
from rvos_app.jobs.project_work import Standing
from rvos_app.main_window import MainWindow, Parts
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.inference.events import RunSummary
from rvos_core.types import MediaInfo

_log = logging.getLogger("rvos.app")


class Front(QObject):
    """Joins state and controllers with the panels."""

    def __init__(
        self,
        state: StudioState,
        *,
        window: MainWindow,
        parts: Parts,
        clips: ClipController,
        runs: RunController,
        documents: DocumentController,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._state = state
        self._window = window
        self._parts = parts
        self._clips = clips
        self._runs = runs
        self._documents = documents
        self._settings = settings
        self.expression_to_type = ""  # for the next clip that opens
        state.clip_changed.connect(self._on_clip)
        state.run_changed.connect(parts.expression.set_status)
        state.selection_changed.connect(self._on_selection)
        clips.opening.connect(self._on_opening)
        clips.opened.connect(self._on_opened)
        documents.changed.connect(self._on_document)
        documents.saved.connect(self._on_saved)
        runs.loading_changed.connect(parts.expression.set_loading)
        runs.cost_changed.connect(parts.expression.set_cost)
        runs.engine_changed.connect(parts.model.set_engine)
        runs.run_finished.connect(self._on_run_finished)
        parts.model.model_chosen.connect(self._on_model)
        parts.model.device_chosen.connect(self._on_device)
        parts.canvas.pixelHovered.connect(self._on_pixel)
        parts.expression.field.textEdited.connect(self._on_typing)
        parts.welcome.set_recent(settings.recent_files)
        self._on_clip(None)

    def _on_clip(self, clip: MediaInfo | None) -> None:
        self._window.show_clip(clip is not None)
        self._parts.expression.set_clip_open(clip is not None)
        self._parts.expression.set_suggestions(self._suggestions())
        self._window.set_media_line(media_line(clip) if clip else "")
        self._window.set_pixel_line("")
        self._show_title()
        if clip is None:
            self._parts.welcome.set_recent(self._settings.recent_files)

    def _show_title(self) -> None:
        """Clip, project, and how it stands to what was saved."""
        clip, path, standing = self._state.clip, self._documents.path, self._documents.standing
        if clip is None:
            self._window.setWindowTitle("RVOS Studio")
            return
        parts = [clip.path.name]
        if self._documents.read_only and path is not None:
            parts.append(tr("{name}, for reading only", name=path.stem))
        elif path is not None and not self._documents.is_untitled:
            parts.append(f"{path.stem}, {_saved_words(standing)}")
        elif standing is not None and standing.edits:
            parts.append(tr("no name yet, all changes kept"))
        self._window.setWindowTitle(" – ".join([*parts, "RVOS Studio"]))

    @Slot(object)
    def _on_document(self, _standing: Standing | None) -> None:
        self._show_title()

    @Slot(str)
    def _on_saved(self, sentence: str) -> None:
        self._window.statusBar().showMessage(sentence, 8000)

    def _suggestions(self) -> list[str]:
        """The history, and for the demo clip the sentences that come with it."""
        history = list(self._settings.expressions)
        clip = self._state.clip
        if clip is not None and clip.path == demo_clip():
            history += [text for text in demo_expressions() if text not in history]
        return history

    def _on_selection(self, object_id: int | None) -> None:
        thing = self._state.object(object_id) if object_id is not None else None
        if thing is not None:
            self._parts.expression.set_expression(thing.expression)

    @Slot(object)
    def _on_opening(self, path: Path | None) -> None:
        self._parts.welcome.set_message(tr("Opening {name} …", name=path.name) if path else "")
        clip = self._state.clip
        if path is not None:
            self._window.set_media_line(tr("Opening {name} …", name=path.name))
        else:
            self._window.set_media_line(media_line(clip) if clip else "")

    @Slot(object)
    def _on_opened(self, _clip: OpenedClip) -> None:
        shown = self._state.object(self._state.selected) if self._state.selected is not None else None
        self._parts.expression.field.setText(self.expression_to_type or (shown.expression if shown else ""))
        self._parts.expression.field.setFocus()
        self.expression_to_type = ""

    @Slot(int, object)
    def _on_run_finished(self, _object_id: int, summary: RunSummary) -> None:
        self._parts.expression.set_suggestions(self._suggestions())
        done = tr(
            "{frames} in {time} on {device}.",
            frames=count(len(summary.span), "frame", "frames"),
            time=duration(summary.timings.total_s),
            device=summary.device,
        )
        self._window.statusBar().showMessage(f"{absence(summary)} {done}".lstrip(), 8000)
        if summary.why:
            self._parts.expression.set_notice(note_of(summary), warns=summary.absent)

    @Slot(str)
    def _on_model(self, model: str) -> None:
        self._runs.choose(model=model)
        self._parts.model.set_choice(self._runs.choice)

    @Slot(str)
    def _on_device(self, device: str) -> None:
        self._runs.choose(device=device)

    @Slot(int, int)
    def _on_pixel(self, x: int, y: int) -> None:
        self._window.set_pixel_line(f"x {x}  y {y}" if x >= 0 else "")

    @Slot(str)
    def _on_typing(self, _text: str) -> None:
        self._parts.expression.set_notice("")


def _saved_words(standing: Standing | None) -> str:
    if standing is None or not standing.snapshots:
        return tr("all changes kept")
    name = standing.snapshots[-1].name
    return name if standing.is_current else tr("changed since “{name}”, all changes kept", name=name)


def media_line(clip: MediaInfo) -> str:
    """The clip in one line: name, size, rate, length, and what is odd about it."""
    rate = f"{float(clip.rate):.6g}"
    assumed = tr("{rate} fps assumed", rate=rate) if clip.rate_is_assumed else tr("{rate} fps", rate=rate)
    parts = [
        clip.path.name,
        f"{clip.width}×{clip.height}",
        tr("variable, about {rate} fps", rate=rate) if clip.is_variable_rate else assumed,
        count(clip.frame_count, "frame", "frames"),
        duration(clip.duration_s),
        clip.codec,
    ]
    damaged = sum(len(span) for span in clip.damaged)
    if damaged:
        parts.append(tr("{frames} damaged", frames=count(damaged, "frame", "frames")))
    return "   ·   ".join([part for part in parts if part] + list(clip.warnings))


def demo_expressions() -> list[str]:
    """The sentences that come with the demo clip."""
    path = demo_clip().with_name("expressions.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries = found["expressions"] if isinstance(found, dict) else found
        return [entry if isinstance(entry, str) else str(entry["text"]) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("the demo's expressions cannot be read: %s", error)
        return []


def absence(summary: RunSummary) -> str:
    """The sentence for a run that found the object nowhere, empty for any other."""
    if not summary.absent:
        return ""
    return tr(
        "Nothing in these frames is “{expression}”; Run > Show a Guess takes it for true.",
        expression=summary.expression,
    )
