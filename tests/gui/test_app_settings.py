"""Settings survive a restart, and damage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_app.settings import Settings, SettingsStore


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "deep" / "settings.json")
    settings = Settings(theme="light", overlay_opacity=0.7, expressions=["the man in red", "ein Hund 🐕"])
    assert store.save(settings)
    assert store.load() == settings
    assert [path.name for path in store.path.parent.iterdir()] == ["settings.json"]


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert SettingsStore(tmp_path / "none.json").load() == Settings()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"theme": "pink"}', b'{"overlay_opacity": NaN}', b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "binary", "wrong value", "not a number", "deep"],
)
def test_a_damaged_file_is_set_aside_and_the_defaults_are_used(tmp_path: Path, content: bytes) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    for number in (1, 2):
        store.path.write_bytes(content)
        assert store.load() == Settings()
        assert (tmp_path / f"settings.json.damaged-{number}").read_bytes() == content
    assert not store.path.exists()


def test_fields_of_a_newer_version_do_not_hurt(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    store.path.write_text('{"theme": "light", "from_the_future": 1}', encoding="utf-8")
    assert store.load().theme == "light"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_read_only_folder_is_no_reason_to_fail(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert not SettingsStore(tmp_path / "settings.json").save(Settings())
    tmp_path.chmod(0o700)


def test_a_file_in_the_folders_place_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    assert not SettingsStore(tmp_path / "in_the_way" / "settings.json").save(Settings())


@given(st.lists(st.text(min_size=1, max_size=4), max_size=300))
def test_the_history_has_each_expression_once_the_latest_first(expressions: list[str]) -> None:
    settings = Settings()
    for expression in expressions:
        settings.remember_expression(expression)
    latest_first = list(dict.fromkeys(reversed(expressions)))
    assert settings.expressions == latest_first[:100]
