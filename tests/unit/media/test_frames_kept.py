"""What a kept frame costs is what it says: no converter of its own stays with it, and tiny frames are few."""

from __future__ import annotations

from pathlib import Path

from helpers_cli import write_clip
from helpers_memory import memory_mib, needs_proc
from rvos_core.media import open_media


@needs_proc
def test_a_thousand_small_frames_take_little_memory(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", frames=1500)
    with open_media(path) as reader:
        for index in range(500):
            reader.frame(index)
        before = memory_mib()
        for index in range(500, 1500):
            reader.frame(index)
        assert memory_mib() - before < 8
