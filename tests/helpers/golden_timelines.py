"""Which timelines are kept as golden files, and how each is made. Run as a program it writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rvos_core.delivery.timelines.fcpxml import fcpxml
from rvos_core.delivery.timelines.otio import otio
from rvos_core.delivery.timelines.xmeml import xmeml
from timeline_cases import hard_timeline, matte_timeline, picture_timeline

GOLDEN_TIMELINES: Mapping[str, Callable[[], bytes]] = {
    "matte-24-1.8.fcpxml": lambda: fcpxml(matte_timeline("24"), version="1.8"),
    "matte-23976-1.10.fcpxml": lambda: fcpxml(matte_timeline("23976")),
    "matte-2997df-1.11.fcpxml": lambda: fcpxml(matte_timeline("2997df"), version="1.11"),
    "hard-25-1.9.fcpxml": lambda: fcpxml(hard_timeline(), version="1.9"),
    "matte-23976-v5.xml": lambda: xmeml(matte_timeline("23976")),
    "matte-5994df-v4.xml": lambda: xmeml(matte_timeline("5994df"), version="4"),
    "hard-25-v5.xml": lambda: xmeml(hard_timeline()),
    "matte-2997df.otio": lambda: otio(matte_timeline("2997df")),
    "pictures-23976.otio": lambda: otio(picture_timeline()),
}


def golden_folder() -> Path:
    """Where they lie."""
    return Path(__file__).resolve().parents[1] / "golden" / "timelines"


if __name__ == "__main__":
    for name, make in GOLDEN_TIMELINES.items():
        (golden_folder() / name).write_bytes(make())
