"""How a command is written down: a short form of app-model's `Action`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app_model import Action
from app_model.expressions import parse_expression
from app_model.types import KeyBindingRule, MenuRule

# Menus of the bar, in order: id -> title.
MENUS = {
    "file": "&File",
    "edit": "&Edit",
    "playback": "&Playback",
    "mask": "&Mask",
    "track": "&Track",
    "run": "&Run",
    "object": "&Object",
    "matte": "M&atte",
    "view": "&View",
    "help": "&Help",
}


def record(
    command_id: str,
    title: str,
    callback: Callable[[], object],
    *,
    place: str = "",
    keys: tuple[str, ...] = (),
    tip: str = "",
    when: str = "",
    checked: str = "",
    palette: bool = True,
) -> Action[Any, Any]:
    """One command.

    Args:
        command_id: `menu.verb`; the part before the dot is the menu it stands in.
        title: as the menu shows it.
        place: `group/order` in the menu, e.g. `2_export/1`; empty keeps the command out of the menu.
        keys: shortcuts, the first one is shown.
        tip: one sentence for the tooltip; the keys are added to it.
        when: the context in which it can be used, e.g. `has_clip and not run_active`.
        checked: the context in which it carries a tick; empty for commands without one.
        palette: whether the command palette lists it.
    """
    menu, _, _ = command_id.partition(".")
    group, _, order = place.partition("/")
    return Action(
        id=command_id,
        title=title,
        category=MENUS[menu].replace("&", ""),
        tooltip=tip or title.replace("…", ""),
        callback=callback,
        enablement=parse_expression(when) if when else None,
        toggled=parse_expression(checked) if checked else None,
        menus=[MenuRule(id=menu, group=group, order=float(order or 0))] if place else None,
        keybindings=[KeyBindingRule(primary=key) for key in keys] or None,
        palette=palette,
    )
