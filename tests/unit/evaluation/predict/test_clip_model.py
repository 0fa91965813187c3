"""A clip in one pass: frames encoded in blocks or as one, the published choice of a query, and when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers_inference import ScriptedEngine, moving_square, numbered, real_engine
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.predict.clip_model import ClipModel, chunks
from rvos_core.types import CancelToken

FRAMES = 11


def scripted(answer, **options) -> ScriptedEngine:
    return ScriptedEngine(answer, **options)


def two_queries(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Query 0 is surest on most frames, query 1 on average."""
    masks = np.zeros((len(indices), 2, 8, 12), dtype=np.float32)
    masks[:, 0], masks[:, 1] = -1.0, 1.0
    classes = np.tile(np.array([0.4, 0.0], dtype=np.float32), (len(indices), 1))
    classes[0] = (-6.0, 6.0)
    return masks, classes


def answer_of(engine: ScriptedEngine, frames: int) -> np.ndarray:
    model = ClipModel(engine, cancel=CancelToken())
    features = model.encode(range(frames), numbered, where="a clip")
    return model.answer(features, model.text("the man"), where="a clip")


def test_the_query_with_the_highest_mean_probability_answers_for_all_frames() -> None:
    # Means of 3 frames: (0.0025 + 2 * 0.5987) / 3 = 0.400 against (0.9975 + 2 * 0.5) / 3 = 0.666.
    assert (answer_of(scripted(two_queries), 3) == 1.0).all()
    # Of 20 frames: (0.0025 + 19 * 0.5987) / 20 = 0.569 against (0.9975 + 19 * 0.5) / 20 = 0.525.
    assert (answer_of(scripted(two_queries), 20) == -1.0).all()


def test_with_several_classes_the_mean_over_frames_comes_before_the_likeliest_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Query 0 is sure of another class in each frame, query 1 fairly sure of one class in all, query 2 of nothing."""
    engine = real_engine()
    decode, classes = engine._model.decode, torch.full((3, 3, 4), -6.0)
    classes[[0, 1, 2], 0, [0, 1, 2]] = 6.0  # mean of each class: 1/3, while the frames' likeliest have 1
    classes[:, 1, 3] = 0.5  # 0.62

    def several_classes(*values: object, **terms: object):
        return replace(decode(*values, **terms), pred_logits=classes[None])

    monkeypatch.setattr(engine._model, "decode", several_classes)
    model = ClipModel(engine, cancel=CancelToken())
    features, text = model.encode(range(3), moving_square, where="a clip"), model.text("the man in red")
    masks = model.refer(features, text, where="a clip").mask_logits
    assert np.array_equal(model.answer(features, text, where="a clip"), masks[:, 1].numpy())
    assert not torch.equal(masks[:, 0], masks[:, 1])


@pytest.mark.parametrize(
    ("consensus", "threshold", "there"), [(0.5, None, False), (0.51, None, True), (0.3, 0.2, True), (0.2, 0.2, False)]
)
def test_a_clip_without_the_object_has_no_masks(consensus: float, threshold: float | None, there: bool) -> None:
    engine = scripted(two_queries, consensus=lambda indices: consensus, present_at=threshold)
    assert bool((answer_of(engine, 3) > 0).any()) == there


def test_frames_in_blocks_equal_the_whole_network_in_one_pass() -> None:
    engine = real_engine()
    model = ClipModel(engine, cancel=CancelToken())
    features = model.encode(range(FRAMES), moving_square, where="a clip")
    text = model.text("the man in red")
    together = engine.refer(engine.encode_frames([moving_square(index) for index in range(FRAMES)]), text)
    best = together.class_logits.sigmoid().mean(0).argmax()
    answered = torch.from_numpy(model.answer(features, text, where="a clip"))
    torch.testing.assert_close(answered, together.mask_logits[:, best], rtol=1e-4, atol=1e-4)


def test_an_encoder_that_looks_at_several_frames_sees_the_clip_at_once() -> None:
    engine = scripted(two_queries)
    blocks: list[int] = []
    engine._before = lambda what: blocks.append(len(engine.encoded))  # type: ignore[method-assign]
    ClipModel(engine, cancel=CancelToken()).encode(range(FRAMES), numbered, where="a clip")
    assert blocks == [0, 8]
    blocks.clear()
    engine.frames_on_their_own = False
    ClipModel(engine, cancel=CancelToken()).encode(range(FRAMES), numbered, where="a clip")
    assert blocks == [FRAMES]


@pytest.mark.parametrize("step", ["encode", "refer"])
def test_memory_that_runs_out_is_said_with_what_to_do(step: str) -> None:
    def before(what: str) -> None:
        if what == step:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(UserError, match="cpu has too little memory for 3 frames at once of a clip") as caught:
        answer_of(scripted(two_queries, before=before), 3)
    assert caught.value.code == "predict.out_of_memory"
    assert "--window" in caught.value.hint


def test_a_clip_that_the_cpu_cannot_hold_is_refused_before_it_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_core.evaluation.predict.clip_model.free_memory_mib", lambda device: 2.5)
    engine = scripted(two_queries)  # 1 MiB a frame
    with pytest.raises(UserError, match=r"\(about 3 MiB needed, 2 MiB free\)"):
        answer_of(engine, 3)
    assert engine.encoded == []
    assert answer_of(engine, 2).shape == (2, 8, 12)


def test_a_person_can_stop_between_frames() -> None:
    cancel = CancelToken()

    def read(index: int) -> np.ndarray:
        if index == 2:
            cancel.cancel()
        return numbered(index)

    engine = scripted(two_queries)
    with pytest.raises(Cancelled):
        ClipModel(engine, cancel=cancel).encode(range(FRAMES), read, where="a clip")
    assert engine.encoded == []


def test_clips_follow_one_another_and_the_last_is_shorter() -> None:
    assert [(span.start, span.stop) for span in chunks(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert [(span.start, span.stop) for span in chunks(8, 4)] == [(0, 4), (4, 8)]
    assert [(span.start, span.stop) for span in chunks(10, 0)] == [(0, 10)]
    assert [(span.start, span.stop) for span in chunks(3, 36)] == [(0, 3)]
