"""Everything that a person or a run can change, one small class each.

An edit says what it does to the rows; `Rows` keeps how they were, which is its undo and its cost in bytes. What makes
no sense (an object that is gone) raises `UserError`, and the document stays as it was. Masks are in `mask_edits`,
painted trimaps in `trimaps`, whole tracks in `track_edits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from rvos_core.errors import UserError
from rvos_core.project.errors import shown
from rvos_core.project.mask_edits import frames_of, required_clip, required_object
from rvos_core.project.records import (
    Colour,
    ExpressionRecord,
    MediaRecord,
    ObjectRecord,
    pts_rows,
)
from rvos_core.project.rows import Rows
from rvos_core.project.schema import EXPRESSION, LOOK, MASK, MEDIA, OBJECT, PTS, SETTING
from rvos_core.project.trimaps import delete_trimaps

MAX_LOOK = 1 << 20  # characters


class Edit(Protocol):
    """One change of the document."""

    @property
    def name(self) -> str:
        """What the history panel shows, e.g. `Rename “dog”`."""
        ...

    def apply(self, rows: Rows) -> None:
        """Change the rows. Raises: UserError: it cannot be done; nothing of it is kept then."""
        ...


@dataclass(frozen=True)
class Together:
    """Several edits as one entry of the history, done in this order, all or none."""

    edits: tuple[Edit, ...]
    name: str

    def apply(self, rows: Rows) -> None:
        for each in self.edits:
            each.apply(rows)


# -- media -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AddMedia:
    """Take a clip in, with its time table. `pts`: (frames,) in `media.time_base`, increasing."""

    media: MediaRecord
    pts: Sequence[int] = field(repr=False)

    @property
    def name(self) -> str:
        return f"Add {shown(Path(self.media.absolute_path.name))}"

    def apply(self, rows: Rows) -> None:
        rows.put(MEDIA, self.media.row())
        for row in pts_rows(self.media.media_id, self.pts):
            rows.put(PTS, row)


@dataclass(frozen=True)
class RelinkMedia:
    """A clip lies elsewhere now, or its file was replaced. `pts` is None where the times are the same."""

    media_id: int
    path: Path
    relative_path: Path | None
    size_bytes: int
    identity: str
    frame_count: int
    pts: Sequence[int] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return f"Relink {shown(Path(self.path.name))}"

    def apply(self, rows: Rows) -> None:
        new = replace(
            required_clip(rows, self.media_id),
            absolute_path=self.path,
            relative_path=self.relative_path,
            size_bytes=self.size_bytes,
            identity=self.identity,
            frame_count=self.frame_count,
        )
        rows.put(MEDIA, new.row())
        if self.pts is None:
            return
        for row in list(rows.select(PTS, "media_id=?", (self.media_id,))):
            rows.delete(PTS, *row[:2])
        for row in pts_rows(self.media_id, self.pts):
            rows.put(PTS, row)


# -- objects -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AddObject:
    """A new object."""

    object: ObjectRecord

    @property
    def name(self) -> str:
        return f"Add “{self.object.name}”"

    def apply(self, rows: Rows) -> None:
        if rows.get(OBJECT, self.object.object_id) is not None:
            raise UserError(f"There is an object {self.object.object_id} already.", code="project.object_exists")
        required_clip(rows, self.object.media_id)
        rows.put(OBJECT, self.object.row())


@dataclass(frozen=True)
class ChangeObject:
    """Rename, recolour, show, hide, lock or note: what is given."""

    object_id: int
    new_name: str | None = None
    colour: Colour | None = None
    visible: bool | None = None
    locked: bool | None = None
    note: str | None = None

    @property
    def name(self) -> str:
        if self.new_name is not None:
            return f"Rename to “{self.new_name}”"
        if self.colour is not None:
            return "Change the colour"
        if self.visible is not None:
            return "Show object" if self.visible else "Hide object"
        if self.locked is not None:
            return "Lock object" if self.locked else "Unlock object"
        return "Note on object"

    def apply(self, rows: Rows) -> None:
        old = required_object(rows, self.object_id)
        new = replace(
            old,
            name=old.name if self.new_name is None else self.new_name,
            colour=old.colour if self.colour is None else self.colour,
            visible=old.visible if self.visible is None else self.visible,
            locked=old.locked if self.locked is None else self.locked,
            note=old.note if self.note is None else self.note,
        )
        rows.put(OBJECT, new.row())


@dataclass(frozen=True)
class DeleteObject:
    """Take an object out, with its expressions, its masks, its look and what was painted on its trimaps."""

    object_id: int
    label: str = ""

    @property
    def name(self) -> str:
        return f"Remove “{self.label}”" if self.label else "Remove object"

    def apply(self, rows: Rows) -> None:
        required_object(rows, self.object_id)
        for frame in frames_of(rows, self.object_id):
            rows.delete(MASK, self.object_id, frame)
        for row in list(rows.select(EXPRESSION, "object_id=?", (self.object_id,))):
            rows.delete(EXPRESSION, row[0])
        rows.delete(LOOK, self.object_id)
        delete_trimaps(rows, self.object_id)
        rows.delete(OBJECT, self.object_id)


@dataclass(frozen=True)
class ReorderObjects:
    """Put the objects of a clip in this order."""

    object_ids: tuple[int, ...]
    name: str = "Reorder objects"

    def apply(self, rows: Rows) -> None:
        for position, object_id in enumerate(self.object_ids):
            rows.put(OBJECT, replace(required_object(rows, object_id), position=position).row())


@dataclass(frozen=True)
class SetLook:
    """How an object's mattes and effects are made; masks stay as they are.

    Args:
        object_id: whose.
        look: JSON, kept as it is and never read here; empty: the defaults.
        label: what the history shows.
    """

    object_id: int
    look: str = field(repr=False)
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or "Change the matte"

    def apply(self, rows: Rows) -> None:
        required_object(rows, self.object_id)
        if len(self.look) > MAX_LOOK:
            raise UserError(
                f"The matte of an object can be described by {MAX_LOOK:,} characters, not {len(self.look):,}.",
                hint="Take out some of its keyframes.",
                code="project.look_too_long",
            )
        if self.look:
            rows.put(LOOK, (self.object_id, self.look))
        else:
            rows.delete(LOOK, self.object_id)


# -- expressions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PutExpression:
    """A new sentence for an object, or another version of one."""

    expression: ExpressionRecord

    @property
    def name(self) -> str:
        return f"Expression “{self.expression.text}”"

    def apply(self, rows: Rows) -> None:
        required_object(rows, self.expression.object_id)
        rows.put(EXPRESSION, self.expression.row())


@dataclass(frozen=True)
class DeleteExpression:
    """Take a sentence out."""

    expression_id: int
    name: str = "Remove expression"

    def apply(self, rows: Rows) -> None:
        rows.delete(EXPRESSION, self.expression_id)


# -- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetSetting:
    """A value of the document that is not a mask, e.g. in and out of a clip. None: the default.

    Args:
        scope: whose it is, e.g. `media:1` or `object:3`.
        key: its name there.
        value: JSON.
        label: what the history shows.
    """

    scope: str
    key: str
    value: str | None
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or f"Set {self.key}"

    def apply(self, rows: Rows) -> None:
        if self.value is None:
            rows.delete(SETTING, self.scope, self.key)
        else:
            rows.put(SETTING, (self.scope, self.key, self.value))
