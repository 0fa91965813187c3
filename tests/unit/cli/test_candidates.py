"""`rvos segment --list-candidates`: a table, pictures, one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_inference import MemoryReader
from rvos_core.cli.candidates import show_candidates
from rvos_core.cli.output import Output
from rvos_core.inference import RunRequest, WindowDone
from rvos_core.inference.events import Candidate
from rvos_core.inference.motion.runner import Choices
from rvos_core.masks import encode
from rvos_core.types import CancelToken, FrameSpan

REQUEST = RunRequest("the red one", FrameSpan(0, 4))


def candidate(number: int, *, chosen: bool) -> Candidate:
    mask = np.zeros((90, 160), bool)
    mask[20:60, 30 : 30 + 20 * number] = True
    return Candidate(number, 2, encode(mask), 0, 3, (("red", 0.9),), 0.9, chosen)


class Looking:
    """An engine whose candidates are known."""

    def candidates(self, request: RunRequest, *, reader: object, cancel: CancelToken) -> Iterator[WindowDone | Choices]:
        yield WindowDone(1, 2, (), 0.1, 0.1)
        yield Choices((candidate(2, chosen=True), candidate(1, chosen=False)), ("Chosen by what moves: red .90.",))


@pytest.mark.parametrize("as_json", [False, True])
def test_what_moves_is_listed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    reader = MemoryReader(lambda index: np.full((90, 160, 3), 60, np.uint8), 4)
    output = Output(as_json=as_json)
    show_candidates(Looking(), reader, request=REQUEST, folder=tmp_path, output=output, cancel=CancelToken())  # type: ignore[arg-type]
    said = capsys.readouterr()
    for number in (1, 2):
        picture = cv2.imread(str(tmp_path / "candidates" / f"{number}.png"))
        assert picture.shape == (90, 160, 3)
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 1, "an outline is drawn"
    if as_json:
        document = json.loads(said.out)
        assert [(row["number"], row["chosen"], row["words"]) for row in document["candidates"]] == [
            (2, True, {"red": 0.9}),
            (1, False, {"red": 0.9}),
        ]
    else:
        assert "* 2: frames 0 to 3; red 0.90" in said.out and "  1: frames 0 to 3" in said.out
