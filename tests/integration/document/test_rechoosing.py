"""Another query for an object, from what its run left in the project: one undoable entry, locked frames untouched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from helpers_inference import MemoryReader, ScriptedEngine, numbered
from rvos_core.errors import UserError
from rvos_core.inference import Runner, RunRequest, WindowDone
from rvos_core.inference.rechoosing import Proposal, StoredQueries, propose_by_correction, propose_query
from rvos_core.inference.recording import recorded, request_of, settings_of
from rvos_core.inference.results import soft_logits
from rvos_core.inference.revote import vote
from rvos_core.masks import Rle, decode, encode, guide_of, logits_to_mask, mask_along_edges
from rvos_core.project.document import Document
from rvos_core.project.mask_edits import DrawMask, LockFrames
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MaskRecord, ObjectRecord, RunRecord
from rvos_core.project.relink import media_record
from rvos_core.project.store import Project
from rvos_core.types import CancelToken, FrameSpan

_FRAMES = 30
_SPAN = FrameSpan(0, _FRAMES)


def cells(index: int) -> np.ndarray:
    """(3, h, w) bool: what is meant by the sentence, another thing that is twice out of sight, and nothing."""
    masks = np.zeros((3, 12, 20), bool)
    masks[0, 1:5, index % 10 : index % 10 + 5] = True
    if index not in (7, 8):
        masks[1, 7:11, 12 - index % 10 : 17 - index % 10] = True
    return masks


def answer(indices: list[int]) -> tuple[np.ndarray, np.ndarray]:
    masks = np.where(np.stack([cells(index) for index in indices]), 5.0, -5.0)
    return masks, np.tile(np.array([3.0, -4.0, -5.0]), (len(indices), 1))


def clip() -> MemoryReader:
    return MemoryReader(numbered, _FRAMES)


def picture(frame: int) -> np.ndarray:
    return clip().frame(frame)


def size() -> tuple[int, int]:
    return clip().info.height, clip().info.width


def truth(frame: int, query: int) -> np.ndarray:
    return logits_to_mask(soft_logits(cells(frame)[query]), *size())


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    made = Document(partial(new_project, tmp_path / "p.rvos"))
    yield made
    made.close().result()


def new_project(path: Path) -> Project:
    project = Project.create(path, program="test")
    file = path.with_name("clip.mp4")
    file.write_bytes(b"a clip")
    info = replace(clip().info, path=file)
    project.add_media(media_record(info, media_id=1, position=0, project=path), info.pts)
    return project


def run(document: Document, *, along_edges: bool = False, keep: bool = True, cancel_after: int = 99) -> RunRecord:
    """A run over all frames; it stops behind so many windows."""
    request = RunRequest("the upper bar", _SPAN, window=6, stride=4, along_edges=along_edges, keep_queries=keep)
    target = ObjectRecord(1, 1, 0, request.expression, (1, 2, 3))
    begun = document.do(
        lambda project: project.begin_run(
            target, expression=request.expression, span=_SPAN, settings=settings_of(request)
        )
    )
    drive(document, begun, request, resumes=False, windows=cancel_after)
    return begun


def drive(document: Document, begun: RunRecord, request: RunRequest, *, resumes: bool, windows: int = 99) -> None:
    engine = ScriptedEngine(lambda indices: answer(list(indices)))
    events = Runner(engine).run(request, reader=clip(), cancel=CancelToken())
    with closing(recorded(events, begun, document, keeps_masks=resumes)) as kept:
        for event in kept:
            windows -= isinstance(event, WindowDone)
            if windows == 0:
                return


def correct(document: Document, frame: int, query: int) -> Rle:
    mask = encode(truth(frame, query))
    document.do(lambda project: project.apply(DrawMask(1, frame, mask)))
    return mask


def masks(document: Document) -> dict[int, MaskRecord]:
    return document.do(lambda project: {each.frame: each for each in project.masks(1)})


def by_correction(document: Document) -> Proposal:
    return document.do(lambda project: propose_by_correction(project, 1, size=size(), picture=picture))


def test_one_corrected_frame_moves_all_others_and_undo_is_exact(document: Document) -> None:
    begun = run(document)
    for each in masks(document).values():
        assert np.mean(decode(each.mask) == truth(each.frame, 0)) > 0.95, "the run shows what the sentence means"
    corrected = correct(document, 12, 1)
    before = masks(document)
    proposal = by_correction(document)
    assert masks(document) == before, "a proposal changes nothing"
    assert proposal.agrees and proposal.agreement > 0.8 and proposal.run.run_id == begun.run_id
    assert [each.result.frame_index for each in proposal.changes] == [f for f in _SPAN if f != 12]
    assert [(frame, confidence) for frame, _, confidence in proposal.differences] == [
        (f, pytest.approx(proposal.agreement)) for f in _SPAN if f != 12
    ]
    pixels = 0
    for frame in _SPAN:
        if frame != 12:
            pixels += int((decode(before[frame].mask) != truth(frame, 1)).sum())
    assert proposal.pixels == pixels
    entry = document.do(lambda project: project.apply(proposal.edit))
    after = masks(document)
    assert entry.name == "Take another candidate"
    assert after[12] == before[12] and after[12].mask == corrected and after[12].locked
    for frame in set(_SPAN) - {12}:
        assert np.array_equal(decode(after[frame].mask), truth(frame, 1))
        assert after[frame].visible == (frame not in (7, 8)) and not after[frame].locked
        assert (after[frame].origin, after[frame].run_id) == ("model", begun.run_id)
    document.do(lambda project: project.undo())
    assert masks(document) == before, "one step, to the bit"
    document.do(lambda project: project.redo())
    assert masks(document) == after
    again = by_correction(document)
    assert again.agrees and again.changes == (), "it shows that query already"


def test_the_studio_is_told_that_a_correction_fits_another_query(document: Document) -> None:
    def offered() -> bool:
        def ask(project: Project) -> bool:
            stored = StoredQueries(project, 1)
            ballot = stored.ballot()
            return stored.fits_another(ballot, vote(ballot))

        return document.do(ask)

    run(document)
    assert not offered(), "nothing was corrected"
    document.do(lambda project: project.apply(LockFrames(1, (3, 4))))
    assert not offered(), "accepted as it is"
    document.do(lambda project: project.apply(LockFrames(1, (3, 4), locked=False)))
    correct(document, 12, 1)
    assert offered()
    proposal = by_correction(document)
    document.do(lambda project: project.apply(proposal.edit))
    assert not offered(), "it was taken"


def test_frames_locked_meanwhile_and_locked_objects_stay(document: Document) -> None:
    run(document)
    correct(document, 12, 1)
    proposal = by_correction(document)
    document.do(lambda project: project.apply(LockFrames(1, (20,))))
    before = masks(document)
    document.do(lambda project: project.apply(proposal.edit))
    after = masks(document)
    assert after[20] == before[20] and after[12] == before[12] and after[21] != before[21]


def test_two_corrections_of_different_queries_keep_both(document: Document) -> None:
    run(document)
    correct(document, 3, 0)
    correct(document, 24, 1)
    before = masks(document)
    proposal = by_correction(document)
    changed = [each.result.frame_index for each in proposal.changes]
    assert changed == [f for f in range(14, _FRAMES) if f != 24], "half way, and what was right stays to the bit"
    document.do(lambda project: project.apply(proposal.edit))
    after = masks(document)
    assert all(after[frame] == before[frame] for frame in range(14))


def test_nothing_changes_where_no_query_fits(document: Document) -> None:
    run(document)
    elsewhere = np.zeros(size(), bool)
    elsewhere[:2, :2] = True
    document.do(lambda project: project.apply(DrawMask(1, 5, encode(elsewhere))))
    proposal = by_correction(document)
    assert not proposal.agrees and proposal.changes == () and proposal.pixels == 0


def test_a_person_points_at_a_query(document: Document) -> None:
    run(document, along_edges=True)

    def pointed(frame: int, query: int) -> Proposal:
        return document.do(
            lambda project: propose_query(project, 1, frame=frame, query=query, size=size(), picture=picture)
        )

    proposal = pointed(4, 1)
    assert len(proposal.changes) == _FRAMES
    for each in proposal.changes:
        frame = each.result.frame_index
        bits = cells(frame)[1]
        expected = mask_along_edges(soft_logits(bits), guide_of(picture(frame)), *size()) if bits.any() else bits.any()
        assert np.array_equal(decode(each.result.mask), np.broadcast_to(expected, size()))
    for frame, query in ((4, 3), (4, -1), (_FRAMES, 0)):
        with pytest.raises(UserError, match="no candidate"):
            pointed(frame, query)


def test_a_run_that_was_interrupted_and_went_on_is_one_choice(document: Document) -> None:
    """What the first part had not settled is missing; the rest is chosen all the same."""
    begun = run(document, cancel_after=3)
    left = document.do(lambda project: project.remaining(begun))
    drive(document, begun, replace(request_of(begun, left), keep_queries=True), resumes=True)
    assert document.do(lambda project: project.seams(begun.run_id)) == {left.start}
    missing = set(_SPAN) - set(document.do(lambda project: StoredQueries(project, 1).ballot().frames))
    assert missing and 1 not in missing and max(missing) < left.start
    correct(document, 1, 1)
    changed = [each.result.frame_index for each in by_correction(document).changes]
    assert changed == [f for f in _SPAN if f != 1 and f not in missing]


def test_without_stored_queries_there_is_a_clear_word(document: Document) -> None:
    run(document, keep=False)
    with pytest.raises(UserError, match="nothing to choose from"):
        by_correction(document)
    run(document)
    assert by_correction(document).run.run_id == 2
    document.do(lambda project: project.undo())
    with pytest.raises(UserError, match="nothing to choose from"):
        by_correction(document)
    document.do(lambda project: project.redo())
    document.do(lambda project: project.prune_queries(keep_runs=0))
    with pytest.raises(UserError, match="nothing to choose from"):
        by_correction(document)


def test_a_reader_beside_the_writer_proposes_the_same(document: Document) -> None:
    run(document)
    correct(document, 12, 1)
    path = document.do(lambda project: project.path)
    with ProjectReader(path) as reader:
        found = propose_by_correction(reader, 1, size=size(), picture=picture)
    assert found == by_correction(document)
