"""Where two passes meet: what the first one said of a frame is kept until the second one comes, and both are blended.

The nearer given frame counts more (by the square of the distance), and so does the answer whose way can be trusted more
(by its fourth power: docs/decisions/0015-both-passes-meet.md). At a given frame's neighbours the share of the far side
vanishes, and there is no meeting point at which masks could jump.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

KEPT_BYTES = 32 * 1024 * 1024
_LEAST_TRUST = 0.3  # an answer without any cell inside still has a say
_TRUST_POWER, _DISTANCE_POWER = 4, 2


@dataclass(frozen=True)
class Answer:
    """What is known of the objects in a frame.

    Attributes:
        object_ids: row k of the probabilities belongs to `object_ids[k]`.
        probabilities: (o, h, w) float32 in [0, 1]; what is missing to 1 in a cell is background.
        wanted: the objects that were asked for; the others only compete with them for pixels.
        trust: object id -> how far its way here can be trusted, in [0, 1]: the lowest IoU to be expected since its
            given frame. What was lost or mistaken once on the way is not sure again because the model grew used to it.
        agreement: object id -> IoU of what the two passes said; objects that only one pass met are not in it.
    """

    object_ids: tuple[int, ...]
    probabilities: Tensor
    wanted: frozenset[int]
    trust: Mapping[int, float] = field(default_factory=dict)
    agreement: Mapping[int, float] = field(default_factory=dict)


class MeetingStore:
    """The first pass's probabilities by frame: eight bits a cell, deflated, in a temporary file beyond a budget."""

    def __init__(self, *, budget_bytes: int = KEPT_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=budget_bytes, prefix="rvos-passes-")  # noqa: SIM115
        self._places: dict[int, _Place] = {}
        self._end = 0

    def __enter__(self) -> MeetingStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, frame: int) -> bool:
        return frame in self._places

    def put(self, frame: int, answer: Answer) -> None:
        """Keep what was said of a frame.

        Raises:
            UserError: the temporary folder is full or cannot be written.
        """
        levels = (answer.probabilities * 255).round().byte().cpu().numpy()
        packed = zlib.compress(levels.tobytes(), 1)
        try:
            self._file.seek(self._end)
            self._file.write(packed)
        except OSError as error:
            raise UserError(
                f"What was followed so far cannot be kept in {tempfile.gettempdir()}: {error.strerror or error}.",
                hint="Free some space there, set TMPDIR to a folder with room, or follow in one direction.",
                code="propagate.temporary_folder_full",
            ) from error
        self._places[frame] = _Place(
            self._end, len(packed), levels.shape, answer.object_ids, answer.wanted, answer.trust
        )
        self._end += len(packed)

    def get(self, frame: int) -> Answer:
        """What was kept of a frame, on the CPU. Raises: KeyError: nothing was."""
        import torch

        place = self._places[frame]
        self._file.seek(place.start)
        levels = np.frombuffer(bytearray(zlib.decompress(self._file.read(place.size))), dtype=np.uint8)
        probabilities = torch.from_numpy(levels.reshape(place.shape)).float() / 255
        return Answer(place.object_ids, probabilities, place.wanted, place.trust)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a frame lies in the file, and what its rows are."""

    start: int
    size: int
    shape: tuple[int, ...]
    object_ids: tuple[int, ...]
    wanted: frozenset[int]
    trust: Mapping[int, float]


def blend(first: Answer, second: Answer, distances: Mapping[int, tuple[int, int]]) -> Answer:
    """One answer of two.

    Args:
        first, second: of the forward and of the backward pass. An object that only one of them knows keeps what that
            one says.
        distances: object id -> frames to its given frame on the first pass's side and on the second's, both 1 or more;
            of the objects that are to be blended. Another one that both know keeps what the one that wanted it says.
    """
    import torch

    ahead = dict(zip(first.object_ids, first.probabilities, strict=True))
    back = {
        each: row.to("cpu", torch.float32) for each, row in zip(second.object_ids, second.probabilities, strict=True)
    }
    later = {each: row for each, row in back.items() if each in second.wanted or each not in ahead}
    rows = {**ahead, **later}
    trust, agreement = {**first.trust, **{each: second.trust[each] for each in later}}, {}
    for object_id, (before, after) in distances.items():
        one, two = ahead[object_id], back[object_id]
        weight_one = _weight(one, first.trust[object_id], before)
        weight_two = _weight(two, second.trust[object_id], after)
        share = weight_one / (weight_one + weight_two)
        rows[object_id] = share * one + (1 - share) * two
        trust[object_id] = share * first.trust[object_id] + (1 - share) * second.trust[object_id]
        agreement[object_id] = _overlap(one > 0.5, two > 0.5)
    stacked = torch.stack(list(rows.values()))
    total = stacked.sum(0, keepdim=True).clamp(min=1.0)  # objects are weighed one by one: together they may pass 1
    return Answer(tuple(rows), stacked / total, first.wanted | second.wanted, trust, agreement)


def _weight(probability: Tensor, trust: float, distance: int) -> float:
    """How much one pass has to say, `distance` frames from its given frame."""
    known = trust if bool((probability > 0.5).any()) else _LEAST_TRUST
    return float(known**_TRUST_POWER / distance**_DISTANCE_POWER)


def _overlap(one: Tensor, two: Tensor) -> float:
    """IoU; 1 where both are empty."""
    union = int((one | two).sum())
    return int((one & two).sum()) / union if union else 1.0
