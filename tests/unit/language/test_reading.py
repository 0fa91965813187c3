"""Reading sentences into slots: the world's own sentences come back, people's are met half-way, nonsense is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_cli import rvos
from rvos_core.language import ExpressionSlots, read_expression
from rvos_core.synthetic import WorldConfig, make_clip, split_seeds

SMALL = WorldConfig(height=64, width=112, frames=5, degrade=0.0, photographs=0.0, expressions_per_object=6)


def equivalent(read: ExpressionSlots, meant: ExpressionSlots) -> bool:
    """Equal; or the sentence says a direction in place of the action ("moving to the left")."""
    if read == meant:
        return True
    return meant.direction is not None and read == replace(meant, action=None)


def test_every_sentence_of_the_world_is_read_as_it_was_meant() -> None:
    sentences = [expression for seed in split_seeds("train")[:60] for expression in make_clip(seed, SMALL).expressions]
    assert len(sentences) > 900
    for expression in sentences:
        reading = read_expression(expression.text)
        assert equivalent(reading.slots, expression.slots), expression.text
        assert not reading.unknown and not reading.contradictions, expression.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the black one", {"colour": "black"}),
        ("the one on the left", {"side": "left"}),
        ("the smaller one", {"size": "smallest"}),
        ("the one going right", {"direction": "right"}),
        ("the second to appear", {"order": "second to enter"}),
        ("the second car from the left", {"category": "car", "order": "second from left"}),
        ("The Man, in RED; on a BIKE!", {"category": "person", "gender": "man", "colour": "red", "action": "riding"}),
        ("the person in the red t-shirt", {"category": "person", "colour": "red", "clothing": "shirt"}),
        ("a person in blue jeans", {"category": "person", "lower_colour": "blue", "clothing": "trousers"}),
        ("a lady in a hat and in grey", {"category": "person", "gender": "woman", "hat": "any", "colour": "grey"}),
        ("the first dog from the left", {"category": "dog", "side": "leftmost"}),
        ("the runner moving to the left", {"category": "person", "action": "running", "direction": "left"}),
        (
            "the cat next to the person in blue",
            {"category": "cat", "relation": "next to", "other": {"category": "person", "colour": "blue"}},
        ),
    ],
)  # fmt: skip
def test_sentences_of_people(text: str, said: dict[str, object]) -> None:
    reading = read_expression(text)
    assert reading.said == said
    assert not reading.unknown and not reading.also and not reading.contradictions


def test_unknown_words_are_named_and_take_nothing_with_them() -> None:
    camel = read_expression("a camel with a red ball on the left")
    assert camel.unknown == ("camel",) and camel.said == {"side": "left"} and camel.also == ("ball",)
    swan = read_expression("a black feathered swan")
    assert swan.unknown == ("feathered",) and swan.said == {"category": "swan", "colour": "black"}
    assert read_expression("la voiture rouge").unknown == ("la", "voiture", "rouge")
    assert read_expression("собака").unknown == ("собака",)


def test_what_is_beside_the_meant_one_gives_it_nothing() -> None:
    juggler = read_expression("a man with a white football")
    assert juggler.said == {"category": "person", "gender": "man"} and juggler.also == ("ball",)
    assert read_expression("the black and white dog").also == ("white",)
    assert read_expression("the black and white dog").slots.colour == "black"


def test_contradictions_are_told() -> None:
    reading = read_expression("the red blue one")
    assert reading.contradictions == (("red", "blue"),) and reading.slots.colour == "red"
    assert read_expression("the dog on the left on the right").contradictions == (("left", "right"),)


def test_a_relation_to_something_unknown_is_no_relation() -> None:
    reading = read_expression("the dog behind the zebra")
    assert reading.said == {"category": "dog"} and reading.unknown == ("zebra",)


@given(st.text(max_size=80))
def test_any_text_is_read_and_known_words_never_count_as_unknown(text: str) -> None:
    reading = read_expression(text)
    assert reading.text == text
    assert not {"red", "dog", "left", "the"} & {*reading.unknown}


@given(st.lists(st.sampled_from(["the", "red", "dog", "man", "in", "on", "left", "with", "ball", "behind", "second"])))
def test_known_words_in_any_order_are_no_error(words: list[str]) -> None:
    read_expression(" ".join(words)).as_dict()


def test_the_command_shows_what_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "sentences.txt"
    lines.write_text("the dog behind the red car\n\nthe zebra\n")
    said = rvos(capsys, "read", "a red blue bus", "--file", lines)
    assert said.code == 0
    assert "category bus; colour red; contradicts itself: red and blue" in said.out
    assert "category dog; relation behind; other (category car, colour red)" in said.out
    assert "says nothing that is known here; not known: zebra" in said.out
    assert "1 of 3 sentences" in said.out
    document = rvos(capsys, "read", "--file", lines, "--json").json
    assert document["understood"] == 1 and document["readings"][1]["unknown"] == ["zebra"]


def test_the_command_wants_a_sentence_and_a_file_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rvos(capsys, "read").code == 2
    said = rvos(capsys, "read", "--file", tmp_path / "none.txt")
    assert said.code == 1 and "none.txt" in said.err
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "no UTF-8 text" in rvos(capsys, "read", "--file", tmp_path / "binary").err
