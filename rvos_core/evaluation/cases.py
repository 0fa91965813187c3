"""Clips whose masks are known in every frame that counts: real ones in DAVIS's layout, scenes of the street world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.evaluation.metrics import jaccard
from rvos_core.evaluation.propagation import followed_clips, object_ids
from rvos_core.evaluation.synth import seeds_of
from rvos_core.inference.propagation.session import PictureSource
from rvos_core.masks import VOID, read_indexed_png
from rvos_core.synthetic import make_clip, split_config

_SPLIT = "val"
_LEAST_PX = 240  # an object this small in the first frame is left out


@dataclass(frozen=True)
class TruthCase:
    """A clip and its truth.

    Attributes:
        truth: frame -> object id -> (H, W) bool; the same objects in every frame, those of the first.
        void: frame -> (H, W) bool, pixels that do not count.
    """

    name: str
    source: PictureSource
    truth: Mapping[int, Mapping[int, np.ndarray]] = field(repr=False)
    void: Mapping[int, np.ndarray] = field(default_factory=dict, repr=False)

    def j(self, frame: int, object_id: int, mask: np.ndarray) -> float:
        """Region similarity of a mask (H, W) bool with the truth."""
        return jaccard(self.truth[frame][object_id], mask, void=self.void.get(frame))


def world_cases(clips: int, *, frames: int) -> Iterator[TruthCase]:
    """The first `clips` scenes of the `val` split, drawn with so many frames at the size of the split, 256x448.

    A scene without an object of 240 pixels in its first frame is left out.
    """
    config = replace(split_config(_SPLIT), frames=frames)
    for seed in seeds_of(_SPLIT, clips):
        clip = make_clip(seed, config)
        ids = [each for each in object_ids(clip.labels[0]) if (clip.labels[0] == each).sum() >= _LEAST_PX]
        if ids:
            truth = {frame: {each: labels == each for each in ids} for frame, labels in enumerate(clip.labels)}
            yield TruthCase(f"world-{seed}", clip_reader(clip.frames, name=f"world-{seed}", rate=Fraction(12)), truth)


def real_cases(root: Path, names: Sequence[str] | None = None) -> Iterator[TruthCase]:
    """The clips below `root`, one open at a time.

    Raises:
        UserError: a file is missing or no mask, or nothing is marked in a clip's first annotated frame.
    """
    from rvos_core.media import open_media

    for clip in followed_clips(root, clips=names):
        with open_media(clip.pictures) as reader:
            size = (reader.info.height, reader.info.width)
            labels = {frame: read_indexed_png(path, size=size) for frame, path in clip.masks.items()}
            first, path = next(iter(clip.masks.items()))
            ids = object_ids(labels[first])
            if not ids:
                raise UserError(
                    f"{path} has no object in it.",
                    hint="The first annotated frame of a clip must have what is followed.",
                    code="evaluation.objects",
                )
            truth = {frame: {each: shown == each for each in ids} for frame, shown in labels.items()}
            void = {frame: shown == VOID for frame, shown in labels.items() if (shown == VOID).any()}
            yield TruthCase(clip.name, reader, truth, void)
