"""The Mask menu: tools, whole masks, locks, and what helps to draw."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record

_EDIT = "has_selection and can_edit"


class MaskActions(Protocol):
    """What the Mask menu calls."""

    def choose(self, name: str) -> None: ...
    def change_size(self, step: int) -> None: ...
    def fill_holes(self) -> None: ...
    def nudge(self, dx: int, dy: int) -> None: ...
    def copy_to(self, step: int) -> None: ...
    def delete_here(self) -> None: ...
    def delete_span(self) -> None: ...
    def lock(self) -> None: ...
    def unlock(self) -> None: ...
    def accept(self) -> None: ...
    def go_locked(self, direction: int) -> None: ...
    def toggle_magnifier(self) -> None: ...
    def toggle_onion_skin(self) -> None: ...


TOOLS = (
    ("select", "&Select and Pan", "V", "Click an object to select it, drag to move the picture"),
    ("points", "P&oints", "Q", "Click on the object; right click, or Alt and click, where it is not"),
    ("box", "Bo&x", "W", "Drag a box round the object"),
    ("brush", "&Brush", "B", "Paint on the mask; Alt erases"),
    ("eraser", "&Eraser", "E", "Rub the mask out; Alt paints"),
    (
        "polygon",
        "&Polygon",
        "P",
        "Click corner by corner; Enter closes, Backspace takes one back, Alt cuts out;"
        " a line that crosses itself fills all that it goes round",
    ),
    ("lasso", "&Lasso", "Shift+P", "Draw round the object; Alt cuts out"),
    ("move", "&Move", "G", "Drag the mask; what leaves the frame is cut off"),
    (
        "trimap",
        "Paint &Trimap",
        "T",
        "Paint what refining takes for inside, outside or unknown (Alt+1 to Alt+4);"
        " Alt gives back to the automatic band",
    ),
)
_NUDGES = (("left", "Left", -1, 0), ("right", "Right", 1, 0), ("up", "Up", 0, -1), ("down", "Down", 0, 1))
_FAR = 10


def mask_actions(do: MaskActions) -> list[Action[Any, Any]]:
    """Records of the Mask menu."""
    return [*_tools(do), *_sizes(do), *_whole_masks(do), *_nudges(do), *_locks(do), *_views(do)]


def _tools(do: MaskActions) -> list[Action[Any, Any]]:
    return [
        record(
            f"mask.{name}",
            title,
            partial(do.choose, name),
            place=f"1_tool/{order}",
            keys=(key,),
            when="has_clip",
            checked=f"tool == '{name}'",
            tip=tip,
        )
        for order, (name, title, key, tip) in enumerate(TOOLS)
    ]


def _sizes(do: MaskActions) -> list[Action[Any, Any]]:
    steps = (
        ("smaller", "Smaller Brush", "[", -1),
        ("larger", "Larger Brush", "]", 1),
        ("much_smaller", "Much Smaller Brush", "Shift+[", -_FAR),
        ("much_larger", "Much Larger Brush", "Shift+]", _FAR),
    )
    return [
        record(f"mask.{name}", title, partial(do.change_size, step), keys=(key,), when="has_clip")
        for name, title, key, step in steps
    ]


def _whole_masks(do: MaskActions) -> list[Action[Any, Any]]:
    return [
        record(
            "mask.fill_holes",
            "&Fill Holes",
            do.fill_holes,
            place="2_mask/1",
            keys=("Shift+H",),
            when=_EDIT,
            tip="Fill what the mask goes round",
        ),
        record(
            "mask.copy_next",
            "Copy to &Next Frame",
            partial(do.copy_to, 1),
            place="2_mask/2",
            keys=("Ctrl+]",),
            when=_EDIT,
            tip="Put this mask on the next frame and go there; a locked frame keeps its own",
        ),
        record(
            "mask.copy_previous",
            "Copy to Pre&vious Frame",
            partial(do.copy_to, -1),
            place="2_mask/3",
            keys=("Ctrl+[",),
            when=_EDIT,
            tip="Put this mask on the previous frame and go there; a locked frame keeps its own",
        ),
        record(
            "mask.delete_here",
            "&Delete on This Frame",
            do.delete_here,
            place="2_mask/4",
            keys=("Shift+Delete",),
            when=_EDIT,
            tip="Take the selected object's mask off this frame, locked or not",
        ),
        record(
            "mask.delete_span",
            "Delete from &In to Out",
            do.delete_span,
            place="2_mask/5",
            keys=("Ctrl+Shift+Delete",),
            when=_EDIT,
            tip="Take the selected object's masks between in and out off; locked frames keep theirs",
        ),
    ]


def _nudges(do: MaskActions) -> list[Action[Any, Any]]:
    return [
        record(
            f"mask.nudge_{name}{'_far' if far > 1 else ''}",
            f"Nudge Mask {key}{' by 10' if far > 1 else ''}",
            partial(do.nudge, dx * far, dy * far),
            keys=(f"{modifiers}+{key}",),
            when=_EDIT,
        )
        for far, modifiers in ((1, "Ctrl"), (_FAR, "Ctrl+Shift"))
        for name, key, dx, dy in _NUDGES
    ]


def _locks(do: MaskActions) -> list[Action[Any, Any]]:
    return [
        record(
            "mask.accept",
            "&Accept This Frame",
            do.accept,
            place="3_lock/1",
            keys=("Y",),
            when=_EDIT,
            tip="This frame is right as it is: lock it, also where the object is not in sight",
        ),
        record(
            "mask.lock",
            "Loc&k Mask",
            do.lock,
            place="3_lock/2",
            keys=("Ctrl+K",),
            when=_EDIT,
            tip="No run and no propagation changes the mask of this frame any more",
        ),
        record(
            "mask.unlock",
            "&Unlock Mask",
            do.unlock,
            place="3_lock/3",
            keys=("Ctrl+Shift+K",),
            when=_EDIT,
            tip="Let runs and propagation change the mask of this frame again",
        ),
        record(
            "mask.previous_locked",
            "Previous Locked Frame",
            partial(do.go_locked, -1),
            place="3_lock/4",
            keys=("Up",),
            when="has_clip",
            tip="Go to the frame before this one that a person drew or accepted",
        ),
        record(
            "mask.next_locked",
            "Next Locked Frame",
            partial(do.go_locked, 1),
            place="3_lock/5",
            keys=("Down",),
            when="has_clip",
            tip="Go to the frame after this one that a person drew or accepted",
        ),
    ]


def _views(do: MaskActions) -> list[Action[Any, Any]]:
    return [
        record(
            "mask.magnifier",
            "Ma&gnifier",
            do.toggle_magnifier,
            place="4_view/1",
            keys=("Z",),
            when="has_clip",
            checked="magnifier",
            tip="Show what is under the pointer four times as large",
        ),
        record(
            "mask.onion_skin",
            "Onion S&kin",
            do.toggle_onion_skin,
            place="4_view/2",
            keys=("Shift+O",),
            when="has_clip",
            checked="onion_skin",
            tip="Outlines of the selected object on the frame before (orange) and after (blue)",
        ),
    ]
