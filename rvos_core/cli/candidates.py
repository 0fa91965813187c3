"""`rvos segment --list-candidates`: what moves, as a table and as pictures with outlines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rvos_core.cli.output import Output
from rvos_core.files import write_file
from rvos_core.masks import decode, object_colour
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.inference import RunRequest
    from rvos_core.inference.engines import LoadedEngine
    from rvos_core.inference.events import Candidate
    from rvos_core.media import MediaReader

_PICTURE_SIDE = 360  # short side of a candidate's picture, pixels


def show_candidates(
    engine: LoadedEngine, reader: MediaReader, *, request: RunRequest, folder: Path, output: Output, cancel: CancelToken
) -> None:
    """Look, write FOLDER/candidates/N.png, and print what could be meant.

    Raises:
        UsageError: this engine has no candidates. UserError: the pictures cannot be written. Cancelled: after Ctrl-C.
    """
    from rvos_core.inference.motion.runner import Choices

    found: Choices | None = None
    with output.progress("looking") as meter:
        for event in engine.candidates(request, reader=reader, cancel=cancel):
            if isinstance(event, Choices):
                found = event
            else:
                meter.update(event.window, event.windows // 2)
    assert found is not None, "candidates end with Choices"
    pictures = {}
    for each in found.candidates:
        path = folder / "candidates" / f"{each.number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, _picture(reader.frame(each.frame_index), each))
        pictures[each.number] = path
    for note in found.notes:
        output.say(note)
    for each in found.candidates:
        words = ", ".join(f"{word} {score:.2f}" for word, score in each.words) or "nothing was said that can be seen"
        mark = "*" if each.chosen else " "
        output.say(f"{mark} {each.number}: frames {each.first} to {each.last}; {words}; {pictures[each.number]}")
    rows = [each.as_dict() | {"picture": str(pictures[each.number])} for each in found.candidates]
    output.result({"candidates": rows, "notes": list(found.notes)})


def _picture(frame: np.ndarray, candidate: Candidate) -> bytes:
    """PNG of the frame, reduced, with the candidate's outline."""
    scale = min(1.0, _PICTURE_SIDE / min(frame.shape[:2]))
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    drawn = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(decode(candidate.mask).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, (255, 255, 255), 4, cv2.LINE_AA)
    cv2.drawContours(drawn, outlines, -1, object_colour(candidate.number - 1), 2, cv2.LINE_AA)
    return cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes()
