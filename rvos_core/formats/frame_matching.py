"""Which frame of a clip a frame of an annotation is, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip

_TRAILING_NUMBER = re.compile(r"(\d{1,12})$")


def match_frames(clip: AnnotatedClip, names: Sequence[str], frame_count: int) -> tuple[int | None, ...]:
    """For each frame of `clip` the index of the frame it is, None where the clip ends before.

    By the names of the clip's own frames; else one for one, where there are as many; else by the numbers in the names,
    from 0, or from 1 where that alone fits.

    Args:
        names: of the frames of the clip in the project.
        frame_count: how many it has.

    Raises:
        UserError: the frames cannot be told.
    """
    index_of = {name: index for index, name in enumerate(names)}
    if all(name in index_of for name in clip.frames):
        return tuple(index_of[name] for name in clip.frames)
    if len(clip.frames) == frame_count:
        return tuple(range(frame_count))
    numbers = [int(found[1]) if (found := _TRAILING_NUMBER.search(name)) else None for name in clip.frames]
    known = [each for each in numbers if each is not None]
    if len(known) != len(numbers) or len(set(known)) != len(known):
        raise UserError(
            f"The frames of {clip.name} ({clip.frames[0]!r:.40} ...) cannot be matched with the {frame_count} frames "
            "of its clip.",
            hint="Name them by the number of the frame, from 0, or annotate every frame.",
            code="formats.frames",
        )
    first = 1 if min(known, default=0) >= 1 and max(known, default=0) == frame_count else 0
    return tuple(each - first if 0 <= each - first < frame_count else None for each in known)
