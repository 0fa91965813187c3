"""Rebuilds what golden folders do not store: weights by the weight rule, inputs by the input rule."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

FloatArray = np.ndarray

_COARSE_CELL_PX = 16
_FIRST_WORD, _LAST_WORD = 3, 120
_BEGIN, _PAD, _END = 0, 1, 2


@dataclass(frozen=True)
class Case:
    """One input of the model files: clips of `height` x `width` with padding, and their texts."""

    name: str
    clips: int
    frames: int
    height: int
    width: int
    seed: int
    tokens: tuple[int, ...]
    unpadded: tuple[tuple[int, int], ...]

    @property
    def is_padded(self) -> bool:
        return any(size != (self.height, self.width) for size in self.unpadded)

    def padding(self) -> Tensor | None:
        """(b, t, H, W) bool, True = padding; None where no clip is padded."""
        if not self.is_padded:
            return None
        mask = torch.ones((self.clips, self.frames, self.height, self.width), dtype=torch.bool)
        for clip, (height, width) in enumerate(self.unpadded):
            mask[clip, :, :height, :width] = False
        return mask

    def pixels(self) -> Tensor:
        """(b, t, 3, H, W) float32."""
        shape = (self.clips, self.frames, 3)
        cells = (math.ceil(self.height / _COARSE_CELL_PX), math.ceil(self.width / _COARSE_CELL_PX))
        coarse = np.random.RandomState(self.seed).standard_normal((*shape, *cells))
        fine = np.random.RandomState(self.seed + 1).standard_normal((*shape, self.height, self.width))
        enlarged = coarse.repeat(_COARSE_CELL_PX, axis=-2).repeat(_COARSE_CELL_PX, axis=-1)
        frames = torch.from_numpy((1.2 * enlarged[..., : self.height, : self.width] + 0.5 * fine).astype(np.float32))
        padding = self.padding()
        return frames if padding is None else frames.masked_fill(padding[:, :, None], 0.0)

    def text(self) -> tuple[Tensor, Tensor | None]:
        """Token ids (b, l) and their padding (b, l) bool, or None where all texts are equally long."""
        longest = max(self.tokens)
        ids = np.full((self.clips, longest), _PAD, dtype=np.int64)
        for clip, count in enumerate(self.tokens):
            words = np.random.RandomState(self.seed + 50 + clip).randint(_FIRST_WORD, _LAST_WORD, size=count - 2)
            ids[clip, :count] = [_BEGIN, *words, _END]
        padding = torch.tensor([[i >= count for i in range(longest)] for count in self.tokens])
        return torch.from_numpy(ids), padding if bool(padding.any()) else None


@dataclass(frozen=True)
class GoldenFolder:
    """A folder of golden arrays and what its cases.json says."""

    path: Path
    salt: int
    cases: tuple[Case, ...]

    @staticmethod
    def read(path: Path) -> GoldenFolder:
        """Read `path`/cases.json."""
        data = json.loads((path / "cases.json").read_text(encoding="utf-8"))
        cases = tuple(
            Case(
                name=name,
                clips=case["B"],
                frames=case["T"],
                height=case["H"],
                width=case["W"],
                seed=case["S"],
                tokens=tuple(case["tokens"]),
                unpadded=tuple((int(h), int(w)) for h, w in case["unpadded"]),
            )
            for name, case in data["cases"].items()
        )
        return GoldenFolder(path, int(data["salt"]), cases)


def standard_normal(seed: int, shape: tuple[int, ...]) -> FloatArray:
    """float32 normals of numpy's frozen legacy generator."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def golden_weight(key: str, shape: tuple[int, ...], *, salt: int) -> FloatArray:
    """The value of one state-dict entry: float32 of `shape`, from its official key alone."""
    seed = (zlib.crc32(key.encode("ascii")) + salt) % 2**32
    n = standard_normal(seed, shape).astype(np.float64)
    return _scaled(key, n).astype(np.float32)


def _scaled(key: str, n: FloatArray) -> FloatArray:
    """The first matching row of the weight rule."""
    if key.endswith("running_mean"):
        return 0.1 * n
    if key.endswith("running_var"):
        return 1 + 0.2 * np.abs(n)
    if n.ndim == 1:
        if key.endswith("bn3.weight"):
            return 0.3 + 0.03 * n
        if key.endswith("weight"):
            return 1 + 0.1 * n
        if key.endswith("sampling_offsets.bias"):
            return n
        if key.endswith("fusion_module.multihead_attn.out_proj.bias"):
            return 1 + 0.2 * n
        return 0.05 * n
    if key.endswith(("embeddings.weight", "query_embed.weight", "text_query.weight", "level_embed")):
        return n
    if key in ("controller.layers.1.weight", "controller.layers.2.weight"):
        n = n - n.mean(axis=1, keepdims=True)
    return n * (_gain(key, n.ndim) / math.sqrt(math.prod(n.shape[1:])))


def _gain(key: str, dimensions: int) -> float:
    """g of a matrix or kernel: the first matching row of the table."""
    table = (
        (key.startswith("backbone.") and dimensions == 4, math.sqrt(2)),
        (key.endswith("fusion_module.multihead_attn.in_proj_weight"), 1.5),
        (key.endswith("fusion_module.multihead_attn.out_proj.weight"), 0.4),
        (key.endswith("poolout_module.dense.weight"), 0.35),
        (key.endswith("in_proj_weight"), 1.5),
        (key.endswith("cross_attn.output_proj.weight"), 8.0),
        (key.endswith("attention_weights.weight"), 2.0),
        (key.startswith("class_embed."), 2.5),
        (key.startswith("bbox_embed.") and key.endswith("layers.2.weight"), 1.5),
        (key == "controller.layers.1.weight", 1.0),
        (key == "controller.layers.2.weight", 0.6),
        (key == "pixel_decoder.mask_features.weight", 12.0),
        (key == "neg_classifier.layers.2.weight", 3.0),
    )
    return next((gain for matches, gain in table if matches), 1.0)


def fill_weights(module: nn.Module, *, salt: int, prefix: str = "") -> FloatArray:
    """Give every floating-point state-dict entry its golden value.

    A tensor with several names takes the value of the alphabetically smallest one.

    Returns:
        (3,) float64: number of distinct tensors, sum of their means, sum of their mean absolute values.
    """
    check = np.zeros(3)
    for name, tensor in _distinct(module):
        value = golden_weight(prefix + name, tuple(tensor.shape), salt=salt)
        tensor.copy_(torch.from_numpy(value))
        wide = value.astype(np.float64)
        check += (1, wide.mean(), np.abs(wide).mean())
    return check


def _distinct(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    seen = set()
    for name, tensor in sorted(module.state_dict().items()):
        if tensor.is_floating_point() and tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            yield name, tensor
