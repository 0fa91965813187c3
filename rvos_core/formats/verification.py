"""What was written is read back before it takes its name: the same clips, and in some frames the same pixels.

Objects may have lost their numbers and holes on the way; that some object is at a pixel never changes, so the union of
a frame's masks is compared.
"""

from __future__ import annotations

from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet, Sights
from rvos_core.formats.format import Format, Loss, ReadOptions
from rvos_core.masks.ops import fill_holes
from rvos_core.masks.rle import Rle, area, decode, empty, encode, union

_FRAMES = 5  # of each clip: the first, the last and some between


def require_same(meant: AnnotationSet, chosen: Format, part: Path) -> None:
    """Raises: UserError: what lies at `part` does not read back as it was meant."""
    found = {clip.name: clip for clip in chosen.read(part, ReadOptions()).clips}
    for clip in meant.clips:
        if Loss.IDS in chosen.losses and Loss.TRACKS not in chosen.losses and len(clip.objects) > 1:
            continue  # JHMDB: a video for each object
        back = found.get(clip.name)
        for index in _some(len(clip.frames)):
            if not _is_same(clip, index, back, chosen):
                raise UserError(
                    f"Frame {clip.frames[index]} of {clip.name} does not read back from {chosen.title} as it was "
                    "written; the file was not kept.",
                    hint="Check the disk, or choose another folder or format.",
                    code="formats.verify",
                )


def _is_same(clip: AnnotatedClip, index: int, back: AnnotatedClip | None, chosen: Format) -> bool:
    if Loss.MASKS in chosen.losses:
        return back is not None
    meant = _everything(clip.sights(index), clip)
    if Loss.HOLES in chosen.losses:
        meant = _without_holes(clip.sights(index), clip)
    if back is None:
        return not area(meant)
    place = clip.number(index)  # formats that count frames count those of the source
    if Loss.FRAME_NAMES not in chosen.losses:
        if clip.frames[index] not in back.frames:
            return not area(meant)
        place = back.frames.index(clip.frames[index])
    if place >= len(back.frames):
        return not area(meant)
    sights = back.sights(place)
    return _everything(sights, clip) == meant if area(meant) else not any(area(s.mask) for s in sights.values())


def _some(count: int) -> list[int]:
    return sorted({round(place * (count - 1) / (_FRAMES - 1)) for place in range(_FRAMES)}) if count else []


def _everything(sights: Sights, clip: AnnotatedClip) -> Rle:
    found = empty(clip.height or 1, clip.width or 1)
    for sight in sights.values():
        found = union(found, sight.mask)
    return found


def _without_holes(sights: Sights, clip: AnnotatedClip) -> Rle:
    found = empty(clip.height or 1, clip.width or 1)
    for sight in sights.values():
        found = union(found, encode(fill_holes(decode(sight.mask))))
    return found
