"""Golden timelines: the bytes stay, so that what editors once read is what they get.

`python tests/helpers/golden_timelines.py` writes them anew; a change there wants a reason.
"""

from __future__ import annotations

import json

import pytest

from golden_timelines import GOLDEN_TIMELINES, golden_folder


@pytest.mark.parametrize("name", [name for name in GOLDEN_TIMELINES if not name.endswith(".otio")])
def test_xml_timelines_keep_their_bytes(name: str) -> None:
    assert GOLDEN_TIMELINES[name]() == (golden_folder() / name).read_bytes()


@pytest.mark.parametrize("name", [name for name in GOLDEN_TIMELINES if name.endswith(".otio")])
def test_otio_timelines_keep_their_meaning(name: str) -> None:
    """The library may write a newer form of its own schema; what is said stays."""
    opentimelineio = pytest.importorskip("opentimelineio")
    now, then = (
        opentimelineio.adapters.read_from_string(content.decode(), "otio_json")
        for content in (GOLDEN_TIMELINES[name](), (golden_folder() / name).read_bytes())
    )
    assert now.is_equivalent_to(then)
    assert json.loads(now.to_json_string())["tracks"]["children"]


def test_every_golden_timeline_is_looked_at() -> None:
    assert {path.name for path in golden_folder().iterdir()} == set(GOLDEN_TIMELINES)
