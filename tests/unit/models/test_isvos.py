"""ISVOS as a whole: what its outputs must not depend on, its roll-out, its configurations."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from isvos_small import MINI_LIKE, PAPER_LIKE, tiny
from rvos_core.errors import UserError
from rvos_core.models.architectures import architecture, configuration
from rvos_core.models.isvos import Isvos, IsvosOutput, merge, trainable_groups
from rvos_core.models.isvos_configs import InstanceConfig, IsvosConfig, MemoryConfig, ValueConfig

BOTH = pytest.mark.parametrize("config", [MINI_LIKE, PAPER_LIKE], ids=["mini", "paper"])


def squares(batch: int, objects: int, size: tuple[int, int] = (48, 64)) -> Tensor:
    masks = torch.zeros(batch, objects, *size)
    for k in range(objects):
        masks[:, k, 4 + 12 * k : 14 + 12 * k, 8 + 10 * k : 24 + 10 * k] = 1.0
    return masks


def roll(model: Isvos, frames: Tensor, masks: Tensor, **options: Tensor) -> IsvosOutput:
    with torch.no_grad():
        return model(frames, masks, **options)


@BOTH
def test_batched_equals_single(config: IsvosConfig) -> None:
    model = tiny(config)
    frames, masks = torch.randn(3, 3, 3, 48, 64), squares(3, 2)
    masks[1] = masks[1].flip(-1)
    together = roll(model, frames, masks)
    for clip in range(3):
        alone = roll(model, frames[clip : clip + 1], masks[clip : clip + 1])
        torch.testing.assert_close(together.object_logits[clip : clip + 1], alone.object_logits, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together.logits[clip : clip + 1], alone.logits, atol=2e-5, rtol=1e-4)
        for ours, own in zip(together.instances, alone.instances, strict=True):
            torch.testing.assert_close(ours.mask_logits[3 * clip : 3 * clip + 3], own.mask_logits, atol=1e-5, rtol=1e-4)


@BOTH
def test_permuting_the_objects_permutes_the_outputs(config: IsvosConfig) -> None:
    model = tiny(config)
    frames, masks, order = torch.randn(1, 4, 3, 48, 64), squares(1, 3), [2, 0, 1]
    usual, turned = roll(model, frames, masks), roll(model, frames, masks[:, order])
    torch.testing.assert_close(turned.object_logits, usual.object_logits[:, :, order], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(turned.logits[:, :, 0], usual.logits[:, :, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(turned.logits[:, :, 1:], usual.logits[:, :, 1:][:, :, order], atol=1e-5, rtol=1e-4)


@BOTH
def test_another_object_leaves_logits_before_aggregation_alone(config: IsvosConfig) -> None:
    model = tiny(config)
    with torch.no_grad():
        first, second = (model.encode_frames(torch.randn(1, 3, 48, 64)) for _ in range(2))
        values = model.encode_value(first, squares(1, 2)).flatten(3)
        more = torch.cat([values, torch.randn_like(values[:, :1])], dim=1)
        two = model.read_and_decode(second, first.key.flatten(2), values, top_k=5)
        three = model.read_and_decode(second, first.key.flatten(2), more, top_k=5)
    torch.testing.assert_close(three[:, :2], two, atol=1e-5, rtol=0)


@BOTH
def test_an_object_that_is_padding_changes_nothing(config: IsvosConfig) -> None:
    model = tiny(config)
    frames, masks = torch.randn(2, 3, 3, 48, 64), squares(2, 2)
    masks[1, 1] = 0
    present = torch.tensor([[True, True], [True, False]])
    together = roll(model, frames, masks, present=present)
    alone = roll(model, frames[1:], masks[1:, :1])
    torch.testing.assert_close(together.logits[1:, :, :2].softmax(2), alone.logits.softmax(2), atol=1e-5, rtol=1e-4)
    assert together.logits[1].softmax(1)[:, 2].max() < 1e-6


def test_the_roll_out_remembers_every_predicted_frame() -> None:
    model = tiny()
    frames, masks = torch.randn(1, 4, 3, 48, 64), squares(1, 2)
    output = roll(model, frames, masks)
    with torch.no_grad():
        seen = [model.encode_frames(frames[:, t]) for t in range(4)]
        keys, values = [seen[0].key.flatten(2)], [model.encode_value(seen[0], masks).flatten(3)]
        for t in range(1, 4):
            logits = model.read_and_decode(seen[t], torch.cat(keys, -1), torch.cat(values, -1))
            torch.testing.assert_close(output.object_logits[:, t - 1], logits, atol=1e-5, rtol=1e-4)
            predicted = merge(logits, (48, 64)).softmax(1)[:, 1:]
            keys.append(seen[t].key.flatten(2))
            values.append(model.encode_value(seen[t], predicted).flatten(3))
    assert output.logits.shape == (1, 3, 3, 48, 64)
    assert output.object_logits.shape == (1, 3, 2, 12, 16)
    assert len(output.instances) == MINI_LIKE.instance.decoder_layers + 1


def test_the_value_sees_its_own_mask_and_the_sum_of_the_others() -> None:
    model, seen = tiny(), []
    model.value_encoder.trunk.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    masks = squares(1, 3)
    with torch.no_grad():
        frame = model.encode_frames(torch.randn(1, 3, 48, 64))
        model.encode_value(frame, masks)
    assert seen[0].shape == (3, 5, 48, 64)
    for k in range(3):
        torch.testing.assert_close(seen[0][k, :3], frame.frames[0])
        torch.testing.assert_close(seen[0][k, 3], masks[0, k])
        torch.testing.assert_close(seen[0][k, 4], masks[0].sum(0) - masks[0, k])


@pytest.mark.parametrize("size", [(48, 64), (45, 61), (33, 32), (70, 40)])
@BOTH
def test_any_size_of_frame_works(config: IsvosConfig, size: tuple[int, int]) -> None:
    output = roll(tiny(config), torch.randn(1, 2, 3, *size), squares(1, 1, size))
    assert output.logits.shape == (1, 1, 2, *size)
    assert output.object_logits.shape[-2:] == ((size[0] + 3) // 4, (size[1] + 3) // 4)
    assert torch.isfinite(output.logits).all()


@pytest.mark.parametrize(
    "changes",
    [{"enhance_query": False}, {"multi_path": False}, {"value": replace(MINI_LIKE.value, other_masks=False)}],
    ids=["without QE", "without MPF", "own mask only"],
)
def test_ablations_run_and_learn(changes: dict[str, object]) -> None:
    model = tiny(**changes).train()
    output = model(torch.randn(1, 2, 3, 48, 64), squares(1, 2))
    output.logits.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in tiny().parameters())


def test_instances_reach_the_keys_and_the_masks() -> None:
    """Table 3: both paths of the instance branch matter; without them its queries have no influence."""
    frames, masks = torch.randn(1, 2, 3, 48, 64), squares(1, 1)
    for changes, moves in (({}, True), ({"enhance_query": False, "multi_path": False}, False)):
        model = tiny(**changes)
        before = roll(model, frames, masks).logits
        with torch.no_grad():
            for parameter in model.instance.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        assert torch.allclose(roll(model, frames, masks).logits, before) is not moves


def test_the_published_configurations() -> None:
    r50, full = configuration("isvos-r50")
    mini_entry, mini = configuration("isvos-mini")
    assert r50 is mini_entry is architecture("isvos")
    assert (full.key_stride, full.key_dim, full.value_dim, full.instance.queries) == (16, 64, 512, 100)
    assert (full.memory.every, full.memory.most, full.memory.top_k, full.memory.previous) == (5, 16, 20, False)
    for config in (full, mini):
        assert IsvosConfig.from_dict(config.to_dict()) == config
    with torch.device("meta"):
        models = [r50.build(config) for config in (full, mini)]
    counts = [sum(p.numel() for p in model.parameters()) for model in models]
    assert counts[0] == 99_065_399
    assert 3e6 < counts[1] < 6e6
    assert 2 * sum(value.numel() for value in models[1].state_dict().values()) < 14e6, "fp16 weights fit 14 MB"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: replace(MINI_LIKE, key_stride=4),
        lambda: replace(MINI_LIKE, key_stride=16),  # the widths are those of two stages
        lambda: replace(MINI_LIKE, fusion_widths=(8,)),
        lambda: replace(MINI_LIKE, key_dim=0),
        lambda: replace(MINI_LIKE, shortcut_kernel=2),
        lambda: InstanceConfig(hidden=30),
        lambda: InstanceConfig(queries=0),
        lambda: InstanceConfig(laterals=(64,)),
        lambda: ValueConfig(widths=(8, 8)),
        lambda: MemoryConfig(every=0),
        lambda: MemoryConfig(top_k=-1),
    ],
)
def test_impossible_numbers_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        wrong()


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(UserError, match="keystride"):
        IsvosConfig.from_dict({"keystride": 16})


def test_the_instance_branch_learns_at_a_tenth_of_the_rate() -> None:
    model = tiny()
    main, branch = trainable_groups(model, rate=2e-5)
    assert (main["lr"], branch["lr"]) == (2e-5, pytest.approx(2e-6))
    assert len(main["params"]) + len(branch["params"]) == len(list(model.parameters()))
    assert {id(p) for p in branch["params"]} == {id(p) for p in model.instance.parameters()}


def test_bfloat16_stays_near_float32() -> None:
    model = tiny()
    frames, masks = torch.randn(1, 3, 3, 48, 64), squares(1, 2)
    exact = roll(model, frames, masks)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = roll(model, frames, masks)
    assert rough.logits.dtype == torch.float32
    assert (rough.logits.softmax(2) - exact.logits.softmax(2)).abs().mean() < 0.02
