"""The Matte menu: keyframes, reset, copy, brushes of the trimap, effects."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record


class MatteCalls(Protocol):
    """What the Matte menu calls."""

    def toggle_keyframe(self) -> None: ...
    def previous_keyframe(self) -> None: ...
    def next_keyframe(self) -> None: ...
    def reset(self) -> None: ...
    def copy_to_others(self) -> None: ...
    def show_panel(self) -> None: ...
    def choose_brush(self, name: str) -> None: ...
    def clear_trimap(self) -> None: ...
    def add_effect(self, kind: str) -> None: ...


_CHOSEN = "can_edit and has_selection"
EFFECT_TITLES = {
    "cut_out": ("&Cut-Out", "The object alone, on nothing or on a colour"),
    "blur": ("&Blur", "Object or background out of focus"),
    "pixelate": ("&Pixelate", "Object or background in squares of one colour each"),
    "grey_background": ("&Grey Background", "The background loses its colour"),
    "highlight": ("&Highlight", "All but the object is darkened"),
    "outline": ("&Outline", "A line around the object"),
    "replace_background": ("&Replace Background", "The object before a picture or another clip"),
}

TRIMAP_TITLES = {
    "inside": ("Trimap: &Inside", "Paint what surely is the object"),
    "unknown": ("Trimap: &Unknown", "Paint what refining is to find out: hair, fur, blur"),
    "outside": ("Trimap: &Outside", "Paint what surely is not the object"),
    "automatic": ("Trimap: &Automatic", "Rub out what is painted: the automatic band counts again"),
}


def matte_actions(do: MatteCalls) -> list[Action[Any, Any]]:
    """Records of the Matte menu."""
    return [
        record(
            "matte.keyframe",
            "&Keyframe Here",
            do.toggle_keyframe,
            place="1_keys/1",
            keys=("Alt+K",),
            when=_CHOSEN,
            checked="has_keyframe_here",
            tip="The matte's settings hold here, and change evenly to the next keyframe; again: take it out",
        ),
        record(
            "matte.previous_keyframe",
            "&Previous Keyframe",
            do.previous_keyframe,
            place="1_keys/2",
            keys=("Alt+J",),
            when="has_keyframes",
            tip="Go to the keyframe before this frame",
        ),
        record(
            "matte.next_keyframe",
            "&Next Keyframe",
            do.next_keyframe,
            place="1_keys/3",
            keys=("Alt+L",),
            when="has_keyframes",
            tip="Go to the keyframe behind this frame",
        ),
        record(
            "matte.reset",
            "&Reset Matte",
            do.reset,
            place="2_all/1",
            when=_CHOSEN,
            tip="All settings of the matte as they were at first, without keyframes; effects stay",
        ),
        record(
            "matte.copy",
            "&Copy to Other Objects",
            do.copy_to_others,
            place="2_all/2",
            when=f"{_CHOSEN} and has_others",
            tip="All other objects of the clip get this matte and these effects",
        ),
        record(
            "matte.panel",
            "&Matte Panel",
            do.show_panel,
            place="2_all/3",
            keys=("Ctrl+Alt+M",),
            when="has_clip",
            tip="Show the panel and go to its first control",
        ),
        *_trimap(do),
        *_effects(do),
    ]


def _trimap(do: MatteCalls) -> list[Action[Any, Any]]:
    return [
        *(
            record(
                f"matte.trimap_{name}",
                title,
                partial(do.choose_brush, name),
                place=f"2_trimap/{order}",
                keys=(f"Alt+{order}",),
                when="has_clip",
                checked=f"tool == 'trimap' and trimap_brush == '{name}'",
                tip=tip,
            )
            for order, (name, (title, tip)) in enumerate(TRIMAP_TITLES.items(), start=1)
        ),
        record(
            "matte.clear_trimap",
            "Clear Painted Trimap &Here",
            do.clear_trimap,
            place="2_trimap/9",
            when=f"{_CHOSEN} and has_painted_here",
            tip="Take out what is painted on the trimap of this frame",
        ),
    ]


def _effects(do: MatteCalls) -> list[Action[Any, Any]]:
    return [
        record(
            f"matte.add_{kind}",
            title,
            partial(do.add_effect, kind),
            place=f"3_effects/{order}",
            when=_CHOSEN,
            tip=f"Effect: {tip[0].lower()}{tip[1:]}",
        )
        for order, (kind, (title, tip)) in enumerate(EFFECT_TITLES.items())
    ]
