"""The names that commands' conditions may use, kept true from the state."""

from __future__ import annotations

from app_model.expressions import Context

from rvos_app.controllers.document import DocumentController
from rvos_app.state import RunPhase, StudioState

INITIAL: dict[str, object] = {
    "has_clip": False,
    "can_edit": False,
    "can_undo": False,
    "can_redo": False,
    "has_snapshots": False,
    "has_interrupted": False,
    "has_clips": False,
    "has_objects": False,
    "has_selection": False,
    "has_others": False,
    "has_masks": False,
    "has_partial_span": False,
    "run_active": False,
    "run_paused": False,
    "playing": False,
    "loop": False,
    "muted": False,
    "has_sound": False,
    "view_mode": "overlay",
    "show_boxes": False,
    "full_screen": False,
    "spreading": False,
    "has_proposal": False,
    "shows_before": False,
    "stopped_at_cut": False,
    "has_suspects": False,
    "reviewing": False,
    "has_keyframes": False,
    "has_keyframe_here": False,
    "has_painted_here": False,
    "tool": "select",
    "trimap_brush": "unknown",
    "magnifier": False,
    "onion_skin": False,
    "theme": "dark",
}


class ContextKeeper:
    """Writes what the state says into the commands' context."""

    def __init__(self, state: StudioState, documents: DocumentController, context: Context) -> None:
        self._state = state
        self._documents = documents
        self._context = context
        context.update(INITIAL)
        for signal in (
            state.clip_changed,
            state.span_changed,
            state.objects_changed,
            state.results_changed,
            state.selection_changed,
            state.run_changed,
        ):
            signal.connect(self._refresh, max_args=0)
        documents.changed.connect(self._on_document)

    def _on_document(self, _standing: object) -> None:
        self._refresh()

    def _refresh(self) -> None:
        state, run = self._state, self._state.run
        standing = self._documents.standing
        values = {
            "has_clip": state.clip is not None,
            "has_sound": state.clip is not None and state.clip.has_audio,
            "can_edit": state.clip is not None and not self._documents.read_only,
            "can_undo": standing is not None and standing.can_undo and not self._documents.read_only,
            "can_redo": standing is not None and standing.can_redo and not self._documents.read_only,
            "has_snapshots": standing is not None and bool(standing.snapshots),
            "has_interrupted": standing is not None and bool(standing.interrupted),
            "has_clips": len(self._documents.clips) > 1,
            "has_objects": bool(state.objects),
            "has_selection": state.selected is not None,
            "has_others": state.selected is not None and len(state.objects) > 1,
            "has_masks": state.has_results,
            "has_partial_span": state.clip is not None and len(state.span) < state.clip.frame_count,
            "run_active": run.active,
            "run_paused": run.phase is RunPhase.PAUSED,
        }
        with self._context.buffered_changes():
            for name, value in values.items():
                if self._context.get(name) != value:
                    self._context[name] = value
