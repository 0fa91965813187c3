"""Another query for an object, out of what its run left in the project: what would change, and the edit that does it.

Nothing is changed here: a `Proposal` says frame by frame what would be, and its `edit` is applied to the project like
any other (one entry of the history; locked frames stay). No model runs; only the clip's pictures are read, where
masks are drawn along their edges.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from rvos_core.errors import UserError
from rvos_core.inference.events import FrameResult
from rvos_core.inference.recording import mask_record, request_of
from rvos_core.inference.revote import (
    SAME_OBJECT,
    Ballot,
    Choice,
    follow_from,
    masks_along,
    pairwise_iou,
    read_ballot,
    reduced,
    vote,
)
from rvos_core.masks import QueryMasks, Rle, area, guide_of, intersection_area
from rvos_core.project.mask_edits import PutMasks
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MaskRecord, RunRecord
from rvos_core.types import FrameSpan

_log = logging.getLogger("rvos.project")
_AS_WELL = 0.05  # IoU
_SAMPLED = 64  # frames, at least, where there are as many
_VISIBLE = (0.5, 0.5)  # thresholds where the run's model is not here any more


@dataclass(frozen=True)
class Change:
    """One frame that would be another. `pixels`: how many differ."""

    result: FrameResult
    pixels: int


@dataclass(frozen=True)
class Proposal:
    """What an object's masks would become.

    Attributes:
        run: whose queries these are.
        agreement: mean IoU of the choice with the locked frames; 0 where nothing is locked.
        agrees: a query is what the person meant, or the person pointed at one; otherwise `changes` is empty.
        changes: the frames that would change, in order; locked ones and those that show that query already are not
            among them.
    """

    run: RunRecord
    agreement: float
    agrees: bool
    changes: tuple[Change, ...] = field(repr=False)

    @property
    def pixels(self) -> int:
        """How many pixels would change, over all frames."""
        return sum(each.pixels for each in self.changes)

    @property
    def differences(self) -> Iterator[tuple[int, Rle, float]]:
        """Frame, mask and confidence of each change, for a preview."""
        for each in self.changes:
            yield each.result.frame_index, each.result.mask, each.result.confidence

    @property
    def edit(self) -> PutMasks:
        """The edit that makes it so."""
        return PutMasks(
            tuple(mask_record(each.result, self.run) for each in self.changes), name="Take another candidate"
        )


class StoredQueries:
    """What an object's latest run left in a project. Belongs to the reader's thread.

    Args:
        project: is asked again with each question, as it is then.
        object_id: of the object.

    Raises:
        UserError: no run with stored queries stands behind the object's masks.
    """

    def __init__(self, project: ProjectReader, object_id: int) -> None:
        run = project.run_with_queries(object_id)
        if run is None:
            raise UserError(
                "There is nothing to choose from: the object's run has no other candidates in the project.",
                hint="Run its expression again; the latest 20 runs keep theirs.",
                code="revote.no_queries",
            )
        self.run = run
        self._project = project
        self._request = request_of(run, run.span)

    def blocks(self) -> Iterator[QueryMasks]:
        """As they are stored, in order of frames. Raises: UserError: they are damaged."""
        return self._project.query_masks(self.run.run_id)

    def block_at(self, frame: int) -> QueryMasks | None:
        """The block that holds a frame, or None. Raises: UserError: it is damaged."""
        return next((block for block in self.blocks() if frame in block.span), None)

    def locked(self) -> dict[int, Rle]:
        """The masks of the locked frames inside the run's span. Raises: UserError: one is damaged."""
        lane = self._project.lane(self.run.object_id, self.run.span)
        records = (self._project.mask(self.run.object_id, frame) for frame in lane.frames[lane.locked].tolist())
        return {each.frame: each.mask for each in records if each is not None}

    def ballot(self) -> Ballot:
        """Raises: UserError: what is stored is damaged."""
        return read_ballot(self.blocks(), self.locked(), seams=self._project.seams(self.run.run_id))

    def shown_query(self, frame: int, block: QueryMasks) -> int | None:
        """The query that the object's mask on a frame is, or None where it is none of them."""
        record = self._project.mask(self.run.object_id, frame)
        if record is None or not record.visible:
            return None
        masks = block.masks[frame - block.span.start]
        ious = pairwise_iou(reduced(record.mask, masks.shape[1:])[None], masks)[0]
        best = int(ious.argmax())
        return best if ious[best] >= SAME_OBJECT else None

    def fits_another(self, ballot: Ballot, choice: Choice) -> bool:
        """Whether the choice is another object than the masks show now, on a sample of the frames that are not locked.

        Raises: UserError: what is stored is damaged.
        """
        if not choice.agrees:
            return False
        step = max(1, len(ballot.frames) // _SAMPLED)
        sample = set(ballot.frames[::step])
        ious = []
        for block in self.blocks():
            for at, frame in enumerate(block.span):
                row, record = ballot.row(frame), None
                if row is not None and frame in sample:
                    record = self._project.mask(self.run.object_id, frame)
                if row is None or record is None or record.locked:
                    continue
                mask = block.masks[at, choice.path[row]]
                now = reduced(record.mask, mask.shape)
                if now.any() or mask.any():
                    ious.append(float(pairwise_iou(now[None], mask[None])[0, 0]))
        return bool(ious) and float(np.mean(ious)) < SAME_OBJECT

    def propose(
        self, ballot: Ballot, choice: Choice, *, size: tuple[int, int], picture: Callable[[int], np.ndarray]
    ) -> Proposal:
        """What the choice would change.

        Args:
            ballot: as `ballot` gave it.
            choice: of `vote` or `follow_from`.
            size: (height, width) of the clip as displayed.
            picture: a frame of the clip, (H, W, 3) uint8 RGB.

        Raises:
            UserError: a frame cannot be read, or what is stored is damaged.
        """
        if not choice.agrees:
            return Proposal(self.run, choice.agreement, agrees=False, changes=())
        drawn = masks_along(
            choice,
            ballot,
            self._to_change(ballot, choice),
            height=size[0],
            width=size[1],
            visible=_thresholds(self.run),
            guide=(lambda frame: guide_of(picture(frame))) if self._request.along_edges else None,
        )
        changes = (_change(each, self._project.mask(self.run.object_id, each.frame_index)) for each in drawn)
        return Proposal(self.run, choice.agreement, agrees=True, changes=tuple(filter(None, changes)))

    def _to_change(self, ballot: Ballot, choice: Choice) -> Iterator[QueryMasks]:
        """The stored frames that are not locked and show another query, one by one."""
        for block in self.blocks():
            now = {record.frame: record for record in self._records(block.span)}
            for at, frame in enumerate(block.span):
                row, record = ballot.row(frame), now.get(frame)
                if row is None or (
                    record and (record.locked or _shows(record, block.masks[at], int(choice.path[row])))
                ):
                    continue
                yield QueryMasks(FrameSpan(frame, frame + 1), block.masks[at : at + 1], block.probability[at : at + 1])

    def _records(self, span: FrameSpan) -> Iterator[MaskRecord]:
        return self._project.masks(self.run.object_id, span)


def propose_by_correction(
    project: ProjectReader, object_id: int, *, size: tuple[int, int], picture: Callable[[int], np.ndarray]
) -> Proposal:
    """What an object's masks would become if its locked frames chose among the queries of its run.

    Args:
        project: where the object is.
        object_id: of the object.
        size, picture: as in `StoredQueries.propose`.

    Raises:
        UserError: nothing is stored, or a frame cannot be read.
    """
    stored = StoredQueries(project, object_id)
    ballot = stored.ballot()
    return stored.propose(ballot, vote(ballot), size=size, picture=picture)


def propose_query(
    project: ProjectReader,
    object_id: int,
    *,
    frame: int,
    query: int,
    size: tuple[int, int],
    picture: Callable[[int], np.ndarray],
) -> Proposal:
    """What an object's masks would become if it were what a query shows on a frame. Raises: as
    `propose_by_correction`; UserError also where there is no such query.
    """
    stored = StoredQueries(project, object_id)
    ballot = stored.ballot()
    try:
        choice = follow_from(ballot, frame, query)
    except ValueError as error:
        raise UserError(
            f"The object's run has no candidate {query + 1} on frame {frame}.",
            hint="Choose one of those that are shown.",
            code="revote.no_query",
        ) from error
    return stored.propose(ballot, choice, size=size, picture=picture)


def _shows(record: MaskRecord, masks: np.ndarray, query: int) -> bool:
    """Whether a mask is what `query` draws, as well as it is what any of `masks` (q, h, w) is."""
    ious = pairwise_iou(reduced(record.mask, masks.shape[1:])[None], masks)[0]
    return bool(record.visible and ious[query] >= max(SAME_OBJECT, float(ious.max()) - _AS_WELL))


def _change(result: FrameResult, now: MaskRecord | None) -> Change | None:
    """The result as a change, or None where the frame is so already."""
    if now is None:
        return Change(result, area(result.mask))
    both = intersection_area(result.mask, now.mask)
    pixels = area(result.mask) + area(now.mask) - 2 * both
    return Change(result, pixels) if pixels or result.visible != now.visible else None


def _thresholds(run: RunRecord) -> tuple[float, float]:
    """On and off of the run's model, as its card has them."""
    from rvos_core.models.registry import card

    try:
        found = card(run.model)
    except UserError as error:
        _log.info("thresholds of %s are not known: %s", run.model, error)
        return _VISIBLE
    return found.visible_on, found.visible_off
