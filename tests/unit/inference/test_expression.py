"""What a person is told about words that the model does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_inference import CARD, WORDS
from rvos_core.errors import UsageError, UserError
from rvos_core.inference.expression import checked_expression, expression_notes
from rvos_core.language import WordTokenizer
from rvos_core.models.api import TextFeatures

TOKENIZER = WordTokenizer.from_words(WORDS)


def notes(expression: str, *, read: str | None = None) -> tuple[str, ...]:
    kept = expression if read is None else read
    features = TextFeatures(kept, None, None, TOKENIZER.encode(kept).unknown_words)  # type: ignore[arg-type]
    return expression_notes(checked_expression(expression), features, CARD)


def test_a_sentence_of_known_words_needs_no_note() -> None:
    assert notes("The man in RED riding a bike.") == ()


def test_unknown_words_are_named_and_the_run_goes_on() -> None:
    (note,) = notes("the man in chartreuse on a velocipede")
    assert "“chartreuse”" in note and "“velocipede”" in note and "English" not in note


@pytest.mark.parametrize("expression", ["the zeppelin", "der Mann in Rot", "велосипедист", "穿红衣服的人", "رجل"])
def test_an_expression_of_unknown_words_is_refused_with_what_the_model_knows(expression: str) -> None:
    with pytest.raises(UserError, match="tiny does not know") as caught:
        notes(expression)
    assert caught.value.exit_code == 1
    assert "street of riders and cars" in caught.value.hint
    assert ("English only" in caught.value.message) == (not expression.isascii())


@pytest.mark.parametrize("expression", ["the -", "'the' it's - --", "find the ' _-_ '"])
def test_an_expression_that_names_nothing_is_refused(expression: str) -> None:
    with pytest.raises(UserError) as caught:
        notes(expression)
    assert caught.value.code in {"expression.no_content", "expression.unknown_words"}


def test_many_unknown_words_are_counted_not_listed() -> None:
    (note,) = notes("car " + " ".join(f"word{i}" for i in range(40)))
    assert "and 32 more" in note and len(note) < 400


def test_a_shortened_expression_is_said() -> None:
    (note,) = notes("red car " * 250, read="red car " * 10)
    assert note == "The expression has 500 words; the model reads the first 20."


def test_pictures_among_the_words_are_said_to_be_left_out() -> None:
    (note,) = notes("the red \N{AUTOMOBILE} car \N{BICYCLE}\N{AUTOMOBILE}")
    assert note == "The model reads words only; it leaves out “\N{AUTOMOBILE}”, “\N{BICYCLE}”."


def test_control_characters_never_reach_the_terminal() -> None:
    with pytest.raises(UsageError) as caught:
        checked_expression("\x1b[\x00\u202e!")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("expression", ["", "  \t", "...", "\N{BICYCLE}\N{BICYCLE}", "\u200b"])
def test_nothing_to_read_is_a_usage_error(expression: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_expression(expression)
    assert caught.value.exit_code == 2 and caught.value.hint


@given(st.text(max_size=80))
def test_any_text_gives_notes_or_a_user_error(text: str) -> None:
    try:
        found = notes(text)
    except UserError as error:
        assert error.message and error.hint
    else:
        assert all(note.endswith(".") for note in found)
