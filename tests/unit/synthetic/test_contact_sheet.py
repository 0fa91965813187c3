"""The picture for looking at clips."""

from __future__ import annotations

from rvos_core.synthetic import WorldConfig, make_clip
from rvos_core.synthetic.contact_sheet import contact_sheet


def test_a_sheet_holds_all_clips() -> None:
    clips = [make_clip(seed, WorldConfig(height=48, width=80, frames=3)) for seed in range(1_000_000, 1_000_005)]
    one, sheet = contact_sheet(clips[:1], 1, frames=2), contact_sheet(clips, 3, frames=2)
    assert sheet.shape == (one.shape[0] * 2, one.shape[1] * 3, 3)
    assert sheet.std() > 10
