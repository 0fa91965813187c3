"""What a comparison found, and a reader of golden files that notices arrays nobody asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden_cases import GoldenFolder

MODEL_TOLERANCE = 5e-5
KEYS_SUFFIX = "_keys.json.gz"


@dataclass(frozen=True)
class Finding:
    """One compared array, or (with `problem`) why it could not be compared."""

    array: str
    error: float = 0.0
    tolerance: float = 0.0
    problem: str = ""

    @property
    def ratio(self) -> float:
        """error / tolerance; 0 where both are 0."""
        if self.error == 0:
            return 0.0
        return self.error / self.tolerance if self.tolerance else float("inf")

    @property
    def passed(self) -> bool:
        # A NaN compares false with everything, so it fails.
        return not self.problem and self.ratio <= 1

    def __str__(self) -> str:
        if self.problem:
            return f"FAIL {self.array:<44} {self.problem}"
        return f"{'ok  ' if self.passed else 'FAIL'} {self.array:<44} {self.error:10.3g} {self.ratio:10.3g}"


class GoldenArrays:
    """The arrays of one file. Every array must be taken by the checker; `untaken` are unknown to it.

    A model's key file may stand alone; the arrays are then none.
    """

    def __init__(self, path: Path) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        if path.exists() or not path.with_name(path.stem + KEYS_SUFFIX).exists():
            with np.load(path) as archive:
                self._arrays = {name: archive[name] for name in archive.files}
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def names(self, prefix: str = "") -> tuple[str, ...]:
        """Names that begin with `prefix`."""
        return tuple(name for name in self._arrays if name.startswith(prefix))

    def take(self, name: str) -> np.ndarray:
        """The array `name`, which the checker thereby knows."""
        self._taken.add(name)
        return self._arrays[name]

    def untaken(self) -> tuple[str, ...]:
        """Arrays that no check has looked at."""
        return tuple(name for name in self._arrays if name not in self._taken)

    def compare(
        self,
        name: str,
        actual: object,
        *,
        tolerance: float,
        relative: bool = False,
        where: np.ndarray | None = None,
        label: str = "",
    ) -> Finding:
        """Compare `actual` (tensor or array) with the stored array `name`.

        Args:
            tolerance: largest allowed absolute error; with `relative`, times max(1, largest absolute stored value).
            where: bool array that broadcasts; only these entries count.
            label: added to the reported name.
        """
        expected = self.take(name).astype(np.float64)
        got = np.asarray(actual, dtype=np.float64)
        if got.shape != expected.shape:
            return Finding(name + label, problem=f"shape {got.shape} instead of {expected.shape}")
        if relative:
            tolerance *= max(1.0, float(np.abs(expected).max(initial=0.0)))
        difference = np.abs(got - expected)
        if where is not None:
            difference = difference[np.broadcast_to(where, difference.shape)]
        return Finding(name + label, float(difference.max(initial=0.0)), tolerance)


Checker = Callable[[GoldenArrays, GoldenFolder], Iterator[Finding]]
