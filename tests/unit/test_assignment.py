"""The exact assignment against trying every one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from rvos_core.assignment import best_assignment


@pytest.mark.parametrize("seed", range(25))
def test_no_other_assignment_scores_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(4, 7))
    scores = rng.normal(size=(rows, columns)) if seed % 2 else rng.integers(-2, 3, (rows, columns)).astype(float)
    found = best_assignment(scores)
    assert len(set(found)) == rows
    best = max(scores[range(rows), list(chosen)].sum() for chosen in permutations(range(columns), rows))
    assert scores[range(rows), list(found)].sum() == pytest.approx(best)


def test_a_hundred_rows_find_their_columns() -> None:
    order = np.random.default_rng(0).permutation(100)
    scores = np.zeros((100, 100))
    scores[np.arange(100), order] = np.linspace(0.2, 1.0, 100)
    assert best_assignment(scores) == tuple(order)


def test_no_rows_need_no_columns() -> None:
    assert best_assignment(np.zeros((0, 3))) == ()


def test_tables_that_have_no_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="3 rows"):
        best_assignment(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="finite"):
        best_assignment(np.array([[np.nan, 0.0]]))
