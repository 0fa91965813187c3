"""Golden check of the whole IFIRVOS: official names, rebuilt weights, outputs and intermediate values of every case."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from golden_cases import GoldenFolder
from golden_family import TEXT, Observed, check_model
from golden_report import Finding, GoldenArrays
from rvos_core.models.configs import IfirvosConfig, ifirvos_r50_config


def golden_config() -> IfirvosConfig:
    """The tiny model of the golden files."""
    return IfirvosConfig(text=TEXT, hidden=64, encoder_layers=2, decoder_layers=2, ffn=128, mask_dim=64)


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare ifirvos.npz and, where present, ifirvos_keys.json.gz."""
    return check_model(arrays, folder, name="ifirvos", small=golden_config(), full=ifirvos_r50_config(), own=_own)


def _own(run: Observed) -> Iterator[tuple[str, Tensor]]:
    calls = run.calls
    yield "sentence_query", calls["poolout_module"][0]
    for level, text in enumerate(calls["text_fusion_module"]):
        yield f"text_fused_level{level}", text
    layers = range(run.model.config.decoder_layers)
    before = [run.clips(calls[f"transformer.decoder.decoder_layers.{i}"][0]) for i in layers]
    yield "hs_before_ifi", torch.stack(before)
    yield "hs", torch.stack([run.clips(x) for x in calls["transformer.decoder.query_encoder_layers.0"]])
