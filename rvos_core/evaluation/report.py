"""J and F of many objects over their frames, and how they become a benchmark's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from rvos_core.evaluation.metrics import Statistics, statistics

# all: every frame. davis2017: without the first and last. unsupervised: every frame, ids matched by J&F.
Protocol: TypeAlias = Literal["all", "davis2017", "unsupervised"]


@dataclass(frozen=True)
class ObjectScores:
    """One object of one clip.

    Attributes:
        clip: name of the clip.
        object_id: in the true masks.
        frames: trailing numbers of the scored frames.
        j, f: their values.
        proposal: the id that was matched with it, where ids are matched (0: none was left); otherwise `object_id`.
    """

    clip: str
    object_id: int
    frames: tuple[int, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]
    proposal: int

    @property
    def j_statistics(self) -> Statistics:
        return statistics(self.j)

    @property
    def f_statistics(self) -> Statistics:
        return statistics(self.f)


@dataclass(frozen=True)
class JfReport:
    """All objects of all clips; a benchmark's figure is the mean over objects, as DAVIS 2017 has it.

    Attributes:
        protocol: what was counted.
        objects: in order of clips.
        notes: sentences that a person should read with the figures.
    """

    protocol: Protocol
    objects: tuple[ObjectScores, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def jf(self) -> float:
        """J&F: mean of mean J and mean F."""
        return float(np.mean([(o.j_statistics.mean + o.f_statistics.mean) / 2 for o in self.objects]))

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips in order; `.` where the folder itself is the clip."""
        return tuple(dict.fromkeys(scores.clip for scores in self.objects))

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval jf --json` prints."""
        by_clip = {clip: [scores for scores in self.objects if scores.clip == clip] for clip in self.clips}
        return {
            **mean_statistics([(each.j, each.f) for each in self.objects]),
            "protocol": self.protocol,
            "clips": len(by_clip),
            "objects": len(self.objects),
            "frames": sum(len(objects[0].frames) for objects in by_clip.values()),
            "per_clip": [
                {
                    "clip": clip,
                    **mean_statistics([(each.j, each.f) for each in objects]),
                    "objects": [_object(each) for each in objects],
                }
                for clip, objects in by_clip.items()
            ],
        }


def mean_statistics(series: Sequence[tuple[Sequence[float], Sequence[float]]]) -> dict[str, float]:
    """Means over objects (or expressions) of the statistics of their J and F, under the keys of `--json`.

    Args:
        series: J and F of each, one value a frame; at least one.
    """
    pairs = [(statistics(j), statistics(f)) for j, f in series]
    j, f = (float(np.mean([pair[k].mean for pair in pairs])) for k in (0, 1))
    return {
        "J": j,
        "F": f,
        "jf": (j + f) / 2,
        "J_recall": float(np.mean([pair[0].recall for pair in pairs])),
        "J_decay": float(np.mean([pair[0].decay for pair in pairs])),
        "F_recall": float(np.mean([pair[1].recall for pair in pairs])),
        "F_decay": float(np.mean([pair[1].decay for pair in pairs])),
    }


def _object(scores: ObjectScores) -> dict[str, Any]:
    means = {"J": scores.j_statistics.mean, "F": scores.f_statistics.mean}
    return {"object": scores.object_id, "proposal": scores.proposal, **means}
