"""Golden check of the DAVIS measures: single masks, stacks with their statistics, void pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.evaluation.metrics import (
    SequenceScores,
    boundary_f,
    boundary_map,
    jaccard,
    sequence_scores,
    statistics,
)

_TOLERANCE = 1e-9


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare davis_jf.npz."""
    if "tags" in arrays:
        arrays.take("tags")
    numbers = sorted(int(found[1]) for name in arrays.names("gt") if (found := re.fullmatch(r"gt(\d+)", name)))
    masks = [(_mask(arrays, f"gt{i}"), _mask(arrays, f"pred{i}")) for i in numbers]
    for i, (truth, _) in zip(numbers, masks, strict=True):
        yield arrays.compare(f"gt_boundary{i}", boundary_map(truth), tolerance=0)
    if masks:
        yield arrays.compare("J", [jaccard(truth, drawn) for truth, drawn in masks], tolerance=_TOLERANCE)
        yield arrays.compare("F", [boundary_f(truth, drawn) for truth, drawn in masks], tolerance=_TOLERANCE)
    for name in arrays.names():
        if (found := re.fullmatch(r"(.+)_gt", name)) and found[1] != "void":
            yield from _stack(arrays, found[1])
    if "void" in arrays:
        yield from _void(arrays)


def _stack(arrays: GoldenArrays, prefix: str) -> Iterator[Finding]:
    scores = sequence_scores(_mask(arrays, f"{prefix}_gt"), _mask(arrays, f"{prefix}_pred"))
    yield from _compare_scores(arrays, prefix, scores)


def _void(arrays: GoldenArrays) -> Iterator[Finding]:
    """`void` is one mask, or one a frame; of `stack`, of which the first frames count, or of masks of its own."""
    own = "void" if "void_gt" in arrays else "stack"
    void, truth, drawn = (_mask(arrays, name) for name in ("void", f"{own}_gt", f"{own}_pred"))
    truth, drawn = (x if x.ndim == 3 else x[None] for x in (truth, drawn))
    frames = arrays.take("void_J").size
    voids = np.broadcast_to(void, (frames, *truth.shape[1:]))
    yield from _compare_scores(arrays, "void", sequence_scores(truth[:frames], drawn[:frames], void=voids))


def _compare_scores(arrays: GoldenArrays, prefix: str, scores: SequenceScores) -> Iterator[Finding]:
    """One value a frame (a lone frame may be stored without its axis), and the statistics where they are given."""
    for letter, values in (("J", scores.j), ("F", scores.f)):
        name = f"{prefix}_{letter}"
        shape = arrays.take(name).shape
        yield arrays.compare(name, values if shape else values[0], tolerance=_TOLERANCE)
        if f"{name}_stats_MRD" in arrays:
            found = statistics(values)
            yield arrays.compare(f"{name}_stats_MRD", [found.mean, found.recall, found.decay], tolerance=_TOLERANCE)


def _mask(arrays: GoldenArrays, name: str) -> np.ndarray:
    return arrays.take(name).astype(bool)
