"""What the golden checks of the referring family share: official names, rebuilt weights, a run under observation."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden_cases import Case, GoldenFolder, fill_weights
from golden_report import KEYS_SUFFIX, MODEL_TOLERANCE, Finding, GoldenArrays
from rvos_core.models.architectures import architecture
from rvos_core.models.blocks.padding import padding_at
from rvos_core.models.configs import TextConfig
from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import ReferringOutput

# The text encoder of the golden files.
TEXT = TextConfig(vocab_size=120, width=48, layers=2, heads=4, ffn=96, positions=40)

_CHECK_TOLERANCE = 1e-6
# In rows and columns that are padded over their whole extent the 2-D code is ill-conditioned, and the pixel decoder's
# convolutions and norms spread it over the map.
_SPREADS_PADDING = re.compile(r"(pred_masks|aux0_masks_frame0|cross_s\d+|fpn_s\d+|mask_features)")
_PADDED_TOLERANCE = 0.2
_STORED_CHANNELS = 8


@dataclass(frozen=True)
class Observed:
    """One run: the model, its input and output, and what every module returned, call by call, by module name."""

    model: ReferringNetwork
    case: Case
    output: ReferringOutput
    calls: Mapping[str, list[Any]]

    def clips(self, x: Tensor) -> Tensor:
        """(b * t, ...) -> (b, t, ...)."""
        return x.unflatten(0, (self.case.clips, self.case.frames))

    def maps(self, x: Tensor) -> Tensor:
        """The stored channels of (b, t, c, h, w)."""
        return x[:, :, :: x.shape[2] // _STORED_CHANNELS + 1]

    def first(self, x: Tensor) -> Tensor:
        """The stored channels of the first frame of each clip: (b * t, c, h, w) -> (b, 8, h, w)."""
        return self.maps(self.clips(x))[:, 0]

    def level_shape(self, level: int) -> tuple[int, int]:
        """(h, w) of a level of the transformer."""
        h, w = self.calls[f"input_proj.{level}"][0].shape[-2:]
        return int(h), int(w)


Names = Callable[[Observed], Iterator[tuple[str, Tensor]]]


@torch.no_grad()
def check_model(
    arrays: GoldenArrays, folder: GoldenFolder, *, name: str, small: Any, full: Any, own: Names
) -> Iterator[Finding]:
    """Compare `name`.npz and, where present, `name`_keys.json.gz.

    Args:
        name: architecture, and stem of the files.
        small, full: configurations of the golden model and of the released checkpoints.
        own: the values that only this system has.
    """
    build = architecture(name).build
    keys = folder.path / f"{name}{KEYS_SUFFIX}"
    if keys.exists():
        yield from _key_findings(keys, {"small": lambda: build(small), "full": lambda: build(full)})
    if not arrays.names():
        return
    model = build(small).eval()
    assert isinstance(model, ReferringNetwork)
    weights_check = fill_weights(model, salt=folder.salt)
    if "weights_check" in arrays:
        yield arrays.compare("weights_check", weights_check, tolerance=_CHECK_TOLERANCE, relative=True)
    for case in folder.cases:
        if arrays.names(f"{case.name}."):
            yield from _case_findings(arrays, case, model, own)


def aliases_of(module: nn.Module) -> dict[str, str]:
    """State-dict names of parameters that repeat another one -> the alphabetically smallest name of the same."""
    first: dict[int, str] = {}
    repeats = {}
    for name, parameter in sorted(module.named_parameters(remove_duplicate=False)):
        if first.setdefault(id(parameter), name) != name:
            repeats[name] = first[id(parameter)]
    return repeats


def _key_findings(path: Path, models: Mapping[str, Callable[[], nn.Module]]) -> Iterator[Finding]:
    official = json.loads(gzip.decompress(path.read_bytes()))
    for size, expected in official.items():
        if isinstance(expected, str):  # a note
            continue
        if size not in models:
            yield Finding(f"{path.name} {size}", problem="unknown size")
            continue
        with torch.device("meta"):
            model = models[size]()
        ours = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
        yield _same(f"{path.name} {size} shapes", ours, expected["shapes"])
        others = {name: str(x.dtype) for name, x in model.state_dict().items() if x.dtype != torch.float32}
        yield _same(f"{path.name} {size} dtypes", others, {})
        yield _same(f"{path.name} {size} aliases", aliases_of(model), expected["aliases"])
        count = {"parameters": sum(p.numel() for p in model.parameters())}
        yield _same(f"{path.name} {size} count", count, {"parameters": expected["parameters"]})


def _same(label: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Finding:
    wrong = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if not wrong:
        return Finding(label)
    first = f"{wrong[0]}: {ours.get(wrong[0])} instead of {theirs.get(wrong[0])}"
    return Finding(label, problem=f"{len(wrong)} differ, first {first}")


def _case_findings(arrays: GoldenArrays, case: Case, model: ReferringNetwork, own: Names) -> Iterator[Finding]:
    frames = case.pixels()
    observed = _observe(model, case, frames)
    actual = {name: value.detach() for names in (_shared, own) for name, value in names(observed)}
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


def _observe(model: ReferringNetwork, case: Case, frames: Tensor) -> Observed:
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
    return Observed(model, case, output, calls)


def _shared(run: Observed) -> Iterator[tuple[str, Tensor]]:
    """Every value that the golden files may hold of any system, by its name there."""
    calls, output = run.calls, run.output
    yield "words", calls["resizer"][0]
    levels = range(run.model.config.levels)
    shapes = [run.level_shape(level) for level in levels]
    memory = calls["transformer.encoder"][0].split([h * w for h, w in shapes], dim=1)
    for level in levels:
        yield f"proj_level{level}", run.first(calls[f"input_proj.{level}"][0])
        yield f"fused_level{level}", run.maps(output.fused_levels[level])
        yield f"memory_level{level}", run.maps(run.clips(memory[level].transpose(1, 2).unflatten(2, shapes[level])))
    for index, stage in enumerate(calls["backbone.0"][0], start=2):
        yield f"c{index}", run.first(stage)
    yield "init_reference", calls["transformer.reference_points"][0].sigmoid()
    yield "inter_references", torch.stack([layer.pred_boxes for layer in (*output.aux, output)])
    for index, stride in enumerate((4, 8, 16, 32), start=1):
        if f"pixel_decoder.cross_attn_{index}" in calls:
            yield f"cross_s{stride}", run.maps(calls[f"pixel_decoder.cross_attn_{index}"][0])[:, 0]
        yield f"fpn_s{stride}", run.first(calls[f"pixel_decoder.layer_{index}"][0]).relu()
    yield "mask_features", run.first(calls["pixel_decoder.mask_features"][0])
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
