"""Makes the writer of numbered clips importable here, too, and lends disks of a chosen size."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "media"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[int], None]]]:
    """An empty disk of 16 kB, and a function that gives it another size in kB; skips where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> int:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    if mount("size=16k"):
        pytest.skip("no permission to mount a small disk")
    yield place, lambda kilobytes: mount(f"remount,size={kilobytes}k") and pytest.fail("the disk keeps its size")
    subprocess.run(["umount", str(place)], check=True)
