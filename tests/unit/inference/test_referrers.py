"""IFIRVOS as an engine: input sizes, resizing, tokens, and that frames are encoded independently."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import BPE

from helpers_inference import moving_square, real_engine
from rvos_core.language import SubwordTokenizer
from rvos_core.models.referrers import FamilyReferrer, fitted_size


@pytest.fixture(scope="module")
def engine() -> FamilyReferrer:
    return real_engine()


@pytest.mark.parametrize(
    ("height", "width", "options", "expected"),
    [
        (480, 854, {"short_side": 360, "long_side": 10_000, "multiple": 1}, (360, 640)),
        (720, 1280, {"short_side": 360, "long_side": 640, "multiple": 1}, (360, 640)),
        (1280, 720, {"short_side": 360, "long_side": 640, "multiple": 1}, (640, 360)),
        (480, 910, {"short_side": 360, "long_side": 10_000, "multiple": 1}, (360, 682)),  # 682.5, cut
        (480, 854, {"short_side": 256, "long_side": 448, "multiple": 32}, (256, 448)),
        (272, 640, {"short_side": 256, "long_side": 448, "multiple": 32}, (192, 448)),
        (1, 1, {"short_side": 256, "long_side": 448, "multiple": 32}, (256, 256)),
        (2, 4000, {"short_side": 256, "long_side": 448, "multiple": 32}, (32, 448)),
    ],
)
def test_input_sizes(height: int, width: int, options: dict[str, int], expected: tuple[int, int]) -> None:
    assert fitted_size(height, width, **options) == expected


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_input_sizes_stay_in_bounds_and_keep_the_aspect(height: int, width: int) -> None:
    rows, columns = fitted_size(height, width, short_side=256, long_side=448, multiple=32)
    assert rows % 32 == columns % 32 == 0
    assert 32 <= min(rows, columns) <= 256 and max(rows, columns) <= 448
    if max(height, width) < 8 * min(height, width):
        assert rows / columns == pytest.approx(height / width, rel=0.35)
    assert fitted_size(width, height, short_side=256, long_side=448, multiple=32) == (columns, rows)


def test_frames_are_resized_as_pillow_does(engine: FamilyReferrer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    encode = engine._model.encode_frames
    monkeypatch.setattr(
        engine._model, "encode_frames", lambda pixels, padding: (seen.append(pixels), encode(pixels, padding))[1]
    )
    frame = np.random.default_rng(0).integers(0, 256, (480, 854, 3), dtype=np.uint8)
    engine.encode_frames([frame])
    small = np.asarray(Image.fromarray(frame).resize((128, 64), Image.Resampling.BILINEAR), dtype=np.float64)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = ((small / 255 - mean) / std).transpose(2, 0, 1)
    assert seen[0].shape == (1, 1, 3, 64, 128)
    assert np.abs(seen[0][0, 0].numpy() - expected).max() < 1.5 / 255 / 0.22  # a grey level, where Pillow rounds twice


def test_a_frame_is_encoded_the_same_alone_and_among_others(engine: FamilyReferrer) -> None:
    frames = [moving_square(index) for index in range(5)]
    together = engine.encode_frames(frames)
    for row, frame in enumerate(frames):
        for level, alone in zip(together.levels, engine.encode_frames([frame]).levels, strict=True):
            torch.testing.assert_close(level[row], alone[0], atol=1e-5, rtol=1e-5)


def test_a_prediction_has_the_shapes_of_the_contract(engine: FamilyReferrer) -> None:
    features = engine.encode_frames([moving_square(index) for index in range(3)])
    answer = engine.refer(features, engine.encode_text("the red car"))
    assert features.input_size == (64, 96) and features.frames == 3
    assert answer.mask_logits.shape == (3, 3, 16, 24) and answer.mask_logits.dtype == torch.float32
    assert answer.class_logits.shape == (3, 3) and answer.boxes.shape == (3, 3, 4)
    assert answer.boxes.min() >= 0 and answer.boxes.max() <= 1 and answer.consensus is None


def test_different_expressions_get_different_answers(engine: FamilyReferrer) -> None:
    features = engine.encode_frames([moving_square(0)])
    one, two = (engine.refer(features, engine.encode_text(text)) for text in ("the red car", "a man riding a bike"))
    assert not torch.allclose(one.mask_logits, two.mask_logits)
    again = engine.refer(features, engine.encode_text("the red car"))
    assert torch.equal(one.mask_logits, again.mask_logits)


@pytest.mark.parametrize("words", [1, 20, 21, 500])
def test_a_long_expression_loses_its_last_words_only(engine: FamilyReferrer, words: int) -> None:
    limit = 22  # positions of the tiny text encoder less the offset
    text = engine.encode_text(" ".join(["red"] * words))
    assert text.token_ids.shape == (1, min(words + 2, limit))
    assert text.token_ids[0, 0] == 0 and text.token_ids[0, -1] == 2
    assert len(text.expression.split()) == min(words, limit - 2)
    assert engine.encode_text("/".join(["red"] * words)).expression == "/".join(["red"] * min(words, limit - 2))
    engine.refer(engine.encode_frames([moving_square(0)]), text)


@pytest.mark.parametrize("expression", ["x" * 100_000, "-" * 100_000, "red," * 5000, "\N{BICYCLE}" * 100 + "car"])
def test_odd_expressions_fit_too(engine: FamilyReferrer, expression: str) -> None:
    text = engine.encode_text(expression)
    assert text.token_ids.shape[1] <= 22
    engine.refer(engine.encode_frames([moving_square(0)]), text)


@pytest.mark.parametrize("sentence", ["a camel moving to the left ", " a camel", "a  camel", "A Camel"])
def test_the_sentence_is_read_as_it_stands(engine: FamilyReferrer, sentence: str) -> None:
    """The public scripts pass Ref-YouTube-VOS's sentences on as they are; two end in a blank, to RoBERTa a token."""
    byte_level = Tokenizer(BPE({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "\u0120": 4, "a": 5}, []))
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    subwords = SubwordTokenizer(byte_level)
    reader = FamilyReferrer(engine._model, subwords, card=engine.card)
    text = reader.encode_text(sentence)
    assert text.expression == sentence
    assert text.token_ids[0].tolist() == list(subwords.encode(sentence).ids)
    assert text.token_ids[0].tolist().count(4) == sentence.count(" ")


def test_unknown_words_are_named_as_typed(engine: FamilyReferrer) -> None:
    assert engine.encode_text("the Zeppelin in red").unknown_words == ("Zeppelin",)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 300), (501, 333)])
def test_any_frame_size_can_be_read(engine: FamilyReferrer, size: tuple[int, int]) -> None:
    features = engine.encode_frames([np.zeros((*size, 3), np.uint8)])
    answer = engine.refer(features, engine.encode_text("a car"))
    assert answer.mask_logits.shape[-2:] == tuple(-(-side // 4) for side in features.input_size)
    assert torch.isfinite(answer.mask_logits).all()
