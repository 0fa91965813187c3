"""The published image encoders: their sizes, their maps, and what a configuration refuses."""

from __future__ import annotations

import pytest
import torch

from rvos_core.models.architectures import BACKBONES
from rvos_core.models.blocks.backbones import FrozenBatchNorm2d, ImageEncoder

# Published counts of the classifiers, less the classifier and the norm before it; Swin more by a norm for each output,
# Video-Swin less by the second frame of its patches.
_CLASSIFIER = {768: 769_000, 1024: 1_025_000, 1536: 1_537_000}
PARAMETERS = {
    "r50": 25_557_032 - 2_049_000,
    "r101": 44_549_160 - 2_049_000,
    "swin-t": 28_288_354 - _CLASSIFIER[768] - 2 * 768 + 2 * 96 * 15,
    "swin-s": 49_606_258 - _CLASSIFIER[768] - 2 * 768 + 2 * 96 * 15,
    "swin-b": 87_768_224 - _CLASSIFIER[1024] - 2 * 1024 + 2 * 128 * 15,
    "swin-l": 196_532_476 - _CLASSIFIER[1536] - 2 * 1536 + 2 * 192 * 15,
    "video-swin-t": 28_158_070 - 400 * 769 - 2 * 768 - 96 * 48,
    "video-swin-s": 49_816_678 - 400 * 769 - 2 * 768 - 96 * 48,
    "video-swin-b": 88_048_984 - 400 * 1025 - 2 * 1024 - 128 * 48,
}


@pytest.mark.parametrize("name", list(BACKBONES))
def test_published_encoders_have_the_published_size_and_give_four_maps(name: str) -> None:
    config = BACKBONES[name]
    with torch.device("meta"):
        encoder = ImageEncoder(config)
        maps = encoder(torch.zeros(4, 3, 90, 122), clip_length=2)
    frozen = (module for module in encoder.modules() if isinstance(module, FrozenBatchNorm2d))
    scales = sum(module.weight.numel() + module.bias.numel() for module in frozen)  # parameters elsewhere, buffers here
    assert sum(parameter.numel() for parameter in encoder.parameters()) + scales == PARAMETERS[name]
    sizes = [(23, 31), (12, 16), (6, 8), (3, 4)]
    assert [tuple(map_.shape) for map_ in maps] == [(4, w, *size) for w, size in zip(config.widths, sizes, strict=True)]


def test_resnets_differ_in_the_depth_of_one_stage() -> None:
    with torch.device("meta"):
        shallow, deep = (set(ImageEncoder(BACKBONES[name]).state_dict()) for name in ("r50", "r101"))
    assert shallow < deep
    added = {".".join(name.split(".")[:3]) for name in deep - shallow}
    assert added == {f"body.layer3.{block}" for block in range(6, 23)}
    assert "body.layer3.22.conv3.weight" in deep
    assert "body.layer3.22.bn3.running_var" in deep
