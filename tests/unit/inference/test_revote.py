"""The vote by locked frames against independent formulations: all paths tried, IoU from sets, masks drawn by hand."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.inference.results import soft_logits
from rvos_core.inference.revote import (
    AGREES,
    Ballot,
    distinct_queries,
    follow_from,
    masks_along,
    read_ballot,
    reduced,
    vote,
)
from rvos_core.masks import QueryMasks, decode, encode, logits_to_mask
from rvos_core.types import FrameSpan

SIZE = (6, 12)


def bar(column: int, *, rows: slice = slice(1, 5), wide: int = 3) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[rows, column : column + wide] = True
    return mask


def block(start: int, tracks: list[list[np.ndarray]], probability: list[float]) -> QueryMasks:
    """Tracks by query, then frame."""
    masks = np.array(tracks).swapaxes(0, 1)
    chances = np.tile(np.array(probability, np.float32), (len(masks), 1))
    return QueryMasks(FrameSpan(start, start + len(masks)), masks, chances)


def enlarged(mask: np.ndarray, by: int = 4) -> np.ndarray:
    return mask.repeat(by, 0).repeat(by, 1)


def set_iou(one: np.ndarray, two: np.ndarray) -> float:
    first, second = ({(int(y), int(x)) for y, x in np.argwhere(mask)} for mask in (one, two))
    return len(first & second) / len(first | second) if first | second else 0.0


def cost_of(path: tuple[int, ...], ballot: Ballot) -> float:
    """What the decision page says of a path: agreement, a little class probability, less its changes."""
    frames = len(path)
    total = 0.0
    locked = sorted(ballot.agreement)
    for row, query in enumerate(path):
        total += 0.01 * float(ballot.probability[row, query]) / frames
        total += float(ballot.agreement.get(ballot.frames[row], np.zeros(9))[query])
        before = path[row - 1] if row else query
        if row and (before != query or row in ballot.seams):
            between = [pair for pair in pairwise(locked) if pair[0] < ballot.frames[row] <= pair[1]]
            late = 1.0
            if between and between[0][1] - between[0][0] > 1:
                left, right = between[0]
                late = abs(ballot.frames[row] - 0.5 - (left + right) / 2) / ((right - left) / 2)
            total -= 0.02 + 0.05 * late + 0.5 * (1 - float(ballot.likeness[row, before, query]))
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(2, 6), st.integers(0, 3))
def test_the_path_is_the_best_of_all_paths(seed: int, queries: int, frames: int, locks: int) -> None:
    draw = np.random.default_rng(seed)
    masks = draw.random((frames, queries, *SIZE)) < 0.4
    stored = QueryMasks(FrameSpan(3, 3 + frames), masks, draw.random((frames, queries)).astype(np.float32))
    chosen = draw.choice(frames, size=min(locks, frames), replace=False)
    locked = {3 + int(row): enlarged(draw.random(SIZE) < 0.5) for row in chosen}
    seams = [3 + frames // 2] if seed % 2 else []
    ballot = read_ballot([stored], locked, seams=seams)
    found = vote(ballot)
    best = max(cost_of(path, ballot) for path in product(range(queries), repeat=frames))
    assert cost_of(tuple(found.path.tolist()), ballot) == pytest.approx(best, abs=1e-6)
    for frame, mask in locked.items():
        small = mask.reshape(SIZE[0], 4, SIZE[1], 4).mean((1, 3)) >= 0.5
        expected = [set_iou(small, each) for each in masks[frame - 3]]
        assert ballot.agreement[frame].tolist() == pytest.approx(expected)
    if locked:
        expected = [ballot.agreement[f][found.path[f - 3]] for f in locked]
        assert found.agreement == pytest.approx(float(np.mean(expected)))
        assert found.agrees == (found.agreement >= AGREES)
        assert found.of_queries.tolist() == pytest.approx(np.mean([ballot.agreement[f] for f in locked], 0).tolist())
    else:
        assert not found.agrees


def test_one_corrected_frame_chooses_for_a_long_clip_against_the_sentence() -> None:
    """The other query is as good as certain on 3,000 frames; the person's one frame outweighs it."""
    sure, meant = [bar(0)] * 3000, [bar(8)] * 3000
    found = vote(read_ballot([block(0, [sure, meant], [1.0, 0.001])], {1700: enlarged(bar(8))}))
    assert found.agrees and found.agreement == 1.0 and set(found.path.tolist()) == {1}


def test_the_sentence_decides_between_queries_that_agree_as_well() -> None:
    twins = [bar(8)] * 9
    for chances, winner in (([0.1, 0.4, 0.3], 1), ([0.1, 0.2, 0.3], 2)):
        found = vote(read_ballot([block(0, [[bar(0)] * 9, twins, twins], chances)], {4: enlarged(bar(8))}))
        assert set(found.path.tolist()) == {winner}


def test_nothing_is_chosen_where_no_query_agrees() -> None:
    stored = block(0, [[bar(0)] * 5, [bar(3)] * 5], [0.9, 0.1])
    assert not vote(read_ballot([stored], {2: enlarged(bar(8))})).agrees
    assert not vote(read_ballot([stored], {})).agrees
    assert not vote(read_ballot([stored], {2: np.zeros((24, 48), bool)})).agrees, "an empty mask favours nobody"
    assert not vote(read_ballot([stored], {99: enlarged(bar(0))})).agrees, "a frame outside the run says nothing"
    with pytest.raises(ValueError, match="no queries"):
        read_ballot([], {})


def test_two_corrections_change_queries_where_objects_cross() -> None:
    """Query 0 goes right, query 1 left; both draw the same bar on frame 6 only: there the path changes."""
    right = [bar(column) for column in range(9)]
    left = [bar(column) for column in (9, 9, 9, 9, 9, 8, 6, 2, 1)]
    stored = block(0, [right, left], [0.9, 0.1])
    locked = {1: enlarged(right[1]), 8: enlarged(left[8])}
    found = vote(read_ballot([stored], locked))
    assert found.path.tolist() == [0] * 6 + [1] * 3 or found.path.tolist() == [0] * 7 + [1] * 2
    assert found.agreement == 1.0


def test_two_corrections_that_never_meet_change_half_way() -> None:
    stored = block(0, [[bar(0)] * 12, [bar(8)] * 12], [0.5, 0.5])
    found = vote(read_ballot([stored], {2: enlarged(bar(0)), 9: enlarged(bar(8))}))
    assert found.path.tolist() == [0] * 6 + [1] * 6


def test_a_correction_that_hardly_fits_better_changes_no_query() -> None:
    """The second locked frame has a few cells more of the other query: worth less than a jump."""
    mixed = bar(0) | bar(4)
    stored = block(0, [[bar(0)] * 8, [bar(4)] * 8], [0.5, 0.5])
    mixed[1, 0] = False
    found = vote(read_ballot([stored], {1: enlarged(bar(0)), 6: enlarged(mixed)}))
    assert set(found.path.tolist()) == {0}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9), max_size=3))
def test_it_does_not_matter_how_frames_are_stored(seed: int, cuts: list[int]) -> None:
    draw = np.random.default_rng(seed)
    masks, chances = draw.random((10, 3, *SIZE)) < 0.4, draw.random((10, 3)).astype(np.float32)
    edges = [0, *sorted(set(cuts)), 10]
    parts = [QueryMasks(FrameSpan(a, b), masks[a:b], chances[a:b]) for a, b in pairwise(edges)]
    locked = {4: encode(enlarged(masks[4, 1])), 7: enlarged(masks[7, 2])}
    whole = read_ballot([QueryMasks(FrameSpan(0, 10), masks, chances)], locked, seams=[5])
    found = read_ballot(parts, locked, seams=[5])
    assert found.frames == whole.frames and found.seams == whole.seams
    assert np.array_equal(found.likeness, whole.likeness) and np.array_equal(found.probability, whole.probability)
    assert vote(found).path.tolist() == vote(whole).path.tolist()


@pytest.mark.parametrize("gap", [0, 3])
def test_rows_that_were_numbered_anew_are_followed_by_their_masks(gap: int) -> None:
    """A run that was resumed: behind the seam the rows are the other way round; a gap is a seam by itself."""
    one = block(0, [[bar(0)] * 5, [bar(8)] * 5], [0.9, 0.1])
    two = block(5 + gap, [[bar(8)] * 5, [bar(0)] * 5], [0.1, 0.9])
    ballot = read_ballot([one, two], {1: enlarged(bar(8))}, seams=[] if gap else [5])
    found = vote(ballot)
    assert found.path.tolist() == [1] * 5 + [0] * 5
    drawn = list(masks_along(found, ballot, [one, two], height=24, width=48, visible=(0.5, 0.5)))
    assert [each.frame_index for each in drawn] == [*range(5), *range(5 + gap, 10 + gap)]
    assert all(set_iou(decode(each.mask), enlarged(bar(8))) > 0.7 for each in drawn)


def test_masks_are_drawn_as_a_run_draws_what_its_vote_changed() -> None:
    stored = block(4, [[bar(0)] * 3, [bar(5), np.zeros(SIZE, bool), bar(7)]], [0.9, 0.02])
    ballot = read_ballot([stored], {4: enlarged(bar(5))})
    drawn = list(masks_along(vote(ballot), ballot, [stored], height=24, width=48, visible=(0.5, 0.4)))
    for each, bits in zip(drawn, stored.masks[:, 1], strict=True):
        expected = logits_to_mask(soft_logits(bits), 24, 48) if bits.any() else np.zeros((24, 48), bool)
        assert np.array_equal(decode(each.mask), expected) and each.visible == bits.any()
        assert each.confidence == 1.0, "how well it fitted what the person drew"


def test_sight_goes_by_the_class_probability_where_it_knows_the_object() -> None:
    """With hysteresis: on above .5, off below .3; a query that the sentence does not mean is seen wherever it draws."""
    chances = np.array([[0.9, 0.2], [0.4, 0.1], [0.2, 0.1], [0.4, 0.2], [0.8, 0.1]], np.float32)
    masks = np.array([[bar(0), bar(8)]] * 5)
    stored = QueryMasks(FrameSpan(0, 5), masks, chances)
    for column, seen in ((0, [True, True, False, False, True]), (8, [True] * 5)):
        ballot = read_ballot([stored], {0: enlarged(bar(column))})
        drawn = masks_along(vote(ballot), ballot, [stored], height=24, width=48, visible=(0.5, 0.3))
        assert [each.visible for each in drawn] == seen


def test_pointing_at_a_query_takes_it_for_all_frames() -> None:
    stored = block(0, [[bar(0)] * 6, [bar(8)] * 6], [1.0, 0.0])
    ballot = read_ballot([stored], {1: enlarged(bar(0))})
    found = follow_from(ballot, 3, 1)
    assert set(found.path.tolist()) == {1} and found.agrees, "whatever was locked before"
    assert found.agreement == 0.5, "a person pointed at it; nothing says how well it is drawn"
    for frame, query in ((6, 0), (0, 2), (0, -1)):
        with pytest.raises(ValueError, match="no query"):
            follow_from(ballot, frame, query)


def test_near_copies_are_shown_once() -> None:
    almost = bar(0)
    almost[1, 0] = False
    tracks = [[bar(0)], [bar(8)], [almost], [np.zeros(SIZE, bool)], [bar(4)]]
    stored = block(7, tracks, [0.2, 0.1, 0.9, 0.8, 0.3])
    assert distinct_queries(stored, 7, most=6) == (2, 4, 1)
    assert distinct_queries(stored, 7, most=2) == (2, 4)


def test_what_is_drawn_never_becomes_nothing() -> None:
    line = np.zeros((24, 48), bool)
    line[10] = True
    assert reduced(line, SIZE).any(axis=1).tolist() == [False, False, True, False, False, False]
    assert reduced(encode(line), SIZE).tolist() == reduced(line, SIZE).tolist()
    assert not reduced(np.zeros((24, 48), bool), SIZE).any()
