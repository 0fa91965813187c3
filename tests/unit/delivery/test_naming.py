"""Names are safe on every system, collide only where that is said, and hold a number where they must."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.delivery.naming import (
    MAX_NAME_BYTES,
    MAX_PATH,
    OutputName,
    check_template,
    collisions,
    name_problem,
    output_name,
    safe_name,
    safe_token,
)
from rvos_core.errors import UserError

VALUES = {"clip": "street", "object": "the dog", "kind": "matte", "id": "3", "expression": "a dog: brown?"}


def sequence(template: str, **options) -> OutputName:
    return output_name(Path("out"), template, VALUES, suffix=".png", still=True, **options)


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "LPT9", "aux.b", "con "])
def test_names_that_windows_keeps_for_itself_are_changed(name: str) -> None:
    assert safe_name(name).startswith("_")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a/b\\c", "a_b_c"), ("..", "_"), ("", "_"), (" x. ", "x"), ('<>:"|?*', "_______"), ("a\nb\x00", "a_b_")],
)
def test_what_no_system_takes_is_replaced(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_one_component(text: str) -> None:
    name = safe_name(text)
    assert name and Path(name).name == name and name not in (".", "..")
    assert len(name.encode()) <= MAX_NAME_BYTES + 1
    assert safe_name(name) == name


def test_a_video_has_its_name_and_suffix() -> None:
    found = output_name(Path("out"), "{clip}_{object}_{kind}", VALUES, suffix=".mov", still=False)
    assert found.path == Path("out/street_the_dog_matte.mov")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("the yellow car", "the_yellow_car"),
        ("  two\u00a0\tspaces ", "two_spaces"),
        ("dog (left), 50%", "dog_left_50"),
        ("$HOME; rm -rf *", "HOME_rm_-rf"),
        ("v1.2_take-3+4", "v1.2_take-3+4"),
        ("plate.####", "plate."),
        ("[expr 1]", "expr_1"),
        ("m\u00e4dchen \u0434\u043e\u043c \u732b", "m\u00e4dchen_\u0434\u043e\u043c_\u732b"),
        ("\u0915\u093f\u0924\u093e\u092c", "\u0915\u093f\u0924\u093e\u092c"),
        ("???", "_"),
        ("", ""),
    ],
)
def test_what_a_token_stands_for_is_one_word(value: str, word: str) -> None:
    assert safe_token(value) == word


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_no_token_holds_a_space_or_what_shells_and_nuke_take_for_something_else(text: str) -> None:
    word = safe_token(text)
    assert not set(word) & set(" \t\n\"'`$&|;<>(){}[]*?!#%~\\/:,=@^")
    assert safe_token(word) == word


def test_spaces_of_the_template_are_the_persons_own() -> None:
    found = output_name(Path("out"), "final {object}", VALUES, suffix=".mov", still=False)
    assert found.path == Path("out/final the_dog.mov")


def test_a_slash_of_the_template_makes_a_folder_and_one_in_a_value_does_not() -> None:
    values = VALUES | {"object": "../../etc/passwd"}
    found = output_name(Path("out"), "{clip}/{object}", values, suffix=".mov", still=False)
    assert found.path.parent == Path("out/street")
    assert "/" not in found.path.name
    assert ".." not in found.path.parts


@pytest.mark.parametrize(
    ("template", "folder", "first"),
    [
        ("{clip}_{kind}.{frame:04}", "out/street_matte", "street_matte.0007.png"),
        ("{clip}_{kind}", "out/street_matte", "street_matte.0007.png"),
        ("{clip}/{frame:06}", "out/street", "000007.png"),
        ("{frame:05}", "out/street", "00007.png"),
        ("{id}/m_{frame:03}_{kind}", "out/3", "m_007_matte.png"),
    ],
)
def test_sequences_have_a_folder_of_their_own(template: str, folder: str, first: str) -> None:
    found = sequence(template)
    assert found.path == Path(folder)
    assert found.picture(7) == first
    assert found.owned.fullmatch(first)
    assert not found.owned.fullmatch("notes.txt")


def test_all_numbers_are_equally_long() -> None:
    found = sequence("{clip}.{frame:04}", highest=123456)
    assert len(found.picture(7)) == len(found.picture(123456))


@pytest.mark.parametrize(
    "template",
    ["", "{}", "{nope}", "{clip", "{clip!r}", "{clip:>9}", "{frame:x}", "{clip.__class__}", "{0}", "x" * 500],
)
def test_a_template_that_does_not_work_is_refused(template: str) -> None:
    with pytest.raises(UserError) as caught:
        check_template(template)
    assert caught.value.code == "delivery.naming"


def test_the_number_of_a_frame_has_no_place_in_folders_and_videos() -> None:
    with pytest.raises(UserError, match="folder"):
        sequence("{frame}/{clip}_{frame}")
    with pytest.raises(UserError, match="sequences"):
        output_name(Path("out"), "{clip}_{frame}", VALUES, suffix=".mov", still=False)


def test_names_that_differ_in_case_or_accents_only_collide() -> None:
    paths = [Path("o/Dog.mov"), Path("o/cat.mov"), Path("o/dog.mov"), Path("o/caf\u00e9"), Path("o/cafe\u0301")]
    assert collisions(paths) == [(0, 2), (3, 4)]


def test_a_long_path_is_told() -> None:
    assert name_problem(Path("/" + "x" * 300)) is not None
    assert name_problem(Path("/x/y.mov")) is None


def test_the_length_of_a_relative_path_is_that_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 130)
    deep.mkdir()
    monkeypatch.chdir(deep)
    name = "y" * (MAX_PATH - len(str(deep)) - 1)
    assert name_problem(Path(name)) is None
    assert name_problem(Path(f"{name}z")) is not None
