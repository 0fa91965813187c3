"""The Playback menu: play, shuttle, step, in and out. Keys are those of editing programs."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from app_model import Action

from rvos_app.actions.record import record

_BIG_STEP = 10
_CLIP = "has_clip"


class Transport(Protocol):
    """What the Playback menu calls."""

    def toggle(self) -> None: ...
    def shuttle(self, direction: int) -> None: ...
    def step(self, frames: int) -> None: ...
    def go_first(self) -> None: ...
    def go_last(self) -> None: ...
    def set_in(self) -> None: ...
    def set_out(self) -> None: ...
    def clear_span(self) -> None: ...
    def toggle_loop(self) -> None: ...
    def toggle_mute(self) -> None: ...


def playback_actions(transport: Transport) -> list[Action[Any, Any]]:
    """Records of the Playback menu."""
    return [*_playing(transport), *_stepping(transport), *_span_and_mode(transport)]


def _playing(transport: Transport) -> list[Action[Any, Any]]:
    shuttle = transport.shuttle
    return [
        record(
            "playback.play",
            "&Play / Pause",
            transport.toggle,
            place="1_play/1",
            keys=("Space",),
            when=_CLIP,
            checked="playing",
        ),
        record(
            "playback.shuttle_back",
            "Shuttle Back",
            partial(shuttle, -1),
            place="1_play/2",
            keys=("J",),
            when=_CLIP,
            tip="Play backwards; again for more speed",
        ),
        record(
            "playback.shuttle_stop",
            "Shuttle Stop",
            partial(shuttle, 0),
            place="1_play/3",
            keys=("K",),
            when=_CLIP,
            tip="Stop; speed is 1x again",
        ),
        record(
            "playback.shuttle_forward",
            "Shuttle Forward",
            partial(shuttle, 1),
            place="1_play/4",
            keys=("L",),
            when=_CLIP,
            tip="Play forwards; again for more speed",
        ),
    ]


def _stepping(transport: Transport) -> list[Action[Any, Any]]:
    step = transport.step
    return [
        record(
            "playback.back",
            "Step &Back",
            partial(step, -1),
            place="2_step/1",
            keys=("Left", ","),
            when=_CLIP,
            tip="One frame back",
        ),
        record(
            "playback.forward",
            "Step &Forward",
            partial(step, 1),
            place="2_step/2",
            keys=("Right", "."),
            when=_CLIP,
            tip="One frame on",
        ),
        record(
            "playback.back10",
            "10 Frames Back",
            partial(step, -_BIG_STEP),
            place="2_step/3",
            keys=("Shift+Left",),
            when=_CLIP,
        ),
        record(
            "playback.forward10",
            "10 Frames On",
            partial(step, _BIG_STEP),
            place="2_step/4",
            keys=("Shift+Right",),
            when=_CLIP,
        ),
        record("playback.first", "First Frame", transport.go_first, place="2_step/5", keys=("Home",), when=_CLIP),
        record("playback.last", "Last Frame", transport.go_last, place="2_step/6", keys=("End",), when=_CLIP),
    ]


def _span_and_mode(transport: Transport) -> list[Action[Any, Any]]:
    return [
        record(
            "playback.set_in",
            "Set &In",
            transport.set_in,
            place="3_span/1",
            keys=("I",),
            when=_CLIP,
            tip="Runs and exports begin at this frame",
        ),
        record(
            "playback.set_out",
            "Set &Out",
            transport.set_out,
            place="3_span/2",
            keys=("O",),
            when=_CLIP,
            tip="Runs and exports end with this frame",
        ),
        record(
            "playback.clear_span",
            "Clear In and Out",
            transport.clear_span,
            place="3_span/3",
            keys=("Alt+X",),
            when="has_partial_span",
            tip="Use the whole clip",
        ),
        record(
            "playback.loop",
            "&Loop In to Out",
            transport.toggle_loop,
            place="4_mode/1",
            keys=("Ctrl+Shift+L",),
            when=_CLIP,
            checked="loop",
            tip="Play from in to out again and again",
        ),
        record(
            "playback.mute",
            "&Mute Sound",
            transport.toggle_mute,
            place="4_mode/2",
            keys=("M",),
            when="has_sound",
            checked="muted",
        ),
    ]
