"""Video-Swin against a plain formulation (a loop over tokens, who sees whom written out), and its promises.

Equality with torchvision's implementation is a golden file: tests/golden/make_video_swin.py, test_golden.py.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rvos_core.models.blocks.backbones import ImageEncoder
from rvos_core.models.blocks.video_swin import VideoSwin
from rvos_core.models.configs import BackboneConfig

Place = tuple[int, int, int]
FloatArray = np.ndarray


def small_config(**changes: Any) -> BackboneConfig:
    config = BackboneConfig(
        kind="video_swin", widths=(8, 16, 32, 64), blocks=(2, 1, 2, 1), heads=(2, 2, 4, 4), window=(4, 3, 2),
        frozen_stages=0,
    )  # fmt: skip
    return dataclasses.replace(config, **changes)


def small_network(**changes: Any) -> VideoSwin:
    """Every weight is moved, so that no bias, norm or table is silent as after initialisation."""
    torch.manual_seed(0)
    network = VideoSwin(small_config(**changes)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return network


class PlainVideoSwin:
    """The network from its state dict, one token at a time, in double precision; shares no code with `VideoSwin`.

    Which tokens see each other is said without rolling anything: along an axis of length n, padded to p, with windows
    of w and a shift of s, place x lies in window ((x - s) mod p) // w, and places before s, which only the roll brings
    beside those at the end, see each other alone.
    """

    def __init__(self, network: VideoSwin, config: BackboneConfig) -> None:
        self.config = config
        self.weights = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def maps(self, clip: FloatArray) -> list[FloatArray]:
        """clip: (t, 3, H, W) -> four maps (t, c, h, w)."""
        x, maps = self._patches(clip), []
        for stage, depth in enumerate(self.config.blocks):
            for block in range(depth):
                x = self._block(x, f"layers.{stage}.blocks.{block}.", heads=self.config.heads[stage], shifted=block % 2)
            maps.append(x.transpose(0, 3, 1, 2))
            if stage < 3:
                x = self._merge(x, f"downsamples.{stage}.")
        return maps

    def _patches(self, clip: FloatArray) -> FloatArray:
        t, _, height, width = clip.shape
        h, w = math.ceil(height / 4), math.ceil(width / 4)
        padded = np.zeros((t, 3, 4 * h, 4 * w))
        padded[:, :, :height, :width] = clip
        kernel, bias = self.weights["patch_embed.proj.weight"][:, :, 0], self.weights["patch_embed.proj.bias"]
        tokens = np.zeros((t, h, w, len(bias)))
        for frame, row, column in itertools.product(range(t), range(h), range(w)):
            patch = padded[frame, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            tokens[frame, row, column] = (kernel * patch).sum(axis=(1, 2, 3)) + bias
        return self._norm(tokens, "patch_embed.norm.")

    def _block(self, x: FloatArray, name: str, *, heads: int, shifted: int) -> FloatArray:
        x = x + self._attention(self._norm(x, name + "norm1."), name + "attn.", heads=heads, shifted=shifted)
        hidden = self._linear(self._norm(x, name + "norm2."), name + "mlp.fc1.")
        hidden = hidden * np.vectorize(lambda value: 0.5 * (1 + math.erf(value / math.sqrt(2))))(hidden)
        return x + self._linear(hidden, name + "mlp.fc2.")

    def _attention(self, x: FloatArray, name: str, *, heads: int, shifted: int) -> FloatArray:
        size, full = x.shape[:3], self.config.window
        window = [min(n, w) for n, w in zip(size, full, strict=True)]
        shift = [w // 2 if shifted and n > w else 0 for n, w in zip(size, full, strict=True)]
        padded = [math.ceil(n / w) * w for n, w in zip(size, window, strict=True)]
        tokens = np.zeros((*padded, x.shape[3]))
        tokens[: size[0], : size[1], : size[2]] = x
        table = self.weights[name + "relative_position_bias_table"]
        query, key, value = np.split(self._linear(tokens, name + "qkv."), 3, axis=3)

        def group(place: Place) -> list[tuple[int, bool]]:
            axes = zip(place, shift, padded, window, strict=True)
            return [((at - s) % p // w, at < s) for at, s, p, w in axes]

        def number(place: Place) -> int:
            t, h, w = ((at - s) % p % w for at, s, p, w in zip(place, shift, padded, window, strict=True))
            return (t * window[1] + h) * window[2] + w

        def in_full_window(index: int) -> Place:
            """A smaller window's tokens count as the first ones of the full window, whatever their places."""
            return index // (full[1] * full[2]), index // full[2] % full[1], index % full[2]

        mixed, width = np.zeros_like(tokens), x.shape[3] // heads
        places = list(itertools.product(*(range(n) for n in padded)))
        for place in places:
            friends = [other for other in places if group(other) == group(place)]
            here = in_full_window(number(place))
            rows = []
            for other in friends:
                dt, dh, dw = (a - b for a, b in zip(here, in_full_window(number(other)), strict=True))
                across, down = 2 * full[2] - 1, 2 * full[1] - 1
                rows.append(((dt + full[0] - 1) * down + dh + full[1] - 1) * across + dw + full[2] - 1)
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                keys = np.array([key[other][part] for other in friends])
                scores = keys @ query[place][part] / math.sqrt(width) + table[rows, head]
                shares = np.exp(scores - scores.max())
                values = np.array([value[other][part] for other in friends])
                mixed[place][part] = shares / shares.sum() @ values
        return self._linear(mixed[: size[0], : size[1], : size[2]], name + "proj.")

    def _merge(self, x: FloatArray, name: str) -> FloatArray:
        t, h, w, c = x.shape
        merged = np.zeros((t, math.ceil(h / 2), math.ceil(w / 2), 4 * c))
        for frame, row, column in itertools.product(range(t), range(h), range(w)):
            corner = row % 2 + 2 * (column % 2)
            merged[frame, row // 2, column // 2, corner * c : (corner + 1) * c] = x[frame, row, column]
        return self._norm(merged, name + "norm.") @ self.weights[name + "reduction.weight"].T

    def _linear(self, x: FloatArray, name: str) -> FloatArray:
        return x @ self.weights[name + "weight"].T + self.weights[name + "bias"]

    def _norm(self, x: FloatArray, name: str) -> FloatArray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return scaled * self.weights[name + "weight"] + self.weights[name + "bias"]


@pytest.mark.parametrize(
    ("frames", "height", "width"),
    [(1, 16, 16), (2, 25, 19), (4, 12, 36), (6, 21, 14)],
    ids=["an image", "fewer frames than the window", "as many", "more, and odd"],
)
def test_video_swin_equals_the_plain_formulation(frames: int, height: int, width: int) -> None:
    network, clip = small_network(), torch.randn(frames, 3, height, width)
    expected = PlainVideoSwin(network, small_config()).maps(clip.double().numpy())
    with torch.no_grad():
        maps = network(clip, frames)
    for map_, plain in zip(maps, expected, strict=True):
        wanted = torch.from_numpy(plain).float()
        torch.testing.assert_close(map_, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def test_every_frame_has_its_own_map_and_is_seen_by_the_others() -> None:
    network, clip = small_network(), torch.randn(6, 3, 40, 28)
    changed = clip.clone()
    changed[2] += torch.randn(3, 40, 28)
    with torch.no_grad():
        before, after = network(clip, 6), network(changed, 6)
    assert [tuple(map_.shape) for map_ in before] == [(6, 8, 10, 7), (6, 16, 5, 4), (6, 32, 3, 2), (6, 64, 2, 1)]
    moved = [(a - b).abs().amax(dim=(1, 2, 3)) > 1e-6 for a, b in zip(before, after, strict=True)]
    assert moved[0].tolist() == [True] * 6  # window of 4, then shifted by 2: two blocks reach every frame
    assert bool(moved[3].all())


def test_batched_equals_single() -> None:
    network, clips = small_network(), torch.randn(2, 5, 3, 30, 26)
    with torch.no_grad():
        together = network(clips.flatten(0, 1), 5)
        for index in range(2):
            for whole, single in zip(together, network(clips[index], 5), strict=True):
                torch.testing.assert_close(whole.unflatten(0, (2, 5))[index], single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("drop_path", [0.0, 0.2])
def test_gradients_reach_every_parameter(drop_path: float) -> None:
    network = small_network(drop_path=drop_path).train()
    torch.manual_seed(3)
    clips = torch.randn(16 * 6, 3, 28, 20)
    sum(map_.square().mean() for map_ in network(clips, 6)).backward()
    assert {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()} == set()


def test_state_dict_has_the_names_of_public_checkpoints() -> None:
    names = set(VideoSwin(small_config()).state_dict())
    merging = {f"downsamples.{i}.{name}" for i in range(3) for name in ("norm.weight", "norm.bias", "reduction.weight")}
    assert {name for name in names if name.startswith("downsamples.")} == merging
    assert not {name for name in names if ".downsample." in name or name.startswith("norm")}
    assert "layers.2.blocks.1.attn.relative_position_bias_table" in names
    assert VideoSwin(small_config()).state_dict()["patch_embed.proj.weight"].shape == (8, 3, 1, 4, 4)


def test_the_image_encoder_hands_on_the_length_of_clips() -> None:
    encoder = ImageEncoder(small_config())
    assert isinstance(encoder, nn.Module)
    encoder.body.load_state_dict(small_network().state_dict())
    encoder.eval()
    frames = torch.randn(6, 3, 24, 20)
    with torch.no_grad():
        pairs, single = encoder(frames, clip_length=2), encoder(frames)
        for index, map_ in enumerate(small_network()(frames[2:4], 2)):
            torch.testing.assert_close(pairs[index][2:4], map_, rtol=1e-4, atol=1e-5)
            assert float((pairs[index] - single[index]).abs().max()) > 1e-3
