"""Golden check of the relational losses of R2-VOS."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.training.cycle import angle_loss, distance_loss

_TOLERANCE = 1e-5
_LOSSES = {"rkd_distance": distance_loss, "rkd_angle": angle_loss}


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare r2vos_rkd.npz."""
    for name in arrays.names():
        batch, _, loss = name.rpartition(".")
        if loss in _LOSSES:
            student, teacher = (torch.from_numpy(arrays.take(f"{batch}.{side}")) for side in ("student", "teacher"))
            yield arrays.compare(name, _LOSSES[loss](student, teacher)[None], tolerance=_TOLERANCE)
