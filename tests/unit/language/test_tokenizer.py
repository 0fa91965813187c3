"""The word tokeniser: stable ids, unknown words named as typed."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.language import WordTokenizer

WORDS = ("the", "man", "in", "red", "riding", "a", "bike")


@pytest.fixture(scope="module")
def tokenizer() -> WordTokenizer:
    return WordTokenizer.from_words(WORDS)


def test_known_sentence_is_framed_by_the_special_tokens(tokenizer: WordTokenizer) -> None:
    encoding = tokenizer.encode("The MAN, in red!")
    assert encoding.ids[0] == 0 and encoding.ids[-1] == 2
    assert len(encoding.ids) == 6 and encoding.unknown_words == ()
    assert encoding.ids == tokenizer.encode("the man in red").ids


@pytest.mark.parametrize("text", ["'the man' - in red", "--the man in 'red'", "the -- man, in 'red-"])
def test_quotes_and_dashes_around_words_are_not_read(tokenizer: WordTokenizer, text: str) -> None:
    assert tokenizer.encode(text).ids == tokenizer.encode("the man in red").ids


def test_quotes_and_dashes_inside_words_belong_to_them(tokenizer: WordTokenizer) -> None:
    assert tokenizer.encode("the man's t-shirt").unknown_words == ("man's", "t-shirt")


def test_unknown_words_are_named_as_typed_once_and_in_order(tokenizer: WordTokenizer) -> None:
    encoding = tokenizer.encode("the Fahrrad in Straße, the Fahrrad \N{BICYCLE}")
    assert encoding.unknown_words == ("Fahrrad", "Straße")
    assert encoding.ids.count(3) == 3


@given(st.text(max_size=200))
def test_any_text_encodes_to_ids_of_the_vocabulary(text: str) -> None:
    tokenizer = WordTokenizer.from_words(WORDS)
    encoding = tokenizer.encode(text)
    assert all(0 <= token < tokenizer.vocab_size for token in encoding.ids)
    assert all(word in text for word in encoding.unknown_words)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("a" * 100_000, 0),
        ("the red bike " * 8000, 24_000),
        ("\0red\0bike", 2),
        ("\u202e\u0631\u062c\u0644 red", 1),
        ("\ud800 red \udcff", 1),
        ("--" * 50_000, 0),
    ],
    ids=["a word without an end", "many words", "zero bytes", "right to left", "broken bytes of a shell", "dashes"],
)
def test_odd_texts_are_encoded_at_once(tokenizer: WordTokenizer, text: str, known: int) -> None:
    begun = time.monotonic()
    encoding = tokenizer.encode(text)
    assert time.monotonic() - begun < 5
    assert len([each for each in encoding.ids if each > 3]) == known
    assert all(word in text for word in encoding.unknown_words)


def test_file_round_trip_keeps_every_id(tokenizer: WordTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    again = WordTokenizer.from_file(tmp_path / "tokenizer.json")
    assert again.encode("a man riding the bike") == tokenizer.encode("a man riding the bike")
    assert again.vocab_size == len(WORDS) + 4


@pytest.mark.parametrize(
    "content",
    ["", "<html>", "[]", '{"version": 1}', "3", '"model"', '{"model": {}}', '{"model": {"type": "BPE"}}', "[" * 9999],
)
def test_a_broken_file_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"tokenizer\.json is not a tokeniser"):
        WordTokenizer.from_file(path)
