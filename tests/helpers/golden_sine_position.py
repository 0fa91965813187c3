"""Golden check of the sine position codes, on valid cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.models.blocks.position_encodings import sine_1d, sine_2d

_TOLERANCE = 1e-5
_CPU = torch.device("cpu")


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare sine_position.npz."""
    for name in arrays.names():
        if match := re.fullmatch(r"pos2d\.npf(\d+)_normalize", name):
            padding = arrays.take("pos2d.mask_true_is_pad")
            size = (padding.shape[1], padding.shape[2])
            code = sine_2d(size, 2 * int(match[1]), padding=torch.from_numpy(padding), device=_CPU)
            yield arrays.compare(name, code, tolerance=_TOLERANCE, where=~padding[:, None])
        elif match := re.fullmatch(r"pos1d\.npf(\d+)_normalize_BCT", name):
            padding = arrays.take("pos1d.mask_true_is_pad")
            code = sine_1d(padding.shape[1], int(match[1]), padding=torch.from_numpy(padding), device=_CPU)
            yield arrays.compare(name, code.transpose(1, 2), tolerance=_TOLERANCE, where=~padding[:, None])
