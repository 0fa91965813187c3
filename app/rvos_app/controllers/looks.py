"""How objects look: what panel and menu ask becomes edits; who renders asks here what is to be seen.

While a slider is held, what it says is only tried: it is shown, and becomes an edit when the slider is let go. So a
drag is one step of undo, however long it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from PySide6.QtCore import QObject, Signal

from rvos_app.controllers.document import DocumentController
from rvos_app.i18n import tr
from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.matte.effects import Effect, EffectChain
from rvos_core.matte.look import Look
from rvos_core.matte.settings import MatteSettings, MatteStack

_LEAST_GAP = 0.01  # between clean black and clean white


class Looks(QObject):
    """Looks of the clip's objects.

    Signals:
        changed(int): what is to be seen of an object, by trial or for good.
        said(str): a sentence for the status bar.
    """

    changed = Signal(int)
    said = Signal(str)

    def __init__(self, state: StudioState, *, documents: DocumentController) -> None:
        super().__init__()
        self._state = state
        self._documents = documents
        self._trials: dict[int, Look] = {}
        self._texts: dict[int, str] = {}  # what each object's look was when views were last told
        state.clip_changed.connect(self._on_clip, max_args=0)
        state.objects_changed.connect(self._on_objects, max_args=0)
        state.look_changed.connect(self._on_look)

    @property
    def may_change(self) -> bool:
        """False where the project is open for reading only."""
        return not self._documents.read_only

    # -- what is to be seen ------------------------------------------------------------------------------------------

    def kept(self, object_id: int) -> Look:
        """The object's look in the document; the defaults where it has none, or one that cannot be read."""
        return self._read(object_id)[0]

    def problem(self, object_id: int) -> str:
        """Why an object's look cannot be read; empty where it can."""
        return self._read(object_id)[1]

    def _read(self, object_id: int) -> tuple[Look, str]:
        thing = self._state.object(object_id)
        return _parsed("" if thing is None else thing.look)

    def shown(self, object_id: int) -> Look:
        """The look that is to be seen now: what is tried, else what is kept."""
        tried = self._trials.get(object_id)
        return self.kept(object_id) if tried is None else tried

    # -- the matte ---------------------------------------------------------------------------------------------------

    def try_knob(self, object_id: int, name: str, value: object) -> None:
        """A slider is held at `value`: it is shown, nothing is kept yet."""
        self._try(object_id, self._with_knob(object_id, name, value))

    def set_knob(self, object_id: int, name: str, value: object, *, label: str, merge: bool = False) -> None:
        """A knob has a value: at the frame on screen where there are keyframes, else everywhere.

        Args:
            object_id: whose.
            name: a field of `MatteSettings`.
            value: of that field.
            label: for the history.
            merge: several within three seconds are one step of undo (keys, the wheel).
        """
        word = f"look:{object_id}:{name}" if merge else ""
        self._keep(object_id, self._with_knob(object_id, name, value), label=label, merge=word)

    def _with_knob(self, object_id: int, name: str, value: object) -> Look:
        return self.with_knob(object_id, name, value, frame=self._state.frame_index)

    def with_knob(self, object_id: int, name: str, value: object, *, frame: int) -> Look:
        """The object's look with a knob set: at `frame` where there are keyframes, else everywhere."""
        look = self.kept(object_id)
        settings = _with_value(look.matte.at(frame), name, value)
        stack = look.matte.with_keyframe(frame, settings) if look.matte.keyframes else MatteStack(settings)
        return replace(look, matte=stack)

    def forget_trial(self, object_id: int) -> None:
        """The slider is let go without a change."""
        if self._trials.pop(object_id, None) is not None:
            self.changed.emit(object_id)

    def toggle_keyframe(self) -> None:
        """Set a keyframe of the selected object on the frame on screen, or take it out. The last one's settings stay
        for all frames."""
        object_id, frame = self._state.selected, self._state.frame_index
        if object_id is None:
            return
        look = self.kept(object_id)
        stack, here = look.matte, look.matte.at(frame)
        if not self.has_keyframe(object_id, frame):
            self._keep(object_id, replace(look, matte=stack.with_keyframe(frame, here)), label=tr("Matte keyframe"))
            return
        without = stack.without_keyframe(frame)
        without = without if without.keyframes else MatteStack(here)
        self._keep(object_id, replace(look, matte=without), label=tr("Remove matte keyframe"))

    def keyframes(self, object_id: int | None) -> tuple[int, ...]:
        """Frames of an object's keyframes, in order."""
        return () if object_id is None else tuple(frame for frame, _ in self.kept(object_id).matte.keyframes)

    def has_keyframe(self, object_id: int | None, frame: int) -> bool:
        return frame in self.keyframes(object_id)

    def reset(self) -> None:
        """The selected object's matte as it was at first, without keyframes; its effects stay."""
        if self._state.selected is not None:
            look = self.kept(self._state.selected)
            self._keep(self._state.selected, replace(look, matte=MatteStack()), label=tr("Reset matte"))

    def copy_to_others(self) -> None:
        """All other objects get the selected one's matte and effects."""
        chosen = self._state.object(self._state.selected) if self._state.selected is not None else None
        if chosen is None:
            return
        looks = {each.object_id: chosen.look for each in self._state.objects if each is not chosen}
        if self.may_change:
            self._state.set_looks(looks, label=tr("Matte as “{name}”", name=chosen.name))
            self.said.emit(tr("All objects have the matte and the effects of “{name}” now.", name=chosen.name))

    # -- effects -----------------------------------------------------------------------------------------------------

    def add_effect(self, kind: type[Effect]) -> None:
        """Put an effect behind the others of the selected object, or where the chain takes it."""
        object_id = self._state.selected
        if object_id is None:
            return
        chain = self.kept(object_id).effects.effects
        label = tr("Add effect")
        for place in range(len(chain), -1, -1):
            if self._put_chain(object_id, (*chain[:place], kind(), *chain[place:]), label=label, last=place == 0):
                return

    def change_effect(self, object_id: int, place: int, effect: Effect, *, merge: bool = False) -> bool:
        """Put other values in. Returns: whether the chain takes them."""
        chain = list(self.kept(object_id).effects.effects)
        if place >= len(chain):
            return False
        chain[place] = effect
        word = f"look:{object_id}:effect{place}" if merge else ""
        return self._put_chain(object_id, chain, label=tr("Change effect"), merge=word)

    def try_effect(self, object_id: int, place: int, effect: Effect) -> None:
        """A slider of an effect is held: it is shown, nothing is kept yet."""
        look = self.kept(object_id)
        chain = list(look.effects.effects)
        if place < len(chain):
            chain[place] = effect
            self._try(object_id, replace(look, effects=EffectChain(tuple(chain))))

    def move_effect(self, object_id: int, place: int, by: int) -> bool:
        """Exchange an effect with its neighbour. Returns: whether it could be."""
        chain = list(self.kept(object_id).effects.effects)
        if not 0 <= place + by < len(chain):
            return False
        chain[place], chain[place + by] = chain[place + by], chain[place]
        return self._put_chain(object_id, chain, label=tr("Reorder effects"))

    def remove_effect(self, object_id: int, place: int) -> None:
        """Take an effect out."""
        chain = list(self.kept(object_id).effects.effects)
        if place < len(chain):
            del chain[place]
            self._put_chain(object_id, chain, label=tr("Remove effect"))

    def _put_chain(
        self, object_id: int, effects: Iterable[Effect], *, label: str, merge: str = "", last: bool = True
    ) -> bool:
        try:
            chain = EffectChain(tuple(effects))
        except UserError as error:
            if last:
                self.said.emit(error.message)
            return False
        self._keep(object_id, replace(self.kept(object_id), effects=chain), label=label, merge=merge)
        return True

    # -- to state and views ------------------------------------------------------------------------------------------

    def _try(self, object_id: int, look: Look) -> None:
        if look != self.shown(object_id):
            self._trials[object_id] = look
            self.changed.emit(object_id)

    def _keep(self, object_id: int, look: Look, *, label: str, merge: str = "") -> None:
        tried = self._trials.pop(object_id, None)
        text = look.to_json()
        thing = self._state.object(object_id)
        if thing is not None and thing.look != text and self.may_change:
            self._state.set_looks({object_id: text}, label=label, merge=merge)
        elif tried is not None:
            self.changed.emit(object_id)

    def _on_clip(self) -> None:
        self._trials.clear()
        self._texts.clear()

    def _on_objects(self) -> None:
        """Undo, redo and the like may have brought other looks."""
        before, self._texts = self._texts, {each.object_id: each.look for each in self._state.objects}
        for object_id, text in self._texts.items():
            if before.get(object_id, "") != text:
                self._trials.pop(object_id, None)
                self.changed.emit(object_id)

    def _on_look(self, object_id: int) -> None:
        thing = self._state.object(object_id)
        self._texts[object_id] = thing.look if thing is not None else ""
        self.changed.emit(object_id)


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[Look, str]:
    """A look, and why it is the default one where the text cannot be read."""
    try:
        return Look.from_json(text), ""
    except UserError as error:
        return Look(), error.message


def _with_value(settings: MatteSettings, name: str, value: object) -> MatteSettings:
    """With one knob set; clean black and clean white keep apart."""
    if name == "clean_black" and isinstance(value, float):
        value = min(value, settings.clean_white - _LEAST_GAP)
    if name == "clean_white" and isinstance(value, float):
        value = max(value, settings.clean_black + _LEAST_GAP)
    return replace(settings, **{name: value})  # type: ignore[arg-type]
