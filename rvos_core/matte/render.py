"""One object's matte, frame by frame: what the preview shows and what an export writes, from one function."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.masks import TrimapStrokes
from rvos_core.matte.band import band_of, cut, reach_of, region_round, shaped
from rvos_core.matte.closed_form import Progress, closed_form_alpha
from rvos_core.matte.colours import despilled, straight_colours
from rvos_core.matte.edges import feathered, grown, levels, soft_edge
from rvos_core.matte.settings import MatteSettings, MatteStack, Refine
from rvos_core.matte.steady import LOOK_BACK, steadied
from rvos_core.matte.trimap import INSIDE, OUTSIDE, UNKNOWN, painted_trimap, stroke_labels, under_strokes
from rvos_core.types import CancelToken

FrameSource = Callable[[int], np.ndarray]  # frame index -> (H, W, 3) uint8 RGB
MaskSource = Callable[[int], np.ndarray | None]  # frame index -> (H, W) bool, (h, w) float logits, or nothing
TrimapSource = Callable[[int], np.ndarray | None]  # frame index -> a whole one, (H, W) uint8, or None
StrokeSource = Callable[[int], TrimapStrokes | None]  # frame index -> what is painted over it, or nothing

COLOUR_MARGIN_PX = 16  # pixels around the object into which its colours are continued
_VISIBLE = 1 / 131070  # alpha below is 0 in sixteen bits


@dataclass(frozen=True)
class Matte:
    """What an object covers on one frame.

    Attributes:
        alpha: (H, W) float32, 0..1.
        colours: (H, W, 3) uint8 RGB, straight (not multiplied by alpha); black far from the object. The frame itself
            where straight colours are switched off.
    """

    alpha: np.ndarray
    colours: np.ndarray

    @property
    def is_empty(self) -> bool:
        return not self.alpha.any()


@dataclass(frozen=True)
class _Own:
    """A frame and its alpha before steadiness: `alpha` (h, w) lies at `top`, `left`; None where nothing is.

    `labels`: (H, W) uint8, what is painted there; None: nothing.
    """

    frame: np.ndarray
    alpha: np.ndarray | None
    top: int = 0
    left: int = 0
    labels: np.ndarray | None = None

    def full(self) -> np.ndarray:
        height, width = self.frame.shape[:2]
        return _laid(self.alpha, (height, width), self.top, self.left)


class MatteRenderer:
    """Makes the mattes of one object.

    A frame's matte depends on its number, the sources and the stack alone, never on what was asked before: preview
    and export are equal to the bit. What a few frames cost is remembered, so that knobs behind the refinement (grow,
    feather, levels, colours) answer at once. For one thread at a time.

    Args:
        frames: gives a frame by its number; all of one size.
        masks: gives the object's mask on a frame, or None.
        stack: what is done to it; may be set anew.
        trimaps: gives a whole trimap; it is used in place of the automatic one where `refine` is on.
        strokes: gives what a person painted over the trimap, for the same use: painted pixels are as they say, all
            others as without them. On a frame without a mask they say nothing.
        cancel: looked at while a frame is refined.
    """

    def __init__(
        self,
        frames: FrameSource,
        masks: MaskSource,
        stack: MatteStack,
        *,
        trimaps: TrimapSource | None = None,
        strokes: StrokeSource | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.stack = stack
        self._frames = frames
        self._masks = masks
        self._trimaps = trimaps
        self._strokes = strokes
        self._cancel = cancel
        self._remembered: OrderedDict[tuple[int, MatteSettings], _Own] = OrderedDict()

    def matte(self, frame_index: int, *, progress: Progress | None = None) -> Matte:
        """The matte of one frame.

        Args:
            frame_index: 0 or more.
            progress: called with finished and all pixels to refine, where it takes long.

        Raises:
            UserError: if a painted trimap does not fit; whatever the sources raise.
            Cancelled: once `cancel` is set.
        """
        return self._made(frame_index, self.stack.at, progress)

    def draft(self, frame_index: int) -> Matte:
        """The matte without what takes long (refinement, steadiness): to be seen while `matte` is at work."""
        return self._made(frame_index, lambda index: _quick(self.stack.at(index)), None)

    def forget(self) -> None:
        """To be called when the sources say something new (a corrected mask, a painted trimap)."""
        self._remembered.clear()

    def _made(self, frame_index: int, settings_at: Callable[[int], MatteSettings], progress: Progress | None) -> Matte:
        settings = settings_at(frame_index)
        own = self._own(frame_index, settings, progress)
        if own.alpha is None:
            return Matte(np.zeros(own.frame.shape[:2], dtype=np.float32), np.zeros_like(own.frame))
        alpha = own.full()
        if settings.steady > 0:
            indices = range(frame_index - 1, max(-1, frame_index - 1 - LOOK_BACK), -1)
            each = [self._own(index, settings_at(index), progress) for index in indices]
            earlier = [(one.frame, one.full()) for one in each if one.alpha is not None]
            alpha = steadied(own.frame, alpha, earlier, strength=settings.steady)
            if own.labels is not None:  # what a person is sure of no other frame changes
                alpha[own.labels == INSIDE], alpha[own.labels == OUTSIDE] = 1, 0
        return _finished(own.frame, alpha, settings)

    def _own(self, frame_index: int, settings: MatteSettings, progress: Progress | None) -> _Own:
        """The frame and its own alpha, remembered for the frames that look back on it and for other knobs."""
        key = (frame_index, _before_steadiness(settings))
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        frame, mask = self._frames(frame_index), self._masks(frame_index)
        trimap, labels = self._painted(frame_index, frame.shape[:2], mask is None, settings)
        own = _own_alpha(frame, mask, trimap, labels, settings, progress=progress, cancel=self._cancel)
        self._remembered[key] = own
        while len(self._remembered) > LOOK_BACK + 2:  # the frame, those it looks back on, and a draft
            self._remembered.popitem(last=False)
        return own

    def _painted(
        self, frame_index: int, size: tuple[int, ...], maskless: bool, settings: MatteSettings
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """A whole trimap and the labels of strokes, (H, W) uint8 each; None where there are none, or nobody asks."""
        if settings.refine is not Refine.EDGE:
            return None, None
        height, width = size
        trimap = self._trimaps(frame_index) if self._trimaps is not None else None
        strokes = self._strokes(frame_index) if self._strokes is not None and not maskless else None
        return (
            None if trimap is None else painted_trimap(trimap, height=height, width=width),
            None if strokes is None else stroke_labels(strokes, height=height, width=width),
        )


def _own_alpha(
    frame: np.ndarray,
    given: np.ndarray | None,
    trimap: np.ndarray | None,
    labels: np.ndarray | None,
    settings: MatteSettings,
    *,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> _Own:
    height, width = frame.shape[:2]
    mask, softness = shaped(given, settings, height=height, width=width)
    covered = mask if trimap is None else trimap != OUTSIDE
    if labels is not None:
        covered = covered | (labels == UNKNOWN) | (labels == INSIDE)
    reach = reach_of(settings)
    region = region_round(covered, reach)
    if region is None:
        return _Own(frame, None)
    picture, solid = cut(frame, region, reach), cut(mask.view(np.uint8), region, reach).view(bool)
    if settings.refine is Refine.EDGE:
        here = band_of(solid, settings) if trimap is None else cut(trimap, region, reach)
        if labels is not None:
            here = under_strokes(here, cut(labels, region, reach))
        alpha = closed_form_alpha(picture, here, progress=progress, cancel=cancel)
    elif settings.soft_edge:
        soft = cut(softness, region, reach) if softness is not None else None
        alpha = soft_edge(picture, solid, band_px=settings.soft_edge_px, softness=soft)
    else:
        alpha = solid.astype(np.float32)
    rows, columns = max(0, -region[0]), max(0, -region[2])
    top, left = max(0, region[0]), max(0, region[2])
    inner = alpha[rows : rows + min(height, region[1]) - top, columns : columns + min(width, region[3]) - left]
    return _Own(frame, _snapped(inner), top, left, labels)


def _finished(frame: np.ndarray, alpha: np.ndarray, settings: MatteSettings) -> Matte:
    """What comes after steadiness: moving, fading, levels, colours; only where something is."""
    height, width = alpha.shape
    grow, feather = settings.grow_px, settings.feather_px
    reach = math.ceil(max(0.0, grow) + feather) + COLOUR_MARGIN_PX
    left, top, across, down = cv2.boundingRect((alpha > _VISIBLE).view(np.uint8))
    place = np.s_[max(0, top - reach) : top + down + reach, max(0, left - reach) : left + across + reach]
    edge = levels(feathered(grown(alpha[place], grow), feather), black=settings.clean_black, white=settings.clean_white)
    edge = _snapped(edge)
    full = _laid(edge, (height, width), place[0].start, place[1].start)
    if not edge.any():
        return Matte(full, np.zeros_like(frame))
    picture = np.ascontiguousarray(frame[place])
    colours = straight_colours(picture, edge) if settings.straight_colours else picture
    colours = despilled(
        colours,
        edge,
        colour=settings.despill_colour,
        strength=settings.despill,
        reach_px=settings.despill_reach_px,
    )
    laid = np.zeros_like(frame) if settings.straight_colours else frame.copy()
    laid[place] = colours
    return Matte(full, laid)


def _before_steadiness(settings: MatteSettings) -> MatteSettings:
    """Only the knobs that a frame's own alpha depends on."""
    return MatteSettings(
        fill_holes=settings.fill_holes,
        despeckle_px=settings.despeckle_px,
        border_fix_px=settings.border_fix_px,
        soft_edge=settings.soft_edge,
        soft_edge_px=settings.soft_edge_px,
        refine=settings.refine,
        inside_px=settings.inside_px,
        outside_px=settings.outside_px,
    )


def _snapped(alpha: np.ndarray) -> np.ndarray:
    """Alpha without what no file can hold: solvers and filters leave traces far from the object."""
    return np.where(alpha > _VISIBLE, alpha, np.float32(0))


def _quick(settings: MatteSettings) -> MatteSettings:
    return replace(settings, refine=Refine.NONE, steady=0.0)


def _laid(part: np.ndarray | None, shape: tuple[int, int], top: int, left: int) -> np.ndarray:
    """Zeros (H, W) float32 with `part` at a place."""
    full = np.zeros(shape, dtype=np.float32)
    if part is not None:
        full[top : top + part.shape[0], left : left + part.shape[1]] = part
    return full
