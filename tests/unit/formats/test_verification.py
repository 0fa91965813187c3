"""What does not read back as it was meant is not kept, and what was there before stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rvos_core.errors import UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight
from rvos_core.masks import encode

CLIP = AnnotatedClip(
    "a", 6, 5, ("0", "1", "2"), (AnnotatedObject(1, "x"),), lambda _: {1: Sight(encode(np.eye(5, 6, dtype=bool)))}
)


@pytest.mark.parametrize("chosen", registry.FORMATS.values(), ids=lambda each: each.format_id)
def test_a_writer_that_loses_a_clip_or_a_pixel_is_found_out(tmp_path: Path, chosen) -> None:
    from rvos_core.formats.verification import require_same

    target = tmp_path / ("out" if chosen.target == "folder" else f"out{Path(chosen.layout).suffix}")
    registry.write(AnnotationSet((CLIP,)), chosen, target)
    require_same(AnnotationSet((CLIP,)), chosen, target)
    other = {1: Sight(encode(np.eye(5, 6, k=1, dtype=bool)))}
    wrong = [replace(CLIP, name="b")]
    if chosen.format_id != "csv":
        wrong.append(replace(CLIP, sights=lambda index: other if index == 1 else CLIP.sights(index)))
    for each in wrong:
        with pytest.raises(UserError, match="does not read back") as refused:
            require_same(AnnotationSet((each,)), chosen, target)
        assert refused.value.code == "formats.verify"


def test_a_failed_check_keeps_the_old_file(tmp_path: Path) -> None:
    chosen = registry.format_of("coco")
    target = tmp_path / "out.json"
    registry.write(AnnotationSet((CLIP,)), chosen, target)
    before = target.read_bytes()

    def forgetful(path, options):
        found = chosen.read(path, options)
        return replace(found, clips=tuple(replace(each, sights=lambda _: {}) for each in found.clips))

    with pytest.raises(UserError, match="not kept"):
        registry.write(AnnotationSet((CLIP,)), replace(chosen, read=forgetful), target)
    assert target.read_bytes() == before and [each.name for each in tmp_path.glob("*out*")] == ["out.json"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('"objects": [{"id": 0}]', "object 0"),
        ('"expressions": [{"text": "a", "object_ids": [4]}]', "a does not have"),
    ],
)
def test_what_makes_no_sense_is_refused_on_reading(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(f'{{"videoPath": "a.mp4", "imageWidth": 6, "imageHeight": 5, "frames": [], {text}}}')
    with pytest.raises(UserError, match=word):
        registry.read(path, registry.format_of("labelme-video"))
