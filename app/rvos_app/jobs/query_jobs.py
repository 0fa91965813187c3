"""What else a run found, from the project: pictures of its other queries, and the masks of one that is taken.

No model runs. The project is read through a reader of the job's own, as it is when the job begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rvos_app.i18n import tr
from rvos_app.jobs.candidate_pictures import CandidatePicture, picture_of
from rvos_app.jobs.job import JobContext
from rvos_core.inference.events import Candidate
from rvos_core.inference.rechoosing import Proposal, StoredQueries, propose_by_correction, propose_query
from rvos_core.inference.results import soft_logits
from rvos_core.inference.revote import Ballot, distinct_queries, vote
from rvos_core.masks import QueryMasks, encode, logits_to_mask
from rvos_core.media import MediaReader
from rvos_core.project.reading import ProjectReader
from rvos_core.types import MediaInfo

_MOST = 6


@dataclass(frozen=True)
class QueriesFound:
    """What the strip shows of an object.

    Attributes:
        pictures: its run's queries on one frame; none where the project has none.
        fits_another: what the person locked is another of them than the masks show.
    """

    object_id: int
    pictures: tuple[CandidatePicture, ...] = field(repr=False)
    fits_another: bool


@dataclass(frozen=True)
class LookAtQueries:
    """Draw what else an object's run found. `frame`: where to look, if the run was there."""

    path: Path
    object_id: int
    frame: int
    reader: MediaReader

    @property
    def title(self) -> str:
        return tr("Looking what else could be meant")

    def run(self, context: JobContext) -> QueriesFound:
        """Raises: UserError: the project or the clip cannot be read."""
        nothing = QueriesFound(self.object_id, (), fits_another=False)
        with ProjectReader(self.path) as project:
            project.hold()
            if project.run_with_queries(self.object_id) is None:
                return nothing
            stored = StoredQueries(project, self.object_id)
            ballot = stored.ballot()
            context.checkpoint()
            place = self._place(stored, ballot)
            if place is None:
                return nothing
            frame, block = place
            choice = vote(ballot)
            with self.reader.reopen() as reader:
                pictures = tuple(self._pictures(stored, block, frame, reader))
            return QueriesFound(self.object_id, pictures, stored.fits_another(ballot, choice))

    def _place(self, stored: StoredQueries, ballot: Ballot) -> tuple[int, QueryMasks] | None:
        """The frame where there is something to see: this one, else one that is locked, else the middle one."""
        frames = ballot.frames
        for frame in (self.frame, *sorted(ballot.agreement), frames[len(frames) // 2]):
            block = stored.block_at(frame)
            if block is not None and block.masks[frame - block.span.start].any():
                return frame, block
        return None

    def _pictures(
        self, stored: StoredQueries, block: QueryMasks, frame: int, reader: MediaReader
    ) -> Iterator[CandidatePicture]:
        info, row = reader.info, frame - block.span.start
        shown = stored.shown_query(frame, block)
        picture = reader.frame(frame)
        for query in distinct_queries(block, frame, most=_MOST):
            mask = logits_to_mask(soft_logits(block.masks[row, query]), info.height, info.width)
            candidate = Candidate(
                number=query + 1,
                frame_index=frame,
                mask=encode(mask),
                first=stored.run.span.start,
                last=stored.run.span.stop - 1,
                words=(),
                fit=float(block.probability[row, query]),
                chosen=query == shown,
            )
            yield CandidatePicture(candidate, picture_of(picture, candidate), kind="query")


@dataclass(frozen=True)
class ProposeQuery:
    """Draw what an object would become. `query`: the one that was pointed at on `frame`; None: what the locked frames
    say."""

    path: Path
    object_id: int
    frame: int
    query: int | None
    reader: MediaReader

    @property
    def title(self) -> str:
        return tr("Taking another candidate")

    def run(self, context: JobContext) -> Proposal:
        """Raises: UserError: there is nothing stored any more, or the clip cannot be read."""
        with ProjectReader(self.path) as project, self.reader.reopen() as reader:
            project.hold()

            def picture(frame: int) -> np.ndarray:
                context.checkpoint()
                return reader.frame(frame)

            if self.query is None:
                return propose_by_correction(project, self.object_id, size=_size(reader.info), picture=picture)
            return propose_query(
                project, self.object_id, frame=self.frame, query=self.query, size=_size(reader.info), picture=picture
            )


def _size(info: MediaInfo) -> tuple[int, int]:
    return info.height, info.width
