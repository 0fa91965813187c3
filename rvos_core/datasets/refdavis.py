"""Ref-DAVIS17 (Khoreva, Rohrbach, Schiele, ACCV 2018) in its two forms.

As published, beside DAVIS 2017:

    davis_text_annotations/Davis17_annot{1,2}[_full_video].txt      lines `CLIP OBJECT "EXPRESSION"`
    DAVIS/{ImageSets,JPEGImages,Annotations_unsupervised}/...

and as the public referring models convert it, in Ref-YouTube-VOS's form (`meta_expressions`, `valid/JPEGImages`,
`valid/Annotations`). Both give the same ids: expression `4 * object + annotator` of a clip, where objects count from 0
in order of their ids and the four annotators are: first of the two people having seen the first frame, then the whole
clip; second, likewise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from rvos_core.datasets.davis import DavisSplit, davis_root, read_davis
from rvos_core.datasets.reading import bad_content, require_pieces
from rvos_core.datasets.referring import Expression, IndexedTruth, ReferringDataset, Video
from rvos_core.datasets.refytvos import expressions_path, read_categories, read_videos
from rvos_core.errors import UserError

NAME = "ref-davis17"
ANNOTATORS = 4

_TEXTS = "davis_text_annotations"
_FILES = (
    ("Davis17_annot1.txt", "utf-8"),
    ("Davis17_annot1_full_video.txt", "utf-8"),
    ("Davis17_annot2.txt", "latin-1"),
    ("Davis17_annot2_full_video.txt", "latin-1"),
)
_LINE = re.compile(r"(\S+)\s+(\d{1,3})\s+(.*\w.*)")
_MISSPELT = {"clasic-car": "classic-car", "dog-scale": "dogs-scale", "motor-bike": "motorbike"}
_DAVIS_SPLIT = {"valid": "val", "train": "train"}


def read_refdavis(root: Path, *, split: str = "valid") -> ReferringDataset:
    """Read one split (valid: 30 clips, train: 60), in whichever of the two forms it is there.

    Raises:
        UserError: naming what is missing, or the file and line that is not as published.
    """
    if split not in _DAVIS_SPLIT:
        raise UserError(
            f"Ref-DAVIS17 has no split {split}.", hint="There are valid and train.", code="evaluation.split"
        )
    converted = expressions_path(root, split)
    if converted.exists() or not (root / _TEXTS).is_dir():
        require_pieces(
            root,
            [converted],
            of="Ref-DAVIS17",
            hint=f"Either that file and {split}/Annotations are needed, or {_TEXTS} and DAVIS as they are published.",
        )
        return _read_converted(root, converted, split=split)
    return _read_published(root, split=split)


def annotator_expressions(video: Video, annotator: int) -> tuple[Expression, ...]:
    """What one annotator (0 to 3) wrote about the clip's objects, in order of object ids."""
    return tuple(each for each in video.expressions if each.annotator == annotator)


def _read_converted(root: Path, path: Path, *, split: str) -> ReferringDataset:
    categories = read_categories(root / split / "meta.json")
    videos = read_videos(path, images=root / split / "JPEGImages", categories=categories)
    folder = _annotations(root, split)
    return ReferringDataset(
        name=NAME,
        root=root,
        split=split,
        videos=tuple(_with_annotators(video, path) for video in videos),
        truth=IndexedTruth(folder) if folder else None,
        truth_at=folder or root / split / "Annotations",
    )


def _annotations(root: Path, split: str) -> Path | None:
    beside_davis = davis_root(root) / "Annotations_unsupervised" / "480p"
    return next((each for each in (root / split / "Annotations", beside_davis) if each.is_dir()), None)


def _with_annotators(video: Video, path: Path) -> Video:
    """The video with `annotator` set by the rule of the ids, which is checked."""
    count = len(video.expressions)
    meant: dict[int, set[tuple[int, ...] | None]] = {}
    expressions = []
    for each in video.expressions:
        index = int(each.expression_id) if each.expression_id.isascii() and each.expression_id.isdigit() else count
        if index >= count:
            raise bad_content(path, f"has the expression id {each.expression_id!r} among {count} of {video.name}")
        meant.setdefault(index // ANNOTATORS, set()).add(each.object_ids)
        expressions.append((index, replace(each, annotator=index % ANNOTATORS)))
    if count % ANNOTATORS or any(len(objects) > 1 for objects in meant.values()):
        raise bad_content(
            path, f"does not have {ANNOTATORS} expressions one after another for every object of {video.name}"
        )
    return replace(video, expressions=tuple(each for _, each in sorted(expressions, key=lambda pair: pair[0])))


def _read_published(root: Path, *, split: str) -> ReferringDataset:
    require_pieces(root, [root / _TEXTS / name for name, _ in _FILES], of="Ref-DAVIS17")
    davis = read_davis(root, split=_DAVIS_SPLIT[split], unsupervised=True)
    texts = [read_texts(root / _TEXTS / name, encoding=encoding) for name, encoding in _FILES]
    return ReferringDataset(
        name=NAME,
        root=root,
        split=split,
        videos=tuple(_published_video(clip, davis, texts, root=root) for clip in davis.clips),
        truth=IndexedTruth(davis.annotations),
        truth_at=davis.annotations,
    )


def read_texts(path: Path, *, encoding: str) -> dict[str, dict[int, str]]:
    """Clip -> object id -> expression from one annotator's file. Raises: UserError: naming the line that is none."""
    try:
        lines = path.read_text(encoding=encoding).splitlines()
    except UnicodeDecodeError as error:
        raise bad_content(path, f"is not text in {encoding}") from error
    found: dict[str, dict[int, str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise bad_content(path, f'has no CLIP OBJECT "EXPRESSION" in line {number}')
        clip, object_id, text = match.groups()
        found.setdefault(_MISSPELT.get(clip, clip), {})[int(object_id)] = _unquoted(text)
    return found


def _unquoted(text: str) -> str:
    """The expression between its quotes, blanks folded as the public conversion does: one before a quote stays."""
    folded = " ".join(text.split())
    return folded[1:-1] if folded[0] == folded[-1] == '"' else folded.strip('"')


def _published_video(clip: str, davis: DavisSplit, texts: list[dict[str, dict[int, str]]], *, root: Path) -> Video:
    objects = sorted({object_id for annotator in texts for object_id in annotator.get(clip, {})})
    expressions = []
    for index, object_id in enumerate(objects):
        for annotator, by_clip in enumerate(texts):
            text = by_clip.get(clip, {}).get(object_id)
            if text is None:
                raise bad_content(
                    root / _TEXTS / _FILES[annotator][0], f"says nothing about object {object_id} of {clip}"
                )
            expressions.append(Expression(str(index * ANNOTATORS + annotator), text, (object_id,), annotator))
    if not expressions:
        raise bad_content(root / _TEXTS, f"says nothing about the clip {clip}")
    return Video(clip, davis.frames(clip), davis.images / clip, tuple(expressions))
