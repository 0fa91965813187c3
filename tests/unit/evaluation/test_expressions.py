"""Ref-YouTube-VOS, MeViS and Ref-DAVIS17 on miniature data sets: figures by definition, and whatever does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_datasets import (
    CATEGORIES,
    HEIGHT,
    WIDTH,
    mini_videos,
    right,
    shifted,
    write_expression_masks,
    write_ids,
    write_mask,
    write_masks,
    write_mevis,
    write_refdavis,
    write_refytvos,
)
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.refdavis import read_refdavis
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.expressions import evaluate_expressions
from rvos_core.evaluation.folders import evaluate_folders
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.evaluation.refdavis import evaluate_refdavis
from rvos_core.types import CancelToken

VIDEOS = mini_videos(2)


def test_a_perfect_answer_and_one_that_is_off(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    perfect = evaluate_expressions(dataset, write_expression_masks(tmp_path / "right", VIDEOS)).as_dict()
    assert (perfect["J"], perfect["F"], perfect["jf"]) == (1.0, 1.0, 1.0)
    assert (perfect["videos"], perfect["expressions"], perfect["frames"]) == (2, 4, 24)
    off = evaluate_expressions(dataset, write_expression_masks(tmp_path / "off", VIDEOS, shifted(3))).as_dict()
    by_hand = [
        sequence_scores(video.mask(object_id), shifted(3)(video, object_id))
        for video in VIDEOS
        for object_id in video.categories
    ]
    assert off["J"] == pytest.approx(np.mean([np.mean(each.j) for each in by_hand]))
    assert off["F"] == pytest.approx(np.mean([np.mean(each.f) for each in by_hand]))
    assert off["per_expression"][1]["J"] == pytest.approx(np.mean(by_hand[1].j))
    assert 0.3 < off["J"] < 0.9


def test_the_servers_form_of_the_folder_is_read_too(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    write_expression_masks(tmp_path / "out" / "Annotations", VIDEOS)
    assert evaluate_expressions(dataset, tmp_path / "out").as_dict()["jf"] == 1.0


def test_a_video_without_expressions_needs_no_folder(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    silent = replace(dataset, videos=(replace(dataset.videos[0], expressions=()), dataset.videos[1]))
    out = write_expression_masks(tmp_path / "out", VIDEOS[1:])
    assert evaluate_expressions(silent, out).as_dict()["expressions"] == 2


def test_only_annotated_frames_are_scored(tmp_path: Path) -> None:
    root = write_refytvos(tmp_path / "data", VIDEOS)
    for frame in ("00005", "00020"):
        (root / "valid" / "Annotations" / "clip0" / f"{frame}.png").unlink()
    pred = write_expression_masks(tmp_path / "out", VIDEOS)
    wrong = np.ones((HEIGHT, WIDTH), dtype=bool)
    write_mask(pred / "clip0" / "0" / "00005.png", wrong)
    (pred / "clip0" / "0" / "00020.png").unlink()
    report = evaluate_expressions(read_refytvos(root), pred)
    assert report.scores[0].frames == ("00000", "00010", "00015", "00025")
    assert report.as_dict()["jf"] == 1.0


def test_seen_and_unseen_categories_and_their_mean(tmp_path: Path) -> None:
    write_refytvos(tmp_path / "data", mini_videos(1), split="train")
    videos = mini_videos(2)
    dataset = read_refytvos(write_refytvos(tmp_path / "data", videos))
    assert videos[0].categories[1] == CATEGORIES[0]
    pred = write_expression_masks(tmp_path / "out", videos[:1])
    write_expression_masks(pred, videos[1:], shifted(WIDTH))
    scores = evaluate_expressions(dataset, pred).as_dict()
    assert (scores["J_seen"], scores["F_seen"]) == (1.0, 1.0)
    empty = [1.0 if not mask.any() else 0.0 for i in (1, 2) for mask in videos[1].mask(i)]
    assert scores["J_unseen"] == pytest.approx(np.mean(empty))
    assert scores["G"] == pytest.approx((2.0 + scores["J_unseen"] + scores["F_unseen"]) / 4)


def test_no_categories_no_g(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    scores = evaluate_expressions(dataset, write_expression_masks(tmp_path / "out", VIDEOS)).as_dict()
    assert not {"G", "J_seen", "J_unseen"} & set(scores)


def test_mevis_counts_unions_and_nothings(tmp_path: Path) -> None:
    dataset = read_mevis(write_mevis(tmp_path / "data", VIDEOS))
    names = dataset.videos[0].frames
    for video in VIDEOS:
        for number, masks in enumerate((video.mask(1), video.mask(2), video.labels > 0, video.labels > 9)):
            write_masks(tmp_path / "out" / video.name / str(number), masks, names)
    assert evaluate_expressions(dataset, tmp_path / "out").as_dict()["jf"] == 1.0
    for video in VIDEOS:  # one of two objects where both are meant, something where nothing is
        write_masks(tmp_path / "out" / video.name / "2", video.mask(1), names)
        write_masks(tmp_path / "out" / video.name / "3", video.mask(1), names)
    found = {(s.video, s.expression_id): s for s in evaluate_expressions(dataset, tmp_path / "out").scores}
    for video in VIDEOS:
        half = found[video.name, "2"]
        assert half.j == sequence_scores(video.labels > 0, video.mask(1)).j
        assert found[video.name, "3"].j == (0.0,) * 6
        assert found[video.name, "3"].f == (0.0,) * 6


def test_a_mevis_video_without_any_object_takes_its_size_from_the_predictions(tmp_path: Path) -> None:
    root = write_mevis(tmp_path / "data", VIDEOS[:1])
    (root / "valid_u" / "mask_dict.json").write_text('{"1": [null, null, null, null, null, null], "2": [null, null, null, null, null, null]}')  # fmt: skip  # noqa: E501
    dataset = read_mevis(root)
    for number in range(4):
        write_masks(tmp_path / "out" / "clip0" / str(number), VIDEOS[0].labels > 9, dataset.videos[0].frames)
    assert evaluate_expressions(dataset, tmp_path / "out").as_dict()["jf"] == 1.0


def write_annotators(folder: Path, *, move: int = 0) -> Path:
    """Ids as the truth has them for annotators 0 and 1, exchanged for 2; annotator 3 is off by `move`."""
    exchanged = np.array([0, 2, 1], dtype=np.uint8)
    for number in range(4):
        for video in VIDEOS:
            labels = exchanged[video.labels] if number == 2 else video.labels
            if number == 3 and move:
                labels = np.roll(labels, move, axis=2)
            for index, frame in enumerate(labels):
                write_ids(folder / f"anno_{number}" / video.name / f"{index:05d}.png", frame)
    return folder


@pytest.mark.parametrize("published", [False, True])
def test_refdavis_is_the_mean_of_four_annotators(tmp_path: Path, published: bool) -> None:
    root = write_refdavis(tmp_path / "data", VIDEOS, published=published)
    dataset = read_refdavis(root)
    perfect = evaluate_refdavis(dataset, write_annotators(tmp_path / "right")).as_dict()
    assert perfect["jf"] == 1.0
    assert (perfect["clips"], perfect["objects"], perfect["frames"]) == (2, 4, 12)
    scores = evaluate_refdavis(dataset, write_annotators(tmp_path / "off", move=4)).as_dict()
    annotations = dataset.require_truth().folder
    last = evaluate_folders(annotations, tmp_path / "off" / "anno_3", protocol="unsupervised").as_dict()
    assert last["jf"] < 0.95
    for key in ("J", "F", "jf", "F_recall", "J_decay"):
        assert scores["per_annotator"][3][key] == last[key]
        assert scores[key] == pytest.approx(np.mean([each[key] for each in scores["per_annotator"]]))
    assert [each["jf"] for each in scores["per_annotator"][:3]] == [1.0, 1.0, 1.0]


def test_other_clips_of_davis_are_not_scored(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path / "data", VIDEOS, published=True)
    write_ids(root / "DAVIS" / "Annotations_unsupervised" / "480p" / "other" / "00000.png", np.zeros((4, 4)))
    assert evaluate_refdavis(read_refdavis(root), write_annotators(tmp_path / "out")).as_dict()["clips"] == 2


BAD_REFDAVIS: dict[str, tuple[Callable[[Path], object], str]] = {
    "an annotator is missing": (lambda out: shutil.rmtree(out / "anno_2"), "no folder anno_2"),
    "a clip is missing": (lambda out: shutil.rmtree(out / "anno_1" / "clip1"), "anno_1 lacks the clip clip1"),
    "an unknown clip": (
        lambda out: shutil.copytree(out / "anno_0" / "clip0", out / "anno_0" / "zoo"),
        "has the unknown clip zoo",
    ),
    "a frame is missing": (lambda out: (out / "anno_0" / "clip0" / "00002.png").unlink(), "00002.png"),
    "a frame too many": (
        lambda out: write_ids(out / "anno_0" / "clip0" / "00077.png", np.zeros((HEIGHT, WIDTH))),
        "00077.png",
    ),
    "another size": (
        lambda out: write_ids(out / "anno_3" / "clip1" / "00002.png", np.zeros((HEIGHT, 9))),
        "9x48, the frames are 64x48",
    ),
    "nothing": (lambda out: [shutil.rmtree(out / f"anno_{i}") for i in range(4)], "anno_0, anno_1, anno_2, anno_3"),
}


@pytest.mark.parametrize("what", BAD_REFDAVIS)
def test_refdavis_predictions_that_do_not_fit(tmp_path: Path, what: str) -> None:
    spoil, words = BAD_REFDAVIS[what]
    dataset = read_refdavis(write_refdavis(tmp_path / "data", VIDEOS))
    out = write_annotators(tmp_path / "out")
    spoil(out)
    with pytest.raises(UserError) as caught:
        evaluate_refdavis(dataset, out)
    assert words in caught.value.message, caught.value.message


def test_refdavis_masks_that_lie_a_folder_deeper_are_named(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path / "data", VIDEOS)
    folder = root / "valid" / "Annotations" / "clip1"
    folder.rename(folder.with_name("moved"))
    folder.mkdir()
    folder.with_name("moved").rename(folder / "480p")
    with pytest.raises(UserError, match="clip1 holds no PNG masks, only folders of them"):
        evaluate_refdavis(read_refdavis(root), write_annotators(tmp_path / "out"))


def palette_image(path: Path) -> None:
    write_ids(path, np.full((HEIGHT, WIDTH), 3))


BAD: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no folder": (shutil.rmtree, "out cannot be read: No such file", "evaluation.no_folder"),
    "an empty folder": (
        lambda out: [shutil.rmtree(each) for each in out.iterdir()],
        "lacks predictions: clip0, clip1",
        "evaluation.unpaired",
    ),
    "a video is missing": (lambda out: shutil.rmtree(out / "clip1"), "predictions: clip1", "evaluation.unpaired"),
    "an expression is missing": (lambda out: shutil.rmtree(out / "clip1" / "0"), "clip1/0", "evaluation.unpaired"),
    "a frame is missing": (
        lambda out: (out / "clip0" / "1" / "00010.png").unlink(),
        "clip0/1/00010.png",
        "evaluation.unpaired",
    ),
    "an unknown video": (
        lambda out: shutil.copytree(out / "clip0", out / "clip9"),
        "the video clip9, which ref-youtube-vos (valid) does not have",
        "evaluation.unknown",
    ),
    "an unknown expression id": (
        lambda out: shutil.copytree(out / "clip0" / "0", out / "clip0" / "17"),
        "the expression id 17, which clip0 does not have",
        "evaluation.unknown",
    ),
    "an extra frame": (
        lambda out: shutil.copy(out / "clip0" / "0" / "00000.png", out / "clip0" / "0" / "00001.png"),
        "the frame 00001, which clip0 does not have",
        "evaluation.unknown",
    ),
    "another size": (
        lambda out: write_mask(out / "clip0" / "0" / "00010.png", np.zeros((HEIGHT, WIDTH - 1), dtype=bool)),
        "00010.png is 63x48, the frames are 64x48",
        "masks.size",
    ),
    "a palette image": (
        lambda out: palette_image(out / "clip0" / "0" / "00010.png"),
        "00010.png is an indexed (palette) picture",
        "evaluation.indexed",
    ),
    "a colour picture": (
        lambda out: Image.new("RGB", (WIDTH, HEIGHT)).save(out / "clip0" / "0" / "00010.png"),
        "00010.png is a colour",
        "masks.mode",
    ),
    "grey values": (
        lambda out: Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH)).save(
            out / "clip0" / "0" / "00010.png"
        ),
        "several grey values",
        "masks.grey",
    ),
    "a web page": (
        lambda out: (out / "clip0" / "0" / "00010.png").write_text("<html>"),
        "00010.png is not a PNG",
        "masks.not_png",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_predictions_that_do_not_fit(tmp_path: Path, what: str) -> None:
    spoil, words, code = BAD[what]
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    out = write_expression_masks(tmp_path / "out", VIDEOS)
    spoil(out)
    with pytest.raises(UserError) as caught:
        evaluate_expressions(dataset, out)
    assert words in caught.value.message, caught.value.message
    assert caught.value.code == code


def test_other_files_beside_the_videos_do_not_matter(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    out = write_expression_masks(tmp_path / "out", VIDEOS, right)
    (out / "prediction.json").write_text("{}")
    (out / "ref-youtube-vos.zip").write_bytes(b"PK")
    (out / ".DS_Store").mkdir()
    assert evaluate_expressions(dataset, out).as_dict()["jf"] == 1.0


def test_a_split_whose_masks_the_server_keeps(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS, secret=True))
    out = write_expression_masks(tmp_path / "out", VIDEOS)
    with pytest.raises(UserError, match=r"split valid of ref-youtube-vos: clip0 does not say what is meant") as caught:
        evaluate_expressions(dataset, out)
    assert "server" in caught.value.hint


def test_true_masks_that_are_not_there_are_named(tmp_path: Path) -> None:
    root = write_mevis(tmp_path / "mevis", VIDEOS)
    (root / "valid_u" / "mask_dict.json").unlink()
    with pytest.raises(UserError, match=r"valid_u of mevis: .*mask_dict\.json is not there"):
        evaluate_expressions(read_mevis(root), tmp_path)
    root = write_refdavis(tmp_path / "davis", VIDEOS)
    shutil.rmtree(root / "valid" / "Annotations")
    with pytest.raises(UserError, match=r"valid of ref-davis17: .*valid/Annotations is not there"):
        evaluate_refdavis(read_refdavis(root), tmp_path)


def test_truth_of_one_video_is_missing(tmp_path: Path) -> None:
    root = write_refytvos(tmp_path / "data", VIDEOS)
    shutil.rmtree(root / "valid" / "Annotations" / "clip1")
    with pytest.raises(UserError, match="no true masks for clip1"):
        evaluate_expressions(read_refytvos(root), write_expression_masks(tmp_path / "out", VIDEOS))


def test_progress_and_cancel(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", VIDEOS))
    out = write_expression_masks(tmp_path / "out", VIDEOS)
    seen: list[tuple[int, int]] = []
    evaluate_expressions(dataset, out, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 12) for i in range(1, 13)]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        evaluate_expressions(dataset, out, cancel=cancel)
