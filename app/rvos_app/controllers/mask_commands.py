"""What the Mask menu calls: whole masks, locks, the way to the next locked frame, magnifier and onion skin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.controllers.annotations import Annotations
from rvos_app.controllers.drawing import Drawing
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.shown import ShownFrame
from rvos_app.i18n import count, tr
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioObject, StudioState
from rvos_core.errors import UsageError
from rvos_core.masks import Rle, area, decode, empty, encode, fill_holes, moved
from rvos_core.types import FrameSpan


class MaskCommands(QObject):
    """Acts on the selected object and the frame on screen.

    Signals:
        said(str): a sentence for the status bar: what was done, or why nothing was.
    """

    said = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        drawing: Drawing,
        editor: MaskEditor,
        shown: ShownFrame,
        playback: PlaybackController,
        canvas: DrawingCanvas,
        annotations: Annotations,
        context: Context,
    ) -> None:
        super().__init__()
        self._state = state
        self._editor = editor
        self._shown = shown
        self._playback = playback
        self._canvas = canvas
        self._annotations = annotations
        self._context = context
        self._magnifies = self._onion_skin = False
        self.choose = drawing.choose
        self.change_size = drawing.change_size

    # -- whole masks -------------------------------------------------------------------------------------------------

    def fill_holes(self) -> None:
        """Fill what the mask goes round."""
        self._change(fill_holes, what="Fill holes", unchanged=tr("The mask has no holes."))

    def nudge(self, dx: int, dy: int) -> None:
        """Move the mask by some pixels; nudges that follow each other are one step of the history."""
        self._change(lambda mask: moved(mask, dx, dy), what="Nudge", unchanged=tr("The mask is empty."), merges=True)

    def copy_to(self, step: int) -> None:
        """Copy the mask to the next or the previous frame, and go there."""
        self._do(lambda: self._copy_to(step))

    def _copy_to(self, step: int) -> None:
        thing, frame = self._editor.required_target(), self._shown.index
        mask, to = self._required_mask(thing), frame + step
        if self._state.clip is None or not 0 <= to < self._state.clip.frame_count:
            raise UsageError(tr("There is no frame to copy to."), code="mask.no_frame")
        if self._state.results(thing.object_id).is_locked(to):
            raise UsageError(
                tr("Frame {frame} is locked, so its mask stays; unlock it first.", frame=to), code="mask.locked"
            )
        self._canvas.finish_gesture()
        self._editor.draw(thing.object_id, to, mask, what=f"Copy of frame {frame}")
        self._playback.step(step)

    def delete_here(self) -> None:
        """Take the mask of this frame out, locked or not."""
        self._do(self._delete_here)

    def _delete_here(self) -> None:
        thing, frame = self._editable(), self._shown.index
        if frame not in self._state.results(thing.object_id):
            raise UsageError(tr("There is no mask on frame {frame}.", frame=frame), code="mask.none")
        self._canvas.cancel_gesture()
        self._editor.delete(thing.object_id, FrameSpan(frame, frame + 1), locked_too=True)

    def delete_span(self) -> None:
        """Take the masks between in and out out, except those that are locked."""
        self._do(self._delete_span)

    def _delete_span(self) -> None:
        thing, span = self._editable(), self._state.span
        shelf = self._state.results(thing.object_id)
        frames = np.arange(span.start, span.stop)
        locked = int(shelf.locks(frames).sum())
        known = int((shelf.states(frames)[0] > 0).sum())
        if known == locked:
            why = tr("All masks between in and out are locked.") if locked else tr("There are no masks there.")
            raise UsageError(why, code="mask.none")
        self._canvas.cancel_gesture()
        self._editor.delete(thing.object_id, span, locked_too=False)
        said = tr("Deleted masks of {frames}.", frames=count(known - locked, "frame", "frames"))
        kept = tr("{frames} locked, and kept.", frames=count(locked, "frame", "frames")) if locked else ""
        self.said.emit(f"{said} {kept}".rstrip())

    # -- locks -------------------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Lock the mask of this frame: no run and no propagation changes it."""
        self._do(lambda: self._lock(locked=True))

    def unlock(self) -> None:
        """Let runs change the mask of this frame again."""
        self._do(lambda: self._lock(locked=False))

    def _lock(self, *, locked: bool) -> None:
        thing, frame = self._editable(), self._shown.index
        shelf = self._state.results(thing.object_id)
        if frame not in shelf:
            raise UsageError(tr("There is no mask on frame {frame}.", frame=frame), code="mask.none")
        if shelf.is_locked(frame) == locked:
            raise UsageError(
                tr("Frame {frame} is locked already.", frame=frame)
                if locked
                else tr("Frame {frame} is not locked.", frame=frame),
                code="mask.locked",
            )
        self._editor.lock(thing.object_id, (frame,), locked=locked)

    def accept(self) -> None:
        """This frame is right as it is: lock it, and where it has no mask, say that the object is not in sight."""
        self._do(self._accept)

    def _accept(self) -> None:
        thing, frame = self._editor.required_target(), self._shown.index
        if frame in self._state.results(thing.object_id):
            self._lock(locked=True)
            self.said.emit(tr("Frame {frame} is accepted as it is.", frame=frame))
            return
        height, width = self._shown.required_picture().shape[:2]
        self._editor.draw(thing.object_id, frame, empty(height, width), what="Not in sight")
        self.said.emit(tr("“{name}” is not in sight on frame {frame}: accepted.", name=thing.name, frame=frame))

    def go_locked(self, direction: int) -> None:
        """Go to the next locked frame of the selected object (of any, where none is selected): 1 on, -1 back."""
        selected = self._state.selected
        ids = [each.object_id for each in self._state.objects] if selected is None else [selected]
        found = [self._state.results(object_id).locked_frames() for object_id in ids]
        frames = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
        here = self._state.frame_index
        ahead = frames[frames > here] if direction > 0 else frames[frames < here][::-1]
        if ahead.size:
            self._playback.pause()
            self._playback.seek(int(ahead[0]))
        else:
            self.said.emit(tr("No locked frame after this one.") if direction > 0 else tr("No locked frame before."))

    # -- views -------------------------------------------------------------------------------------------------------

    def toggle_magnifier(self) -> None:
        self._magnifies = not self._magnifies
        self._context["magnifier"] = self._magnifies
        self._canvas.set_magnifier(self._magnifies)

    def toggle_onion_skin(self) -> None:
        self._onion_skin = not self._onion_skin
        self._context["onion_skin"] = self._onion_skin
        self._annotations.set_onion_skin(self._onion_skin)

    # -- what they share ---------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except UsageError as error:
            self.said.emit(str(error))

    def _editable(self) -> StudioObject:
        """The selected object, also on a frame that cannot be read. Raises: UsageError."""
        return self._editor.required_target(readable=False)

    def _required_mask(self, thing: StudioObject) -> Rle:
        found = self._editor.mask(thing.object_id, self._shown.index)
        if found is None or not area(found):
            raise UsageError(tr("There is no mask on frame {frame}.", frame=self._shown.index), code="mask.none")
        return found

    def _change(
        self, work: Callable[[np.ndarray], np.ndarray], *, what: str, unchanged: str, merges: bool = False
    ) -> None:
        self._do(lambda: self._change_mask(work, what, unchanged, merges))

    def _change_mask(self, work: Callable[[np.ndarray], np.ndarray], what: str, unchanged: str, merges: bool) -> None:
        self._canvas.finish_gesture()
        thing, frame = self._editor.required_target(), self._shown.index
        before = self._required_mask(thing)
        after = encode(work(decode(before)))
        if after == before:
            raise UsageError(unchanged, code="mask.unchanged")
        merge = f"{what}:{thing.object_id}:{frame}" if merges else ""
        self._editor.draw(thing.object_id, frame, after, what=what, merge=merge)
