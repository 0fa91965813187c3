"""One frame of the preview: matte, cut-out or effects, rendered off the GUI thread by what exports use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rvos_app.canvas.mode import ViewMode
from rvos_app.canvas.preview import Preview, preview_of
from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_core.masks import Rle, TrimapStrokes, decode
from rvos_core.matte.backgrounds import Backgrounds
from rvos_core.matte.look import Look
from rvos_core.matte.scene import Scene
from rvos_core.media import MediaReader
from rvos_core.types import CancelToken

_KNOWN = 500  # masks


@dataclass(frozen=True)
class PreviewObject:
    """An object as the window shows it.

    Attributes:
        masks: of the frame and of those that its matte looks back on, by frame index; None where there is none.
        strokes: what is painted over its trimap on the same frames.
    """

    object_id: int
    look: Look
    masks: Mapping[int, Rle | None] = field(repr=False)
    strokes: Mapping[int, TrimapStrokes | None] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RenderedPreview:
    """What came of it.

    Attributes:
        number: of the request; later ones are higher.
        is_draft: without what takes long; the rest follows.
    """

    number: int
    frame_index: int
    preview: Preview
    is_draft: bool


class PreviewRoom:
    """What previews of one clip share: a reader of their own and what was computed last.

    Made on the GUI thread; everything else in the preview queue's thread.
    """

    def __init__(self, reader: MediaReader) -> None:
        self._source = reader
        self._reader: MediaReader | None = None
        self._scene: Scene | None = None
        self._masks: dict[int, dict[int, Rle | None]] = {}  # that the scene may have seen, by object and frame
        self._strokes: dict[int, dict[int, TrimapStrokes | None]] = {}
        self._backgrounds = Backgrounds()
        self._token = _CurrentToken()

    def scene(self, objects: tuple[PreviewObject, ...], cancel: CancelToken) -> Scene:
        """The scene with these objects. Raises: UserError: the clip is gone."""
        self._token.current = cancel
        looks = {each.object_id: each.look for each in objects}
        if self._scene is None:
            self._reader = self._source.reopen()
            self._scene = Scene(
                self._reader.frame,
                self._mask,
                looks,
                strokes=self._painted,
                backgrounds=self._backgrounds,
                cancel=self._token,
            )
        else:
            self._scene.set_looks(looks)
        for each in objects:
            known = self._masks.setdefault(each.object_id, {})
            strokes = self._strokes.setdefault(each.object_id, {})
            if len(known) > _KNOWN or _differ(known, each.masks) or _differ(strokes, each.strokes):
                self._scene.forget(each.object_id)
                known.clear()
                strokes.clear()
            known.update(each.masks)
            strokes.update(each.strokes)
        return self._scene

    def _painted(self, object_id: int, frame_index: int) -> TrimapStrokes | None:
        return self._strokes[object_id].get(frame_index)

    def _mask(self, object_id: int, frame_index: int) -> np.ndarray | None:
        found = self._masks[object_id].get(frame_index)
        return None if found is None else decode(found)

    def close(self) -> None:
        """Let go of the clip. Safe to call twice."""
        self._backgrounds.close()
        if self._reader is not None:
            self._reader.close()
        self._reader = self._scene = None


def _differ(known: Mapping[int, object], said: Mapping[int, object]) -> bool:
    """Whether something else is said of a frame than is known of it."""
    return any(known.get(frame, value) != value for frame, value in said.items())


class _CurrentToken(CancelToken):
    """Stands for the token of the job at work, as a scene outlives its jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.current = CancelToken()

    @property
    def cancelled(self) -> bool:
        return self.current.cancelled

    def raise_if_cancelled(self) -> None:
        self.current.raise_if_cancelled()


@dataclass(frozen=True)
class RenderPreview:
    """Render one frame; where it takes long, a draft is reported first."""

    number: int
    room: PreviewRoom = field(repr=False)
    mode: ViewMode
    frame_index: int
    objects: tuple[PreviewObject, ...]

    @property
    def title(self) -> str:
        return tr("Rendering the matte")

    def run(self, context: JobContext) -> RenderedPreview:
        """Raises: UserError: the frame or a background cannot be read; Cancelled: something newer is wanted."""
        scene = self.room.scene(self.objects, context.cancel)
        if scene.takes_long(self.frame_index):
            context.report(self._rendered(scene, is_draft=True))
            context.checkpoint()
        return self._rendered(scene, is_draft=False)

    def _rendered(self, scene: Scene, *, is_draft: bool) -> RenderedPreview:
        preview = preview_of(self.mode, self._picture(scene, is_draft))
        return RenderedPreview(self.number, self.frame_index, preview, is_draft)

    def _picture(self, scene: Scene, draft: bool) -> np.ndarray:
        if self.mode is ViewMode.MATTE:
            return np.asarray(np.rint(scene.alpha(self.frame_index, draft=draft) * 255), dtype=np.uint8)
        if self.mode is ViewMode.CUT_OUT:
            return scene.cut_out(self.frame_index, draft=draft)
        return scene.picture(self.frame_index, draft=draft)


@dataclass(frozen=True)
class ClosePreviewRoom:
    """The clip is not shown any more."""

    room: PreviewRoom = field(repr=False)

    @property
    def title(self) -> str:
        return tr("Closing the preview")

    def run(self, context: JobContext) -> None:
        self.room.close()
