"""Batches for ISVOS: what they hold is a function of mix and step, the pixels stay about equal, labels are usable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rvos_core.training.batches import batches
from rvos_core.training.propagation import draw_objects, instance_targets
from rvos_core.training.propagation_data import ClipMix, PropagationBatches

MIX = ClipMix(sizes=((64, 64), (64, 96)), lengths=(2, 3), clips=3, world=0.2)


def test_sizes_and_lengths_take_turns_at_equal_cost() -> None:
    shapes = [MIX.of_step(step) for step in range(8)]
    assert [shape[1:] for shape in shapes[:4]] == [(2, 64, 64), (2, 64, 96), (3, 64, 64), (3, 64, 96)]
    assert shapes[4:] == shapes[:4]
    whole = 3 * 2 * 64 * 64
    assert all(abs(np.prod(shape) - whole) <= 0.5 * np.prod(shape[1:]) for shape in shapes)


def test_a_batch_depends_on_mix_seed_and_step_only() -> None:
    data = PropagationBatches(MIX, seed=3, steps=4)
    later = data[2]
    again = list(batches(PropagationBatches(MIX, seed=3, steps=4), 2, workers=0))
    assert len(again) == 2
    torch.testing.assert_close(again[0].frames, later.frames, rtol=0, atol=0)
    torch.testing.assert_close(again[0].labels, later.labels, rtol=0, atol=0)
    assert not torch.equal(PropagationBatches(MIX, seed=4, steps=4)[2].frames, later.frames)


@pytest.mark.parametrize("world", [0.0, 1.0])
def test_the_objective_can_read_it(world: float) -> None:
    batch = PropagationBatches(replace(MIX, world=world), seed=0, steps=1)[0]
    assert batch.frames.shape == (3, 2, 64, 64, 3)
    assert batch.labels.dtype == batch.frames.dtype == torch.uint8
    assert batch.labels[:, 0].flatten(1).any(1).all(), "something can be followed in every clip"
    assert draw_objects(batch.labels[:, 0], limit=2).present[:, 0].all()
    targets = instance_targets(batch, classes=1)
    assert len(targets) == 6
    assert all((each.classes == 0).all() for each in targets)
    pixels = batch.to(torch.device("cpu")).pixels()
    back = (
        pixels * torch.tensor([0.229, 0.224, 0.225])[:, None, None] + torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    )
    torch.testing.assert_close((back * 255).round().byte().permute(0, 1, 3, 4, 2), batch.frames)


def test_parts_hold_every_clip_once() -> None:
    batch = PropagationBatches(MIX, seed=0, steps=1)[0]
    parts = batch.parts(2, lambda value: value)
    assert sorted(part.clips for part in parts) == [1, 2]
    assert torch.equal(torch.cat([part.frames for part in parts]), batch.frames)
    assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
    assert batch.state().keys() == {"frames", "labels", "categories"}


@pytest.mark.parametrize("change", [{"lengths": (1,)}, {"clips": 0}, {"world": 1.5}, {"sizes": ()}])
def test_impossible_mixes_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"clip|world"):
        replace(MIX, **change)  # type: ignore[arg-type]
