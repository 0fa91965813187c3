"""Each part is as fast beside its reference as `rvos bench` promises."""

from __future__ import annotations

import pytest

from rvos_core.cli.bench_suites import SUITES
from rvos_core.types import CancelToken


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_every_ratio_reaches_its_limit(suite: str):
    rows = SUITES[suite](CancelToken())
    assert rows
    short = [f"{row.name}: {row.ratio:.2f} of {row.limit:.2f}" for row in rows if row.ratio < row.limit]
    assert not short, short
