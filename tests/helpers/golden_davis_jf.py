"""Golden check of the DAVIS measures: single masks, stacks with their statistics, void pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.evaluation.metrics import boundary_f, boundary_map, jaccard, sequence_scores, statistics

_TOLERANCE = 1e-9


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare davis_jf.npz."""
    if "tags" in arrays:
        arrays.take("tags")
    numbers = sorted(int(found[1]) for name in arrays.names("gt") if (found := re.fullmatch(r"gt(\d+)", name)))
    masks = [(_mask(arrays, f"gt{i}"), _mask(arrays, f"pred{i}")) for i in numbers]
    for i, (truth, _) in zip(numbers, masks, strict=True):
        yield arrays.compare(f"gt_boundary{i}", boundary_map(truth), tolerance=0)
    yield arrays.compare("J", [jaccard(truth, drawn) for truth, drawn in masks], tolerance=_TOLERANCE)
    yield arrays.compare("F", [boundary_f(truth, drawn) for truth, drawn in masks], tolerance=_TOLERANCE)
    for name in arrays.names():
        if (found := re.fullmatch(r"(.+)_gt", name)) and found[1] != "void":
            yield from _stack(arrays, found[1])
    if "void" in arrays:
        yield from _void(arrays)


def _stack(arrays: GoldenArrays, prefix: str) -> Iterator[Finding]:
    scores = sequence_scores(_mask(arrays, f"{prefix}_gt"), _mask(arrays, f"{prefix}_pred"))
    for letter, values in (("J", scores.j), ("F", scores.f)):
        yield arrays.compare(f"{prefix}_{letter}", values, tolerance=_TOLERANCE)
        name = f"{prefix}_{letter}_stats_MRD"
        if name in arrays:
            found = statistics(values)
            yield arrays.compare(name, [found.mean, found.recall, found.decay], tolerance=_TOLERANCE)


def _void(arrays: GoldenArrays) -> Iterator[Finding]:
    """`void` is one mask for frame 0, or one a frame; of `stack`, or of masks of its own."""
    own = "void" if "void_gt" in arrays else "stack"
    void, truth, drawn = (_mask(arrays, name) for name in ("void", f"{own}_gt", f"{own}_pred"))
    void, truth, drawn = (x if x.ndim == 3 else x[None] for x in (void, truth, drawn))
    scores = sequence_scores(truth[: len(void)], drawn[: len(void)], void=void)
    for name, values in (("void_J", scores.j), ("void_F", scores.f)):
        yield arrays.compare(name, np.reshape(values, arrays.take(name).shape), tolerance=_TOLERANCE)


def _mask(arrays: GoldenArrays, name: str) -> np.ndarray:
    return arrays.take(name).astype(bool)
