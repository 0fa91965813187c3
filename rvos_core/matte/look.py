"""How one object looks: its matte and its effects, as one text that a project keeps. And the looks of several together.

Effects are an object's own. In one picture those of all objects make one chain: what two objects have alike is done
once for both, so that two objects before a blurred background are both sharp.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rvos_core.errors import UserError
from rvos_core.matte.effects import CutOut, Effect, EffectChain
from rvos_core.matte.settings import MatteStack


@dataclass(frozen=True)
class Look:
    """What is done to one object.

    Attributes:
        matte: how its alpha and its colours are made.
        effects: what is done with it; `objects` of its effects says nothing here.
    """

    matte: MatteStack = field(default_factory=MatteStack)
    effects: EffectChain = field(default_factory=EffectChain)

    def to_json(self) -> str:
        """As text; empty where everything has its default. `from_json` takes it back unchanged."""
        if self == Look():
            return ""
        return json.dumps({"matte": self.matte.as_dict(), **self.effects.as_dict()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Look:
        """What `to_json` made; what is left out has its default.

        Raises:
            UserError: it is no such text; the message names the value that is wrong.
        """
        if not text:
            return cls()
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _bad(f"is not JSON ({error})") from None
        if not isinstance(values, Mapping) or not set(values) <= {"matte", "effects"}:
            raise _bad("must be an object of `matte` and `effects`")
        matte = MatteStack.from_dict(values.get("matte", {}))
        return cls(matte, EffectChain.from_dict({"effects": values.get("effects", [])}))


def read_looks(texts: Mapping[int, str]) -> dict[int, Look]:
    """Looks by object id. Raises: UserError: naming the object and what is wrong."""
    looks = {}
    for object_id, text in texts.items():
        try:
            looks[object_id] = Look.from_json(text)
        except UserError as error:
            raise UserError(f"Object {object_id}: {error.message}", hint=error.hint, code=error.code) from None
    return looks


def joined(looks: Mapping[int, Look]) -> EffectChain:
    """The effects of several objects as one chain.

    Each object's effects keep their order, objects come in the order of `looks`. An effect that another object has
    with the same values joins that one. A cut-out on nothing comes last, but for outlines that stand behind one.
    """
    on_picture: list[Effect] = []
    cut_outs: list[Effect] = []
    behind: list[Effect] = []
    for object_id, look in looks.items():
        place = on_picture
        for effect in look.effects.effects:
            if isinstance(effect, CutOut) and effect.colour is None:
                _join(cut_outs, effect, object_id)
                place = behind
            else:
                _join(place, effect, object_id)
    return EffectChain((*on_picture, *cut_outs, *behind))


def has_hole(chain: EffectChain) -> bool:
    """Whether its pictures are transparent somewhere: (H, W, 4) rather than (H, W, 3)."""
    return any(isinstance(each, CutOut) and each.colour is None for each in chain.effects)


def _join(effects: list[Effect], effect: Effect, object_id: int) -> None:
    for number, other in enumerate(effects):
        ids = other.objects or ()
        if object_id not in ids and replace(other, objects=None) == replace(effect, objects=None):
            effects[number] = replace(other, objects=(*ids, object_id))
            return
    effects.append(replace(effect, objects=(object_id,)))


def _bad(what: str) -> UserError:
    return UserError(f"A look {what}.", hint="See docs/howto/mattes.md.", code="matte.bad_look")
