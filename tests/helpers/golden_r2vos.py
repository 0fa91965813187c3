"""Golden check of the whole R2-VOS: official names, rebuilt weights, values of every case."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from golden_cases import GoldenFolder
from golden_family import TEXT, Observed, check_model
from golden_referformer import own
from golden_report import Finding, GoldenArrays
from rvos_core.models.architectures import configuration
from rvos_core.models.blocks.layout import clip_maps
from rvos_core.models.configs import R2vosConfig


def golden_config() -> R2vosConfig:
    """The tiny model of the golden files, at full width: the authors' text decoder has a fixed one."""
    return R2vosConfig(text=TEXT, encoder_layers=2, decoder_layers=2, ffn=128)


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare r2vos.npz and, where present, r2vos_keys.json.gz."""
    _, full = configuration("r2vos-r50")
    return check_model(arrays, folder, name="r2vos", small=golden_config(), full=full, own=_own)


def _own(run: Observed) -> Iterator[tuple[str, Tensor]]:
    calls, reading = run.calls, run.output.reading
    assert reading is not None
    yield from own(run)
    cells, words = calls["pixel_decoder.cross_attn"][0]
    yield "cross_s32", run.maps(clip_maps(cells, (run.case.frames, *run.level_shape(2))))[:, 0]
    yield "grounded_words", words
    yield "text_kernels", calls["pixel_decoder.dyn_filter"][0].flatten(0, 1)
    yield "reconstructed_sentence", reading.reconstructed
    yield "mixed_query", calls["resizer"][1] + calls["transformer.query_mixer"][0]
    yield "consensus_logit", calls["neg_classifier"][0]
