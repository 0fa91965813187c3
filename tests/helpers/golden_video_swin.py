"""Golden check of Video-Swin: torchvision's maps at patches of (1, 4, 4) (tests/golden/make_video_swin.py)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from golden_cases import Case, GoldenFolder, fill_weights
from golden_report import Finding, GoldenArrays
from rvos_core.models.blocks.video_swin import VideoSwin
from rvos_core.models.configs import BackboneConfig

_TOLERANCE = 1e-5  # of a map's largest value
_PREFIX = "backbone.0.body."


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare video_swin.npz: `<case>.network` [width, 4 blocks, 4 heads, window t h w], `<case>.clip` [frames, height,
    width, seed] -> `<case>.s{4,8,16,32}` (first, middle, last frame; every (c // 6)th channel; h; w).
    """
    for case in sorted({name.split(".")[0] for name in arrays.names()}):
        width, *numbers = (int(n) for n in arrays.take(f"{case}.network"))
        frames, height, clip_width, seed = (int(n) for n in arrays.take(f"{case}.clip"))
        network = VideoSwin(
            BackboneConfig(
                kind="video_swin",
                widths=(width, 2 * width, 4 * width, 8 * width),
                blocks=(numbers[0], numbers[1], numbers[2], numbers[3]),
                heads=tuple(numbers[4:8]),
                window=tuple(numbers[8:]),
            )
        ).eval()
        with torch.no_grad():
            fill_weights(network, salt=folder.salt, prefix=_PREFIX)
            pixels = Case(case, 1, frames, height, clip_width, seed, (2,), ()).pixels()
            maps = network(pixels[0], frames)
        for stage, map_ in enumerate(maps):
            name = f"{case}.s{4 * 2**stage}"
            kept = map_[sorted({0, frames // 2, frames - 1}), :: map_.shape[1] // 6]
            yield arrays.compare(name, kept, tolerance=_TOLERANCE * float(abs(arrays.take(name)).max()))
