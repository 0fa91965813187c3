"""The frame table: looking rows up by time, and anchors."""

from __future__ import annotations

from rvos_core.media.table import FrameTable, make_anchors


def table(pts: list[int | None], keys: list[tuple[int | None, int | None]]) -> FrameTable:
    return FrameTable(tuple(pts), (8, 8), (0, 0), make_anchors(pts, keys))


def test_rows_are_found_by_exact_time_only() -> None:
    found = table([10, 20, 40], [(10, 0)])
    assert [found.row_of(t) for t in (10, 20, 30, 40, 50, None)] == [0, 1, None, 2, None, None]


def test_anchors_before_a_row_come_nearest_first() -> None:
    found = table([0, 1, 2, 3, 4, 5], [(0, -2), (3, 1), (5, 3)])
    assert [a.row for a in found.anchors_before(4)] == [3, 0]
    assert [a.row for a in found.anchors_before(5)] == [5, 3, 0]
    assert found.anchors[1].dts == 1


def test_a_hidden_key_frame_anchors_the_first_shown_one() -> None:
    assert [(a.row, a.pts) for a in make_anchors([5, 6, 7], [(-3, -5)])] == [(0, -3)]
    assert make_anchors([5, 6, 7], [(9, 9)]) == ()


def test_no_anchors_where_times_cannot_be_looked_up() -> None:
    assert make_anchors([0, 2, 1], [(0, 0)]) == ()
    assert make_anchors([0, None, 2], [(0, 0)]) == ()
    assert make_anchors([0, 1], [(None, 0)]) == ()
