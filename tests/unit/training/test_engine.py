"""The loop's promises: exact resume, the same gradients in parts and in processes, nothing good is ever lost."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers_training import CPU, OF_PROCESSES, SHAPE, curve, small_model, small_trainer, start_run, start_together
from rvos_core.errors import Cancelled, UserError
from rvos_core.training.batches import ReferringBatch, WorldBatches
from rvos_core.training.checkpoint import load_checkpoint
from rvos_core.training.engine import Diverged, Trainer
from rvos_core.training.optimisers import RateRule


def difference(one: Trainer, state: dict[str, torch.Tensor]) -> float:
    own = one.model.state_dict()
    return max(float((own[name].float() - value.float()).abs().max()) for name, value in state.items())


@pytest.mark.slow
def test_twenty_resumed_steps_equal_twenty_uninterrupted_ones_bit_for_bit(tmp_path: Path) -> None:
    whole = small_trainer(tmp_path / "whole")
    whole.run()
    for stop in (1, 8, 13, 20):
        # Later ones begin with other random weights, which the checkpoint must overwrite.
        parts = small_trainer(tmp_path / "parts", model=small_model(seed=stop - 1))
        parts.run(until=stop)
    assert parts.step == whole.step == 20
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, parts.model.state_dict()[name]), name
        assert torch.equal(whole.ema.values[name], parts.ema.values[name]), name
    assert [row["step"] for row in curve(tmp_path / "parts")] == list(range(1, 21))


def test_a_batch_in_parts_has_the_gradients_of_the_whole(tmp_path: Path) -> None:
    shape = {"shape": SHAPE.__class__(sizes=((32, 48),), clips=3, frames=2)}
    whole, parts = (small_trainer(tmp_path / str(n), parts=n, steps=1, **shape, **OF_PROCESSES) for n in (1, 3))
    for each in (whole, parts):
        each.run()
    assert difference(parts, whole.model.state_dict()) < 1e-5
    losses = [curve(tmp_path / str(n))[0]["loss"] for n in (1, 3)]
    assert losses[0] == pytest.approx(losses[1], abs=2e-4)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_same_batch(tmp_path: Path) -> None:
    together = start_together(tmp_path / "two", 4, count=2)
    said = [each.communicate(timeout=240) for each in together]
    assert [each.returncode for each in together] == [0, 0], said
    one = small_trainer(tmp_path / "one", **OF_PROCESSES)
    one.run(until=4)
    state = load_checkpoint(tmp_path / "two" / "stage.pt", CPU)
    assert len(state["random"]) == 2
    for alone, shared in zip(curve(tmp_path / "one"), curve(tmp_path / "two"), strict=True):
        assert shared["loss"] == pytest.approx(alone["loss"], rel=1e-5)
    assert difference(one, state["model"]) < 1e-5
    for name, value in state["ema"]["values"].items():
        assert float((one.ema.values[name].float() - value.float()).abs().max()) < 1e-5, name


@pytest.mark.parametrize("repetitions", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_training_that_is_killed_at_any_moment_resumes(repetitions: int, tmp_path: Path) -> None:
    dice = random.Random(repetitions)
    for _ in range(repetitions):
        process = start_run(tmp_path / "killed", 12)
        deadline = time.monotonic() + 120
        before = _changed(tmp_path / "killed" / "stage.pt")
        while _changed(tmp_path / "killed" / "stage.pt") == before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(dice.random() * 0.2)
        process.kill()
        process.communicate()
        load_checkpoint(tmp_path / "killed" / "stage.pt", CPU)
    resumed, whole = (small_trainer(tmp_path / name, **OF_PROCESSES) for name in ("killed", "whole"))
    resumed.run(until=12)
    whole.run(until=12)
    assert resumed.step == 12 and difference(resumed, whole.model.state_dict()) == 0
    assert [row["step"] for row in curve(tmp_path / "killed")] == list(range(1, 13))


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def test_a_disk_that_is_full_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    small_trainer(tmp_path, **OF_PROCESSES).run(until=2)
    good = (tmp_path / "stage.pt").read_bytes()
    process = start_run(tmp_path, 4, limit=len(good) // 2)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1 and "Cannot write the checkpoint" in said
    assert (tmp_path / "stage.pt").read_bytes() == good
    small_trainer(tmp_path, **OF_PROCESSES).run(until=3)


def test_the_first_interrupt_ends_the_step_and_saves_it(tmp_path: Path) -> None:
    def watch(step: int, steps: int, figures: dict[str, float]) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Cancelled, match="step 3"):
        small_trainer(tmp_path, watch=watch, save_every=100).run()
    assert signal.getsignal(signal.SIGINT) is before
    assert load_checkpoint(tmp_path / "stage.pt", CPU)["step"] == 3


def test_a_loss_that_is_no_number_leaves_its_batch_behind(tmp_path: Path) -> None:
    run = small_trainer(tmp_path)
    run.run(until=1)
    with torch.no_grad():
        run.model.query_embed.weight.fill_(math.nan)  # type: ignore[union-attr, operator]
    with pytest.raises(Diverged, match=r"nan at step 1; the batch is in .*stage\.diverged-0\.pt"):
        run.run(resume=False)
    kept = load_checkpoint(tmp_path / "stage.diverged-0.pt", CPU)
    batch = WorldBatches(SHAPE, *_words(), seed=5, steps=20)[1]
    assert torch.equal(kept["batch"]["frames"], batch.frames) and kept["batch"]["texts"] == list(batch.texts)
    assert load_checkpoint(tmp_path / "stage.pt", CPU)["step"] == 1


def _words() -> tuple[Any]:
    from helpers_training import TOKENIZER

    return (TOKENIZER,)


class _Narrow:
    """An objective that runs out of memory with more than one clip."""

    def __init__(self, inner: Any, most: int) -> None:
        self.inner, self.most, self.heads = inner, most, inner.heads
        self.seen: list[int] = []

    def __call__(self, model: Any, batch: ReferringBatch, progress: float) -> Any:
        self.seen.append(batch.clips)
        torch.rand(3)  # a step that is repeated must draw the same numbers again
        if batch.clips > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return self.inner(model, batch, progress)


def test_too_little_memory_means_smaller_parts_of_the_same_batch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = small_trainer(tmp_path / "plain", steps=2)
    plain.run()
    narrow = small_trainer(tmp_path / "narrow", steps=2)
    narrow.objective = _Narrow(narrow.objective, 1)
    narrow.run()
    assert narrow.objective.seen == [2, 1, 1, 1, 1]
    assert difference(narrow, plain.model.state_dict()) < 1e-4
    assert "in 2 parts" in caplog.text
    hopeless = small_trainer(tmp_path / "hopeless", steps=2)
    hopeless.objective = _Narrow(hopeless.objective, 0)
    with pytest.raises(UserError, match="too little memory for one clip"):
        hopeless.run()


def test_the_best_weights_are_kept_apart(tmp_path: Path) -> None:
    figures = iter((0.3, 0.7, 0.5))
    run = small_trainer(
        tmp_path, steps=3, validate_every=1, best="val_J", validation=lambda model: {"val_J": next(figures)}
    )
    run.run()
    best = load_checkpoint(tmp_path / "stage.best.pt", CPU)
    assert (best["step"], best["figures"]["val_J"], run.best) == (2, 0.7, 0.7)


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    small_trainer(tmp_path, settings='{"optimiser": {"rate": 1}}').run(until=1)
    with pytest.raises(UserError, match=r"optimiser\.rate was 1, is 2"):
        small_trainer(tmp_path, settings='{"optimiser": {"rate": 2}}').run()
    state = load_checkpoint(tmp_path / "stage.pt", CPU)
    torch.save(state | {"model": {"x": torch.zeros(1)}}, tmp_path / "stage.pt")
    with pytest.raises(UserError, match="another network or stage"):
        small_trainer(tmp_path).run()


def test_parts_that_are_held_still_do_not_move_and_others_learn_at_their_rate(tmp_path: Path) -> None:
    rules: Sequence[RateRule] = (RateRule("backbone.", 0.0), RateRule("class_embed.", 0.5))
    run = small_trainer(tmp_path, steps=1, rates=tuple(rules), weight_decay=0.0)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.run()
    moved = {name: float((value - before[name]).abs().max()) for name, value in run.model.state_dict().items()}
    assert max(value for name, value in moved.items() if name.startswith("backbone.")) == 0
    # AdamW's first step is the rate itself wherever there is a gradient.
    assert moved["class_embed.0.bias"] == pytest.approx(3e-4, rel=1e-2)
    assert moved["query_embed.weight"] == pytest.approx(6e-4, rel=1e-2)
    assert all(parameter.requires_grad for parameter in run.model.parameters())
