"""The names that commands' conditions may use, kept true from the state."""

from __future__ import annotations

from app_model.expressions import Context

from rvos_app.state import RunPhase, StudioState

INITIAL: dict[str, object] = {
    "has_clip": False,
    "has_objects": False,
    "has_selection": False,
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
    "theme": "dark",
}


class ContextKeeper:
    """Writes what the state says into the commands' context."""

    def __init__(self, state: StudioState, context: Context) -> None:
        self._state = state
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

    def _refresh(self) -> None:
        state, run = self._state, self._state.run
        values = {
            "has_clip": state.clip is not None,
            "has_sound": state.clip is not None and state.clip.has_audio,
            "has_objects": bool(state.objects),
            "has_selection": state.selected is not None,
            "has_masks": state.has_results,
            "has_partial_span": state.clip is not None and len(state.span) < state.clip.frame_count,
            "run_active": run.active,
            "run_paused": run.phase is RunPhase.PAUSED,
        }
        with self._context.buffered_changes():
            for name, value in values.items():
                if self._context.get(name) != value:
                    self._context[name] = value
