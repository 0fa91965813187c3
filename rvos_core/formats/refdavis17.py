"""Ref-DAVIS17 as it is published: four text files of sentences beside DAVIS 2017.

    davis_text_annotations/Davis17_annot{1,2}[_full_video].txt      lines `CLIP OBJECT "SENTENCE"`
    DAVIS/Annotations_unsupervised/480p/CLIP/00000.png              indexed
    DAVIS/ImageSets/2017/{train,val}.txt

Two people wrote a sentence each, having seen the first frame, and one having seen the whole clip: four to an object.
The second person's files are latin-1. Misspelt names of clips (clasic-car, dog-scale, motor-bike) are put right. The
number of a sentence is 4 x (place of its object) + place of its file. The converted form is `refytvos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rvos_core.datasets.davis import davis_root
from rvos_core.datasets.reading import require_pieces
from rvos_core.datasets.refdavis import ANNOTATORS, read_texts
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Kind,
    default_name,
)
from rvos_core.formats.content import require_file
from rvos_core.formats.davis import PALETTE_LOSSES, images_for, listed_in, masks_below, splits, write_tree
from rvos_core.formats.folders import text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, WriteOptions, Written
from rvos_core.formats.mask_folders import clip_folders, read_clip
from rvos_core.masks.png import MAX_OBJECT_ID

_TEXTS = "davis_text_annotations"
# file, encoding, annotator, kind: in the order of the sentences' numbers
_FILES: tuple[tuple[str, str, str, Kind], ...] = (
    ("Davis17_annot1.txt", "utf-8", "1", "first_frame"),
    ("Davis17_annot1_full_video.txt", "utf-8", "1", "full_video"),
    ("Davis17_annot2.txt", "latin-1", "2", "first_frame"),
    ("Davis17_annot2_full_video.txt", "latin-1", "2", "full_video"),
)
_MAX_BYTES = 64 * 2**20


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Clips that have masks; sentences may be missing. Raises: UserError: naming what is missing or damaged."""
    files = [source / _TEXTS / name for name, *_ in _FILES]
    require_pieces(source, files[:1], of="Ref-DAVIS17")
    texts = [
        _texts(path, encoding) if path.exists() else {} for path, (_, encoding, _, _) in zip(files, _FILES, strict=True)
    ]
    found = masks_below(source)
    if found is None:
        raise UserError(
            f"{source} has no DAVIS/Annotations_unsupervised/480p/CLIP/*.png.",
            hint="Put DAVIS 2017 beside the sentences, as it is published.",
            code="formats.incomplete",
        )
    pictures = images_for(found[1], davis_root(source))
    folders = clip_folders(found[1])
    chosen = options.chosen(folders)
    if options.split:
        listed = listed_in(davis_root(source), options.split)
        chosen = {name: folder for name, folder in chosen.items() if name in listed}
    clips = tuple(
        _with_mentioned(read_clip(folder, name, options, images=pictures / name, expressions=_expressions(name, texts)))
        for name, folder in chosen.items()
    )
    without = sorted({clip for each in texts for clip in each} - set(folders))
    notes = (
        [f"Sentences about {len(without)} clips without masks are left out, first: {without[0]}."] if without else []
    )
    return AnnotationSet(clips, tuple(notes))


def _with_mentioned(clip: AnnotatedClip) -> AnnotatedClip:
    """The clip with the objects that only sentences name."""
    known = {each.object_id: each for each in clip.objects}
    for number in {number for each in clip.expressions for number in each.object_ids or ()} - set(known):
        known[number] = AnnotatedObject(number, default_name(number))
    return replace(clip, objects=tuple(known[number] for number in sorted(known)))


def _texts(path: Path, encoding: str) -> dict[str, dict[int, str]]:
    require_file(path)
    if path.stat().st_size > _MAX_BYTES:
        raise UserError(f"{path} is larger than 64 MB.", hint="It is no list of sentences.", code="formats.too_large")
    return read_texts(path, encoding=encoding)


def _expressions(clip: str, texts: list[dict[str, dict[int, str]]]) -> tuple[Expression, ...]:
    objects = sorted({object_id for each in texts for object_id in each.get(clip, {})})
    return tuple(
        Expression(str(place * ANNOTATORS + number), texts[number][clip][object_id], (object_id,), kind, annotator)
        for place, object_id in enumerate(objects)
        for number, (_, _, annotator, kind) in enumerate(_FILES)
        if object_id in texts[number].get(clip, {})
    )


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Sentences that have no place in the four files are left out, and said. Raises: UserError, Cancelled."""
    split = {"valid": "val"}.get(options.split, options.split)
    placed, left_out = [], 0
    for clip in annotations.clips:
        slots = slots_of(clip.expressions)
        placed.append((clip, slots))
        left_out += len(clip.expressions) - len(slots)
    with writing_folder(target, options, _TEXTS, "DAVIS") as part:
        options_of_tree = replace(options, split=split)
        files = write_tree(annotations, part / "DAVIS", options_of_tree, folder="Annotations_unsupervised")
        for number, (name, encoding, _, _) in enumerate(_FILES):
            with text_in_part(part / _TEXTS / name, encoding=encoding) as part_file:
                for clip, slots in placed:
                    part_file.writelines(_lines(clip, slots, number))
    notes = (f"{left_out} sentences have no place in Ref-DAVIS17's four files and are left out.",) if left_out else ()
    return Written(target, files + len(_FILES), notes)


def _lines(clip: AnnotatedClip, slots: Mapping[tuple[int, int], Expression], number: int) -> list[str]:
    return [
        f'{clip.name} {object_id} "{_folded(each.text)}"\n'
        for (object_id, place), each in sorted(slots.items(), key=lambda item: item[0])
        if place == number
    ]


def slots_of(expressions: tuple[Expression, ...]) -> dict[tuple[int, int], Expression]:
    """(object id, place among the four files) -> the sentence that goes there.

    A sentence takes the file of its kind and annotator, else the other one of its kind; latin-1 has no room for some.
    """
    found: dict[tuple[int, int], Expression] = {}
    usable = [each for each in expressions if each.object_ids is not None and len(each.object_ids) == 1]
    usable = [each for each in usable if each.positive and any(letter.isalnum() for letter in each.text)]
    for own in (True, False):  # those with a place of their own come first
        for each in usable:
            if each in found.values():
                continue
            for place, (_, encoding, annotator, kind) in enumerate(_FILES):
                slot = ((each.object_ids or (0,))[0], place)
                fits = kind == each.kind and slot not in found and _encodes(each.text, encoding)
                if fits and (annotator == each.annotator or not own):
                    found[slot] = each
                    break
    return found


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _folded(text: str) -> str:
    return " ".join(text.split())


def detect(path: Path) -> bool:
    """A folder with `davis_text_annotations`."""
    return (path / _TEXTS).is_dir()


FORMAT = Format(
    format_id="refdavis17",
    title="Ref-DAVIS17",
    layout="davis_text_annotations/*.txt, DAVIS/Annotations_unsupervised/480p/CLIP/FRAME.png",
    target="folder",
    can_overlap=False,
    losses=PALETTE_LOSSES
    | {Loss.CATEGORIES, Loss.SEVERAL, Loss.UNTOLD, Loss.EXPRESSION_IDS, Loss.ANNOTATORS, Loss.NEGATIVES}
    | {Loss.SURPLUS, Loss.BLANKS},
    read=read,
    write=write,
    detect=detect,
    splits=splits,
    splits_objects=True,
    max_object_id=MAX_OBJECT_ID,
    needs_size=False,
)
