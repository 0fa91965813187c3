"""The engine auto: the learned model at home, motion elsewhere, and the reason in words."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_inference import MemoryReader
from rvos_core.errors import UsageError
from rvos_core.inference import RunFinished, RunRequest
from rvos_core.inference.engines import engine_cards, load
from rvos_core.inference.looks import looks, statistics
from rvos_core.synthetic import make_clip, split_config, split_seeds
from rvos_core.types import CancelToken, FrameSpan
from rvos_resources.paths import weights_dir


def photograph(name: str) -> np.ndarray:
    return cv2.imread(str(weights_dir().parent / "photographs" / name))[..., ::-1].copy()


@pytest.fixture(scope="module")
def auto():
    return load("auto", device="cpu")


def test_world_clips_look_like_home_and_photographs_do_not() -> None:
    seeds = split_seeds("val")[100:124]
    at_home = [looks(make_clip(seed, split_config("val")).frames[3]) for seed in seeds]
    abroad = [looks(photograph(name)) for name in ("astronaut.jpg", "chelsea.jpg", "coffee.jpg", "grass.jpg")]
    assert np.mean(np.array(at_home) > -0.25) >= 0.9
    assert max(abroad) < -0.25


@pytest.mark.parametrize("shape", [(8, 8), (20, 900), (480, 854)])
def test_any_picture_has_statistics(shape: tuple[int, int]) -> None:
    found = statistics(np.zeros((*shape, 3), np.uint8))
    assert np.isfinite(found).all() and found.shape == statistics(photograph("brick.jpg")).shape


def test_it_takes_the_learned_model_at_home(auto) -> None:
    frames = make_clip(split_seeds("test")[3], split_config("test")).frames
    reader = MemoryReader(lambda index: frames[index], len(frames))
    request = RunRequest("the red car", FrameSpan(0, len(frames)))
    *_, last = auto.run(request, reader=reader, cancel=CancelToken())
    assert isinstance(last, RunFinished) and last.summary.model == "ifirvos-mini"
    assert "ifirvos-mini was taken" in last.summary.why and last.summary.notes[0] == last.summary.why


def test_it_takes_motion_on_a_photograph_and_for_unknown_words(auto) -> None:
    picture = np.ascontiguousarray(cv2.resize(photograph("chelsea.jpg"), (320, 200)))
    abroad = auto.choose("the red car", FrameSpan(0, 4), MemoryReader(lambda index: picture, 4))
    assert not abroad.learned and "does not look like" in abroad.why
    frames = make_clip(split_seeds("test")[3], split_config("test")).frames
    home = MemoryReader(lambda index: frames[index], len(frames))
    words = auto.choose("the flibbert gromulating snark over there", FrameSpan(0, len(frames)), home)
    assert not words.learned and "does not know" in words.why and "“snark”" in words.why


def test_its_cards_come_first_and_load_nothing() -> None:
    assert [card.name for card in engine_cards()][:2] == ["auto", "motion"]


def test_a_referring_model_has_no_candidates(tmp_path: Path) -> None:
    engine = load("ifirvos-mini", device="cpu")
    reader = MemoryReader(lambda index: np.zeros((64, 64, 3), np.uint8), 2)
    with pytest.raises(UsageError, match="no candidates"):
        list(engine.candidates(RunRequest("a car", FrameSpan(0, 2)), reader=reader, cancel=CancelToken()))
    with pytest.raises(UsageError, match="no candidates"):
        list(engine.run(RunRequest("a car", FrameSpan(0, 2), candidate=1), reader=reader, cancel=CancelToken()))
