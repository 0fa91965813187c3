"""A2D- and JHMDB-Sentences: the window, every query at the size of the frame, predicted and scored."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers_datasets import MiniVideo, mini_videos, write_a2d, write_jhmdb
from helpers_inference import CARD, WORDS
from helpers_predict import QUERIES, KnowingEngine
from rvos_core.datasets.sentences import SentencesDataset, read_a2d, read_jhmdb
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.evaluation.layouts.predictions import read_results
from rvos_core.evaluation.predict.job import Job
from rvos_core.evaluation.predict.selection import Selection
from rvos_core.evaluation.predict.sentences import predict_sentences, scored_queries, short_side, window_round
from rvos_core.evaluation.predict.video_answers import read_picture
from rvos_core.evaluation.single_frames import score_single_frames
from rvos_core.language import WordTokenizer
from rvos_core.masks import decode
from rvos_core.models.api import WindowPrediction
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.types import CancelToken
from tiny_ifirvos import tiny_model


def striped(video: MiniVideo) -> MiniVideo:
    """The video with upright stripes on multiples of 4 pixels for objects: masks at stride 4 can draw them exactly."""
    labels = np.zeros_like(video.labels)
    for t in range(len(labels)):
        for number, object_id in enumerate(video.categories):
            left = 4 * (1 + t + 5 * number)
            labels[t, :, left : left + 8 + 4 * number] = object_id
    return replace(video, labels=labels)


VIDEOS = tuple(striped(video) for video in mini_videos(2))
WRITE = {"a2d": (write_a2d, read_a2d), "jhmdb": (write_jhmdb, read_jhmdb)}


@pytest.fixture(params=list(WRITE))
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> SentencesDataset:
    write, read = WRITE[request.param]
    found: SentencesDataset = read(write(tmp_path / "data", VIDEOS))
    return found


def predict(dataset: SentencesDataset, folder: Path, engine: KnowingEngine, **terms: object):
    only = terms.pop("only", ())
    window = terms.pop("window", 5)
    return predict_sentences(engine, dataset, folder, job=Job(Selection.read(only), **terms), window=window)  # type: ignore[arg-type]


def scores_of(dataset: SentencesDataset, folder: Path):
    truth = dataset.truth()
    found = read_results(folder, sizes={image_id: (m.height, m.width) for image_id, m in truth.items()})
    ids = sorted(truth)
    return score_single_frames([truth[i] for i in ids], [found[i] for i in ids])


def test_the_window_stands_round_the_frame_and_repeats_the_ends() -> None:
    assert window_round(10, count=20, window=5) == ([8, 9, 10, 11, 12], 2)
    assert window_round(0, count=20, window=5) == ([0, 0, 0, 1, 2], 0)
    assert window_round(19, count=20, window=5) == ([17, 18, 19, 19, 19], 2)
    assert window_round(1, count=2, window=5) == ([0, 0, 1, 1, 1], 2)
    assert window_round(4, count=9, window=6) == ([1, 2, 3, 4, 5, 6], 3)
    assert window_round(0, count=1, window=1) == ([0], 0)


@pytest.mark.parametrize(
    ("height", "width", "short"),
    [(320, 568, 360), (320, 569, 360), (320, 770, 266), (480, 320, 360), (900, 300, 213), (240, 240, 360)],
)
def test_the_long_side_keeps_to_640(height: int, width: int, short: int) -> None:
    assert short_side(height, width, usual=360) == short
    assert short == 360 or 636 <= int(short * max(height, width) / min(height, width)) <= 641


@pytest.mark.parametrize(
    ("cells", "picture_size", "size"),
    [((12, 16), (46, 63), (35, 48)), ((9, 11), (36, 44), (91, 107)), ((5, 5), (20, 20), (20, 20))],
)
def test_queries_reach_the_size_of_the_frame_as_published(
    cells: tuple[int, int], picture_size: tuple[int, int], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 3, *cells, generator=generator)
    classes = torch.randn(1, 3, generator=generator)
    found = scored_queries(
        WindowPrediction(logits, classes, torch.zeros(1, 3, 4)), picture_size=picture_size, size=size
    )
    enlarged = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False).sigmoid() > 0.5
    cut = enlarged[..., : picture_size[0], : picture_size[1]].float()
    expected = F.interpolate(cut, size=size, mode="nearest")[0].bool().numpy()
    assert [each.score for each in found] == pytest.approx(classes[0].sigmoid().tolist(), rel=1e-6)
    for each, wanted in zip(found, expected, strict=True):
        assert (decode(each.mask) != wanted).mean() < 2e-3, "but for rounding at the outline"


def test_what_a_perfect_model_predicts_scores_one(dataset: SentencesDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS, stride=4)
    made = predict(dataset, tmp_path / "out", engine)
    assert made.expressions == len(dataset.samples)
    assert made.frames == 2
    assert engine.encoded == [1, 1], "neighbours that have no influence are not encoded; sentences share a frame"
    scores = scores_of(dataset, tmp_path / "out")
    assert (scores.precision, scores.mean_iou) == ((1.0,) * 5, pytest.approx(1.0))
    entries = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert len(entries) == QUERIES * len(dataset.samples), "every query is kept"


def test_films_are_taken_as_they_are_coded_whatever_their_pixel_aspect(tmp_path: Path) -> None:
    """Scaled films (A2D's are) say that their pixels are not quite square; the annotations do not know."""
    dataset = read_a2d(write_a2d(tmp_path / "data", VIDEOS, pixel_aspect=Fraction(21, 20)))
    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4))
    assert scores_of(dataset, tmp_path / "out").mean_iou == pytest.approx(1.0)


def test_figures_of_a_model_that_is_off_are_those_counted_by_hand(dataset: SentencesDataset, tmp_path: Path) -> None:
    def one_cell_right(video: MiniVideo, object_id: int) -> np.ndarray:
        moved = np.zeros_like(video.labels, dtype=bool)
        moved[..., 4:] = video.mask(object_id)[..., :-4]
        return moved

    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, one_cell_right, stride=4))
    ious, common, either = [], 0, 0
    for truth in dataset.truth().values():
        true = decode(truth)
        drawn = np.zeros_like(true)
        drawn[:, 4:] = true[:, :-4]
        ious.append((true & drawn).sum() / (true | drawn).sum())
        common, either = common + (true & drawn).sum(), either + (true | drawn).sum()
    scores = scores_of(dataset, tmp_path / "out")
    assert scores.mean_iou == pytest.approx(np.mean(ious), abs=1e-6)
    assert scores.overall_iou == pytest.approx(common / either, abs=1e-6)
    assert scores.precision[0] == pytest.approx(np.mean([iou > 0.5 for iou in ious]))


def test_sentences_are_lower_cased_and_spaces_collapsed(tmp_path: Path) -> None:
    dataset = read_a2d(write_a2d(tmp_path / "data", VIDEOS))
    shouted = replace(dataset, samples=tuple(replace(s, text=f" {s.text.upper()}  ") for s in dataset.samples))
    engine = KnowingEngine(VIDEOS, stride=4)
    predict(shouted, tmp_path / "out", engine)
    assert {text for text, _ in engine.asked} == {sample.text for sample in dataset.samples}


def test_an_encoder_that_looks_at_several_frames_sees_the_window(dataset: SentencesDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS, stride=4)
    engine.frames_on_their_own = False
    predict(dataset, tmp_path / "out", engine)
    assert engine.encoded == [5, 5]
    assert {frames for _, frames in engine.asked} == {1}, "behind the encoder only the annotated frame is kept"
    assert scores_of(dataset, tmp_path / "out").mean_iou == pytest.approx(1.0)


def test_a_second_call_goes_on_where_the_first_stopped(dataset: SentencesDataset, tmp_path: Path) -> None:
    predict(dataset, tmp_path / "whole", KnowingEngine(VIDEOS, stride=4))
    cancel, half = CancelToken(), len(dataset.samples) // 2
    with pytest.raises(Cancelled):
        # Stopped when the first video's last answer has come: it is written, and the second is not begun.
        stop = lambda done, total, what: cancel.cancel() if done == half else None  # noqa: E731
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4), cancel=cancel, listener=stop)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.json")) == ["clip0.json"]
    second = KnowingEngine(VIDEOS, stride=4)
    made = predict(dataset, tmp_path / "out", second)
    assert (made.finished_before, len(second.asked)) == (half, half)
    assert (tmp_path / "out" / "predictions.json").read_bytes() == (
        tmp_path / "whole" / "predictions.json"
    ).read_bytes()


def test_a_video_that_is_too_short_is_named(dataset: SentencesDataset, tmp_path: Path) -> None:
    late = replace(dataset, samples=tuple(replace(sample, frame=60) for sample in dataset.samples))
    with pytest.raises(UserError, match=r"has 6 frame\(s\); .* is about frame 60"):
        predict(late, tmp_path / "out", KnowingEngine(VIDEOS, stride=4))


def test_missing_media_are_named(dataset: SentencesDataset, tmp_path: Path) -> None:
    gone = dataset.samples[0].media
    gone.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"{gone.name} is missing"):
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4))


def test_videos_can_be_named_but_sentences_cannot(dataset: SentencesDataset, tmp_path: Path) -> None:
    made = predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4), only=(VIDEOS[1].name,))
    assert made.expressions == sum(sample.video == VIDEOS[1].name for sample in dataset.samples)
    assert "predictions" not in made.outputs
    with pytest.raises(UsageError, match="names one sentence"):
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS), only=(f"{VIDEOS[1].name}/0",))
    with pytest.raises(UsageError, match="has no video 'clip9'"):
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS), only=("clip9",))


def test_a_damaged_part_is_named(dataset: SentencesDataset, tmp_path: Path) -> None:
    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4), only=(VIDEOS[0].name,))
    (tmp_path / "out" / "parts" / f"{VIDEOS[0].name}.json").write_text("[]")
    with pytest.raises(UserError, match=f"{VIDEOS[0].name}.json has no prediction for v_{VIDEOS[0].name}"):
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, stride=4))


def test_a_real_video_swin_sees_the_window_and_refers_to_one_frame(tmp_path: Path) -> None:
    """Against the network called by hand: 5 frames, padded, encoded together; then the middle one alone."""
    dataset = read_jhmdb(write_jhmdb(tmp_path / "data", VIDEOS[:1]))
    backbone = BackboneConfig(
        kind="video_swin", widths=(8, 16, 16, 16), blocks=(2, 1, 1, 1), heads=(2, 2, 2, 2), window=(4, 3, 3),
        frozen_stages=0,
    )  # fmt: skip
    network, words = tiny_model(backbone=backbone), WordTokenizer.from_words(WORDS)
    card = replace(CARD, size=48, long_side=3600)
    predict(dataset, tmp_path / "out", FamilyReferrer(network, words, card=card))  # type: ignore[arg-type]
    (sample,) = dataset.samples
    pictures = [read_picture(sample.media / f"{number:05d}.png") for number in (1, 2, 3, 4, 5)]
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    pixels, padding = torch.zeros(1, 5, 3, 64, 64), torch.ones(1, 5, 64, 64, dtype=torch.bool)
    for t, picture in enumerate(pictures):
        pixels[0, t, :, :48] = (torch.from_numpy(picture).permute(2, 0, 1) / 255 - mean) / std
    padding[:, :, :48] = False
    ids = torch.tensor([words.encode(sample.text).ids])
    with torch.no_grad():
        frames = network.encode_frames(pixels, padding).only(torch.tensor([2]))
        output = network.decode(frames, network.encode_text(ids))
    by_hand = WindowPrediction(output.pred_masks[0], output.pred_logits[0, ..., 0], output.pred_boxes[0])
    expected = scored_queries(by_hand, picture_size=(48, 64), size=(48, 64))
    truth = dataset.truth()[sample.image_id]
    found = read_results(tmp_path / "out", sizes={sample.image_id: (truth.height, truth.width)})[sample.image_id]
    assert [each.score for each in found] == pytest.approx([each.score for each in expected], abs=1e-5)
    for each, wanted in zip(found, expected, strict=True):
        assert (decode(each.mask) != decode(wanted.mask)).sum() <= 2
