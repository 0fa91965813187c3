"""Golden check of the whole ReferFormer: official names, rebuilt weights, values of every case."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from golden_cases import GoldenFolder
from golden_family import TEXT, Observed, check_model
from golden_report import Finding, GoldenArrays
from rvos_core.models.architectures import configuration
from rvos_core.models.configs import ReferformerConfig


def golden_config() -> ReferformerConfig:
    """The tiny model of the golden files."""
    return ReferformerConfig(text=TEXT, hidden=64, encoder_layers=2, decoder_layers=2, ffn=128, mask_dim=64)


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare referformer.npz and, where present, referformer_keys.json.gz."""
    _, full = configuration("referformer-r50")
    return check_model(arrays, folder, name="referformer", small=golden_config(), full=full, own=own)


def own(run: Observed) -> Iterator[tuple[str, Tensor]]:
    """What ReferFormer and R2-VOS call by the same names."""
    yield "sentence_query", run.calls["resizer"][1]
    layers = range(run.model.config.decoder_layers)
    yield "hs", torch.stack([run.clips(run.calls[f"transformer.decoder.layers.{i}"][0]) for i in layers])
