"""Samples of every data set in its official layout, against what the miniature sets were drawn from."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers_datasets import (
    CATEGORIES,
    HEIGHT,
    WIDTH,
    mini_videos,
    write_a2d,
    write_coco,
    write_davis17,
    write_jhmdb,
    write_mevis,
    write_refcoco,
    write_refdavis,
    write_refytvos,
    write_static_images,
    write_youtube_vos,
)
from rvos_core.datasets.refcoco import read_plain_pickle, read_refcoco
from rvos_core.errors import UserError
from rvos_core.language import WordTokenizer
from rvos_core.training.augment import Augment, ClipSample, augmented, mirrored_text, turned_clip
from rvos_core.training.batches import NO_OBJECT, ReferringBatch, mask_boxes
from rvos_core.training.plan import DataPlan, SetPlan
from rvos_core.training.set_batches import Draw, LabelledBatches, SentenceBatches, Share, padded
from rvos_core.training.set_reading import open_set
from rvos_core.training.sources import ClipSource, Meaning, PictureInstances, frames_around, frames_in_steps

STILL = Augment(sides=(HEIGHT,), longest=WIDTH, flip=0.0, light=False, crop=False)
WORDS = ("the", "a", "red", "blue", "yellow", *CATEGORIES, "moving", "along", "thing", "on", "left", "person")
SENTENCES: dict[str, Callable[[Path], object]] = {
    "ref-youtube-vos": lambda root: write_refytvos(root / "ref-youtube-vos", mini_videos(), split="train"),
    "ref-davis17": lambda root: write_refdavis(root / "ref-davis17", mini_videos()),
    "mevis": lambda root: write_mevis(root / "mevis", mini_videos()),
    "a2d": lambda root: write_a2d(root / "a2d", mini_videos(), split="train"),
    "jhmdb": lambda root: write_jhmdb(root / "jhmdb", mini_videos()),
    "refcoco": lambda root: write_refcoco(root / "refcoco"),
    "refcoco+": lambda root: write_refcoco(root / "refcoco", name="refcoco+"),
    "refcocog": lambda root: write_refcoco(root / "refcoco", name="refcocog", by="umd"),
}
MASKS: dict[str, Callable[[Path], object]] = {
    "youtube-vos": lambda root: write_youtube_vos(root / "youtube-vos", mini_videos()),
    "davis17": lambda root: write_davis17(root / "davis17", mini_videos()),
    "static-images": lambda root: write_static_images(root / "static-images"),
}
SPLITS = {"ref-davis17": "valid", "mevis": "valid_u", "jhmdb": "test", "coco": "train2017"}
ONE_FRAME = ("a2d", "jhmdb")


def opened(name: str, root: Path, *, frames: int = 3) -> ClipSource:
    (SENTENCES | MASKS)[name](root)
    plan = DataPlan(frames=1 if name in ONE_FRAME else frames, augment=STILL)
    return open_set(SetPlan(name, split=SPLITS.get(name, "train")), plan, root)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SENTENCES)
def test_the_meant_object_has_its_colour(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path)
    source.check()
    colours = {"red": (200, 30, 30), "blue": (30, 30, 200)}
    compared = 0
    for item in range(len(source)):
        sample = source.sample(item, np.random.default_rng(item))
        if sample is None:
            continue
        t = 1 if name in ONE_FRAME else 3
        assert sample.frames.shape == (t, HEIGHT, WIDTH, 3) and sample.labels.shape == (t, HEIGHT, WIDTH)
        assert sample.frames.dtype == sample.labels.dtype == np.uint8 and set(np.unique(sample.labels)) <= {0, 1}
        assert sample.text == source.text(item)
        said = [colour for word, colour in colours.items() if word in sample.text]
        if said:
            inside = sample.frames[sample.labels == 1].astype(float).mean(0)
            assert np.abs(inside - said[0]).max() < 45, (sample.text, inside)
            compared += 1
    assert compared >= 2


@pytest.mark.parametrize("name", MASKS)
def test_clips_of_labelled_objects(name: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path)
    source.check()
    sample = source.sample(0, np.random.default_rng(0))
    assert sample is not None and sample.labels.shape == (3, HEIGHT, WIDTH) and sample.labels[0].any()
    assert int(sample.labels.max()) == (1 if name == "static-images" else 2)


def test_cocos_pictures_have_all_their_objects_with_categories(tmp_path: Path) -> None:
    write_coco(tmp_path / "coco")
    source = open_set(SetPlan("coco", split="train2017"), DataPlan(augment=STILL), tmp_path)
    assert isinstance(source, PictureInstances)
    sample = source.sample(0, np.random.default_rng(0))
    assert sample is not None and source.categories(0) == (0, 1) and set(np.unique(sample.labels)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "missing"),
    [("ref-youtube-vos", "train/JPEGImages/clip0/00005.jpg"), ("refcoco", "train2014/COCO_train2014_000000000002.jpg")],
)
def test_missing_pictures_are_named(name: str, missing: str, tmp_path: Path) -> None:
    source = opened(name, tmp_path)
    (tmp_path / name / missing).unlink()
    with pytest.raises(UserError, match=Path(missing).name):
        source.check()


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch must-not-exist",)


@pytest.mark.parametrize("value", [[_Runs()], {"a": {1, 2}.__class__}])
def test_a_pickle_that_names_code_is_refused_unread(
    value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "refs(unc).p"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(UserError, match="not plain values"):
        read_plain_pickle(path)
    assert not (tmp_path / "must-not-exist").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"<html>", pickle.dumps([1])[:-1]])
def test_a_damaged_pickle_is_named(content: bytes, tmp_path: Path) -> None:
    write_refcoco(tmp_path)
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(content)
    with pytest.raises(UserError, match=r"refs\(unc\)\.p"):
        read_refcoco(tmp_path)


def test_frames_are_drawn_around_the_middle_one() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        length, count = int(rng.integers(1, 20)), int(rng.integers(1, 7))
        centre = int(rng.integers(length))
        found = frames_around(centre, length, count=count, rng=rng)
        assert found == sorted(found) and len(found) == count and centre in found
        assert set(found) <= set(range(length)) and len(set(found)) == min(count, length)
        if count >= 3 and 3 < centre < length - 4:
            assert any(1 <= centre - i <= 3 for i in found) and any(1 <= i - centre <= 3 for i in found)
        steps = frames_in_steps(length, count=count, max_skip=4, rng=rng)
        assert len(steps) == count and all(0 <= b - a <= 4 for a, b in pairwise(steps))
        assert all(0 <= index < length for index in steps)


def test_a_mirrored_clip_is_told_so() -> None:
    assert mirrored_text("the man on the left of the right car") == "the man on the right of the left car"
    assert mirrored_text("a bright leftover") == "a bright leftover"
    frames = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    labels = (np.arange(2 * 4 * 6).reshape(2, 4, 6) % 2).astype(np.uint8)
    flip = Augment(sides=(4,), longest=6, flip=1.0, light=False, crop=False)
    changed = augmented(ClipSample(frames, labels, "left"), flip, np.random.default_rng(0))
    assert np.array_equal(changed.frames, frames[:, :, ::-1]) and np.array_equal(changed.labels, labels[:, :, ::-1])
    assert changed.text == "right"


def test_augmented_clips_keep_to_the_sizes_and_to_their_labels() -> None:
    frames = np.zeros((2, 90, 160, 3), dtype=np.uint8)
    labels = np.zeros((2, 90, 160), dtype=np.uint8)
    frames[:, 30:60, 50:100], labels[:, 30:60, 50:100] = 255, 7
    augment = Augment(sides=(48, 64), longest=100, light=False, crop_first=(80, 96), crop_sides=(60, 90))
    for seed in range(12):
        changed = augmented(ClipSample(frames, labels), augment, np.random.default_rng(seed))
        assert changed.frames.shape[:3] == changed.labels.shape and max(changed.labels.shape[1:]) <= 100
        assert set(np.unique(changed.labels)) <= {0, 7}
        agree = (changed.frames[..., 0] > 127) == (changed.labels == 7)
        assert agree.mean() > 0.95


def test_a_turned_picture_carries_its_mask_along() -> None:
    frame = np.zeros((64, 96, 3), dtype=np.uint8)
    mask = np.zeros((64, 96), dtype=np.uint8)
    frame[20:40, 30:70], mask[20:40, 30:70] = 255, 1
    clip = turned_clip(ClipSample(frame[None], mask[None]), frames=5, degrees=20, rng=np.random.default_rng(1))
    assert clip.frames.shape == (5, 64, 96, 3)
    assert len({each.tobytes() for each in clip.labels}) == 5
    for picture, drawn in zip(clip.frames, clip.labels, strict=True):
        inside = picture[..., 0] > 200
        assert (inside & (drawn == 1)).sum() / (inside | (drawn == 1)).sum() > 0.9


def referring_draw(root: Path, *, seed: int = 3) -> Draw[ClipSource]:
    return Draw([(opened("ref-youtube-vos", root), 1)], STILL, seed=seed)


def test_an_epoch_goes_once_through_everything_and_processes_share_batches(tmp_path: Path) -> None:
    draw = referring_draw(tmp_path)
    epoch = [(drawn.source, drawn.item) for drawn in map(draw.draw, range(len(draw)))]
    assert len(set(epoch)) >= len(draw) - 2  # those with nothing in sight are replaced
    tokenizer = WordTokenizer.from_words(WORDS)
    whole = SentenceBatches(draw, tokenizer, share=Share(4), steps=3)[1]
    halves = [SentenceBatches(draw, tokenizer, share=Share(4, rank, 2), steps=3)[1] for rank in range(2)]
    assert torch.equal(torch.cat([each.frames for each in halves]), whole.frames)
    assert halves[0].texts + halves[1].texts == whole.texts


def test_negatives_are_asked_of_clips_that_show_nothing_of_them(tmp_path: Path) -> None:
    draw = referring_draw(tmp_path)
    data = SentenceBatches(draw, WordTokenizer.from_words(WORDS), share=Share(4), steps=4, negatives=4)
    found = 0
    for step in range(4):
        batch = data[step]
        for clip, text, meant in zip(batch.clip_of.tolist(), batch.texts, batch.objects.tolist(), strict=True):
            own = [t for c, t, o in zip(batch.clip_of.tolist(), batch.texts, batch.objects.tolist(), strict=True)
                   if c == clip and o != NO_OBJECT]  # fmt: skip
            if meant == NO_OBJECT:
                found += 1
                assert text.split()[2] not in {each.split()[2] for each in own}  # the category
    assert found >= 8
    same = Meaning("a", frozenset({"dog"}), frozenset({"dog"}))
    assert not same.unrelated(same) and not Meaning("b", frozenset({"dog"}), frozenset()).unrelated(same)
    assert Meaning("b", frozenset({"car"}), frozenset()).unrelated(same)
    assert not Meaning("b", frozenset(), frozenset()).unrelated(same), "what is not known is not claimed"


def test_clips_of_different_sizes_are_padded_and_boxes_ignore_it() -> None:
    sizes = [(40, 60), (64, 50)]
    clips = []
    for height, width in sizes:
        labels = np.zeros((2, height, width), dtype=np.uint8)
        labels[:, 8:20, 12:30] = 1
        clips.append(ClipSample(np.full((2, height, width, 3), 200, dtype=np.uint8), labels, "red"))
    frames, labels, found = padded(clips)
    assert frames.shape == (2, 2, 64, 64, 3) and found is not None and found.tolist() == [[40, 60], [64, 50]]
    zeros, two = torch.zeros(2, 1, dtype=torch.int64), torch.arange(2)
    batch = ReferringBatch(
        frames, labels, zeros, zeros, two, zeros[:, 0], zeros, zeros.bool(), zeros, ("a", "b"), found
    )
    padding = batch.padding()
    assert padding is not None and padding[0, 0, :40, :60].sum() == 0 and bool(padding[0, 0, 40:].all())
    assert not batch.pixels()[padding[:, :, None].expand(-1, -1, 3, -1, -1)].any()
    for row, clip in enumerate(clips):
        expected = mask_boxes(torch.from_numpy(clip.labels) == 1)
        assert torch.allclose(batch.targets().boxes[row], expected, atol=1e-6)


def test_isvos_batches_hold_clips_and_pictures(tmp_path: Path) -> None:
    videos = Draw([(opened("davis17", tmp_path), 2)], STILL, seed=1)
    write_coco(tmp_path / "coco")
    source = open_set(SetPlan("coco", split="train2017"), DataPlan(augment=STILL), tmp_path)
    assert isinstance(source, PictureInstances) and len(videos) == 4
    pictures = Draw([(source, 1)], STILL, seed=2)
    batch = LabelledBatches(videos, images=pictures, share=Share(2), steps=1)[0]
    assert batch.images is not None and batch.frames.shape[1] == 3 and batch.images.frames.shape[1] == 1
    assert batch.images.categories.tolist() == [[0, 1], [0, 1]]
    first, second = batch.parts(2, lambda value: value)
    assert torch.equal(torch.cat([first.frames, second.frames]), batch.frames) and second.images is not None
