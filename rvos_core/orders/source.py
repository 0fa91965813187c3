"""What an order is made of: a project as it is when the work begins, its clip, and the masks of the chosen objects."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvos_core.delivery.plan import DeliveryObject
from rvos_core.errors import UserError
from rvos_core.masks import Rle, TrimapStrokes, area
from rvos_core.matte.steady import LOOK_BACK
from rvos_core.media import MediaReader, open_media
from rvos_core.orders.order import Order
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import Colour, MediaRecord, ObjectRecord
from rvos_core.project.relink import Identity, identity_of, locate
from rvos_core.types import FrameSpan, MediaInfo

_LOOKED_AT = 24  # masks of an object, to tell how much it covers


@dataclass(frozen=True)
class OrderObject:
    """One object. `number`: its place among the objects of its clip, from 1; names of mask folders begin with it."""

    object_id: int
    number: int
    name: str
    expression: str
    colour: Colour

    @property
    def for_delivery(self) -> DeliveryObject:
        """The same for a plan."""
        return DeliveryObject(self.object_id, self.name, self.expression)


class OrderSource:
    """Project and clip, open for one order. Belongs to one thread; made by `open_source`.

    Attributes:
        project: held at one instant: what is changed meanwhile does not show.
        clip: the clip's record.
        objects: those of the order, from the lowest to the topmost.
        is_same_file: the clip is the file whose objects were found.
    """

    def __init__(self, project: ProjectReader, clip: MediaRecord, order: Order, media: MediaReader) -> None:
        self.project = project
        self.clip = clip
        self.order = order
        self.media = media
        known = project.objects(clip.media_id)
        self.objects = tuple(_object(project, known, object_id) for object_id in order.object_ids)
        self.is_same_file = identity_of(media.info.path) == Identity(clip.size_bytes, clip.identity)
        self._looks = {each.object_id: project.look(each.object_id) for each in self.objects}
        self._masks: dict[int, dict[int, Rle]] | None = None  # by object and frame, once they are taken
        self._strokes: dict[int, dict[int, TrimapStrokes]] = {}
        self._frame: tuple[int, np.ndarray] | None = None

    @property
    def info(self) -> MediaInfo:
        """The clip."""
        return self.media.info

    @property
    def span(self) -> FrameSpan:
        """Frames of the order, inside the clip."""
        span, count = self.order.span, self.info.frame_count
        return FrameSpan(0, count) if span is None else FrameSpan(min(span.start, count), min(span.stop, count))

    @property
    def span_with_handles(self) -> FrameSpan:
        """Frames of the order and the widest handles of its specifications."""
        handles = max((each.handles for each in self.order.specs), default=0)
        return FrameSpan(max(0, self.span.start - handles), min(self.info.frame_count, self.span.stop + handles))

    @property
    def span_looked_at(self) -> FrameSpan:
        """Frames whose masks the work asks for: mattes look back on those before their own."""
        span = self.span_with_handles
        return FrameSpan(max(0, span.start - LOOK_BACK), span.stop)

    @property
    def looks(self) -> dict[int, str]:
        """Object id -> its look, see `matte.look`, from the lowest to the topmost."""
        return self._looks

    def mask(self, object_id: int, frame: int) -> Rle | None:
        """The mask of a frame; None where there is none, or the object is out of sight.

        Raises:
            UserError: it is damaged, or of another size.
        """
        if self._masks is not None:
            found = self._masks[object_id].get(frame)
        else:
            record = self.project.mask(object_id, frame)
            found = None if record is None or not record.visible else record.mask
        if found is not None and (found.height, found.width) != (self.info.height, self.info.width):
            raise UserError(
                f"The mask of frame {frame} is {found.width}x{found.height}, the clip is "
                f"{self.info.width}x{self.info.height}.",
                hint="Link the project to the clip that was annotated.",
                code="media.other_size",
            )
        return found

    def strokes(self, object_id: int, frame: int) -> TrimapStrokes | None:
        """What is painted over an object's trimap on a frame, or None. Raises: UserError: it is damaged."""
        if self._masks is not None:
            return self._strokes[object_id].get(frame)
        found = self.project.trimap(object_id, frame)
        return None if found is None else found.strokes

    def take_masks(self, span: FrameSpan) -> str:
        """Keep the masks of `span` in memory, some hundred bytes each, for as long as the work lasts; and what is
        painted over trimaps.

        Returns:
            What names masks, looks and painted trimaps: others, another name.

        Raises:
            UserError: a mask or a painted trimap is damaged.
        """
        checksum = 0
        taken: dict[int, dict[int, Rle]] = {}
        for each in self.objects:
            look = self._looks[each.object_id]
            checksum = zlib.crc32(f"{each.object_id}:{each.name}:{look}".encode("utf-8", "replace"), checksum)
            own = taken[each.object_id] = {}
            for record in self.project.masks(each.object_id, span):
                if record.visible:
                    own[record.frame] = record.mask
                    checksum = zlib.crc32(record.mask.counts, zlib.crc32(str(record.frame).encode(), checksum))
            painted = self.project.trimaps(each.object_id, span)
            self._strokes[each.object_id] = {frame: found.strokes for frame, found in painted.items()}
            for frame, found in painted.items():
                checksum = zlib.crc32(f"{frame}:trimap".encode(), checksum)
                for part in (found.strokes.outside, found.strokes.unknown, found.strokes.inside):
                    checksum = zlib.crc32(part.counts, checksum)
        self._masks = taken
        return f"{checksum:08x}"

    def let_project_go(self) -> None:
        """Everything is taken that the work needs: others may open the project for writing."""
        self.project.close()

    def frame(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB, not to be changed; the last one is kept, as several objects ask for it."""
        if self._frame is None or self._frame[0] != index:
            self._frame = (index, self.media.frame(index))
        return self._frame[1]

    def masked_frames(self, span: FrameSpan) -> dict[int, int]:
        """Object id -> number of frames of `span` in which it is seen."""
        return {each.object_id: int(self.project.lane(each.object_id, span).visible.sum()) for each in self.objects}

    def covered(self, span: FrameSpan) -> dict[int, float]:
        """Object id -> mean share of the frame that it covers over `span`, 0..1, by a few of its masks."""
        return {each.object_id: self._covered(each.object_id, span) for each in self.objects}

    def _covered(self, object_id: int, span: FrameSpan) -> float:
        lane = self.project.lane(object_id, span)
        seen = lane.frames[lane.visible]
        looked_at = seen[:: max(1, len(seen) // _LOOKED_AT)]
        records = [self.project.mask(object_id, int(frame)) for frame in looked_at]
        shares = [area(each.mask) / (each.mask.height * each.mask.width) for each in records if each is not None]
        return sum(shares) / len(shares) * len(seen) / len(span) if shares else 0.0

    def unlooked_frames(self, span: FrameSpan) -> int:
        """Frames of `span` about which nothing is known for at least one of the objects."""
        known = np.zeros(len(span), dtype=np.int64)
        for each in self.objects:
            known[self.project.lane(each.object_id, span).frames - span.start] += 1
        return int((known < len(self.objects)).sum())


@contextmanager
def open_source(order: Order, media: MediaReader | None = None) -> Iterator[OrderSource]:
    """Open what `order` is made of.

    Args:
        media: the clip where it is open already; it is opened a second time, without being indexed again.

    Raises:
        UserError: project, clip or an object is gone, or cannot be read.
    """
    with ExitStack() as stack:
        project = stack.enter_context(ProjectReader(order.project))
        project.hold()
        clip = next((each for each in project.media() if each.media_id == order.media_id), None)
        if clip is None:
            raise UserError(
                f"{order.project} has no clip number {order.media_id} any more.",
                hint="Order the export anew.",
                code="orders.no_clip",
            )
        reader = media.reopen() if media is not None else _open_clip(clip, order.project)
        stack.enter_context(reader)
        yield OrderSource(project, clip, order, reader)


def _open_clip(clip: MediaRecord, project: Path) -> MediaReader:
    place = locate(clip, project)
    if place is None:
        raise UserError(
            f"{clip.absolute_path} is not there.",
            hint="Check that the disk is connected, or open the project and show where the clip lies now.",
            code="media.missing",
        )
    return open_media(place, fps=clip.rate if clip.kind == "images" else None)


def _object(project: ProjectReader, known: list[ObjectRecord], object_id: int) -> OrderObject:
    found = next(((number, each) for number, each in enumerate(known, start=1) if each.object_id == object_id), None)
    if found is None:
        raise UserError(
            f"{project.path} has no object number {object_id} in this clip any more.",
            hint="Order the export anew.",
            code="orders.no_object",
        )
    number, record = found
    return OrderObject(object_id, number, record.name, project.sentence(object_id), record.colour)
