"""The best one-to-one assignment of a table of scores, exact; needs numpy only (scipy is no requirement here)."""

from __future__ import annotations

import numpy as np


def best_assignment(scores: np.ndarray) -> tuple[int, ...]:
    """For each row the column it gets, so that the sum of scores is as great as can be and no column is used twice.

    The Hungarian method by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987), O(rows^2 * columns).

    Args:
        scores: (rows, columns) finite, rows <= columns.
    """
    costs = -np.asarray(scores, dtype=np.float64)
    rows, columns = costs.shape
    if rows > columns:
        raise ValueError(f"{rows} rows cannot have a column each of {columns}")
    if not np.isfinite(costs).all():
        raise ValueError("a score is not a finite number")
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for row in range(rows):
        _augment(costs, row, row_price=row_price, column_price=column_price, row_of=row_of)
    assigned = {int(row): column for column, row in enumerate(row_of) if row >= 0}
    return tuple(assigned[row] for row in range(rows))


def _augment(
    costs: np.ndarray, start: int, *, row_price: np.ndarray, column_price: np.ndarray, row_of: np.ndarray
) -> None:
    """Give row `start` a column along the cheapest alternating path (Dijkstra on the reduced costs), in place."""
    columns = costs.shape[1]
    distance = np.full(columns, np.inf)
    came_from = np.full(columns, -1)  # the column before, -1: straight from `start`
    done = np.zeros(columns, dtype=bool)
    row, before, reached = start, -1, 0.0
    while True:
        through = reached + costs[row] - row_price[row] - column_price
        better = ~done & (through < distance)
        distance[better], came_from[better] = through[better], before
        before = int(np.argmin(np.where(done, np.inf, distance)))
        reached = float(distance[before])
        if row_of[before] < 0:
            break
        done[before] = True
        row = int(row_of[before])
    row_price[start] += reached
    settled = np.flatnonzero(done)
    row_price[row_of[settled]] += reached - distance[settled]
    column_price[settled] -= reached - distance[settled]
    while before >= 0:  # turn the path: each column on it takes the row of the one before
        previous = int(came_from[before])
        row_of[before] = start if previous < 0 else row_of[previous]
        before = previous
