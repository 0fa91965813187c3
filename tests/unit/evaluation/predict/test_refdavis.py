"""Ref-DAVIS17: clips of the published lengths, the annotators' merge by a second formulation, predicted and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers_datasets import mini_videos, write_refdavis
from helpers_predict import KnowingEngine
from rvos_core.datasets.refdavis import read_refdavis
from rvos_core.datasets.referring import ReferringDataset
from rvos_core.errors import Cancelled, UsageError
from rvos_core.evaluation.predict.job import Job
from rvos_core.evaluation.predict.refdavis import merged_labels, predict_refdavis, published_clip_length
from rvos_core.evaluation.predict.selection import Selection
from rvos_core.evaluation.refdavis import evaluate_refdavis
from rvos_core.masks import read_indexed_png
from rvos_core.types import CancelToken

VIDEOS = mini_videos(2, frames=5, objects=3)


@pytest.fixture(params=[False, True], ids=["converted", "published"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> ReferringDataset:
    return read_refdavis(write_refdavis(tmp_path / "davis", VIDEOS, published=request.param))


def everything(**terms: object) -> Job:
    return Job(Selection.read(()), **terms)  # type: ignore[arg-type]


def test_lengths_of_clips_are_the_published_ones() -> None:
    assert {arch: published_clip_length(arch) for arch in ("referformer", "ifirvos", "r2vos")} == {
        "referformer": 36, "ifirvos": 24, "r2vos": 36
    }  # fmt: skip


@pytest.mark.parametrize(("arch", "length"), [("referformer", 36), ("ifirvos", 24)])
def test_a_video_is_cut_into_consecutive_clips(tmp_path: Path, arch: str, length: int) -> None:
    (video,) = mini_videos(1, frames=38, objects=1)
    dataset = read_refdavis(write_refdavis(tmp_path / "davis", [video]))
    engine = KnowingEngine([video], arch=arch)
    predict_refdavis(engine, dataset, tmp_path / "out", job=everything())
    assert [frames for _, frames in engine.asked] == [length] * 4 + [38 - length] * 4


def test_objects_are_merged_as_the_published_code_merges_them() -> None:
    generator = torch.Generator().manual_seed(4)
    logits = [2 * torch.randn(3, 9, 13, generator=generator) for _ in range(4)]
    size = (37, 50)
    scores = torch.stack([F.interpolate(each[None], size=size, mode="bilinear")[0].sigmoid() for each in logits])
    scores[scores < 0.5] = 0.0
    expected = torch.cat([torch.full((1, 3, *size), 0.1), scores]).argmax(dim=0)
    merged = np.stack(list(merged_labels([each.numpy() for each in logits], size)))
    assert merged.dtype == np.uint8
    assert set(np.unique(merged)) == {0, 1, 2, 3, 4}
    assert (merged != expected.numpy()).mean() < 1e-4, "pixels may differ where two scores are equal but for rounding"


def test_what_a_perfect_model_predicts_scores_one(dataset: ReferringDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS)
    made = predict_refdavis(engine, dataset, tmp_path / "out", job=everything())
    assert (made.expressions, made.frames) == (2 * 3 * 4, 2 * 5 * 4)
    assert sorted(made.outputs) == ["anno_0", "anno_1", "anno_2", "anno_3"]
    assert engine.encoded == [5, 5], "all annotators share a clip's features"
    labels = read_indexed_png(tmp_path / "out" / "anno_2" / VIDEOS[1].name / "00003.png")
    assert np.array_equal(labels, VIDEOS[1].labels[3])
    assert evaluate_refdavis(dataset, tmp_path / "out").as_dict()["jf"] == 1.0


def test_an_annotator_who_was_interrupted_is_asked_again(dataset: ReferringDataset, tmp_path: Path) -> None:
    predict_refdavis(KnowingEngine(VIDEOS), dataset, tmp_path / "whole", job=everything())
    cancel = CancelToken()
    engine = KnowingEngine(VIDEOS, before=lambda answers: cancel.cancel() if answers == 14 else None)
    with pytest.raises(Cancelled):
        predict_refdavis(engine, dataset, tmp_path / "out", job=everything(cancel=cancel))
    second = KnowingEngine(VIDEOS)
    made = predict_refdavis(second, dataset, tmp_path / "out", job=everything())
    assert made.finished_before == 12, "the first clip's"
    assert len(second.asked) == 12
    for path in (tmp_path / "whole").rglob("*.png"):
        assert (tmp_path / "out" / path.relative_to(tmp_path / "whole")).read_bytes() == path.read_bytes()


def test_single_expressions_cannot_be_merged(dataset: ReferringDataset, tmp_path: Path) -> None:
    job = Job(Selection.read((f"{VIDEOS[0].name}/3",)))
    with pytest.raises(UsageError, match="merged from all expressions of an annotator"):
        predict_refdavis(KnowingEngine(VIDEOS), dataset, tmp_path / "out", job=job)
    made = predict_refdavis(
        KnowingEngine(VIDEOS), dataset, tmp_path / "out", job=Job(Selection.read((VIDEOS[0].name,)))
    )
    assert made.expressions == 12
