"""Golden check of the whole IFIRVOS: official names, rebuilt weights, outputs and intermediate values of every case."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden_cases import Case, GoldenFolder, fill_weights
from golden_report import MODEL_TOLERANCE, Finding, GoldenArrays
from rvos_core.models.blocks.padding import padding_at
from rvos_core.models.configs import IfirvosConfig, TextConfig, ifirvos_r50_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.referring_values import ReferringOutput

_CHECK_TOLERANCE = 1e-6
# In rows and columns that are padded over their whole extent the 2-D code is ill-conditioned, and the pixel decoder's
# convolutions and norms spread it over the map.
_SPREADS_PADDING = re.compile(r"(pred_masks|aux0_masks_frame0|cross_s\d+|fpn_s\d+|mask_features)")
_PADDED_TOLERANCE = 0.2
_STORED_CHANNELS = 8


def golden_config() -> IfirvosConfig:
    """The tiny model of the golden files."""
    text = TextConfig(vocab_size=120, width=48, layers=2, heads=4, ffn=96, positions=40)
    return IfirvosConfig(text=text, hidden=64, encoder_layers=2, decoder_layers=2, ffn=128, mask_dim=64)


@torch.no_grad()
def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare ifirvos.npz and, where present, ifirvos_keys.json.gz."""
    yield from _key_findings(folder.path / "ifirvos_keys.json.gz")
    model = Ifirvos(golden_config()).eval()
    weights_check = fill_weights(model, salt=folder.salt)
    yield arrays.compare("weights_check", weights_check, tolerance=_CHECK_TOLERANCE, relative=True)
    for case in folder.cases:
        if arrays.names(f"{case.name}."):
            yield from _case_findings(arrays, case, model)


def state_shapes(config: IfirvosConfig) -> dict[str, list[int]]:
    """Names and shapes of a model's state dict, without allocating it."""
    with torch.device("meta"):
        return {name: list(tensor.shape) for name, tensor in Ifirvos(config).state_dict().items()}


def _key_findings(path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    official = json.loads(gzip.decompress(path.read_bytes()))
    for size, config in (("small", golden_config()), ("full", ifirvos_r50_config())):
        ours, theirs = state_shapes(config), official[size]["shapes"]
        wrong = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        problem = f"{len(wrong)} names or shapes differ, first {wrong[0]}" if wrong else ""
        yield Finding(f"{path.name} {size}", problem=problem)


def _case_findings(arrays: GoldenArrays, case: Case, model: Ifirvos) -> Iterator[Finding]:
    frames = case.pixels()
    actual = _observe(model, case, frames)
    wide = frames.double()
    actual["frames_check"] = torch.stack([wide.mean(), wide.abs().mean()])
    for full_name in arrays.names(f"{case.name}."):
        name = full_name.removeprefix(f"{case.name}.")
        if name not in actual:
            continue
        where, tolerance, relative = None, MODEL_TOLERANCE, True
        if case.is_padded and _SPREADS_PADDING.fullmatch(name):
            tolerance, relative = _PADDED_TOLERANCE, False
        elif case.is_padded and name.startswith("memory_level"):
            where = _valid_cells(case, actual[name])
        yield arrays.compare(full_name, actual[name], tolerance=tolerance, relative=relative, where=where)


def _observe(model: Ifirvos, case: Case, frames: Tensor) -> dict[str, Tensor]:
    """Run the model on a case and collect every value the golden files may hold, by its name there."""
    ids, text_padding = case.text()
    calls: dict[str, list[Any]] = defaultdict(list)
    handles = [
        module.register_forward_hook(lambda _m, _i, output, name=name: calls[name].append(output))
        for name, module in model.named_modules()
        if name
    ]
    try:
        output: ReferringOutput = model(frames, case.padding(), ids, text_padding, auxiliary=True)
    finally:
        for handle in handles:
            handle.remove()
    return {name: value.detach() for name, value in _named(model, case, output, calls)}


def _named(
    model: Ifirvos, case: Case, output: ReferringOutput, calls: dict[str, list[Any]]
) -> Iterator[tuple[str, Tensor]]:
    def clips(x: Tensor) -> Tensor:
        return x.unflatten(0, (case.clips, case.frames))

    def maps(x: Tensor) -> Tensor:
        return x[:, :, :: x.shape[2] // _STORED_CHANNELS + 1]

    def first(x: Tensor) -> Tensor:
        return maps(clips(x))[:, 0]

    yield "words", calls["resizer"][0]
    yield "sentence_query", calls["poolout_module"][0]
    levels = range(model.config.levels)
    shapes = [calls[f"input_proj.{level}"][0].shape[-2:] for level in levels]
    memory = calls["transformer.encoder"][0].split([h * w for h, w in shapes], dim=1)
    for level in levels:
        yield f"proj_level{level}", first(calls[f"input_proj.{level}"][0])
        yield f"fused_level{level}", maps(output.fused_levels[level])
        yield f"text_fused_level{level}", calls["text_fusion_module"][level]
        yield f"memory_level{level}", maps(clips(memory[level].transpose(1, 2).unflatten(2, shapes[level])))
    yield "init_reference", calls["transformer.reference_points"][0].sigmoid()
    layers = range(model.config.decoder_layers)
    yield "hs_before_ifi", torch.stack([clips(calls[f"transformer.decoder.decoder_layers.{i}"][0]) for i in layers])
    yield "hs", torch.stack([clips(x) for x in calls["transformer.decoder.query_encoder_layers.0"]])
    yield "inter_references", torch.stack([layer.pred_boxes for layer in (*output.aux, output)])
    for index, stride in enumerate((4, 8, 16, 32), start=1):
        block: Tensor = calls[f"pixel_decoder.cross_attn_{index}"][0]
        yield f"cross_s{stride}", maps(block)[:, 0]
        yield f"fpn_s{stride}", first(calls[f"pixel_decoder.layer_{index}"][0]).relu()
    yield "mask_features", first(calls["pixel_decoder.mask_features"][0])
    yield "pred_logits", output.pred_logits
    yield "pred_boxes", output.pred_boxes
    yield "pred_masks", output.pred_masks
    yield "aux0_logits", output.aux[0].pred_logits
    yield "aux0_boxes", output.aux[0].pred_boxes
    yield "aux0_masks_frame0", output.aux[0].pred_masks[:, 0]


def _valid_cells(case: Case, memory: Tensor) -> np.ndarray:
    padding = case.padding()
    assert padding is not None
    at_level = padding_at(padding.flatten(0, 1), (memory.shape[-2], memory.shape[-1]))
    return ~at_level.reshape(case.clips, case.frames, 1, *memory.shape[-2:]).numpy()
