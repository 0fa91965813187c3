"""Writes video_swin.npz: maps of torchvision's Video-Swin at patches of (1, 4, 4), as ReferFormer uses it.

    python -m venv ELSEWHERE && ELSEWHERE/bin/pip install torch==2.13.0 torchvision==0.28.0 numpy
    ELSEWHERE/bin/python tests/golden/make_video_swin.py

torchvision must not be in the project's own environment, where it breaks transformers beside some builds of torch; two
operators that its import asks for are declared here for the same reason, and never called. No weights are stored:
they follow from the weight rule (`tests/helpers/golden_cases.py`) and the names of ReferFormer's checkpoints, inputs
from the input rule.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from golden_cases import Case, GoldenFolder, golden_weight

_PREFIX = "backbone.0.body."
_WINDOW = (8, 7, 7)
_KEPT_CHANNELS = 6


@dataclass(frozen=True)
class Video:
    """A network and a clip: `width` channels after the patches, doubled from stage to stage."""

    width: int
    blocks: tuple[int, ...]
    heads: tuple[int, ...]
    frames: int
    height: int
    clip_width: int
    seed: int


VIDEOS = {
    "short": Video(12, (2, 1, 3, 2), (2, 3, 4, 6), frames=3, height=45, clip_width=61, seed=4000),
    "long": Video(12, (2, 1, 3, 2), (2, 3, 4, 6), frames=11, height=60, clip_width=92, seed=5000),
    "tiny": Video(96, (2, 2, 6, 2), (3, 6, 12, 24), frames=2, height=64, clip_width=90, seed=6000),
}


def our_name(name: str) -> str | None:
    """ReferFormer's name for one of torchvision's; None where its backbone has no such part."""
    name = name.replace("mlp.0.", "mlp.fc1.").replace("mlp.3.", "mlp.fc2.")
    if found := re.fullmatch(r"features\.(\d+)\.(\d+)\.(.*)", name):
        return f"layers.{int(found[1]) // 2}.blocks.{found[2]}.{found[3]}"
    if found := re.fullmatch(r"features\.(\d+)\.((?:norm|reduction)\..*)", name):
        return f"downsamples.{int(found[1]) // 2}.{found[2]}"
    return name if name.startswith("patch_embed.") else None


def maps_of(video: Video, *, salt: int) -> list[torch.Tensor]:
    """Each stage's output (1, t, h, w, c) before patch merging."""
    from torchvision.models.video.swin_transformer import SwinTransformer3d

    network = SwinTransformer3d([1, 4, 4], video.width, list(video.blocks), list(video.heads), list(_WINDOW)).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            official = our_name(name)
            if official is not None and tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(golden_weight(_PREFIX + official, tuple(tensor.shape), salt=salt)))
        pixels = Case("", 1, video.frames, video.height, video.clip_width, video.seed, (2,), ()).pixels()
        x = network.patch_embed(pixels.transpose(1, 2))
        maps = []
        for index, part in enumerate(network.features):
            x = part(x)
            if index % 2 == 0:
                maps.append(x)
    return maps


def main() -> None:
    """Write the file beside this script."""
    folder = GoldenFolder.read(Path(__file__).parent)
    arrays: dict[str, np.ndarray] = {}
    for case, video in VIDEOS.items():
        arrays[f"{case}.network"] = np.array([video.width, *video.blocks, *video.heads, *_WINDOW])
        arrays[f"{case}.clip"] = np.array([video.frames, video.height, video.clip_width, video.seed])
        for stage, maps in enumerate(maps_of(video, salt=folder.salt)):
            step = maps.shape[-1] // _KEPT_CHANNELS
            kept_frames = sorted({0, video.frames // 2, video.frames - 1})
            arrays[f"{case}.s{4 * 2**stage}"] = maps[0, kept_frames, ..., ::step].permute(0, 3, 1, 2).numpy()
    np.savez_compressed(folder.path / "video_swin.npz", **arrays)


if __name__ == "__main__":
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    main()
