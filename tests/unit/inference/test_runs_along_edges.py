"""What a run makes of logits: masks along the picture's edges, revised frames included; and frames without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from helpers_inference import MemoryReader, ScriptedEngine, latest, numbered
from rvos_core.errors import UserError
from rvos_core.inference import FramesRevised, Runner, RunRequest
from rvos_core.inference.feed import FrameFeed
from rvos_core.masks import decode, guide_of
from rvos_core.types import CancelToken, FrameSpan


def moving_square(index: int) -> np.ndarray:
    """A red square before a blue ground, further right in each frame; for `ScriptedEngine`."""
    frame = np.full((96, 144, 3), (40, 60, 160), dtype=np.uint8)
    frame[21:75, 5 + index : 59 + index] = (200, 40, 30)
    frame[0, 0] = (index // 256, index % 256, 0)
    return frame


def coarse_squares(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Query 1 finds the square; query 0 is surer of something else up to frame 19. A cell has 8 pixels."""
    grid = np.stack([moving_square(index)[5::8, 5::8, 0] > 100 for index in indices])
    masks = np.where(grid, 6.0, -6.0)[:, None].repeat(2, axis=1)
    masks[:, 0] = -6.0
    masks[:, 0, -2:, -4:] = 6.0
    table = np.array([[0.8 if index < 20 else 0.1, 0.5] for index in indices])
    return masks, np.log(table / (1 - table))


@pytest.mark.parametrize("along_edges", [True, False])
def test_masks_are_drawn_along_the_pictures_edges_in_revised_frames_too(along_edges: bool) -> None:
    reader = MemoryReader(moving_square, 60)
    wanted = RunRequest("the red square", FrameSpan(0, 60), along_edges=along_edges)
    events = list(Runner(ScriptedEngine(coarse_squares)).run(wanted, reader=reader, cancel=CancelToken()))
    revised = [frame.frame_index for event in events if isinstance(event, FramesRevised) for frame in event.frames]
    assert revised and min(revised) == 0
    overlaps = {}
    for index, frame in latest(events).items():
        truth, mask = moving_square(index)[..., 0] > 100, decode(frame.mask)
        overlaps[index] = np.count_nonzero(truth & mask) / np.count_nonzero(truth | mask)
    mean_revised = np.mean([overlaps[index] for index in revised])
    mean_kept = np.mean([overlap for index, overlap in overlaps.items() if index not in revised])
    if along_edges:
        assert mean_revised > 0.97 and mean_kept > 0.97
        assert reader.reads.count(0) == 2  # once more for its revision
    else:
        assert mean_revised < 0.92 and mean_kept < 0.92
        assert reader.reads.count(0) == 1


def test_frames_that_are_read_again_in_order_are_searched_for_once() -> None:
    starts: list[int] = []

    class Source:
        def frames(self, span: FrameSpan | None = None) -> Iterator[np.ndarray]:
            assert span is not None
            starts.append(span.start)
            return (numbered(index) for index in range(span.start, min(span.stop, 90)))

    feed = FrameFeed(ScriptedEngine(coarse_squares), Source(), span=FrameSpan(0, 100), size=None, cancel=CancelToken())
    for index in (3, 4, 5, 20, 80, 7):
        assert np.array_equal(feed.guide(index), numbered(index))
    assert starts == [3, 80, 7]
    with pytest.raises(UserError, match="ends before frame 95"):
        feed.guide(95)
    feed.close()


def test_frames_in_which_nothing_is_drawn_are_out_of_sight_however_sure_the_class_is() -> None:
    def nothing_from_six_on(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        masks = np.full((len(indices), 1, 12, 18), -4.0)
        masks[np.asarray(indices) < 6, :, 3:8, 4:9] = 4.0
        return masks, np.full((len(indices), 1), 3.0)

    wanted = RunRequest("the red square", FrameSpan(0, 20))
    reader = MemoryReader(moving_square, 20)
    events = list(Runner(ScriptedEngine(nothing_from_six_on)).run(wanted, reader=reader, cancel=CancelToken()))
    assert [frame.visible for _, frame in sorted(latest(events).items())] == [True] * 6 + [False] * 14
    assert events[-1].summary.visible_frames == 6  # type: ignore[union-attr]


def test_memory_that_runs_out_while_a_guide_is_made_loses_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [MemoryError()]

    def failing_once(frame: np.ndarray) -> np.ndarray:
        if frame[0, 0, 1] == 9 and failures:
            raise failures.pop()
        return guide_of(frame)

    monkeypatch.setattr("rvos_core.inference.feed.guide_of", failing_once)
    engine = ScriptedEngine(coarse_squares)
    wanted = RunRequest("the red square", FrameSpan(0, 30))
    events = list(Runner(engine).run(wanted, reader=MemoryReader(moving_square, 30), cancel=CancelToken()))
    assert engine.encoded == list(range(30)) and sorted(latest(events)) == list(range(30)) and not failures
