"""The View menu: what the canvas shows, zoom, panels, theme."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record


class ViewCommands(Protocol):
    """What the View menu calls."""

    def set_view_mode(self, mode: str) -> None: ...
    def toggle_boxes(self) -> None: ...
    def fit(self) -> None: ...
    def zoom_actual(self) -> None: ...
    def zoom_in(self) -> None: ...
    def zoom_out(self) -> None: ...
    def toggle_full_screen(self) -> None: ...
    def set_theme(self, theme: str) -> None: ...


_MODES = (
    ("overlay", "&Overlay", "F2", "Masks as colour over the picture"),
    ("outline", "Out&line", "F3", "Only the masks' outlines over the picture"),
    ("matte", "&Matte", "F4", "White where an object is, black elsewhere, grey at its edge: as it is exported"),
    ("original", "O&riginal", "F5", "The picture alone"),
    ("cut_out", "&Cut-Out", "F7", "The objects alone, on a checker"),
    ("effects", "With &Effects", "F8", "The picture with the effects of all visible objects"),
)
_THEMES = (("dark", "Dark Theme"), ("light", "Light Theme"), ("system", "Theme of the System"))


def view_actions(do: ViewCommands) -> list[Action[Any, Any]]:
    """Records of the View menu."""
    return [
        *_modes(do),
        record(
            "view.boxes",
            "Show &Boxes",
            do.toggle_boxes,
            place="2_boxes/1",
            keys=("F6",),
            checked="show_boxes",
            tip="A box with the name round each object",
        ),
        *_zoom(do),
        *_themes(do),
        record(
            "view.full_screen",
            "Full &Screen",
            do.toggle_full_screen,
            place="5_window/1",
            keys=("F11",),
            checked="full_screen",
        ),
    ]


def _modes(do: ViewCommands) -> list[Action[Any, Any]]:
    return [
        record(
            f"view.{mode}",
            title,
            partial(do.set_view_mode, mode),
            place=f"1_mode/{order}",
            keys=(key,),
            checked=f"view_mode == '{mode}'",
            tip=tip,
        )
        for order, (mode, title, key, tip) in enumerate(_MODES)
    ]


def _zoom(do: ViewCommands) -> list[Action[Any, Any]]:
    return [
        record(
            "view.fit",
            "&Fit",
            do.fit,
            place="3_zoom/1",
            keys=("Shift+0",),
            when="has_clip",
            tip="The whole picture in the view",
        ),
        record(
            "view.actual",
            "&100 %",
            do.zoom_actual,
            place="3_zoom/2",
            keys=("Ctrl+0",),
            when="has_clip",
            tip="One pixel of the clip per pixel of the screen",
        ),
        record("view.zoom_in", "Zoom &In", do.zoom_in, place="3_zoom/3", keys=("Ctrl+=", "Ctrl++"), when="has_clip"),
        record("view.zoom_out", "Zoom O&ut", do.zoom_out, place="3_zoom/4", keys=("Ctrl+-",), when="has_clip"),
    ]


def _themes(do: ViewCommands) -> list[Action[Any, Any]]:
    return [
        record(
            f"view.theme_{theme}",
            title,
            partial(do.set_theme, theme),
            place=f"4_theme/{order}",
            checked=f"theme == '{theme}'",
        )
        for order, (theme, title) in enumerate(_THEMES)
    ]
