"""A preset is delivered from a numbered clip; its timelines are followed to files: numbers above each other agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numbered_clips import ClipSpec, read_number, write_clip

from fcpxml_rules import read_fcpxml
from helpers_delivery import ffprobe, plan_for
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.presets import PRESETS
from rvos_core.delivery.recipes import write_recipe
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import delivered_files, timeline_of, write_timelines
from rvos_core.media import MediaReader, open_media
from rvos_core.types import FrameSpan

NTSC, NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)


def pictures_of(reader: MediaReader):
    """The clip's own pictures. Alpha, and so the luma matte, is as bright as the picture: it shows the number, too."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        for index in wanted:
            picture = reader.frame(index)
            yield index, picture, picture.mean(axis=2).astype(np.float32) / 255

    return frames


def set_timecode(text: str) -> Any:
    return lambda stream: stream.metadata.update(timecode=text)


@pytest.mark.parametrize(
    ("rate", "code"),
    [(Fraction(24000, 1001), "01:00:00:00"), (NTSC, "00:00:59;20"), (NTSC_60, "10:59:59;50"), (Fraction(25), "")],
)
def test_every_timeline_leads_to_the_same_frames(tmp_path: Path, rate: Fraction, code: str) -> None:
    clip = ClipSpec("a clip.mov", rate=rate, frames=24, stream=set_timecode(code) if code else lambda stream: None)
    path, out = write_clip(tmp_path, clip), tmp_path / "out"
    span = FrameSpan(8, 16)
    with open_media(path) as reader:
        # Handles of three frames, so that what is delivered begins elsewhere than the timeline.
        specs = PRESETS["resolve"].specs_between(span.start - 3, span.stop + 3)
        plans = [plan_for(out, reader.info, spec) for spec in specs]
        for plan in plans:
            deliver(plan, pictures_of(reader))
        placed = timeline_of(plans, span=span)
        written = write_timelines(placed.timeline, out, stem="a clip", kinds=PRESETS["resolve"].timelines)
        recipe = write_recipe(
            "resolve",
            reader.info,
            [file for plan in plans for file in delivered_files(plan)],
            folder=out,
            timelines=written.paths,
        )
    assert not placed.notes and not written.notes
    fcpxml, _, otio = written.paths
    read = read_fcpxml(fcpxml.read_bytes())
    expected = list(span)
    assert (read.rate, read.frames) == (rate, len(span))
    for each in read.clips:
        assert numbers(Path(each.path), each.first, each.frames) == expected
    assert [(Path(each.path).suffix, each.enabled) for each in read.clips] == [
        *((".mov", True), (".mov", True), (".mov", False))
    ]
    if code:
        assert read.start == Timecode.read(code, rate).plus(span.start).frame
        for each in read.clips:
            assert Timecode.read(timecode_of(Path(each.path)), rate).frame == each.media_start
    assert otio_numbers(otio) == [expected] * 3
    assert "a_clip_dog_cutout_straight.mov" in recipe.read_text(encoding="utf-8")


def numbers(path: Path, first: int, frames: int) -> list[int]:
    with open_media(path) as reader:
        return [read_number(reader.frame(index)) for index in range(first, first + frames)]


def otio_numbers(path: Path) -> list[list[int]]:
    opentimelineio = pytest.importorskip("opentimelineio")
    found = []
    for clip in opentimelineio.adapters.read_from_file(str(path)).find_clips():
        media = clip.media_reference
        first = clip.source_range.start_time - media.available_range.start_time
        name = Path(opentimelineio.url_utils.filepath_from_url(media.target_url))
        found.append(numbers(name, int(first.value), int(clip.source_range.duration.value)))
    return found


def timecode_of(path: Path) -> str:
    """By FFmpeg's own tool, which writes drop frame with `;`."""
    text: str = ffprobe(path)["tags"]["timecode"]
    return text
