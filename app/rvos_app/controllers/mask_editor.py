"""What a person does to masks becomes an edit of the document; the state shows it at once."""

from __future__ import annotations

from PySide6.QtCore import QObject

from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.shown import ShownFrame
from rvos_app.i18n import tr
from rvos_app.jobs.project_work import object_record
from rvos_app.state import StudioObject, StudioState
from rvos_core.errors import UsageError
from rvos_core.inference.events import FrameResult
from rvos_core.masks import Rle, area, bbox
from rvos_core.project.edits import AddObject, Edit, Together
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, LockFrames
from rvos_core.types import FrameSpan


class MaskEditor(QObject):
    """Every mask that a person leaves is locked on its frame. Called on the GUI thread."""

    def __init__(self, state: StudioState, *, documents: DocumentController, shown: ShownFrame) -> None:
        super().__init__()
        self._state = state
        self._documents = documents
        self._shown = shown

    # -- on what -----------------------------------------------------------------------------------------------------

    def target(self, *, readable: bool = True) -> StudioObject | None:
        """The object that a gesture on the frame on screen changes; None: it makes a new one.

        Args:
            readable: the frame must be on screen, as something is drawn on it.

        Raises:
            UsageError: nothing can be changed here, and why.
        """
        if readable:
            self._shown.required_picture()
        self._documents.require_writable()
        thing = self._state.object(self._state.selected) if self._state.selected is not None else None
        if thing is not None:
            _require_open(thing)
        return thing

    def required_target(self, *, readable: bool = True) -> StudioObject:
        """As `target`. Raises: UsageError: also where no object is selected."""
        thing = self.target(readable=readable)
        if thing is None:
            raise UsageError(tr("Select an object first."), code="object.none_selected")
        return thing

    def open_object(self, object_id: int) -> StudioObject:
        """The object that a gesture was made on. Raises: UsageError: it is gone, locked or hidden, or only read."""
        self._documents.require_writable()
        found = self._state.object(object_id)
        if found is None:
            raise UsageError(tr("The object that was drawn is gone."), code="object.gone")
        _require_open(found)
        return found

    def mask(self, object_id: int | None, frame: int) -> Rle | None:
        """An object's mask on a frame, or None where there is none."""
        found = self._state.results(object_id).get(frame) if object_id is not None else None
        return None if found is None else found.mask

    def is_locked(self, object_id: int | None, frame: int) -> bool:
        """Whether a person's word stands on a frame of an object."""
        return object_id is not None and self._state.results(object_id).is_locked(frame)

    # -- what is done ------------------------------------------------------------------------------------------------

    def draw(self, object_id: int | None, frame: int, mask: Rle, *, what: str, merge: str = "") -> int:
        """A person's mask takes the place of what was there, and locks the frame.

        Args:
            object_id: None: of a new object, which is selected.
            what: how it was drawn, for the history.
            merge: edits of the same word that follow each other closely become one entry.

        Returns:
            The object's id.

        Raises:
            UsageError: the object is gone, locked or hidden, or the project is only read.
        """
        self._documents.require_writable()
        extra: tuple[Edit, ...] = ()
        if object_id is None:
            thing = self._state.add_object("", name=tr("Object {number}", number=self._state.next_object_id))
            record = object_record(thing, media_id=self._state.media_id, position=len(self._state.objects) - 1)
            extra = (AddObject(record),)
        else:
            thing = self.open_object(object_id)
        drawn = DrawMask(thing.object_id, frame, mask, what)
        box = bbox(mask)
        floats = None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        result = FrameResult(frame, mask, 1.0, floats, visible=area(mask) > 0)
        self._state.put_results(thing.object_id, [result], locked=True)
        self._state.edited.emit(Together((*extra, drawn), drawn.name) if extra else drawn, merge)
        return thing.object_id

    def delete(self, object_id: int, span: FrameSpan, *, locked_too: bool) -> None:
        """Take masks out."""
        self._state.clear_results(object_id, span, keep_locked=not locked_too)
        self._state.edited.emit(DeleteMasks(object_id, span, locked_too), "")

    def lock(self, object_id: int, frames: tuple[int, ...], *, locked: bool) -> None:
        """Lock or unlock frames that have a mask."""
        self._state.lock_results(object_id, frames, locked=locked)
        self._state.edited.emit(LockFrames(object_id, frames, locked), "")


def _require_open(thing: StudioObject) -> None:
    if thing.locked:
        raise UsageError(tr("“{name}” is locked as a whole; unlock it first.", name=thing.name), code="object.locked")
    if not thing.visible:
        raise UsageError(
            tr("“{name}” is hidden; show it first (H).", name=thing.name),
            code="object.hidden",
        )
