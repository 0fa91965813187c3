"""Unfinished work is believed only as far as it is whole."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from rvos_core.delivery.journal import JobFolder, PacketLog, StillJournal, job_folders

PAYLOADS = [bytes([n]) * (n * 7 + 1) for n in range(6)]


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    with PacketLog(tmp_path / "frames.log") as log:
        for payload in PAYLOADS:
            log.append(payload)
    return tmp_path / "frames.log"


def test_frames_come_back_as_they_were(log_path: Path) -> None:
    with PacketLog(log_path) as log:
        assert list(log.frames()) == PAYLOADS
        assert log.checksums == [zlib.crc32(payload) for payload in PAYLOADS]


def test_cut_off_anywhere_what_is_whole_is_kept_and_gone_on_with(log_path: Path) -> None:
    content = log_path.read_bytes()
    for size in range(len(content)):
        log_path.write_bytes(content[:size])
        with PacketLog(log_path) as log:
            kept = len(log)
            assert list(log.frames()) == PAYLOADS[:kept]
            log.append(b"new")
            assert list(log.frames()) == [*PAYLOADS[:kept], b"new"]


def test_a_byte_that_changed_ends_what_is_believed(log_path: Path) -> None:
    content = bytearray(log_path.read_bytes())
    content[len(content) // 2] ^= 1
    log_path.write_bytes(content)
    with PacketLog(log_path) as log:
        kept = len(log)
    assert 0 < kept < len(PAYLOADS)


def test_pictures_without_a_line_and_lines_without_their_picture_are_dropped(tmp_path: Path) -> None:
    folder, lines = tmp_path / "frames", tmp_path / "journal.txt"
    with StillJournal(folder, lines) as journal:
        for number, payload in enumerate(PAYLOADS):
            (folder / f"a {number}.png").write_bytes(payload)
            if number != 3:
                journal.note(number, f"a {number}.png", size=len(payload), checksum=zlib.crc32(payload))
    (folder / "a 1.png").unlink()
    (folder / "a 2.png").write_bytes(b"other")
    lines.write_text(lines.read_text() + "4 5\n\nnonsense\n9 1")
    with StillJournal(folder, lines) as journal:
        assert sorted(journal.checksums) == [0, 4, 5]
        assert sorted(path.name for path in folder.iterdir()) == ["a 0.png", "a 4.png", "a 5.png"]


def test_the_work_of_other_settings_is_removed_and_nothing_stays_where_nothing_is_done(tmp_path: Path) -> None:
    target = tmp_path / "o.mov"
    with JobFolder(target, "a") as job:
        job.keep = True
    assert job_folders(target) == [job.path]
    with JobFolder(target, "b") as other:
        assert job_folders(target) == [other.path]
    assert not list(tmp_path.iterdir())
