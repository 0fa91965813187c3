"""What is exported is what the benchmarks' own readers (those of `rvos eval`) take."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers_datasets import mini_videos, write_jhmdb, write_mevis, write_refdavis, write_refytvos
from rvos_core.datasets.davis import read_davis
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.refdavis import read_refdavis
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.datasets.sentences import read_jhmdb
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotationSet
from rvos_core.formats.format import WriteOptions

VIDEOS = mini_videos(2)


def exported(source: Path, name: str, target: Path, **options: str) -> AnnotationSet:
    found = registry.read(source, registry.detect(source))
    registry.write(found, registry.format_of(name), target, WriteOptions(**options))
    return found


def test_refytvos(tmp_path: Path) -> None:
    exported(write_refytvos(tmp_path / "in", VIDEOS), "refytvos", tmp_path / "out", split="train")
    (tmp_path / "out" / "train" / "JPEGImages").mkdir()
    found = read_refytvos(tmp_path / "out", split="train")
    truth = found.require_truth()
    video = found.videos[1]
    assert video.categories == VIDEOS[1].categories and [e.object_ids for e in video.expressions] == [(1,), (2,)]
    mask = truth.mask(video, video.expressions[0], video.frames[3], size=VIDEOS[1].labels.shape[1:])
    np.testing.assert_array_equal(mask, VIDEOS[1].mask(1)[3])


def test_refdavis17(tmp_path: Path) -> None:
    source = write_refdavis(tmp_path / "in", VIDEOS, published=True)
    exported(source, "refdavis17", tmp_path / "out", split="valid")
    before, after = read_refdavis(source), read_refdavis(tmp_path / "out")
    for old, new in zip(before.videos, after.videos, strict=True):
        assert new.expressions == old.expressions and new.frames == old.frames


def test_mevis(tmp_path: Path) -> None:
    source = write_mevis(tmp_path / "in", VIDEOS)
    exported(source, "mevis", tmp_path / "out", split="valid_u")
    before, after = read_mevis(source), read_mevis(tmp_path / "out")
    for old, new in zip(before.videos, after.videos, strict=True):
        for theirs, ours in zip(old.expressions, new.expressions, strict=True):
            assert ours.text == theirs.text
            for frame in old.frames:
                size = before.require_truth().size(old)
                np.testing.assert_array_equal(
                    after.require_truth().mask(new, ours, frame, size=size),
                    before.require_truth().mask(old, theirs, frame, size=size),
                )


def test_jhmdb(tmp_path: Path) -> None:
    source = write_jhmdb(tmp_path / "in", VIDEOS)
    exported(source, "jhmdb", tmp_path / "out")
    assert read_jhmdb(tmp_path / "out").truth() == read_jhmdb(source).truth()
    texts = {each.image_id: each.text for each in read_jhmdb(source).samples}
    assert {each.image_id: each.text for each in read_jhmdb(tmp_path / "out").samples} == texts


def test_davis(tmp_path: Path) -> None:
    found = exported(write_mevis(tmp_path / "in", VIDEOS), "davis", tmp_path / "out", split="val", overlap="order")
    split = read_davis(tmp_path / "out")
    assert split.clips == ("clip0", "clip1") and split.frames("clip0") == found.clips[0].frames
