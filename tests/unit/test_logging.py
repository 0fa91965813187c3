"""The log file: one per program, made with the first record, bounded in size."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from rvos_core.logging import environment, log_file, set_up_logging


@pytest.fixture(autouse=True)
def own_log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RVOS_LOG_DIR", str(tmp_path / "log"))
    yield
    root = logging.getLogger("rvos")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True


def test_the_file_is_made_with_the_first_record_and_names_the_topic():
    path = set_up_logging("rvos")
    assert not path.exists()
    logging.getLogger("rvos.media").info("packet %d is damaged", 7)
    assert "INFO rvos.media [MainThread] packet 7 is damaged" in path.read_text()


def test_debug_records_need_debug():
    path = set_up_logging("rvos")
    logging.getLogger("rvos.model").debug("quiet")
    assert not path.exists()
    set_up_logging("rvos", debug=True)
    logging.getLogger("rvos.model").debug("loud")
    assert path.read_text().count("loud") == 1


def test_setting_up_twice_writes_each_record_once():
    set_up_logging("rvos")
    path = set_up_logging("rvos")
    logging.getLogger("rvos.jobs").info("once")
    assert path.read_text().count("once") == 1


def test_a_large_file_is_set_aside():
    path = log_file("rvos")
    path.write_bytes(b"x" * (3 * 1024 * 1024))
    set_up_logging("rvos")
    logging.getLogger("rvos.jobs").info("fresh")
    assert path.stat().st_size < 1000
    assert path.with_name("rvos.log.1").stat().st_size == 3 * 1024 * 1024


def test_a_folder_that_cannot_be_made_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("RVOS_LOG_DIR", str(blocked / "log"))
    assert log_file("rvos").parent.is_dir()


def test_the_environment_line_says_what_ran():
    assert environment().startswith("RVOS Studio ")
