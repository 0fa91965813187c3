"""Timelines that a format cannot hold are told before the work starts, and are promised by no plan."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import write_clip
from ordered_projects import preset_order, write_project
from rvos_core.orders import fulfil, open_source, plan_order


@pytest.mark.parametrize(
    ("preset", "codes"),
    [("finalcut", ["sequence"]), ("premiere", ["sequence"]), ("resolve", ["sequence", "sequence"]), ("nuke", [])],
)
def test_timelines_that_cannot_name_the_pictures_of_a_clip_are_told_before(
    tmp_path: Path, preset: str, codes: list[str]
) -> None:
    pictures = tmp_path / "shot"
    pictures.mkdir()
    for number in range(4):
        cv2.imwrite(str(pictures / f"{number:04}.png"), np.full((48, 64, 3), 40 * number, np.uint8))
    order = preset_order(write_project(tmp_path, frames=4, clip=pictures), preset, tmp_path / "out")
    with open_source(order) as source:
        plan = plan_order(source)
    refused = [each for each in plan.problems if each.code.startswith("delivery.timeline_")]
    assert [each.code for each in refused] == [f"delivery.timeline_{code}" for code in codes]
    assert all("Make a movie of them first" in each.hint for each in refused), "the clip is what cannot be named"
    assert not plan.blocking
    done = fulfil(order)
    assert done.beside == plan.beside, "what is promised is there"
    (page,) = (path for path in done.beside if path.name.startswith("HOWTO"))
    assert ("make a movie of them" in " ".join(page.read_text(encoding="utf-8").split())) == (preset == "finalcut")


@pytest.mark.parametrize(
    ("rate", "suffixes", "refused"),
    [
        (Fraction(15), {".xml", ".otio"}, 1),
        (Fraction(25, 2), set(), 1),
        (Fraction(25), {".fcpxml", ".xml", ".otio"}, 0),
    ],
)
def test_timelines_that_cannot_run_at_the_rate_of_a_clip_are_told_before(
    tmp_path: Path, rate: Fraction, suffixes: set[str], refused: int
) -> None:
    clip = write_clip(tmp_path / "slow.mp4", frames=4, rate=rate)
    order = preset_order(write_project(tmp_path, frames=4, clip=clip), "resolve", tmp_path / "out")
    order.target.mkdir()
    for suffix in (".fcpxml", ".xml", ".otio"):
        (order.target / f"slow_timeline{suffix}").write_text("an earlier one")
    with open_source(order) as source:
        plan = plan_order(source)
    told = [each for each in plan.problems if each.code == "delivery.timeline_rate"]
    assert len(told) == refused and not plan.blocking
    assert all("Make a movie of the clip at" in each.hint for each in told)
    timelines = {each for each in plan.beside if "_timeline" in each.name}
    assert {each.suffix for each in timelines} == suffixes
    assert set(plan.replaces) == timelines, "what will not be written replaces nothing"
    assert fulfil(order).beside == plan.beside
