"""The effects of the selected object: a list in their order, and what the chosen one takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QMenu, QToolButton, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.actions.matte import EFFECT_TITLES
from rvos_app.controllers.looks import Looks
from rvos_app.i18n import tr
from rvos_app.panels.knobs import ChoiceRow, ColourRow, FileRow, Knob, Picker, SliderRow, share
from rvos_app.panels.parts import IconButton, label
from rvos_app.state import StudioState
from rvos_core.matte.effects import EFFECTS, Effect

_TARGETS = (("object", "Object"), ("background", "Background"))
_FITS = (("cover", "Fill, cut at the sides"), ("contain", "Whole, with bars"), ("stretch", "Stretch"))
_ROW_PX, _MOST_ROWS = 20, 6
_MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


def _limits(kind: str, name: str) -> tuple[float, float]:
    found = EFFECTS[kind].limits[name]
    return found.low, found.high


_KNOBS: Mapping[str, tuple[Knob, ...]] = {
    "blur": (Knob("radius_px", "Radius", "How far out of focus", 1, 100, _limits("blur", "radius_px")),),
    "pixelate": (
        Knob("block_px", "Squares", "Side of a square", 2, 100, _limits("pixelate", "block_px"), step=1, decimals=0),
    ),
    "grey_background": (share("amount", "Amount", "How much colour is lost", _limits("grey_background", "amount")),),
    "highlight": (share("darken", "Darken", "How dark all but the object becomes", _limits("highlight", "darken")),),
    "outline": (
        Knob("width_px", "Width", "Of the line", 0.5, 30, _limits("outline", "width_px")),
        share("opacity", "Opacity", "Of the line", _limits("outline", "opacity")),
    ),
}


class EffectsEditor(QWidget):
    """Shows and changes the effects of the selected object. Signals: grown(): a new effect is in the list."""

    grown = Signal()

    def __init__(self, state: StudioState, looks: Looks, hub: ActionHub, picker: Picker) -> None:
        super().__init__()
        self._state = state
        self._looks = looks
        self._picker = picker
        self.list = _EffectList(self._remove, self._move)
        self.list.setAccessibleName(tr("Effects in their order"))
        self.list.setToolTip(tr("Done from top to bottom (Delete: remove, Alt+Up and Alt+Down: move)"))
        self.add = IconButton("ph.plus", tr("Add"), tr("Add an effect"))
        self.add.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        menu.addActions([hub.action(f"matte.add_{kind}") for kind in EFFECT_TITLES])
        self.add.setMenu(menu)
        self.up = IconButton("ph.arrow-up", tr("Move up"), tr("Do this effect earlier (Alt+Up)"))
        self.down = IconButton("ph.arrow-down", tr("Move down"), tr("Do this effect later (Alt+Down)"))
        self.remove = IconButton("ph.trash", tr("Remove effect"), tr("Take this effect out (Delete)"))
        self.up.clicked.connect(partial(self._move, -1))
        self.down.clicked.connect(partial(self._move, 1))
        self.remove.clicked.connect(self._remove)
        self.list.currentRowChanged.connect(self._on_row)
        self._empty = label(tr("No effects. They are seen with View > With Effects (F8)."), role="muted", wraps=True)
        self._form = QVBoxLayout()
        self._form.setSpacing(4)
        self._shown_kind = ""
        self._rows: list[QWidget] = []
        self._setters: list[Callable[[Effect], None]] = []
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.add)
        buttons.addStretch(1)
        for each in (self.up, self.down, self.remove):
            buttons.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(buttons)
        layout.addWidget(self._empty)
        layout.addWidget(self.list)
        layout.addLayout(self._form)

    # -- showing -----------------------------------------------------------------------------------------------------

    def _effects(self) -> tuple[Effect, ...]:
        chosen = self._state.selected
        return () if chosen is None else self._looks.shown(chosen).effects.effects

    def _current(self) -> Effect | None:
        effects, row = self._effects(), self.list.currentRow()
        return effects[row] if 0 <= row < len(effects) else None

    def refresh(self) -> None:
        """Take the effects again. A new one is chosen."""
        effects, before = self._effects(), self.list.count()
        is_new = len(effects) == before + 1
        row = len(effects) - 1 if is_new else min(self.list.currentRow(), len(effects) - 1)
        with QSignalBlocker(self.list):
            self.list.clear()
            self.list.addItems([summary(each) for each in effects])
            self.list.setCurrentRow(max(0, row) if effects else -1)
        self.list.setVisible(bool(effects))
        row_px = max(_ROW_PX, self.list.sizeHintForRow(0))
        self.list.setFixedHeight(row_px * min(max(1, len(effects)), _MOST_ROWS) + 4)
        self._empty.setVisible(not effects)
        self._on_row(self.list.currentRow())
        if is_new:
            self.grown.emit()

    def _on_row(self, row: int) -> None:
        effect = self._current()
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < self.list.count() - 1)
        self.remove.setEnabled(effect is not None)
        kind = "" if effect is None else effect.kind
        if kind != self._shown_kind:
            self._shown_kind = kind
            self._build_form(kind)
        if effect is not None:
            for each in self._setters:
                each(effect)

    def _build_form(self, kind: str) -> None:
        for row in self._rows:
            self._form.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows, self._setters = [], []
        if kind in ("blur", "pixelate"):
            self._add_choice("target", ChoiceRow("Of", "What is changed", _TARGETS))
        for knob in _KNOBS.get(kind, ()):
            self._add_slider(SliderRow(knob))
        if kind in ("outline", "cut_out"):
            without = "Transparent" if kind == "cut_out" else ""
            tip = "What the object is put on" if kind == "cut_out" else "Of the line"
            self._add_colour(ColourRow("Colour", tip, self._picker, without=without))
        if kind == "replace_background":
            self._add_file(FileRow("Picture", "A picture or a clip that the object is put before"))
            self._add_choice("fit", ChoiceRow("Size", "How a picture of another shape fills the frame", _FITS))

    # -- rows of the form --------------------------------------------------------------------------------------------

    def _add_slider(self, row: SliderRow) -> None:
        name = row.knob.name
        row.tried.connect(partial(self._try, name))
        row.chosen.connect(partial(self._set, name))
        row.let_go.connect(self._let_go)
        self._setters.append(lambda effect: row.set_value(getattr(effect, name)))
        self._put(row)

    def _add_choice(self, name: str, row: ChoiceRow) -> None:
        row.chosen.connect(partial(self._set_choice, name))
        self._setters.append(lambda effect: row.set_value(str(getattr(effect, name))))
        self._put(row)

    def _add_colour(self, row: ColourRow) -> None:
        row.chosen.connect(partial(self._set, "colour"))
        self._setters.append(lambda effect: row.set_value(getattr(effect, "colour", None)))
        self._put(row)

    def _add_file(self, row: FileRow) -> None:
        row.chosen.connect(partial(self._set, "source"))
        self._setters.append(lambda effect: row.set_value(getattr(effect, "source", "")))
        self._put(row)

    def _put(self, row: QWidget) -> None:
        self._rows.append(row)
        self._form.addWidget(row)

    # -- changing ----------------------------------------------------------------------------------------------------

    def _try(self, name: str, value: object) -> None:
        effect, chosen = self._current(), self._state.selected
        if effect is not None and chosen is not None:
            self._looks.try_effect(chosen, self.list.currentRow(), replace(effect, **{name: value}))  # type: ignore[arg-type]

    def _set(self, name: str, value: object, merge: bool = False) -> None:
        effect, chosen = self._current(), self._state.selected
        if effect is not None and chosen is not None:
            changed = replace(effect, **{name: value})  # type: ignore[arg-type]
            if not self._looks.change_effect(chosen, self.list.currentRow(), changed, merge=merge):
                self.refresh()

    def _set_choice(self, name: str, value: str) -> None:
        effect = self._current()
        if effect is not None:
            self._set(name, type(getattr(effect, name))(value))

    def _let_go(self) -> None:
        if self._state.selected is not None:
            self._looks.forget_trial(self._state.selected)

    def _move(self, by: int) -> None:
        row, chosen = self.list.currentRow(), self._state.selected
        if chosen is not None and self._looks.move_effect(chosen, row, by):
            self.list.setCurrentRow(row + by)

    def _remove(self) -> None:
        if self._state.selected is not None and self._current() is not None:
            self._looks.remove_effect(self._state.selected, self.list.currentRow())


class _EffectList(QListWidget):
    """Delete takes an effect out, Alt and an arrow moves it: here, not what the window has on those keys."""

    def __init__(self, remove: Callable[[], None], move: Callable[[int], None]) -> None:
        super().__init__()
        self._remove = remove
        self._move = move
        self.setUniformItemSizes(True)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._meant(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._meant(event):
            super().keyPressEvent(event)
        elif event.key() in _MOVES:
            self._move(_MOVES[Qt.Key(event.key())])
        else:
            self._remove()

    def _meant(self, event: QKeyEvent) -> bool:
        key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in _MOVES:
            return modifiers == Qt.KeyboardModifier.AltModifier
        return key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and modifiers == Qt.KeyboardModifier.NoModifier


def summary(effect: Effect) -> str:
    """One line: `Blur: background, 12 px`."""
    values = []
    if hasattr(effect, "target"):
        values.append(tr(dict(_TARGETS)[str(effect.target)]).lower())
    for knob in _KNOBS.get(effect.kind, ()):
        values.append(f"{getattr(effect, knob.name) * knob.factor:.{knob.decimals}f}".removesuffix(".0") + knob.suffix)
    if effect.kind == "cut_out":
        colour = getattr(effect, "colour", None)
        values.append(tr("on nothing") if colour is None else "#{:02X}{:02X}{:02X}".format(*colour))
    if effect.kind == "replace_background":
        values.append(getattr(effect, "source", "").replace("\\", "/").rpartition("/")[2] or tr("nothing chosen yet"))
    title = tr(EFFECT_TITLES[effect.kind][0]).replace("&", "")
    return f"{title}: {', '.join(values)}"
