"""Can the model understand this sentence at all? Asked before any frame is computed; doubts become notes."""

from __future__ import annotations

import re
import unicodedata

from rvos_core.errors import UsageError, UserError
from rvos_core.models.api import ModelCard, TextFeatures

_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f'-]+(?=[^\W_])|[\u0300-\u036f])*")
_FUNCTION_WORDS = """
    a an the this that these those it its he him his she her they them their i me my we us our you your who whom whose
    which what there here is are was were be been being am do does did has have had will would can could shall should
    may might must not no of in on at to into onto from by with without for as than and or but if then while please
    find show select segment mask track
"""
_NAMES_NOTHING = frozenset(_FUNCTION_WORDS.split())
_SHOWN_CHARACTERS = 60
_SHOWN_WORDS = 8


def checked_expression(expression: str) -> str:
    """The expression without the white space around it.

    Raises:
        UsageError: nothing in it, or nothing that is a word.
    """
    text = expression.strip()
    hint = 'Say what to look for, e.g. "the man in red riding a bike".'
    if not text:
        raise UsageError("The expression is empty.", hint=hint, code="expression.empty")
    if not any(character.isalnum() for character in text):
        raise UsageError(f"The expression {_quoted(text)} has no words.", hint=hint, code="expression.no_words")
    return text


def expression_notes(expression: str, text: TextFeatures, card: ModelCard) -> tuple[str, ...]:
    """What a person should know about how the model reads `expression`: words it does not know, what it leaves out.

    Raises:
        UserError: not one word in it that both says something and is known to the model.
    """
    unknown = text.unknown_words
    strange = {word.casefold() for word in unknown}
    words = _WORD.findall(text.expression)
    if not any(word.casefold() not in strange | _NAMES_NOTHING for word in words):
        raise _nothing_known(expression, unknown, card)
    notes = []
    if len(words) < (typed := len(_WORD.findall(expression))):
        notes.append(f"The expression has {typed} words; the model reads the first {len(words)}.")
    if symbols := dict.fromkeys(character for character in text.expression if unicodedata.category(character) == "So"):
        notes.append(f"The model reads words only; it leaves out {_listed(tuple(symbols))}.")
    if unknown:
        notes.append(f"{_unknown_clause(card, unknown)}; the result rests on the other words.{_english_only(unknown)}")
    return tuple(notes)


def absent_note(expression: str) -> str:
    """What a person is told where the model finds that the object is nowhere in the span."""
    return f"Nothing in these frames is {_quoted(expression)}: every mask is empty."


def _nothing_known(expression: str, unknown: tuple[str, ...], card: ModelCard) -> UserError:
    if not unknown:
        return UsageError(
            f"The expression {_quoted(expression)} names nothing to look for.",
            hint='Name a thing and how it looks, e.g. "the red car".',
            code="expression.no_content",
        )
    return UserError(
        f"{_unknown_clause(card, unknown)}, and nothing else in the expression names a thing.{_english_only(unknown)}",
        hint=f"It was trained on {card.trained_on.rstrip('.')}: use words from there, or another model.",
        code="expression.unknown_words",
    )


def _unknown_clause(card: ModelCard, unknown: tuple[str, ...]) -> str:
    return f"The model {card.name} does not know {'the word' if len(unknown) == 1 else 'the words'} {_listed(unknown)}"


def _listed(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _SHOWN_WORDS} more" if len(words) > _SHOWN_WORDS else ""
    return ", ".join(_quoted(word) for word in words[:_SHOWN_WORDS]) + more


def _english_only(unknown: tuple[str, ...]) -> str:
    foreign = any(character.isalpha() and not _is_latin(character) for word in unknown for character in word)
    return " Its weights read English only." if foreign else ""


def _is_latin(character: str) -> bool:
    return unicodedata.name(unicodedata.normalize("NFKC", character)[0], "").startswith("LATIN")


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in short)
    return f"“{shown}”"
