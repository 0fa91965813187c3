"""Which clip of a project a clip of an annotation is, by its name or by what a person says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet
from rvos_core.formats.names import safe_names
from rvos_core.formats.project_export import clip_name
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MediaRecord


def clips_in(project: ProjectReader, names: Sequence[str]) -> tuple[str, ...]:
    """Those of a source's clips that the project has: of the same name, or the only one where both sides have one."""
    media = project.media()
    if len(media) == len(names) == 1:
        return tuple(names)
    known = _by_name(media)
    return tuple(name for name in names if name in known)


def _by_name(media: Sequence[MediaRecord]) -> dict[str, MediaRecord]:
    """The project's clips by their names, and by what those become in annotations."""
    found: dict[str, MediaRecord] = {}
    for each, safe in zip(media, safe_names(clip_name(one) for one in media), strict=True):
        found.setdefault(clip_name(each), each)
        found.setdefault(safe, each)
    return found


def clip_pairs(
    project: ProjectReader, annotations: AnnotationSet, clip_of: Mapping[str, int]
) -> tuple[list[tuple[AnnotatedClip, MediaRecord]], list[str]]:
    """Clips of a source with the clips of the project that they are, and notes on those left out.

    Args:
        clip_of: name in the source -> clip of the project; others go by their names.

    Raises:
        UserError: the project has no such clip, or none of those of the source.
    """
    media = project.media()
    by_id = {each.media_id: each for each in media}
    by_name = _by_name(media)
    unknown = next((each for each in clip_of.values() if each not in by_id), None)
    if unknown is not None:
        raise UserError(
            f"{project.path} has no clip {unknown}.", hint="`rvos project info` lists them.", code="project.no_media"
        )
    only = media[0] if len(media) == 1 and len(annotations.clips) == 1 else None
    pairs, lost = [], []
    for clip in annotations.clips:
        found = by_id[clip_of[clip.name]] if clip.name in clip_of else by_name.get(clip.name, only)
        if found is None:
            lost.append(clip.name)
        else:
            pairs.append((clip, found))
    if not pairs:
        raise UserError(
            f"No clip of {project.path} is called {lost[0]!r:.80}"
            + (f" or like one of {len(lost) - 1} others of the source." if lost[1:] else "."),
            hint="Say which is which: --clip NAME=NUMBER (`rvos project info` has the numbers).",
            code="formats.no_clip",
        )
    return pairs, [*annotations.notes, *missing_clips(lost)]


def missing_clips(names: Sequence[str]) -> list[str]:
    """What is said of clips of the source that the project does not have: a sentence, or nothing."""
    return [f"{len(names)} clips that the project does not have are left out, first: {names[0]}."] if names else []
