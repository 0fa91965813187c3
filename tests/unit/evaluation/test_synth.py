"""Scoring on the street world with models whose answers are known: one that reads the truth, and three that err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from rvos_core.errors import Cancelled, UsageError
from rvos_core.evaluation.bootstrap import ratio_interval
from rvos_core.evaluation.synth import choose_expressions, choose_negative, evaluate_synth, finds_its_object
from rvos_core.models.api import FrameFeatures, ModelCard, TextFeatures, WindowPrediction
from rvos_core.models.engine import Pace
from rvos_core.synthetic import Expression, SyntheticClip, contrasting_pair, make_clip, split_config, split_seeds
from rvos_core.types import CancelToken

torch = pytest.importorskip("torch")

CLIPS = 6
STRIDE = 4


@cache
def clip_of(seed: int) -> SyntheticClip:
    return make_clip(seed, split_config("test"))


@cache
def asked_of(seed: int) -> dict[str, Expression]:
    """Everything that is asked about a clip, by its text."""
    clip = clip_of(seed)
    return {e.text: e for e in (*clip.expressions, *(contrasting_pair(clip, seed=seed) or ()))}


class KnowingEngine:
    """Looks frames up among the split's clips and answers with the truth, one query an object.

    Args:
        twist: which object it takes instead of object `target` of `count`.
        sees: whether it knows when an object is out of sight.
        doubts: whether it knows when an expression means nothing in the clip.
        lonely: whether all queries draw the object that it takes.
        window: frames it sees together; the queries change their order from window to window.
        unread: words that it does not know.
    """

    card = ModelCard(
        name="knowing", arch="table", parameters=0, licence="Apache-2.0", description="", trained_on="", size=256,
        long_side=448, window=8, stride=6, present_at=0.5,
    )  # fmt: skip
    device = "cpu"
    frames_on_their_own = True

    def __init__(
        self,
        *,
        twist=lambda target, count: target,
        sees: bool = True,
        doubts: bool = True,
        lonely: bool = False,
        window: int = 8,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        self.pace = Pace()
        self.card = replace(self.card, present_at=0.5 if doubts else None, window=window, stride=window - 2)
        self.encoded = 0
        self._twist = twist
        self._sees = sees
        self._lonely = lonely
        self._unread = unread
        self._frames = {
            frame.tobytes(): (seed, index)
            for seed in split_seeds("test")[:CLIPS]
            for index, frame in enumerate(clip_of(seed).frames)
        }

    def input_size(self, height: int, width: int, *, size: int | None = None) -> tuple[int, int]:
        return height, width

    def memory_mib(self, frames: int, input_size: tuple[int, int]) -> float:
        return 1.0

    def encode_text(self, expression: str) -> TextFeatures:
        unread = tuple(word for word in expression.split() if word in self._unread)
        nothing = torch.zeros(1, 1)
        return TextFeatures(expression, nothing.long(), nothing.bool(), unread)

    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        self.encoded += len(frames)
        places = torch.tensor([self._frames[frame.tobytes()] for frame in frames], dtype=torch.float32)
        return FrameFeatures((places[:, :, None, None],), frames[0].shape[:2])

    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        places = frames.levels[0][:, :, 0, 0].long().tolist()
        clip = clip_of(places[0][0])
        count = len(clip.objects)
        target = asked_of(places[0][0])[text.expression].target
        present = target is not None
        target = target if present else 0
        chosen = self._twist(target, count)
        labels = np.stack([clip.labels[index] for _, index in places])[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
        masks = labels[:, None] == np.arange(1, count + 1)[:, None, None]
        visible = torch.from_numpy(masks.any(axis=(2, 3)))
        scores = torch.full((len(places), count), -6.0)
        scores[:, chosen] = torch.where(visible[:, chosen], 6.0, -3.0) if self._sees else 6.0
        if self._lonely:
            masks = np.repeat(masks[:, [chosen]], count, axis=1)
        logits = torch.from_numpy(masks).float() * 20 - 10
        if not self._sees:
            logits[..., :3, :3] = 10.0
        consensus = (0.9 if present else 0.1) if self.card.present_at is not None else None
        order = np.roll(np.arange(count), places[0][1])
        return WindowPrediction(logits[:, order], scores[:, order], torch.zeros(len(places), count, 4), consensus)


@pytest.fixture(scope="module")
def truth():
    return evaluate_synth(KnowingEngine(), clips=CLIPS)


def test_the_truth_scores_as_well_as_its_grid_allows(truth) -> None:
    document = truth.as_dict()
    assert document["right_object"] == 1.0
    assert document["attribute_swap"] == 1.0
    assert document["jf"] > 0.85
    assert document.get("false_on_absent", 0.0) == 0.0
    assert document["jf"] == pytest.approx((document["J"] + document["F"]) / 2)
    assert (document["clips"], document["model"], document["split"]) == (CLIPS, "knowing", "test")
    assert CLIPS < document["expressions"] <= 2 * CLIPS
    assert document["swap_pairs"] >= 3
    assert document["others_covered"] > 0.85 and document["others"] > 2 * CLIPS
    assert document["unknown_words"] == 0 and document["strange_words"] == []
    low, high = document["interval_95"]["jf"]
    assert low <= document["jf"] <= high
    assert sum(group["expressions"] for group in document["by_category"].values()) == document["expressions"]
    assert document["negatives"] >= CLIPS - 1
    assert document["R"] == 1.0 and document["false_on_negatives"] == 0.0


def test_the_same_model_gives_the_same_figures(truth) -> None:
    again = evaluate_synth(KnowingEngine(), clips=CLIPS)
    assert again.scores == truth.scores
    assert again.figures() == truth.figures()


def test_windows_are_linked_before_anything_is_scored(truth) -> None:
    assert evaluate_synth(KnowingEngine(window=5), clips=CLIPS).scores == truth.scores


def test_every_frame_is_encoded_once() -> None:
    engine = KnowingEngine()
    evaluate_synth(engine, clips=2)
    assert engine.encoded == 2 * 8


def test_a_model_whose_queries_all_draw_one_object_covers_no_other(truth) -> None:
    report = evaluate_synth(KnowingEngine(lonely=True), clips=CLIPS)
    assert report.as_dict()["others_covered"] == 0.0
    assert report.as_dict()["jf"] == truth.as_dict()["jf"]


def test_sentences_with_strange_words_are_missed_and_counted(truth) -> None:
    word = max((text for score in truth.scores for text in score.text.split()), key=len)
    report = evaluate_synth(KnowingEngine(unread=frozenset({word})), clips=CLIPS)
    strange = [score for score in report.scores if word in score.text.split()]
    assert strange and all(score.unknown_words == (word,) for score in strange)
    assert not any(score.area_px or score.covered or score.right_object for score in strange)
    assert [score for score in report.scores if score not in strange] == [
        score for score in truth.scores if word not in score.text.split()
    ]
    document = report.as_dict()
    assert (document["unknown_words"], document["strange_words"]) == (len(strange), [word])
    assert all(word not in negative.text.split() for negative in report.negatives)
    for pair, known in zip(report.pairs, truth.pairs, strict=True):
        wanted = [word not in text.split() for text in pair.texts]
        assert [*pair.right] == [a and b for a, b in zip(known.right, wanted, strict=True)]


def test_phrases_are_the_slots_that_tell_objects_apart(truth) -> None:
    for score in truth.scores:
        slots = vars(asked_of(score.seed)[score.text].slots)
        filled = {name for name, value in slots.items() if value is not None} - {"category", "other"}
        assert {*score.phrases} == (filled or {"category"})


def test_a_model_that_takes_the_next_object_is_never_right() -> None:
    document = evaluate_synth(KnowingEngine(twist=lambda target, count: (target + 1) % count), clips=CLIPS).as_dict()
    assert document["right_object"] == 0.0
    assert document["attribute_swap"] == 0.0
    assert document["jf"] < 0.3


def test_a_model_that_always_takes_the_first_object_fails_every_pair() -> None:
    document = evaluate_synth(KnowingEngine(twist=lambda target, count: 0), clips=CLIPS).as_dict()
    assert 0.0 < document["right_object"] < 1.0
    assert document["attribute_swap"] == 0.0


def test_a_model_that_never_says_out_of_sight_is_found_out(truth) -> None:
    absent = truth.as_dict()["absent_frames"]
    assert absent, "the first test clips have no hidden object"
    document = evaluate_synth(KnowingEngine(sees=False), clips=CLIPS).as_dict()
    assert document["absent_frames"] == absent
    assert document["false_on_absent"] == 1.0


def test_a_model_that_never_doubts_the_expression_is_found_out(truth) -> None:
    report = evaluate_synth(KnowingEngine(doubts=False), clips=CLIPS)
    assert report.scores == truth.scores
    document = report.as_dict()
    painted = sum(negative.area_px for negative in report.negatives)
    assert document["R"] == pytest.approx(1 - painted / sum(score.area_px for score in report.scores)) and painted > 0
    assert document["false_on_negatives"] == pytest.approx(
        np.mean([negative.area_px > 0 for negative in report.negatives])
    )


def test_negatives_mean_nothing_and_are_the_same_every_time() -> None:
    for seed in split_seeds("test")[:20]:
        clip = clip_of(seed)
        chosen = choose_negative(clip, seed=seed)
        assert chosen == choose_negative(clip, seed=seed)
        assert (chosen is None) == all(expression.target is not None for expression in clip.expressions)
        assert chosen is None or chosen.target is None


def test_pairs_are_two_objects_of_one_category_where_there_are_two() -> None:
    for seed in split_seeds("test")[:20]:
        clip = clip_of(seed)
        chosen = choose_expressions(clip, seed=seed)
        assert chosen == choose_expressions(clip, seed=seed)
        targets = [expression.target for expression in chosen]
        assert None not in targets
        assert len(set(targets)) == len(targets) == 2
        first, second = (clip.objects[target].category for target in targets)
        named = {e.target for e in clip.expressions if e.target is not None} - {targets[0]}
        assert (first == second) == any(clip.objects[other].category == first for other in named)


def test_right_object_is_by_share_not_by_size() -> None:
    labels = np.zeros((1, 10, 40), dtype=np.uint8)
    labels[0, :2, :2], labels[0, :, 10:] = 1, 2
    small = labels == 1
    assert finds_its_object(small, labels, 0)
    assert not finds_its_object(small, labels, 1)
    assert not finds_its_object(np.zeros_like(small), labels, 0)
    assert not finds_its_object(labels == 0, labels, 0)
    everything = np.ones_like(small)
    assert finds_its_object(everything, labels, 1)
    assert not finds_its_object(everything, labels, 0)


def test_progress_cancel_and_usage() -> None:
    seen: list[tuple[int, int]] = []
    cancel = CancelToken()

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        cancel.cancel()

    with pytest.raises(Cancelled):
        evaluate_synth(KnowingEngine(), clips=3, progress=progress, cancel=cancel)
    assert seen == [(1, 3)]
    with pytest.raises(UsageError, match="200 clips, not 201"):
        evaluate_synth(KnowingEngine(), clips=201)
    with pytest.raises(UsageError, match="no split 'dev'"):
        evaluate_synth(KnowingEngine(), split="dev")
    with pytest.raises(UsageError, match="has no end"):
        evaluate_synth(KnowingEngine(), split="train")


def test_intervals_shrink_with_more_clips_and_hold_the_value() -> None:
    rng = np.random.default_rng(0)
    rows = [(clip, float(rng.random() < 0.7), 1.0) for clip in range(400) for _ in range(2)]
    few, many = ratio_interval(rows[:40]), ratio_interval(rows)
    assert few.low <= few.value <= few.high
    assert many.high - many.low < few.high - few.low
    assert many.value == pytest.approx(np.mean([row[1] for row in rows]))
    assert ratio_interval(rows) == many


def test_expressions_of_one_clip_are_drawn_together() -> None:
    together = [(clip, float(clip % 2), 1.0) for clip in range(50) for _ in range(8)]
    alone = [(8 * clip + part, float(clip % 2), 1.0) for clip in range(50) for part in range(8)]
    assert ratio_interval(together).low < ratio_interval(alone).low
    assert ratio_interval([(0, 1.0, 1.0)]).low == 1.0
