"""The Run menu: find what the sentence says, pause, cancel; the objects that came of it."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record

_DIGITS = 9


class RunCommands(Protocol):
    """What the Run menu calls."""

    def start(self) -> None: ...
    def run_again(self) -> None: ...
    def run_believing(self) -> None: ...
    def resume(self) -> None: ...
    def toggle_pause(self) -> None: ...
    def cancel(self) -> None: ...
    def focus_expression(self) -> None: ...
    def toggle_visible(self) -> None: ...
    def remove_object(self) -> None: ...
    def select_number(self, number: int) -> None: ...


def run_actions(do: RunCommands) -> list[Action[Any, Any]]:
    """Records of the Run menu."""
    return [*_runs(do), *_stops(do), *_objects(do)]


def _runs(do: RunCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "run.focus",
            "&Describe an Object",
            do.focus_expression,
            place="1_run/1",
            keys=("Ctrl+L",),
            when="has_clip",
            tip="Go to the field where you say what to find",
        ),
        record(
            "run.start",
            "&Run",
            do.start,
            place="1_run/2",
            keys=("Ctrl+Return", "Ctrl+Enter"),
            when="can_edit",
            tip="Find what the sentence describes between in and out",
        ),
        record(
            "run.again",
            "Run Selected Object &Again",
            do.run_again,
            place="1_run/3",
            keys=("Ctrl+Shift+Return",),
            when="has_selection and can_edit",
            tip="Run the selected object with the sentence in the field; its masks between in and out are replaced",
        ),
        record(
            "run.believe",
            "Show a &Guess for Selected Object",
            do.run_believing,
            place="1_run/4",
            keys=("Ctrl+Alt+Return",),
            when="has_selection and can_edit",
            tip="Run the selected object again and take its sentence for true, even where nothing seems to fit",
        ),
        record(
            "run.resume",
            "&Resume Interrupted Run",
            do.resume,
            place="1_run/5",
            when="has_interrupted and can_edit and not run_active",
            tip="Go on with the run that was stopped, where it stopped; its finished frames are kept",
        ),
    ]


def _stops(do: RunCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "run.pause",
            "&Pause / Resume",
            do.toggle_pause,
            place="2_stop/1",
            keys=("Ctrl+P",),
            when="run_active",
            checked="run_paused",
            tip="Hold the run after this window, or let it go on",
        ),
        record(
            "run.cancel",
            "&Cancel",
            do.cancel,
            place="2_stop/2",
            keys=("Escape",),
            when="run_active or spreading or has_proposal",
            tip="Stop the run and those that wait, or a propagation; finished frames are kept",
        ),
    ]


def _objects(do: RunCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "run.toggle_visible",
            "&Show / Hide Object",
            do.toggle_visible,
            place="3_object/1",
            keys=("H",),
            when="has_selection",
            tip="Show or hide the selected object",
        ),
        record(
            "run.remove_object",
            "Remove &Object",
            do.remove_object,
            place="3_object/2",
            keys=("Delete",),
            when="has_selection and can_edit",
            tip="Remove the selected object and its masks",
        ),
        *(
            record(
                f"run.select{number}",
                f"Select Object {number}",
                partial(do.select_number, number),
                keys=(str(number),),
                when="has_objects",
                palette=False,
            )
            for number in range(1, _DIGITS + 1)
        ),
    ]
