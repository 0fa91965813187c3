"""DAVIS 2016 and 2017 (and what is laid out like them): indexed PNG files with the palette of DAVIS.

    ImageSets/2017/{train,val}.txt
    JPEGImages/480p/CLIP/00000.jpg          looked for, never written
    Annotations/480p/CLIP/00000.png         pixel = object id, 255 = void

The folder of the resolution may be missing; DAVIS 2016's masks (0 and 255) are object 1.
"""

from __future__ import annotations

from pathlib import Path

from rvos_core.datasets.davis import davis_root, read_names
from rvos_core.datasets.reading import names_with_suffix
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet
from rvos_core.formats.folders import text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written, split_order
from rvos_core.formats.mask_folders import clip_folders, read_clip, write_clip
from rvos_core.masks.png import MAX_OBJECT_ID

PALETTE_LOSSES = frozenset(
    {
        Loss.OVERLAP,
        Loss.NAMES,
        Loss.ATTRIBUTES,
        Loss.OCCLUSION,
        Loss.ABSENCE,
        Loss.RATE,
        Loss.UNSEEN,
        Loss.UNSAID_FRAMES,
        Loss.SIZE,
    }
)
_YEARS = ("2017", "2016", "2019")
_FOLDERS = ("Annotations", "Annotations_unsupervised")
_480P = "480p"
_FULL = "Full-Resolution"


def masks_below(source: Path) -> tuple[str, Path] | None:
    """Name of the annotation folder of a DAVIS-like tree and the folder that holds a folder of masks per clip."""
    base = davis_root(source)
    for name in _FOLDERS:
        for inside in (base / name / _480P, base / name / _FULL, base / name):
            if clip_folders(inside):
                return name, inside
    return None


def images_for(masks: Path, base: Path) -> Path:
    """The folder of pictures that belongs to a folder of masks: the same resolution, if there is one."""
    return base / "JPEGImages" / masks.name if masks.name in (_480P, _FULL) else base / "JPEGImages"


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: no masks below `source`, an unknown split, damaged masks."""
    found = masks_below(source)
    if found is None:
        raise UserError(
            f"{source} has no Annotations/480p/CLIP/*.png.",
            hint="Give the folder that holds Annotations (DAVIS's root), or read it as --format plain.",
            code="formats.incomplete",
        )
    folders = clip_folders(found[1])
    if options.split:
        names = listed_in(davis_root(source), options.split)
        missing = [name for name in names if name not in folders]
        if missing:
            raise UserError(
                f"{found[1]} lacks the clip {missing[0]} of the split {options.split}.",
                hint="Complete the folder, or leave --split out.",
                code="formats.incomplete",
            )
        folders = {name: folders[name] for name in names}
    pictures = images_for(found[1], davis_root(source))
    chosen = options.chosen(folders)
    return AnnotationSet(
        tuple(read_clip(folder, name, options, images=pictures / name) for name, folder in chosen.items())
    )


def splits(source: Path) -> tuple[str, ...]:
    """Those whose clips are listed below `ImageSets`; all clips together come first."""
    lists = davis_root(source) / "ImageSets"
    found = {path.stem for year in _YEARS for path in (lists / year).glob("*.txt")}
    return ("", *sorted(found, key=split_order)) if found else ()


def listed_in(base: Path, split: str) -> tuple[str, ...]:
    """The clips of a split. Raises: UserError: there is no list of it, or it is none."""
    lists = [base / "ImageSets" / year / f"{split}.txt" for year in _YEARS]
    there = next((each for each in lists if each.is_file()), None)
    if there is None:
        raise UserError(
            f"{base} has no list {lists[0].relative_to(base)}.", hint="Leave --split out.", code="formats.incomplete"
        )
    return read_names(there)


def write_tree(annotations: AnnotationSet, part: Path, options: WriteOptions, *, folder: str = "Annotations") -> int:
    """Write the whole tree into the folder `part`. Returns: the number of files."""
    walk = Walk(annotations, options)
    masks = part / folder / resolution_of(annotations.clips)
    files = sum(write_clip(clip, masks / clip.name, walk, overlap=options.overlap) for clip in annotations.clips)
    with text_in_part(part / "ImageSets" / "2017" / f"{options.split}.txt") as part_file:
        part_file.writelines(f"{clip.name}\n" for clip in annotations.clips)
    return files + 1


def resolution_of(clips: tuple[AnnotatedClip, ...]) -> str:
    """`480p` where every clip has that height, as DAVIS calls its folders."""
    return _480P if all(clip.height in (480, 0) for clip in clips) else _FULL


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses, or other files are in the way."""
    with writing_folder(target, options, "Annotations", "ImageSets") as part:
        files = write_tree(annotations, part, options)
    return Written(target, files)


def detect(path: Path) -> bool:
    """A tree with Annotations and clips below it, without the lists of other data sets."""
    base = davis_root(path)
    if (path / "davis_text_annotations").is_dir() or not (base / "Annotations").is_dir():
        return False
    return masks_below(path) is not None and not names_with_suffix(base / "Annotations", ".xml")


FORMAT = Format(
    format_id="davis",
    title="DAVIS 2016/2017",
    layout="Annotations/480p/CLIP/FRAME.png, ImageSets/2017/SPLIT.txt",
    target="folder",
    can_overlap=False,
    losses=PALETTE_LOSSES | {Loss.CATEGORIES, Loss.EXPRESSIONS},
    read=read,
    write=write,
    detect=detect,
    needs_size=False,
    splits=splits,
    splits_objects=True,
    max_object_id=MAX_OBJECT_ID,
)
