"""Sentences as a table: one a row, for a spreadsheet. Masks are not in it.

    clip,expression_id,object_ids,object_name,text,kind,annotator,positive

Read, too: Ref-DAVIS17's list of difficulties (`video_id;instance_id;ref_exp;...`) and A2D's
`video_id,instance_id,query`. A row without a text names an object that no sentence means alone. A cell that a
spreadsheet would take for a formula gets an apostrophe, which is taken off again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from rvos_core.datasets.reading import bad_content, name_in
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Kind,
    default_name,
    nothing_said,
)
from rvos_core.formats.content import require_file
from rvos_core.formats.folders import writing_text
from rvos_core.formats.format import Format, Loss, ReadOptions, WriteOptions, Written
from rvos_core.formats.sniffing import beginning

_COLUMNS = ("clip", "expression_id", "object_ids", "object_name", "text", "kind", "annotator", "positive")
_ALIASES = {
    "clip": ("clip", "video_id", "video"),
    "object_ids": ("object_ids", "object_id", "instance_id", "obj_id"),
    "text": ("text", "ref_exp", "query", "exp", "expression"),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_MAX_BYTES = 64 * 2**20
_MAX_CELL = 200_000


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: no table with a clip and a text in each row."""
    rows = list(table_rows(source))
    objects: dict[str, dict[int, AnnotatedObject]] = {}
    expressions: dict[str, list[Expression]] = {}
    for number, row in rows:
        where = f"line {number}"
        clip = name_in(row.get("clip", ""), source, where=where)
        meant = object_numbers(row.get("object_ids", ""), source, where)
        known = objects.setdefault(clip, {})
        for object_id in meant or ():
            name = row.get("object_name", "") if len(meant or ()) == 1 else ""
            if name or object_id not in known:
                known[object_id] = AnnotatedObject(object_id, name or default_name(object_id))
        listed = expressions.setdefault(clip, [])
        if not row.get("text"):
            continue  # a row that only names a clip or objects
        kind = row.get("kind") or "full_video"
        if kind not in ("first_frame", "full_video"):
            raise bad_content(source, f"has the kind {kind!r:.40} ({where})")
        positive = (row.get("positive") or "yes").lower() not in ("no", "false", "0")
        key = row.get("expression_id") or str(len(listed))
        listed.append(Expression(key, row["text"], meant, cast(Kind, kind), row.get("annotator", ""), positive))
    options.step(1, 1)
    return AnnotationSet(
        tuple(
            AnnotatedClip(clip, 0, 0, (), tuple(objects[clip].values()), nothing_said, tuple(found))
            for clip, found in expressions.items()
        )
    )


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by our names of the columns. Raises: UserError: no table, no clip or text in it."""
    table = csv.reader(io.StringIO(_text(path), newline=""), delimiter=_delimiter(path))
    csv.field_size_limit(_MAX_CELL)
    try:
        header = [cell.strip().lower() for cell in next(table, [])]
        place = {ours: header.index(name) for ours, names in _names().items() for name in names if name in header}
        missing = next((each for each in ("clip", "text") if each not in place), None)
        if missing is not None:
            raise bad_content(path, f"has no column {missing!r} in its first line")
        plain = _plain if "expression_id" in header else str  # apostrophes are ours in our own tables only
        for cells in table:
            if any(cells):
                yield table.line_num, {key: plain(cells[i]) if i < len(cells) else "" for key, i in place.items()}
    except csv.Error as error:
        raise bad_content(path, f"is no table ({error}, line {table.line_num})") from error


def _names() -> Mapping[str, tuple[str, ...]]:
    return {each: _ALIASES.get(each, (each,)) for each in _COLUMNS}


def _text(path: Path) -> str:
    require_file(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise bad_content(path, "is larger than 64 MB")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the name.", code="formats.unreadable"
        ) from error
    if b"\0" in content:
        raise bad_content(path, "is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _delimiter(path: Path) -> str:
    first = beginning(path).partition("\n")[0]
    return max(",;\t", key=first.count)


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:2] in _FORMULA else cell


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def object_numbers(cell: str, path: Path, where: str) -> tuple[int, ...] | None:
    """`1 3` -> (1, 3); `none` -> (); empty -> None. Raises: UserError."""
    if not cell.strip():
        return None
    if cell.strip() == "none":
        return ()
    parts = cell.replace("+", " ").split()
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise bad_content(path, f"has {cell!r:.40} where numbers of objects are expected ({where})")
    return tuple(dict.fromkeys(int(part) for part in parts))


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses; Cancelled."""
    if options.cancel is not None:
        options.cancel.raise_if_cancelled()
    with writing_text(target, options, newline="") as part_file:
        table = csv.writer(part_file, lineterminator="\n")
        table.writerow(_COLUMNS)
        for clip in annotations.clips:
            for cells in _cells(clip):
                table.writerow([_guarded(cell) for cell in cells])
    return Written(target, 1)


def _cells(clip: AnnotatedClip) -> Iterator[tuple[str, ...]]:
    names = {each.object_id: each.name or default_name(each.object_id) for each in clip.objects}
    alone = {each.object_ids[0] for each in clip.expressions if each.object_ids and len(each.object_ids) == 1}
    for object_id, name in names.items():
        if object_id not in alone:
            yield (clip.name, "", str(object_id), name, "", "", "", "")
    for each in clip.expressions:
        meant = each.object_ids
        ids = "" if meant is None else " ".join(map(str, meant)) or "none"
        name = names[meant[0]] if meant is not None and len(meant) == 1 else ""
        positive = "yes" if each.positive else "no"
        yield (clip.name, each.expression_id, ids, name, each.text, each.kind, each.annotator, positive)
    if not clip.objects and not clip.expressions:
        yield (clip.name, "", "", "", "", "", "", "")


def detect(path: Path) -> bool:
    """A .csv or .tsv file whose first line names a clip and a text."""
    if not path.is_file() or path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return False
    header = {cell.strip().lower() for cell in beginning(path).partition("\n")[0].split(_delimiter(path))}
    return all(header & set(_ALIASES[each]) for each in ("clip", "text"))


FORMAT = Format(
    format_id="csv",
    title="CSV of sentences",
    layout="FILE.csv",
    target="file",
    can_overlap=True,
    losses=frozenset(
        {
            *(
                Loss.MASKS,
                Loss.CATEGORIES,
                Loss.ATTRIBUTES,
                Loss.OCCLUSION,
                Loss.ABSENCE,
                Loss.RATE,
                Loss.FRAMES,
                Loss.SIZE,
            ),
        }
    ),
    read=read,
    write=write,
    detect=detect,
    needs_size=False,
)
