"""What tests of the command line share: a model of random weights, little clips, a call that returns what was said."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rvos_core.cli.main import main

WORDS = ("the", "a", "man", "in", "red", "blue", "riding", "bike", "car", "dog", "person", "walking", "yellow")


@dataclass(frozen=True)
class Said:
    """Exit code, stdout and stderr of one call."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert len(self.out.splitlines()) == 1, self.out
        found: dict[str, Any] = json.loads(self.out)
        return found


def rvos(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Said:
    """Call the command line in this process."""
    capsys.readouterr()
    hook, logger = sys.excepthook, logging.getLogger("rvos")
    try:
        code = main([str(each) for each in arguments])
    finally:
        sys.excepthook = hook
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
    said = capsys.readouterr()
    return Said(code, said.out, said.err)


@contextmanager
def rvos_process(*arguments: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start the command line as a process of its own; it is gone after the block."""
    command = [sys.executable, "-m", "rvos_core.cli", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def write_tiny_model(folder: Path, *, doubting: bool = False) -> Path:
    """A whole IFIRVOS of 46,000 random weights that calls every frame visible.

    Args:
        doubting: it has a consensus head and thinks of everything that it is not there.
    """
    import torch

    from rvos_core.language import WordTokenizer
    from rvos_core.models.api import ModelCard
    from rvos_core.models.configs import BackboneConfig, IfirvosConfig, TextConfig
    from rvos_core.models.ifirvos import Ifirvos
    from rvos_core.weights.bundle import save_bundle

    tokenizer = WordTokenizer.from_words(WORDS)
    config = IfirvosConfig(
        backbone=BackboneConfig(
            kind="residual", widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1), stem_width=8, norm_groups=4, frozen_stages=0
        ),
        text=TextConfig(
            vocab_size=tokenizer.vocab_size,
            width=16,
            layers=1,
            heads=2,
            ffn=16,
            positions=32,
            dropout=0.0,
            pooler=False,
            frozen=False,
        ),
        hidden=16,
        encoder_layers=1,
        decoder_layers=1,
        ffn=16,
        heads=2,
        points=2,
        mask_dim=8,
        dropout=0.0,
        projection_norm_groups=4,
        fpn_norm_groups=4,
        fpn_block_strides=(32,),
        gate_bias_init=1.0,
        consensus=doubting,
        consensus_layers=1,
        consensus_ffn=16,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)  # one whose masks are neither empty nor full
        model = Ifirvos(config)
    card = ModelCard(
        present_at=1.0 if doubting else None,
        name="tiny",
        arch="ifirvos",
        parameters=0,
        licence="Apache-2.0",
        description="Random weights for tests.",
        trained_on="nothing",
        size=64,
        long_side=128,
        window=4,
        stride=3,
        visible_on=0.0,
        visible_off=0.0,
    )
    save_bundle(folder, model, tokenizer=tokenizer, card=card)
    return folder


def write_clip(
    path: Path,
    *,
    frames: int = 6,
    width: int = 64,
    height: int = 48,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: int | Fraction = 10,
) -> Path:
    """A clip in which a red square moves over grey noise, `rate` frames a second."""
    import av

    dice = np.random.default_rng(3)
    ground = dice.integers(90, 150, (height, width, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        for index in range(frames):
            picture = ground.copy()
            side, left = max(1, height // 3), (index * width // 16) % max(1, width - height // 3)
            picture[side : 2 * side, left : left + side] = (200, 20, 20)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format, threads=1)))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Half a second of silence, and no picture."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        for index in range(24):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, index * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
