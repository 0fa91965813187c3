"""ISVOS in the role of a propagator: what is remembered, whose it is, and that it does not grow with the clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from isvos_small import CARD, MINI_LIKE, PAPER_LIKE, moving_squares, tiny
from rvos_core.errors import UserError
from rvos_core.models.api import Propagator
from rvos_core.models.blocks.memory_bank import MemoryBank, MemoryEntry
from rvos_core.models.isvos_configs import IsvosConfig, MemoryConfig
from rvos_core.models.object_rows import ObjectRows, label_map, labels_along_edges, masks_of
from rvos_core.models.propagators import IsvosPropagator, ViewConfig
from rvos_core.weights.bundle import load_bundle, save_bundle

EVERY_SECOND = MemoryConfig(every=2, most=4, top_k=6)


def propagator(
    config: IsvosConfig = MINI_LIKE, *, memory: MemoryConfig = EVERY_SECOND, views: ViewConfig | None = None
) -> IsvosPropagator:
    return IsvosPropagator(tiny(config), card=CARD, memory=memory, views=views)


def entry(*object_ids: int, cells: int = 2, mark: float = 0.0) -> MemoryEntry:
    return MemoryEntry(torch.full((3, cells), mark), {each: torch.full((4, cells), mark) for each in object_ids})


def marks(bank: MemoryBank) -> list[float]:
    return [float(each.key[0, 0]) for each in bank.entries]


# The bank.


def test_the_first_frame_stays_and_the_oldest_others_leave() -> None:
    bank = MemoryBank(MemoryConfig(most=3))
    for number in range(6):
        bank.remember(entry(1, mark=number), permanent=False)
    assert marks(bank) == [0, 4, 5]


def test_corrections_are_never_forgotten_and_take_no_ones_place() -> None:
    bank = MemoryBank(MemoryConfig(most=3))
    for number in range(9):
        bank.remember(entry(1, mark=number), permanent=number in (3, 5))
    assert marks(bank) == [0, 3, 5, 7, 8]
    bank.forget_recent()
    assert marks(bank) == [0, 3, 5]


def test_the_first_frame_of_a_later_object_stays_too() -> None:
    bank = MemoryBank(MemoryConfig(most=2))
    bank.remember(entry(1, mark=0), permanent=False)
    bank.remember(entry(1, 7, mark=1), permanent=False)
    for number in range(2, 6):
        bank.remember(entry(1, 7, mark=number), permanent=False)
    assert marks(bank) == [0, 1, 5]


def test_objects_are_read_by_what_they_remember() -> None:
    bank = MemoryBank(MemoryConfig())
    bank.remember(entry(2, 5, mark=0), permanent=False)
    bank.remember(entry(9, mark=1), permanent=False)
    bank.remember(entry(2, 5, 9, mark=2), permanent=False)
    first, second = bank.groups()
    assert (first.object_ids, second.object_ids) == ((2, 5), (9,))
    assert first.keys[0].tolist() == [0, 0, 2, 2]
    assert second.keys[0].tolist() == [1, 1, 2, 2]
    assert first.values.shape == (2, 4, 4)
    bank.forget(9)
    assert [group.object_ids for group in bank.groups()] == [(2, 5)]
    assert marks(bank) == [0, 2], "a frame in which nothing is left has gone"


def test_the_previous_frame_is_one_frame() -> None:
    bank = MemoryBank(MemoryConfig(previous=True))
    bank.remember(entry(1, mark=0), permanent=False)
    for number in range(1, 4):
        bank.replace_previous(entry(1, mark=number))
    assert marks(bank) == [0, 3]
    bank.drop_previous()
    assert marks(bank) == [0]


def test_an_object_can_be_taken_out_of_one_frame() -> None:
    bank = MemoryBank(MemoryConfig())
    bank.remember(entry(1, 2, mark=0), permanent=False)
    wrong = entry(1, 2, mark=1)
    bank.remember(wrong, permanent=False)
    left = bank.forget_in(wrong, (1,))
    assert left is not None
    assert [sorted(each.values) for each in bank.entries] == [[1, 2], [2]]
    assert bank.forget_in(left, (2,)) is None
    assert marks(bank) == [0]
    bank.forget_in(wrong, (2,))  # it has left already: nothing comes back
    assert marks(bank) == [0]


# Ids and rows.


def test_ids_stay_while_rows_move() -> None:
    rows = ObjectRows().with_objects([7, 3]).with_objects([3, 12])
    assert rows.ids == (7, 3, 12)
    by_id = {each: torch.full((2,), float(each)) for each in (3, 7, 12)}
    assert rows.stack(by_id)[:, 0].tolist() == [7, 3, 12]
    fewer = rows.without(7)
    assert fewer.split(torch.arange(2))[12].item() == 1
    assert fewer.stack(by_id)[:, 0].tolist() == [3, 12]
    with pytest.raises(ValueError, match="background"):
        rows.with_objects([0])


def test_label_maps_carry_ids_and_give_them_back() -> None:
    probabilities = torch.zeros(2, 2, 4)
    probabilities[0, :, :2], probabilities[1, :, 3:] = 0.8, 0.6
    labels = label_map((40, 7), probabilities, (4, 8))
    assert labels.dtype == np.int32
    assert labels[:, :3].tolist() == [[40] * 3] * 4
    assert labels[:, 7].tolist() == [7] * 4
    assert labels[0, 4] == 0
    masks = masks_of(labels)
    assert sorted(masks) == [7, 40]
    assert not (masks[7] & masks[40]).any()


def two_things() -> tuple[np.ndarray, dict[int, np.ndarray], torch.Tensor]:
    """A picture (180, 320, 3), true masks by id, and probabilities (2, 64, 112) whose cells miss every corner."""
    dice = np.random.default_rng(3)
    frame = np.full((180, 320, 3), (90, 120, 80)) + dice.normal(0, 4, (180, 320, 3))
    truths = {40: np.zeros((180, 320), bool), 7: np.zeros((180, 320), bool)}
    truths[40][40:130, 60:150] = truths[7][70:150, 150:260] = True
    for truth, colour in zip(truths.values(), ((200, 60, 50), (40, 60, 190)), strict=True):
        frame[truth] += np.subtract(colour, (90, 120, 80))
    stacked = torch.from_numpy(np.stack(list(truths.values()))).float()[None]
    cells = torch.nn.functional.interpolate(stacked, size=(16, 28), mode="area")
    network = torch.nn.functional.interpolate(cells, size=(64, 112), mode="bilinear", align_corners=False)[0]
    return frame.clip(0, 255).astype(np.uint8), truths, network


def test_outlines_of_several_objects_follow_the_picture() -> None:
    frame, truths, probabilities = two_things()
    ids = tuple(truths)
    found, plain = labels_along_edges(ids, probabilities, frame), label_map(ids, probabilities, frame.shape[:2])
    assert found.dtype == np.int32 and found.shape == (180, 320)
    for object_id, truth in truths.items():
        wrong, wrong_plain = ((labels == object_id) ^ truth for labels in (found, plain))
        assert wrong.sum() < 0.4 * wrong_plain.sum()


def test_an_object_that_the_filter_would_lose_keeps_its_plain_outline() -> None:
    frame, truths, probabilities = two_things()
    small = torch.zeros(1, *probabilities.shape[1:])
    small[0, 8, 8] = 0.7
    with_small = torch.cat([probabilities, small])
    plain = label_map((40, 7, 9), with_small, (180, 320))
    found = labels_along_edges((40, 7, 9), with_small, frame)
    assert (plain == 9).any() and np.array_equal(found == 9, plain == 9)
    assert np.array_equal(found == 40, labels_along_edges((40, 7), probabilities, frame) == 40)
    nothing = torch.zeros_like(probabilities)
    assert not labels_along_edges(tuple(truths), nothing, frame).any()


# The propagator.


def test_it_is_a_propagator() -> None:
    tool: Propagator = propagator()
    frames, labels = moving_squares(frames=3, objects=2)
    tool.remember(frames[0], {11: labels[0] == 1, 4: labels[0] == 2}, permanent=False)
    seen = tool.step(frames[1])
    assert seen.object_ids == tool.object_ids == (11, 4)
    assert seen.probabilities.shape == (2, 64, 64)  # 48 x 64 to sides that are multiples of 32
    assert seen.logits.shape == (2, 16, 16)
    assert seen.probabilities.min() >= 0
    assert seen.probabilities.sum(0).max() <= 1 + 1e-6


@pytest.mark.parametrize("config", [MINI_LIKE, PAPER_LIKE], ids=["mini", "paper"])
def test_it_does_what_the_roll_out_of_training_does(config: IsvosConfig) -> None:
    every = MemoryConfig(every=1, most=16, top_k=0)
    tool, model = propagator(config, memory=every), tiny(config)
    frames, labels = moving_squares(frames=4, objects=2, size=(64, 64))
    tool.remember(frames[0], {1: labels[0] == 1, 2: labels[0] == 2}, permanent=False)
    size = tool.input_size(64, 64)
    pixels = torch.stack([tool._pixels(frame, 1.0) for frame in frames])[None]
    masks = torch.from_numpy(np.stack([labels[0] == 1, labels[0] == 2]).astype(np.float32))[None]
    masks = torch.nn.functional.interpolate(masks, size=size, mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = model(pixels, masks).logits.softmax(2)[0, :, 1:]
    for t in range(1, 4):
        torch.testing.assert_close(tool.step(frames[t]).probabilities, expected[t - 1], atol=1e-5, rtol=1e-4)


def test_objects_in_another_order_give_the_same_masks() -> None:
    frames, labels = moving_squares(frames=6, objects=3)
    results = []
    for order in ((1, 2, 3), (3, 1, 2)):
        tool = propagator()
        tool.remember(frames[0], {each: labels[0] == each for each in order}, permanent=False)
        for frame in frames[1:]:
            seen = tool.step(frame)
        results.append(dict(zip(seen.object_ids, seen.probabilities, strict=True)))
    for object_id in (1, 2, 3):
        torch.testing.assert_close(results[0][object_id], results[1][object_id], atol=1e-5, rtol=1e-4)


def test_an_object_added_midway_leaves_the_others_logits_alone() -> None:
    frames, labels = moving_squares(frames=6, objects=3)
    usual, joined = propagator(), propagator()
    for tool in (usual, joined):
        tool.remember(frames[0], {8: labels[0] == 1, 5: labels[0] == 2}, permanent=False)
        for frame in frames[1:4]:
            tool.step(frame)
    joined.remember(frames[3], {2: labels[3] == 3}, permanent=False)
    without, with_it = usual.step(frames[4]), joined.step(frames[4])
    assert with_it.object_ids == (8, 5, 2)
    torch.testing.assert_close(with_it.logits[:2], without.logits, atol=1e-5, rtol=0)
    assert (with_it.logits[2] - with_it.logits[0]).abs().max() > 1e-3
    assert joined.step(frames[5]).object_ids == (8, 5, 2)


def test_a_forgotten_object_leaves_the_others_ids_and_logits() -> None:
    frames, labels = moving_squares(frames=4, objects=3)
    both, one = propagator(), propagator()
    for tool in (both, one):
        tool.remember(frames[0], {each: labels[0] == each for each in (1, 2, 3)}, permanent=False)
    one.forget(2)
    full, fewer = both.step(frames[1]), one.step(frames[1])
    assert fewer.object_ids == (1, 3)
    torch.testing.assert_close(fewer.logits, full.logits[[0, 2]], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_memory_is_bounded_over_two_thousand_frames() -> None:
    policy = MemoryConfig(every=5, most=16, top_k=6)
    few_layers = replace(MINI_LIKE.instance, decoder_layers=1, queries=2)
    tool = IsvosPropagator(tiny(instance=few_layers), card=replace(CARD, size=32), memory=policy)
    frames, labels = moving_squares(frames=8, objects=1, size=(32, 32))
    tool.remember(frames[0], {1: labels[0] == 1}, permanent=False)
    one = tool.memory_bytes
    sizes = []
    for number in range(1, 2001):
        tool.step(frames[number % 8])
        sizes.append(tool.memory_bytes)
    assert sizes[4] == 2 * one, "the fifth frame is the second to be remembered"
    assert max(sizes) == sizes[-1] == 16 * one
    assert sizes.index(16 * one) == 74


def test_a_correction_replaces_what_was_predicted_in_that_frame() -> None:
    frames, labels = moving_squares(frames=5, objects=2)
    tool = propagator()
    tool.remember(frames[0], {1: labels[0] == 1, 2: labels[0] == 2}, permanent=False)
    tool.step(frames[1])
    tool.step(frames[2])  # remembered: every second one
    bank = tool._views[0].bank
    assert [sorted(each.values) for each in bank.entries] == [[1, 2], [1, 2]]
    tool.remember(frames[2].copy(), {1: labels[2] == 1}, permanent=True)
    assert [sorted(each.values) for each in bank.entries] == [[1, 2], [1], [2]]
    tool.remember(frames[2], {2: labels[2] == 2}, permanent=True)
    assert [sorted(each.values) for each in bank.entries] == [[1, 2], [1], [2]]
    tool.step(frames[3])
    tool.remember(frames[0], {1: labels[0] == 1}, permanent=True)
    assert len(bank.entries) == 4, "another frame is one more"


def test_restarting_keeps_what_people_said() -> None:
    frames, labels = moving_squares(frames=8, objects=1)
    tool = propagator(memory=MemoryConfig(every=2, most=4, previous=True, top_k=6))
    tool.remember(frames[0], {1: labels[0] == 1}, permanent=False)
    for frame in frames[1:6]:
        tool.step(frame)
    tool.remember(frames[6], {1: labels[6] == 1}, permanent=True)
    tool.restart()
    other = propagator(memory=MemoryConfig(every=2, most=4, previous=True, top_k=6))
    other.remember(frames[0], {1: labels[0] == 1}, permanent=True)
    other.remember(frames[6], {1: labels[6] == 1}, permanent=True)
    torch.testing.assert_close(tool.step(frames[7]).logits, other.step(frames[7]).logits, atol=1e-5, rtol=1e-5)


def test_an_object_out_of_sight_can_be_shown_so() -> None:
    frames, labels = moving_squares(frames=2, objects=1)
    tool = propagator()
    tool.remember(frames[0], {1: np.zeros_like(labels[0], dtype=bool)}, permanent=True)
    assert torch.isfinite(tool.step(frames[1]).probabilities).all()


def test_scales_and_mirror_images_are_averaged() -> None:
    frames, labels = moving_squares(frames=4, objects=2, size=(64, 64))
    looks = ViewConfig(scales=(1.0, 2.0), mirror=True)
    tool = propagator(views=looks)
    single = [propagator(views=ViewConfig(scales=(scale,))) for scale in looks.scales]
    mirrored = [propagator(views=ViewConfig(scales=(scale,))) for scale in looks.scales]
    shown = {1: labels[0] == 1, 2: labels[0] == 2}
    for each in (tool, *single):
        each.remember(frames[0], shown, permanent=False)
    for each in mirrored:
        each.remember(frames[0][:, ::-1], {k: v[:, ::-1] for k, v in shown.items()}, permanent=False)
    for frame in frames[1:]:
        seen = tool.step(frame).probabilities
        parts = [each.step(frame).probabilities for each in single]
        parts += [each.step(frame[:, ::-1]).probabilities.flip(-1) for each in mirrored]
        size = parts[0].shape[-2:]
        assert parts[1].shape[-2:] != size
        same = [torch.nn.functional.interpolate(p[None], size=size, mode="bilinear")[0] for p in parts]
        torch.testing.assert_close(seen, torch.stack(same).mean(0), atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="scales"):
        ViewConfig(scales=())


def test_what_cannot_be_done_is_said() -> None:
    frames, labels = moving_squares(frames=2, objects=1)
    tool = propagator()
    with pytest.raises(UserError, match="nothing to follow") as nothing:
        tool.step(frames[0])
    assert nothing.value.code == "propagate.no_object"
    with pytest.raises(UserError, match="object 3 has 64 x 40 pixels, the frame 64 x 48") as size:
        tool.remember(frames[0], {3: labels[0][:40] == 1}, permanent=False)
    assert size.value.code == "propagate.mask_size"
    with pytest.raises(ValueError, match="at least one"):
        tool.remember(frames[0], {}, permanent=False)
    with pytest.raises(ValueError, match="background"):
        tool.remember(frames[0], {0: labels[0] == 1}, permanent=False)
    assert tool.object_ids == ()


def test_a_bundle_follows_as_the_network_that_was_saved(tmp_path: Path) -> None:
    model = tiny()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())  # what a bundle can hold
    card = replace(CARD, description="d", trained_on="t")
    save_bundle(tmp_path / "isvos-tiny", model, tokenizer=None, card=card)
    bundle = load_bundle(tmp_path / "isvos-tiny")
    assert bundle.card.parameters == sum(p.numel() for p in model.parameters())
    frames, labels = moving_squares(frames=3, objects=2)
    results = []
    for network in (model, bundle.model):
        tool = IsvosPropagator(network, card=bundle.card)
        tool.remember(frames[0], {1: labels[0] == 1, 2: labels[0] == 2}, permanent=False)
        tool.step(frames[1])
        results.append(tool.step(frames[2]).probabilities)
    assert torch.equal(*results)


def test_warming_up_leaves_nothing_behind_and_knows_the_pace() -> None:
    tool = propagator()
    tool.warm_up()
    assert tool.object_ids == ()
    assert tool.memory_bytes == 0
    assert tool.pace.seconds(frames=1, pixels=1000) is not None


def test_the_memory_estimate_grows_with_the_frame_the_objects_and_the_given_masks() -> None:
    tool = propagator()
    one = tool.memory_mib(48, 64)
    assert one > 4 * tool.card.parameters / 2**20
    assert tool.memory_mib(48, 64, objects=3) > one
    assert tool.memory_mib(48, 64, given=50) > one
    assert replace_size(tool, 96).memory_mib(96, 128) > one


def replace_size(tool: IsvosPropagator, size: int) -> IsvosPropagator:
    return IsvosPropagator(tiny(), card=replace(tool.card, size=size, long_side=2 * size))
