"""R by hand, unrelated pairs that are unrelated and fair, and the whole way over files."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest

from helpers_data import shared_data
from helpers_datasets import (
    HEIGHT,
    WIDTH,
    mini_videos,
    write_expression_masks,
    write_json,
    write_mask,
    write_masks,
    write_mevis,
    write_refytvos,
)
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.datasets.things import things
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.robustness import evaluate_robustness, robustness
from rvos_core.evaluation.unrelated import as_dataset, draw_pairs, read_pairs, unrelated_table, write_pairs
from rvos_core.types import CancelToken


@pytest.mark.parametrize(
    ("positive", "negative", "expected"), [(100, 0, 1.0), (100, 25, 0.75), (100, 100, 0.0), (50, 100, -1.0)]
)
def test_r_by_hand(positive: int, negative: int, expected: float) -> None:
    assert robustness(positive, negative) == expected


def test_r_without_any_foreground_has_no_value() -> None:
    for negative in (0, 10):
        with pytest.raises(UserError, match="no mask of a related video has any foreground"):
            robustness(0, negative)


def dataset_of(**texts: list[str]) -> ReferringDataset:
    """Videos by name with their expressions; object k + 1 is meant by expression k."""
    videos = tuple(
        Video(name, ("0", "1"), Path(name), tuple(Expression(str(i), text, (i + 1,)) for i, text in enumerate(said)))
        for name, said in texts.items()
    )
    return ReferringDataset("ref-youtube-vos", Path("data"), "valid", videos, None, Path("data"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a white puppy on the left", {"dog"}),
        ("two women and the boys running", {"person"}),
        ("the man in a red jacket riding a bicycle", {"person", "jacket", "bike"}),
        ("Buses, foxes; a glass!", {"bus", "fox", "glass"}),
        ("the one on the left moving fast", set()),
        ("", set()),
    ],
)
def test_which_words_name_things(text: str, expected: set[str]) -> None:
    assert things(text) == expected


def test_a_video_is_related_by_words_or_by_category() -> None:
    dataset = dataset_of(a=["a dog"], b=["a puppy at play"], c=["a red car"], d=["a bird"])
    np.testing.assert_array_equal(
        unrelated_table(dataset),
        [[False, False, True, True], [False, False, True, True], [True, True, False, True], [True, True, True, False]],
    )
    named = replace(dataset, videos=tuple(replace(v, categories={1: "vehicle"}) for v in dataset.videos[2:]))
    assert not unrelated_table(named).any()


def test_the_same_seed_draws_the_same_pairs_and_another_one_others() -> None:
    dataset = dataset_of(**{f"v{i}": [f"a thing{chr(97 + i)}"] * 3 for i in range(8)})
    first, again, other = (draw_pairs(dataset, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [(pair.source, pair.expression.expression_id) for pair in first] == [
        (video.name, each.expression_id) for video, each in dataset.pairs()
    ]


@pytest.mark.parametrize("seed", range(25))
def test_every_video_is_picked_where_that_is_possible(seed: int) -> None:
    """One question a video; some videos share a word. If any dealing uses every video, ours does."""
    dice = np.random.default_rng(seed)
    count = int(dice.integers(3, 7))
    said = [["a", f"thing{chr(97 + i)}"] for i in range(count)]
    for i, k in combinations(range(count), 2):
        if dice.random() < 0.4:
            said[i].append(f"shared{chr(97 + i)}{chr(97 + k)}")
            said[k].append(f"shared{chr(97 + i)}{chr(97 + k)}")
    dataset = dataset_of(**{f"v{i}": [" ".join(words)] for i, words in enumerate(said)})
    table = unrelated_table(dataset)
    if not table.any(axis=1).all():
        with pytest.raises(UserError, match="is unrelated to"):
            draw_pairs(dataset, seed=seed)
        return
    possible = any(all(table[i, k] for i, k in enumerate(way)) for way in permutations(range(count)))
    picked = [pair.video for pair in draw_pairs(dataset, seed=seed)]
    assert all(table[i, int(name[1:])] for i, name in enumerate(picked))
    assert (len(set(picked)) == count) == possible


def test_the_published_validation_list_uses_every_video_equally() -> None:
    path = shared_data() / "expressions" / "ref_ytvos_valid_meta_expressions.json"
    dataset = read_refytvos(path.parents[1], split="expressions", expressions=path)
    pairs = draw_pairs(dataset, seed=5)
    assert len(pairs) == 2096
    uses = Counter(pair.video for pair in pairs)
    assert len(uses) == 507
    assert set(uses.values()) == {4, 5}  # 2,096 questions over 507 videos
    spoken = {video.name: frozenset().union(*(things(e.text) for e in video.expressions)) for video in dataset.videos}
    for pair in pairs:
        assert pair.video != pair.source
        assert not things(pair.expression.text) & spoken[pair.video]


def test_no_unrelated_video_at_all() -> None:
    with pytest.raises(UserError, match='is unrelated to "a dog"'):
        draw_pairs(dataset_of(a=["a dog"], b=["the dog"]), seed=0)


def test_pairs_are_a_list_that_predictors_read(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", mini_videos(4, objects=1)))
    pairs = draw_pairs(dataset, seed=3)
    path = tmp_path / "pairs.json"
    write_pairs(path, pairs, dataset=dataset, seed=3)
    again = read_pairs(path, dataset=dataset)
    assert again == as_dataset(pairs, dataset)
    assert again.videos[0].frames == dataset.videos[0].frames
    direct = read_refytvos(dataset.root, expressions=path)
    assert [[e.text for e in v.expressions] for v in direct.videos] == [
        [e.text for e in v.expressions] for v in again.videos
    ]
    direct.require_images()


def test_pairs_of_another_split(tmp_path: Path) -> None:
    dataset = read_refytvos(write_refytvos(tmp_path / "data", mini_videos(4, objects=1)))
    path = tmp_path / "pairs.json"
    pairs = draw_pairs(dataset, seed=3)
    write_pairs(path, pairs[:-1], dataset=dataset, seed=3)
    with pytest.raises(UserError, match=r"does not ask every expression .* once, first: clip3\+0"):
        read_pairs(path, dataset=dataset)
    write_json(path, {"videos": {"zoo": {"expressions": {"clip0+0": {"exp": "it"}}, "frames": ["0"]}}})
    with pytest.raises(UserError, match="asks about zoo, which ref-youtube-vos"):
        read_pairs(path, dataset=dataset)


@pytest.fixture
def asked(tmp_path: Path):
    """A data set of three clips with one object each, its unrelated questions, and perfect answers."""
    videos = mini_videos(3, objects=1)
    dataset = read_refytvos(write_refytvos(tmp_path / "data", videos))
    questions = as_dataset(draw_pairs(dataset, seed=1), dataset)
    positive = write_expression_masks(tmp_path / "positive", videos)
    nothing = np.zeros((6, HEIGHT, WIDTH), dtype=bool)
    for video, each in questions.pairs():
        write_masks(tmp_path / "negative" / video.name / each.expression_id, nothing, video.frames)
    return videos, dataset, questions, positive, tmp_path / "negative"


def paint(negative: Path, questions: ReferringDataset, pixels: int) -> None:
    """Put so many pixels into one frame of one unrelated answer."""
    video, each = next(questions.pairs())
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask.flat[:pixels] = True
    write_mask(negative / video.name / each.expression_id / f"{video.frames[2]}.png", mask)


def test_a_model_that_knows_what_is_not_there(asked) -> None:
    _, dataset, questions, positive, negative = asked
    scores = evaluate_robustness(dataset, questions, positive=positive, negative=negative).as_dict()
    assert (scores["J"], scores["F"], scores["R"], scores["mean"]) == (1.0, 1.0, 1.0, 1.0)
    assert (scores["expressions"], scores["left_empty"], scores["negative_px"]) == (3, 1.0, 0)


def test_areas_are_summed_over_everything(asked) -> None:
    videos, dataset, questions, positive, negative = asked
    paint(negative, questions, 1000)
    scores = evaluate_robustness(dataset, questions, positive=positive, negative=negative).as_dict()
    painted = sum(int((video.labels > 0).sum()) for video in videos)
    assert scores["positive_px"] == painted
    assert scores["R"] == pytest.approx(1 - 1000 / painted)
    assert scores["mean"] == pytest.approx((2 + scores["R"]) / 3)
    assert scores["left_empty"] == pytest.approx(2 / 3)


def test_what_means_nothing_has_no_related_video(tmp_path: Path) -> None:
    videos = mini_videos(3, objects=1)
    dataset = read_mevis(write_mevis(tmp_path / "data", videos))
    questions = as_dataset(draw_pairs(dataset, seed=0), dataset)
    everything = np.ones((6, HEIGHT, WIDTH), dtype=bool)
    for number in range(3):  # the one object, all of them, nothing
        for video in videos:
            masks = everything if number == 2 else video.mask(1)
            write_masks(tmp_path / "positive" / video.name / str(number), masks, dataset.videos[0].frames)
    for video, each in questions.pairs():
        write_masks(tmp_path / "negative" / video.name / each.expression_id, ~everything, video.frames)
    folders = {"positive": tmp_path / "positive", "negative": tmp_path / "negative"}
    scores = evaluate_robustness(dataset, questions, **folders).as_dict()
    assert scores["positive_px"] == 2 * sum(int(video.mask(1).sum()) for video in videos)
    assert scores["J"] == pytest.approx(2 / 3)  # nothing was asked for, everything was painted
    assert scores["expressions"] == 9


def test_r_alone_where_the_server_keeps_the_masks(asked, tmp_path: Path) -> None:
    videos, _, _, positive, negative = asked
    dataset = read_refytvos(write_refytvos(tmp_path / "secret", videos, secret=True))
    questions = as_dataset(draw_pairs(dataset, seed=1), dataset)
    scores = evaluate_robustness(dataset, questions, positive=positive, negative=negative).as_dict()
    assert (scores["J"], scores["F"], scores["R"], scores["mean"]) == (None, None, 1.0, None)
    assert "server" in scores["notes"][-1]


def test_every_frame_is_needed_and_of_one_size(asked) -> None:
    _, dataset, questions, positive, negative = asked
    video, each = next(questions.pairs())
    path = negative / video.name / each.expression_id / "00010.png"
    write_mask(path, np.zeros((HEIGHT, 9), dtype=bool))
    with pytest.raises(UserError, match="is 9x48, the frames are 64x48"):
        evaluate_robustness(dataset, questions, positive=positive, negative=negative)
    path.unlink()
    with pytest.raises(UserError, match=r"lacks predictions: .*00010\.png"):
        evaluate_robustness(dataset, questions, positive=positive, negative=negative)
    shutil.rmtree(negative / video.name)
    with pytest.raises(UserError, match=f"lacks predictions: {video.name}"):
        evaluate_robustness(dataset, questions, positive=positive, negative=negative)


def test_progress_counts_masks_and_frames_and_cancel_stops(asked) -> None:
    _, dataset, questions, positive, negative = asked
    seen: list[tuple[int, int]] = []
    evaluate_robustness(
        dataset, questions, positive=positive, negative=negative, progress=lambda *now: seen.append(now)
    )
    assert seen == [(i, 54) for i in range(1, 55)]  # 2 x 3 answers of 6 frames, then 3 videos of 6 frames
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        evaluate_robustness(dataset, questions, positive=positive, negative=negative, cancel=cancel)
