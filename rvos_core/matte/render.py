"""One object's matte, frame by frame: what the preview shows and what an export writes, from one function."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.matte.closed_form import Progress, closed_form_alpha
from rvos_core.matte.colours import despilled, straight_colours
from rvos_core.matte.edges import cleaned, feathered, grown, levels, mended_at_border, shape_of, soft_edge
from rvos_core.matte.settings import MatteSettings, MatteStack, Refine
from rvos_core.matte.steady import LOOK_BACK, steadied
from rvos_core.matte.trimap import OUTSIDE, automatic_trimap, painted_trimap
from rvos_core.types import CancelToken

FrameSource = Callable[[int], np.ndarray]  # frame index -> (H, W, 3) uint8 RGB
MaskSource = Callable[[int], np.ndarray | None]  # frame index -> (H, W) bool, (h, w) float logits, or nothing
TrimapSource = Callable[[int], np.ndarray | None]  # frame index -> (H, W) uint8, or none is painted

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
    """A frame and its alpha before steadiness: `alpha` (h, w) lies at `top`, `left`; None where nothing is."""

    frame: np.ndarray
    alpha: np.ndarray | None
    top: int = 0
    left: int = 0

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
        trimaps: gives a painted trimap; it is used in place of the automatic one where `refine` is on.
        cancel: looked at while a frame is refined.
    """

    def __init__(
        self,
        frames: FrameSource,
        masks: MaskSource,
        stack: MatteStack,
        *,
        trimaps: TrimapSource | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.stack = stack
        self._frames = frames
        self._masks = masks
        self._trimaps = trimaps
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
        return _finished(own.frame, alpha, settings)

    def _own(self, frame_index: int, settings: MatteSettings, progress: Progress | None) -> _Own:
        """The frame and its own alpha, remembered for the frames that look back on it and for other knobs."""
        key = (frame_index, _before_steadiness(settings))
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        frame, mask = self._frames(frame_index), self._masks(frame_index)
        painted = None
        if self._trimaps is not None and settings.refine is Refine.EDGE:
            painted = self._trimaps(frame_index)
        own = _own_alpha(frame, mask, painted, settings, progress=progress, cancel=self._cancel)
        self._remembered[key] = own
        while len(self._remembered) > LOOK_BACK + 2:  # the frame, those it looks back on, and a draft
            self._remembered.popitem(last=False)
        return own


def _own_alpha(
    frame: np.ndarray,
    given: np.ndarray | None,
    painted: np.ndarray | None,
    settings: MatteSettings,
    *,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> _Own:
    height, width = frame.shape[:2]
    softness = None
    if given is None:
        mask = np.zeros((height, width), dtype=bool)
    else:
        first, softness = shape_of(given, height=height, width=width)
        mask = cleaned(first, holes=settings.fill_holes, despeckle_px=settings.despeckle_px)
        if settings.border_fix_px > 0:
            mask = mended_at_border(mask, round(settings.border_fix_px))
        softness = np.where(mask == first, softness, mask.astype(np.float32))
    trimap = painted_trimap(painted, height=height, width=width) if painted is not None else None
    covered = mask if trimap is None else trimap != OUTSIDE
    reach = math.ceil(max(3 * settings.soft_edge_px, settings.outside_px + 3, settings.inside_px + 3))
    box = cv2.boundingRect(np.ascontiguousarray(covered).view(np.uint8))
    if not box[2]:
        return _Own(frame, None)
    left, top, across, down = box
    # The region reaches past the frame's border, where picture and mask go on: so an edge there makes no rim.
    region = (top - reach, top + down + reach, left - reach, left + across + reach)
    picture, solid = _cut(frame, region, reach), _cut(mask.view(np.uint8), region, reach).view(bool)
    if settings.refine is Refine.EDGE:
        here = automatic_trimap(solid, inside_px=settings.inside_px, outside_px=settings.outside_px)
        if trimap is not None:
            here = _cut(trimap, region, reach)
        alpha = closed_form_alpha(picture, here, progress=progress, cancel=cancel)
    elif settings.soft_edge:
        soft = _cut(softness, region, reach) if softness is not None else None
        alpha = soft_edge(picture, solid, band_px=settings.soft_edge_px, softness=soft)
    else:
        alpha = solid.astype(np.float32)
    rows, columns = max(0, -region[0]), max(0, -region[2])
    top, left = max(0, region[0]), max(0, region[2])
    inner = alpha[rows : rows + min(height, region[1]) - top, columns : columns + min(width, region[3]) - left]
    return _Own(frame, _snapped(inner), top, left)


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


def _cut(picture: np.ndarray, region: tuple[int, int, int, int], margin: int) -> np.ndarray:
    """`picture` (H, W[, C]) within `region` (top, bottom, left, right); up to `margin` past the border it goes on."""
    height, width = picture.shape[:2]
    top, bottom, left, right = region
    inner = picture[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    sides = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if max(sides) > margin:
        raise ValueError(f"a region {sides} past the frame, more than {margin}")
    return np.asarray(cv2.copyMakeBorder(inner, *sides, cv2.BORDER_REPLICATE))


def _laid(part: np.ndarray | None, shape: tuple[int, int], top: int, left: int) -> np.ndarray:
    """Zeros (H, W) float32 with `part` at a place."""
    full = np.zeros(shape, dtype=np.float32)
    if part is not None:
        full[top : top + part.shape[0], left : left + part.shape[1]] = part
    return full
