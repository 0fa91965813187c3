"""All formats by their names, which one a path is, and the two entrances: `read` and `write`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rvos_core.datasets.reading import bad_content
from rvos_core.errors import UsageError, UserError
from rvos_core.formats import (
    a2d,
    coco,
    csv_expressions,
    cvat_images,
    cvat_video,
    davis,
    jhmdb,
    labelme,
    labelme_video,
    mevis,
    mots,
    plain,
    refdavis17,
    refytvos,
    sav,
    voc,
    yolo_seg,
    ytvis,
)
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet
from rvos_core.formats.content import require_file
from rvos_core.formats.format import Format, Loss, ReadOptions, WriteOptions, Written
from rvos_core.formats.names import safe_names
from rvos_core.formats.overlap import first_shared, refuse_shared, require_ids_below
from rvos_core.formats.verification import require_same

# In the order in which a path is tried: the most particular first, plain folders of masks last.
_ALL: tuple[Format, ...] = (
    refdavis17.FORMAT,
    refytvos.FORMAT,
    mevis.FORMAT,
    a2d.FORMAT,
    jhmdb.FORMAT,
    yolo_seg.FORMAT,
    voc.FORMAT,
    mots.PNG_FORMAT,
    mots.TXT_FORMAT,
    sav.FORMAT,
    labelme_video.FORMAT,
    labelme.FORMAT,
    ytvis.FORMAT,
    coco.FORMAT,
    cvat_images.FORMAT,
    cvat_video.FORMAT,
    davis.FORMAT,
    csv_expressions.FORMAT,
    plain.FORMAT,
)
FORMATS: Mapping[str, Format] = {each.format_id: each for each in _ALL}


def format_of(format_id: str) -> Format:
    """Raises: UsageError: there is no such format."""
    if format_id not in FORMATS:
        raise UsageError(
            f"There is no annotation format {format_id!r}.",
            hint=f"There are: {', '.join(sorted(FORMATS))}.",
            code="usage.format",
        )
    return FORMATS[format_id]


# How files begin whose annotations have to be taken out first. They are never opened here.
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ")
_TAR, _TAR_PLACE = b"ustar", 257


def detect(path: Path) -> Format:
    """Which format a file or folder is, by names and beginnings. Raises: UserError: it is nothing known."""
    _require_readable(path)
    found = next((each for each in FORMATS.values() if each.detect(path)), None)
    if found is None:
        raise UserError(
            f"{path} is in no annotation format that is known here.",
            hint=f"Say which with --format: {', '.join(sorted(FORMATS))}.",
            code="formats.unknown",
        )
    return found


def read(path: Path, chosen: Format, options: ReadOptions | None = None) -> AnnotationSet:
    """Read a source; masks are read when a frame is asked for.

    Raises:
        UserError: naming what is missing or wrong, and where.
        Cancelled: a person stopped it.
    """
    _require_readable(path)
    options = options or ReadOptions()
    _require_split(path, chosen, options.split)
    found = chosen.read(path, options)
    if not found.clips:
        raise UserError(f"{path} holds no clips.", hint="Check the name.", code="formats.empty")
    names = [clip.name for clip in found.clips]
    if len(set(names)) != len(names):
        clips = zip(found.clips, safe_names(names), strict=True)
        found = replace(found, clips=tuple(replace(clip, name=name) for clip, name in clips))
    for clip in found.clips:
        _refuse_nonsense(path, clip)
    return found


def _require_readable(path: Path) -> None:
    """Raises: UserError: nothing is there, a pipe or a device, or an archive."""
    if path.is_dir():
        return
    require_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(_TAR_PLACE + len(_TAR))
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.", code="formats.unreadable"
        ) from error
    if head.startswith(_ARCHIVES) or head[_TAR_PLACE:] == _TAR:
        raise UserError(f"{path} is an archive.", hint="Unpack it and give its folder.", code="formats.archive")


def _require_split(path: Path, chosen: Format, split: str) -> None:
    """Raises: UserError: the source has no split of that name."""
    there = [each for each in chosen.splits(path) if each]
    if split and split not in there:
        raise UserError(
            f"{path} has no split {split!r:.40}.",
            hint=f"It has {', '.join(there[:12])}." if there else "It has none: leave the split out.",
            code="formats.no_split",
        )


def _refuse_nonsense(path: Path, clip: AnnotatedClip) -> None:
    """Raises: UserError: an object 0 or one twice, a sentence about one that is not there, a text that is none."""
    ids = [each.object_id for each in clip.objects]
    if len(set(ids)) != len(ids) or min(ids, default=1) < 1:
        raise bad_content(path, f"has an object 0, or one twice, in {clip.name}")
    broken = next((text for text in _texts_of(clip) if not _is_text(text)), None)
    if broken is not None:
        raise bad_content(path, f"has the text {broken!r:.40} with characters that are none, in {clip.name}")
    known = set(ids)
    for each in clip.expressions:
        if not known.issuperset(each.object_ids or ()):
            raise bad_content(
                path, f"has the sentence {each.text!r:.60} about an object that {clip.name} does not have"
            )


def _texts_of(clip: AnnotatedClip) -> Iterator[str]:
    for thing in clip.objects:
        yield from (thing.name, thing.category, *thing.attributes, *thing.attributes.values())
    for said in clip.expressions:
        yield from (said.expression_id, said.text, said.annotator)


def _is_text(text: str) -> bool:
    """Whether every program can keep it: no NUL, no half of a pair of surrogates."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def write(annotations: AnnotationSet, chosen: Format, target: Path, options: WriteOptions | None = None) -> Written:
    """Write a set, whole or not at all, after everything that can be known before is checked; it is read back too.

    Raises:
        UserError: nothing to write, objects that share pixels where the format has no room for that and no choice was
            made, too many objects, an unknown size, or the disk refuses.
        Cancelled: a person stopped it; nothing is left.
    """
    options = options or WriteOptions()
    _check(annotations, chosen, options)
    named, notes = _with_safe_names(annotations)
    if not chosen.can_overlap and options.overlap == "refuse":
        shared = first_shared(named, cancel=options.cancel)
        if shared is not None:
            raise refuse_shared(shared, title=chosen.title, can_split=chosen.splits_objects)
    proof = replace(options, verify=lambda part: require_same(named, chosen, part))
    written = chosen.write(named, target, proof)
    return replace(written, notes=(*notes, *written.notes))


def _check(annotations: AnnotationSet, chosen: Format, options: WriteOptions) -> None:
    if not any(clip.objects or clip.expressions for clip in annotations.clips):
        raise UserError(
            "There is nothing to export: no clip has an object or a sentence.",
            hint="Find or draw an object first.",
            code="formats.nothing_to_write",
        )
    if options.overlap == "files" and not chosen.splits_objects and not chosen.can_overlap:
        raise UsageError(
            f"{chosen.title} has no form with a file per object.",
            hint="Take --overlap order, or a format that has room for objects that overlap.",
            code="usage.overlap",
        )
    for clip in annotations.clips:
        if chosen.max_object_id is not None:
            require_ids_below(clip.objects, chosen.max_object_id, title=chosen.title, clip=clip.name)
        if chosen.needs_size and not clip.width:
            raise UserError(
                f"The size of the clip {clip.name} is not known, which {chosen.title} needs.",
                hint="Import it into a project with its clip first.",
                code="formats.no_size",
            )


def _with_safe_names(annotations: AnnotationSet) -> tuple[AnnotationSet, tuple[str, ...]]:
    names = safe_names(clip.name for clip in annotations.clips)
    notes = tuple(
        f"The clip “{clip.name}” is called “{name}” there."
        for clip, name in zip(annotations.clips, names, strict=True)
        if clip.name != name
    )
    clips = tuple(_renamed(clip, name) for clip, name in zip(annotations.clips, names, strict=True))
    return replace(annotations, clips=clips), notes


def _renamed(clip: AnnotatedClip, name: str) -> AnnotatedClip:
    return replace(clip, name=name, frames=safe_names(clip.frames, instead="frame"))


# What the columns of the table are lost by; the rest is named in the last one.
_COLUMNS: tuple[tuple[str, Loss], ...] = (
    ("overlap", Loss.OVERLAP),
    ("numbers", Loss.IDS),
    ("tracks", Loss.TRACKS),
    ("names", Loss.NAMES),
    ("categories", Loss.CATEGORIES),
    ("attributes", Loss.ATTRIBUTES),
    ("sentences", Loss.EXPRESSIONS),
    ("partly hidden", Loss.OCCLUSION),
    ("why out of sight", Loss.ABSENCE),
    ("rate", Loss.RATE),
    ("frame names", Loss.FRAME_NAMES),
)


def losses_table() -> str:
    """The table of docs/formats/annotations.md: what each format keeps, and what is lost besides."""
    lines = ["| format | " + " | ".join(name for name, _ in _COLUMNS) + " | lost besides |"]
    lines.append("|---" * (len(_COLUMNS) + 2) + "|")
    shown = {loss for _, loss in _COLUMNS}
    for each in sorted(FORMATS.values(), key=lambda one: one.format_id):
        marks = " | ".join("-" if loss in each.losses else "yes" for _, loss in _COLUMNS)
        besides = "; ".join(loss.value for loss in Loss if loss in each.losses - shown)
        lines.append(f"| `{each.format_id}` {each.title} | {marks} | {besides} |")
    return "\n".join(lines) + "\n"


def layouts_table() -> str:
    """The other table there: the files of each format."""
    lines = ["| format | written as |", "|---|---|"]
    lines += [f"| `{key}` | {each.layout} |" for key, each in sorted(FORMATS.items())]
    return "\n".join(lines) + "\n"
