"""Attention in shifted windows: the parts that Swin and Video-Swin share.

Liu et al., "Swin Transformer" (ICCV 2021), section 3.2, and "Video Swin Transformer" (CVPR 2022), section 3. Tokens
keep their place, (n, t, h, w, c); an image is a clip of one frame with a window one frame long. Parameter names are
those of the authors' code, which released checkpoints have.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Extent = tuple[int, int, int]  # along t, h, w

# Authors' code: what is added to the score of a pair of tokens that were not neighbours before the cyclic shift.
_STRANGERS = -100.0
# Attention scores in flight: bounds the memory of one step (256 MiB in float32) whatever the number of windows.
_SCORES_A_STEP = 1 << 26
_TOKENS_A_STEP = 16384  # of the MLP: its hidden layer is four times as wide as the map
_INITIAL_STD = 0.02
_MLP_RATIO = 4


@dataclass(frozen=True)
class Partition:
    """One way of cutting a map into windows.

    Attributes:
        size: the map's extent, cells.
        window: extent of a window.
        shift: how far the map is rolled towards its start before it is cut; 0 along an axis that is not shifted.
    """

    size: Extent
    window: Extent
    shift: Extent

    @property
    def counts(self) -> Extent:
        """Windows along each axis; the map is padded behind its end to fill them."""
        t, h, w = (math.ceil(size / window) for size, window in zip(self.size, self.window, strict=True))
        return t, h, w

    def split(self, x: Tensor) -> Tensor:
        """(n, t, h, w, c) -> (n, m, k, c): m windows of k tokens. Padding is zero and takes part in the attention."""
        padded = [count * window for count, window in zip(self.counts, self.window, strict=True)]
        (t, h, w), (to_t, to_h, to_w) = self.size, padded
        x = F.pad(x, (0, 0, 0, to_w - w, 0, to_h - h, 0, to_t - t))
        if any(self.shift):
            x = torch.roll(x, tuple(-shift for shift in self.shift), dims=(1, 2, 3))
        for axis, length in ((3, self.window[2]), (2, self.window[1]), (1, self.window[0])):
            x = torch.unflatten(x, axis, (-1, length))
        return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)

    def join(self, windows: Tensor) -> Tensor:
        """Inverse of `split`: (n, m, k, c) -> (n, t, h, w, c), padding cut off."""
        x = torch.unflatten(torch.unflatten(windows, 1, self.counts), 4, self.window)
        x = x.permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5, 6).flatten(3, 4).flatten(1, 2)
        if any(self.shift):
            x = torch.roll(x, self.shift, dims=(1, 2, 3))
        t, h, w = self.size
        return x[:, :t, :h, :w]

    def regions(self, device: torch.device) -> Tensor | None:
        """(m, k) int64: tokens of one window with different numbers were not neighbours before the shift.

        None where nothing was shifted.
        """
        if not any(self.shift):
            return None
        axes = []
        for count, window, shift in zip(self.counts, self.window, self.shift, strict=True):
            places = torch.arange(count * window, device=device)
            axes.append((places >= count * window - shift).long())
        t, h, w = torch.meshgrid(*axes, indexing="ij")
        whole = Partition((len(axes[0]), len(axes[1]), len(axes[2])), self.window, (0, 0, 0))
        return whole.split((4 * t + 2 * h + w)[None, ..., None])[0, ..., 0]


Cut = Callable[[Extent, Extent, Extent], Partition]


def padded_partition(size: Extent, window: Extent, shift: Extent) -> Partition:
    """Swin for detection: the window and its shift stay as they are; a map smaller than the window is padded to it."""
    return Partition(size, window, shift)


def fitted_partition(size: Extent, window: Extent, shift: Extent) -> Partition:
    """Video-Swin: along an axis that one window covers, the window is as long as the axis and nothing is shifted."""
    fits = [length <= full for length, full in zip(size, window, strict=True)]
    t, h, w = (length if fit else full for fit, length, full in zip(fits, size, window, strict=True))
    shift_t, shift_h, shift_w = (0 if fit else moved for fit, moved in zip(fits, shift, strict=True))
    return Partition(size, (t, h, w), (shift_t, shift_h, shift_w))


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias for every offset between two tokens.

    Released checkpoints also carry `relative_position_index`, which follows from the window: it is dropped on loading.
    """

    _bias_rows: Tensor

    def __init__(self, dim: int, *, heads: int, window: Extent) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros(math.prod(2 * n - 1 for n in window), heads))
        self.register_buffer("_bias_rows", relative_position_rows(window), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=_INITIAL_STD)
        self.register_load_state_dict_pre_hook(_drop_index)  # type: ignore[no-untyped-call]

    def forward(self, windows: Tensor, regions: Tensor | None) -> Tensor:
        """Attend within each window.

        Args:
            windows: (n, m, k, c).
            regions: (m, k): only tokens with one number see each other; None: all do.

        Returns:
            (n, m, k, c).
        """
        n, m, k = windows.shape[:3]
        # A smaller window than the model's reads the corner of the full window's table, as the authors' code does:
        # exact where only the time axis is shorter, and what their weights were trained with where height or width is.
        rows = self._bias_rows[:k, :k]
        bias = torch.unflatten(self.relative_position_bias_table[rows.flatten()], 0, (k, k)).permute(2, 0, 1)
        step = max(1, _SCORES_A_STEP // (n * self.heads * k * k))
        parts = []
        for first in range(0, m, step):
            region = None if regions is None else regions[first : first + step]
            parts.append(self._attend(windows[:, first : first + step], region, bias))
        return self.proj(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))  # type: ignore[no-any-return]

    def _attend(self, windows: Tensor, regions: Tensor | None, bias: Tensor) -> Tensor:
        n, m = windows.shape[:2]
        split = torch.unflatten(self.qkv(windows.flatten(0, 1)), -1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        bias = bias[None]
        if regions is not None:
            strangers = (regions[:, None, :, None] != regions[:, None, None, :]).to(bias.dtype)
            bias = (bias + _STRANGERS * strangers).repeat(n, 1, 1, 1)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return torch.unflatten(mixed.transpose(1, 2).flatten(2), 0, (n, m))


def relative_position_rows(window: Extent) -> Tensor:
    """(k, k) int64: row of the bias table for a query token and a key token of one window, tokens in the order t, h, w.

    An offset (dt, dh, dw) = query - key counts from minus (extent - 1); w runs fastest.
    """
    places = torch.tensor(list(itertools.product(*(range(n) for n in window))))
    offsets = places[:, None] - places[None, :]
    rows = torch.zeros(offsets.shape[:2], dtype=torch.int64)
    for axis, extent in enumerate(window):
        rows = rows * (2 * extent - 1) + offsets[..., axis] + extent - 1
    return rows


class SwinBlock(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)); each branch is left out at random while training."""

    def __init__(self, dim: int, *, heads: int, window: Extent, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads=heads, window=window)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = _Mlp(dim)

    def forward(self, x: Tensor, partition: Partition, regions: Tensor | None) -> Tensor:
        """x: (n, t, h, w, c), cut by `partition`, whose `regions` are given too -> the same shape."""
        windows = self.attn(partition.split(self.norm1(x)), regions)
        x = x + self.drop_path(partition.join(windows))
        return x + self.drop_path(self.mlp(self.norm2(x)))  # type: ignore[no-any-return]


class _Mlp(nn.Module):
    """Linear, exact (erf) GELU, linear; in steps where no gradient is wanted, so that its hidden layer stays small."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, _MLP_RATIO * dim)
        self.fc2 = nn.Linear(_MLP_RATIO * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return self.fc2(F.gelu(self.fc1(x)))  # type: ignore[no-any-return]
        parts = [self.fc2(F.gelu(self.fc1(part))) for part in torch.split(x.flatten(0, -2), _TOKENS_A_STEP)]
        return torch.cat(parts).view(x.shape)


class SwinStage(nn.Module):
    """Blocks at one resolution: every second one cuts the map half a window further."""

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        window: Extent,
        cut: Cut,
        drop_paths: Sequence[float],
        merge_to: int | None = None,
    ) -> None:
        """`drop_paths`: one rate a block. `merge_to`: channels after patch merging, held here as `downsample`."""
        super().__init__()
        self.window = window
        self.cut = cut
        self.blocks = nn.ModuleList(SwinBlock(dim, heads=heads, window=window, drop_path=rate) for rate in drop_paths)
        self.downsample = None if merge_to is None else PatchMerging(dim, merge_to)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, t, h, w, c) -> the same shape; `downsample` is left to the caller, who wants both maps."""
        size: Extent = (x.shape[1], x.shape[2], x.shape[3])
        half: Extent = (self.window[0] // 2, self.window[1] // 2, self.window[2] // 2)
        plain, shifted = self.cut(size, self.window, (0, 0, 0)), self.cut(size, self.window, half)
        regions = shifted.regions(x.device)
        for index, block in enumerate(self.blocks):
            x = block(x, shifted, regions) if index % 2 else block(x, plain, None)
        return x


class PatchMerging(nn.Module):
    """Each 2x2 cells of a frame become one: halves height and width (rounded up)."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, out_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, t, h, w, c) -> (n, t, ceil(h / 2), ceil(w / 2), out_dim)."""
        x = F.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
        corners = [x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))  # type: ignore[no-any-return]


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): a branch is dropped for a whole sample, the others scaled up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """branch: (n, ...) -> the same shape; unchanged in evaluation."""
        if not self.training or self.rate == 0.0:
            return branch
        kept = torch.rand(branch.shape[0], *[1] * (branch.ndim - 1), device=branch.device) >= self.rate
        return branch * kept / (1.0 - self.rate)


def drop_path_rates(blocks: Sequence[int], *, last: float) -> list[list[float]]:
    """A rate for each block of each stage, rising evenly from 0 at the first block of all to `last` at the last."""
    total = sum(blocks)
    rates = iter(last * index / max(total - 1, 1) for index in range(total))
    return [list(itertools.islice(rates, depth)) for depth in blocks]


def initialise(network: nn.Module) -> None:
    """The authors' initial values: truncated normals of deviation 0.02 in linear layers, biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=_INITIAL_STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _drop_index(module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object) -> None:
    state_dict.pop(f"{prefix}relative_position_index", None)
