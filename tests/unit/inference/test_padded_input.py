"""Pictures padded to multiples, as the public code pads batches: the network sees where the picture ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers_inference import CARD, WORDS, moving_square
from rvos_core.language import WordTokenizer
from rvos_core.models.configs import BackboneConfig
from rvos_core.models.referrers import FamilyReferrer
from tiny_ifirvos import tiny_model

HEIGHT, WIDTH, MULTIPLE = 70, 90, 32


@pytest.fixture(scope="module")
def engine() -> FamilyReferrer:
    """Takes pictures as they come: Swin's sizes need no rounding."""
    backbone = BackboneConfig(
        kind="swin", widths=(8, 16, 16, 16), blocks=(1, 1, 1, 1), heads=(2, 2, 2, 2), window=(4, 4), frozen_stages=0
    )
    card = {**vars(CARD), "size": HEIGHT, "long_side": 2 * WIDTH}
    return FamilyReferrer(tiny_model(backbone=backbone), WordTokenizer.from_words(WORDS), card=type(CARD)(**card))


def frames() -> list[np.ndarray]:
    return [moving_square(index, height=HEIGHT, width=WIDTH) for index in range(2)]


def test_padding_reaches_the_next_multiple_and_is_known(engine: FamilyReferrer) -> None:
    features = engine.encode_frames(frames(), multiple=MULTIPLE)
    assert (features.input_size, features.picture_size) == ((96, 96), (HEIGHT, WIDTH))
    assert features.padding is not None
    assert features.padding.shape == (2, 96, 96)
    assert int((~features.padding).sum()) == 2 * HEIGHT * WIDTH
    assert features.only(1).padding.shape == (1, 96, 96)  # type: ignore[union-attr]
    plain = engine.encode_frames(frames())
    assert (plain.padding, plain.picture_size, plain.input_size) == (None, (HEIGHT, WIDTH), (HEIGHT, WIDTH))


def test_it_is_the_network_on_a_padded_batch(engine: FamilyReferrer) -> None:
    pixels = torch.stack([torch.from_numpy(frame).permute(2, 0, 1) for frame in frames()]).float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    padded, padding = torch.zeros(1, 2, 3, 96, 96), torch.ones(1, 2, 96, 96, dtype=torch.bool)
    padded[0, :, :, :HEIGHT, :WIDTH] = (pixels - mean) / std
    padding[..., :HEIGHT, :WIDTH] = False
    text = engine.encode_text("the man in red")
    backbone = engine._config.backbone
    with torch.no_grad():
        expected = tiny_model(backbone=backbone)(padded, padding, text.token_ids, None)
    found = engine.refer(engine.encode_frames(frames(), multiple=MULTIPLE), text)
    torch.testing.assert_close(found.mask_logits, expected.pred_masks[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.class_logits, expected.pred_logits[0, ..., 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.boxes, expected.pred_boxes[0], rtol=1e-4, atol=1e-4)
    unpadded = engine.refer(engine.encode_frames(frames()), text)
    assert float((unpadded.class_logits - found.class_logits).abs().max()) > 1e-4, "padding is not without effect"


def test_sizes_that_fit_are_not_padded(engine: FamilyReferrer) -> None:
    fitting = [np.zeros((64, 96, 3), dtype=np.uint8)]
    features = engine.encode_frames(fitting, size=64, multiple=MULTIPLE)
    assert (features.padding, features.input_size) == (None, (64, 96))
