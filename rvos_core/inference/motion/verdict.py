"""From ranked tracks to what is chosen, and the sentences that say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rvos_core.inference.motion.ranking import Ranked, alike, in_words
from rvos_core.inference.motion.tracks import Track
from rvos_core.language.reading import Reading

_NOTHING = "Nothing moves by itself in this span, and no region has the colour that the sentence says."
_HAND = "Give its mask in one frame to `rvos track`, or choose another model."


@dataclass(frozen=True)
class Verdict:
    """What is meant.

    Attributes:
        tracks: at most one a shot; none where nothing fits.
        absent: nothing fits, or nothing can be said: all masks are empty.
        fit: how well what was said holds for what was chosen, 0..1; None: nothing was to be chosen from.
        notes: sentences for a person.
    """

    tracks: tuple[Track, ...]
    absent: bool
    fit: float | None
    notes: tuple[str, ...]


def judge(reading: Reading, by_shot: Sequence[Sequence[Ranked]], *, still: bool, believe: bool) -> Verdict:
    """Choose at most one track in every shot.

    Args:
        reading: of the sentence.
        by_shot: each shot's tracks, the best first.
        still: nothing moves, and the tracks are regions of the colour that was said.
        believe: take what fits best, however badly it fits.
    """
    if reading.contradictions and not believe:
        pair = " and ".join(reading.contradictions[0])
        note = f"The sentence contradicts itself: {pair} cannot both be true."
        return Verdict((), absent=True, fit=None, notes=(note,))
    if not by_shot:
        return Verdict((), absent=True, fit=None, notes=(_NOTHING, _HAND))
    best = max((ranked[0] for ranked in by_shot), key=lambda each: (not each.failing, each.total))
    if not reading.said and any(alike(ranked) for ranked in by_shot) and not believe:
        words = ", ".join(f"“{word}”" for word in reading.unknown) or "the sentence"
        count = max(len(ranked) for ranked in by_shot)
        note = f"Nothing is known of {words}, and {count} things move: choose a candidate, or say its colour or side."
        return Verdict((), absent=True, fit=None, notes=(note,))
    if best.failing and not believe:
        return Verdict((), absent=True, fit=best.fit, notes=(_none_fits(best, still=still),))
    taken = tuple(ranked[0] for ranked in by_shot if believe or not ranked[0].failing)
    return Verdict(
        tuple(each.track for each in taken),
        absent=False,
        fit=best.fit,
        notes=_why(reading, best, sure=not any(alike(ranked) for ranked in by_shot), still=still),
    )


def _none_fits(best: Ranked, *, still: bool) -> str:
    what = "region" if still else "moving object"
    words = " and ".join(best.failing)
    scores = in_words(best)
    return f"No {what} here is {words} (the nearest one: {scores})."


def _why(reading: Reading, best: Ranked, *, sure: bool, still: bool) -> tuple[str, ...]:
    parts = [in_words(best)] if best.words else []
    action = None if reading.slots.action == "moving" and not still else reading.slots.action
    unseen = [word for word in (reading.slots.gender or reading.slots.category, action) if word is not None]
    parts += [f"“{word}” is not checked" for word in unseen]
    parts += [f"“{word}” is not known" for word in reading.unknown]
    how = "Nothing moves; a region was chosen by its colour" if still else "Chosen by what moves"
    notes = [f"{how}: {', '.join(parts)}." if parts else f"{how}."]
    if not sure:
        notes.append("Several things fit about as well: look at the candidates.")
    return tuple(notes)
