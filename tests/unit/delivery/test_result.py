"""`result.json` has what other programs rely on, is strict JSON, and is written atomically."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rvos_core.delivery.result import FrameLine, SegmentResult, write_result_json
from rvos_core.types import FrameSpan, MediaInfo

MakeInfo = Callable[..., MediaInfo]


@pytest.fixture
def result(make_info: MakeInfo) -> SegmentResult:
    return SegmentResult(
        model="ifirvos-mini",
        expression="der Mann in Rot 🚲",
        media=make_info(path=Path("clip\udc80.mp4")),
        span=FrameSpan(2, 4),
        frames=[
            FrameLine(frame_index=2, confidence=0.91234567, visible=True, box=(1, 2, 30, 40), area_px=700),
            FrameLine(frame_index=3, confidence=0.1, visible=False, box=None, area_px=0),
        ],
        score=0.87654321,
        unknown_words=("mann",),
        settings={"window": 8, "stride": 6},
        timings={"total": 1.23456},
        outputs={"masks": "out/masks"},
    )


def test_the_document(tmp_path: Path, result: SegmentResult) -> None:
    write_result_json(tmp_path / "result.json", result)
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert document["model"] == "ifirvos-mini"
    assert document["expression"] == "der Mann in Rot 🚲"
    assert document["media"]["path"] == "clip\udc80.mp4"
    assert document["media"]["rate"] == "25"
    assert document["span"] == {"start": 2, "stop": 4}
    assert document["score"] == 0.8765
    assert document["consensus"] is None
    seen, hidden = document["frames"]
    assert seen == {
        "frame": 2,
        "time_s": 0.08,
        "confidence": 0.9123,
        "visible": True,
        "box": [1.0, 2.0, 30.0, 40.0],
        "area_px": 700,
    }
    assert (hidden["frame"], hidden["visible"], hidden["box"], hidden["area_px"]) == (3, False, None, 0)


def test_a_number_that_is_not_finite_never_reaches_a_file(tmp_path: Path, result: SegmentResult) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_result_json(tmp_path / "result.json", replace(result, score=float("nan")))
    assert not list(tmp_path.iterdir())
