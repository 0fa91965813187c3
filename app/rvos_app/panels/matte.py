"""The matte panel: how the selected object's matte is made, its keyframes, its effects."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from superqt import QElidingLabel

from rvos_app.actions.hub import ActionHub
from rvos_app.controllers.looks import Looks
from rvos_app.i18n import tr
from rvos_app.panels.effects import EffectsEditor
from rvos_app.panels.keyframes import KeyframeStrip
from rvos_app.panels.knobs import ColourRow, Knob, Picker, SliderRow, share
from rvos_app.panels.parts import ActionButton, label, rule
from rvos_app.panels.trimap import TrimapRow
from rvos_app.state import StudioState
from rvos_core.matte.settings import RANGES, MatteSettings, Refine

_COMMANDS = ("matte.keyframe", "matte.previous_keyframe", "matte.next_keyframe", "matte.reset", "matte.copy")
_SWITCHES = {
    "fill_holes": ("Fill holes", "What the mask goes round belongs to the object"),
    "soft_edge": ("Soft edge along the picture", "The outline follows the picture's edges within a band"),
    "refine": ("Refine edge (hair, blur)", "Alpha is solved for in a band along the outline; exact, and slower"),
    "straight_colours": ("Straight colours", "The object's own colours where it is translucent, without the ground's"),
}


def _knob(name: str, title: str, tip: str, low: float, high: float, *, step: float = 0.5, decimals: int = 1) -> Knob:
    return Knob(name, title, tip, low, high, _possible(name), step=step, decimals=decimals)


def _share(name: str, title: str, tip: str) -> Knob:
    return share(name, title, tip, _possible(name))


def _possible(name: str) -> tuple[float, float]:
    return RANGES[name].low, RANGES[name].high


_SHAPE = (
    _knob("grow_px", "Grow, shrink", "Outwards, or inwards where negative", -30, 30),
    _knob("feather_px", "Feather", "Distance over which the edge fades", 0, 60),
    _share("clean_black", "Clean black", "Alpha at or below this is 0"),
    _share("clean_white", "Clean white", "Alpha at or above this is 1"),
)
_MASK = (
    _knob("despeckle_px", "Despeckle", "Smaller parts go, smaller holes are closed", 0, 60, step=1, decimals=0),
    _knob("border_fix_px", "Border fix", "At the frame's border the mask goes on as further inside", 0, 20, step=1),
)
_BAND = _knob("soft_edge_px", "Width", "Half the width of the band", 1, 32)
_REACH = (
    _knob("inside_px", "Inside", "How far refining reaches into the object", 1, 60, step=1, decimals=0),
    _knob("outside_px", "Outside", "How far refining reaches out of the object", 1, 60, step=1, decimals=0),
)
_STEADY = _share("steady", "Steadiness", "Share that the frames before have in the edge: less flicker")
_DESPILL = _share("despill", "Despill", "How much of the screen's colour is taken out of the object")
_DESPILL_REACH = _knob(
    "despill_reach_px", "Reach", "How far into the object; 0: everywhere", 0, 100, step=1, decimals=0
)


class MattePanel(QWidget):
    """Signals: frame_chosen(int): a keyframe to go to."""

    frame_chosen = Signal(int)

    def __init__(self, state: StudioState, looks: Looks, hub: ActionHub, picker: Picker) -> None:
        super().__init__()
        self._state = state
        self._looks = looks
        self._name = QElidingLabel()
        self._problem = label(role="warn", wraps=True)
        self._hint = label(tr("Choose an object to see how its matte is made."), role="muted", wraps=True)
        self.strip = KeyframeStrip()
        self.rows: dict[str, SliderRow] = {}
        self.switches: dict[str, QCheckBox] = {}
        self.screen_colour = ColourRow(
            "Screen", "Colour of the screen or surroundings that shines on the object", picker
        )
        self.trimap = TrimapRow(hub)
        self.effects = EffectsEditor(state, looks, hub, picker)
        self._body = QWidget()
        self._build(hub)
        self._reveal = QTimer(self)  # once the panel has its new size
        self._reveal.setSingleShot(True)
        self._reveal.timeout.connect(self._show_effects)
        self.effects.grown.connect(self._reveal.start)
        self.strip.chosen.connect(self.frame_chosen)
        self.trimap.frame_chosen.connect(self.frame_chosen)
        self.screen_colour.chosen.connect(partial(self._set, "despill_colour", tr("Screen"), merge=False))
        state.selection_changed.connect(self._refresh, max_args=0)
        state.objects_changed.connect(self._refresh, max_args=0)
        state.clip_changed.connect(self._refresh, max_args=0)
        state.frame_changed.connect(self._on_frame)
        state.trimaps.changed.connect(self._on_look)
        looks.changed.connect(self._on_look)
        self._refresh()

    # -- building ----------------------------------------------------------------------------------------------------

    def _build(self, hub: ActionHub) -> None:
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self._name, stretch=1)
        for command in _COMMANDS:
            head.addWidget(ActionButton(hub.action(command)))
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 6, 0)
        body.setSpacing(5)
        self._add(body, "Edge", *_SHAPE)
        self._add_switch(body, "soft_edge", _BAND)
        self._add_switch(body, "refine", *_REACH)
        body.addWidget(self.trimap)
        self._add_slider(body, _STEADY)
        self._add(body, "Mask", *_MASK)
        self._add_switch(body, "fill_holes")
        self._add(body, "Colours")
        self._add_switch(body, "straight_colours")
        self._add_slider(body, _DESPILL)
        body.addWidget(self.screen_colour)
        self._add_slider(body, _DESPILL_REACH)
        self._add(body, "Effects")
        body.addWidget(self.effects)
        body.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(self._body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 4, 6)
        layout.setSpacing(4)
        layout.addLayout(head)
        for each in (self.strip, self._problem, self._hint, scroll):
            layout.addWidget(each)
        layout.addStretch(0)

    def _add(self, body: QVBoxLayout, title: str, *knobs: Knob) -> None:
        if body.count():
            body.addSpacing(4)
            body.addWidget(rule())
        body.addWidget(label(tr(title), role="heading"))
        for knob in knobs:
            self._add_slider(body, knob)

    def _add_slider(self, body: QVBoxLayout, knob: Knob) -> None:
        row = self.rows[knob.name] = SliderRow(knob)
        row.tried.connect(partial(self._try, knob.name))
        row.chosen.connect(partial(self._set, knob.name, tr(knob.title)))
        row.let_go.connect(self._let_go)
        body.addWidget(row)

    def _add_switch(self, body: QVBoxLayout, name: str, *knobs: Knob) -> None:
        title, tip = _SWITCHES[name]
        box = self.switches[name] = QCheckBox(tr(title))
        box.setToolTip(tr("{tip} (Space)", tip=tr(tip)))
        box.clicked.connect(partial(self._on_switch, name, tr(title)))
        body.addWidget(box)
        for knob in knobs:
            self._add_slider(body, knob)

    @property
    def problem(self) -> str:
        """Why the object's matte cannot be read; empty where it can."""
        return self._problem.text()

    @property
    def first(self) -> QWidget:
        """Its first control."""
        return self.rows["grow_px"].slider

    def take_focus(self) -> None:
        """Go to the first control."""
        self.first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # -- showing -----------------------------------------------------------------------------------------------------

    def _show_effects(self) -> None:
        self._scroll.ensureWidgetVisible(self.effects, 0, 0)

    def _on_look(self, object_id: int) -> None:
        if object_id == self._state.selected:
            self._refresh()

    def _on_frame(self, frame: int) -> None:
        self.strip.show_playhead(frame)
        if self._looks.keyframes(self._state.selected):
            self._show_settings()

    def _refresh(self) -> None:
        chosen = self._state.selected
        thing = self._state.object(chosen) if chosen is not None else None
        frames = self._state.clip.frame_count if self._state.clip else 0
        problem = self._looks.problem(thing.object_id) if thing is not None else ""
        self._name.setText(thing.name if thing is not None else "")
        self._name.setToolTip(thing.name if thing is not None else "")
        self._hint.setVisible(thing is None)
        self._body.setEnabled(self._looks.may_change)
        self._scroll.setVisible(thing is not None)
        said = tr("This matte cannot be read, so the defaults are shown: {why}", why=problem)
        self._problem.setText(said if problem else "")
        self._problem.setVisible(bool(problem))
        self.strip.show_keyframes(frames, self._looks.keyframes(chosen))
        self.strip.show_playhead(self._state.frame_index)
        self._show_settings()
        self.effects.refresh()

    def _show_settings(self) -> None:
        chosen = self._state.selected
        if chosen is None:
            return
        here: MatteSettings = self._looks.shown(chosen).matte.at(self._state.frame_index)
        for name, row in self.rows.items():
            row.set_value(getattr(here, name))
        refines = here.refine is Refine.EDGE
        for name, box in self.switches.items():
            box.setChecked(refines if name == "refine" else getattr(here, name))
        self.screen_colour.set_value(here.despill_colour)
        self.switches["soft_edge"].setEnabled(not refines)
        self.rows["soft_edge_px"].setEnabled(here.soft_edge and not refines)
        for name in ("inside_px", "outside_px"):
            self.rows[name].setEnabled(refines)
        self.trimap.show_frames(self._state.trimaps.frames(chosen), refines=refines)
        for each in (self.screen_colour, self.rows["despill_reach_px"]):
            each.setEnabled(here.despill > 0)

    # -- changing ----------------------------------------------------------------------------------------------------

    def _try(self, name: str, value: float) -> None:
        if self._state.selected is not None:
            self._looks.try_knob(self._state.selected, name, value)

    def _set(self, name: str, title: str, value: Any, merge: bool = False) -> None:
        if self._state.selected is not None:
            said = tr("Matte: {knob}", knob=title.lower())
            self._looks.set_knob(self._state.selected, name, value, label=said, merge=merge)

    def _on_switch(self, name: str, title: str, checked: bool) -> None:
        value = (Refine.EDGE if checked else Refine.NONE) if name == "refine" else checked
        self._set(name, title, value)

    def _let_go(self) -> None:
        if self._state.selected is not None:
            self._looks.forget_trial(self._state.selected)
