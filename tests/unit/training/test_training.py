"""The training loop on a very small network: it learns, resumes exactly and keeps its last good checkpoint."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rvos_core.errors import UserError
from rvos_core.language import WordTokenizer
from rvos_core.models.configs import IfirvosConfig, ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.referring_values import LayerPrediction
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import NO_OBJECT, BatchShape, ReferringBatch, WorldBatches, mask_boxes
from rvos_core.training.checkpoint import load_checkpoint, save_checkpoint
from rvos_core.training.engine import Diverged, StageConfig, Trainer
from rvos_core.training.losses import Targets, subsample_masks
from rvos_core.training.objectives import (
    Objective,
    Ramp,
    ReferringObjective,
    ReferringWeights,
    other_object_loss,
    sight_loss,
    vote_loss,
)
from rvos_core.training.parts import PartsObjective, cell_names
from rvos_core.training.presets import IFIRVOS_CODE
from rvos_core.training.validation import QuickValidation

TOKENIZER = WordTokenizer.from_words(vocabulary())
SHAPE = BatchShape(sizes=((64, 96),), clips=2, frames=2)
CPU = torch.device("cpu")


def tiny_config() -> IfirvosConfig:
    mini = ifirvos_mini_config(vocab_size=TOKENIZER.vocab_size)
    backbone = replace(mini.backbone, widths=(16, 16, 32, 32), blocks=(1, 1, 1, 1), stem_width=16)
    text = replace(mini.text, width=32, layers=1, heads=2, ffn=32)
    return replace(
        mini,
        backbone=backbone,
        text=text,
        hidden=32,
        encoder_layers=1,
        decoder_layers=2,
        ffn=32,
        heads=4,
        mask_dim=8,
        consensus=False,
    )


def tiny_model(seed: int = 0) -> Ifirvos:
    torch.manual_seed(seed)
    return Ifirvos(tiny_config())


def stage(**changes: object) -> StageConfig:
    base = StageConfig("stage", steps=6, shape=SHAPE, warmup=1, log_every=1, save_every=2, bf16=False, seed=5)
    return replace(base, **changes)  # type: ignore[arg-type]


def trainer(folder: Path, model: Ifirvos, objective: Objective | None = None, **changes: object) -> Trainer:
    objective = objective or ReferringObjective(model, ReferringWeights(other_objects=0.5))
    return Trainer(
        model, objective, world(stage(**changes)), config=stage(**changes), folder=folder, device=CPU, workers=0
    )


def world(config: StageConfig) -> WorldBatches:
    return WorldBatches(config.shape, TOKENIZER, seed=config.seed, steps=config.steps)


def one_batch() -> ReferringBatch:
    return WorldBatches(SHAPE, TOKENIZER, seed=3, steps=1)[0]


def test_a_batch_is_a_function_of_its_step() -> None:
    first, again = (WorldBatches(SHAPE, TOKENIZER, seed=3, steps=4)[2] for _ in range(2))
    assert torch.equal(first.frames, again.frames) and torch.equal(first.labels, again.labels)
    assert first.texts == again.texts
    assert first.texts != WorldBatches(SHAPE, TOKENIZER, seed=3, steps=4)[1].texts


def test_targets_are_the_meant_objects_and_others_are_not() -> None:
    batch = one_batch()
    targets, others = batch.targets(), batch.others()
    for item, (clip, obj) in enumerate(zip(batch.clip_of.tolist(), batch.objects.tolist(), strict=True)):
        assert obj != NO_OBJECT
        assert torch.equal(targets.valid[item], (batch.labels[clip] == obj + 1).flatten(1).any(1))
        assert float((others.masks[item] * targets.masks[item]).sum()) == 0
        for k, kind in enumerate(batch.categories[clip].tolist()):
            alone = batch.labels[clip] == k + 1
            seen = alone.flatten(1).any(1) if k != obj and kind != NO_OBJECT else torch.zeros(2, dtype=torch.bool)
            assert torch.equal(others.valid[item, k], seen)
            if seen.any():
                assert torch.equal(others.masks[item, k], subsample_masks(alone.float()))
                assert torch.equal(others.boxes[item, k], mask_boxes(alone))


def test_an_expression_that_means_nothing_has_an_empty_target() -> None:
    batch = replace(one_batch(), objects=torch.full((4,), NO_OBJECT))
    targets = batch.targets()
    assert not targets.valid.any() and not targets.masks.any() and not targets.boxes.any()
    assert torch.equal(batch.others().valid, batch.objects_of_clips().valid[batch.clip_of])


def test_twins_are_two_objects_of_one_category_where_the_clip_has_them() -> None:
    shape = replace(SHAPE, clips=12, frames=1, twins=1.0)
    batch = WorldBatches(shape, TOKENIZER, seed=3, steps=1)[0]
    for clip in range(12):
        first, second = (int(obj) for obj in batch.objects[batch.clip_of == clip])
        kinds = batch.categories[clip]
        meant = [int(obj) for obj, name in enumerate(kinds) if int(name) == int(kinds[first]) and obj != first]
        assert first != second
        assert not meant or int(kinds[second]) == int(kinds[first]) or not _can_be_named(clip, meant, shape)


def _can_be_named(clip: int, objects: list[int], shape: BatchShape) -> bool:
    """Whether a drawn batch of many expressions ever means one of `objects` of this clip."""
    many = WorldBatches(replace(shape, expressions=8), TOKENIZER, seed=3, steps=1)[0]
    return any(int(obj) in objects for obj in many.objects[many.clip_of == clip])


def test_box_is_first_to_last_set_index() -> None:
    masks = torch.zeros(2, 10, 20, dtype=torch.bool)
    masks[0, 2:5, 4:9] = True
    boxes = mask_boxes(masks)
    assert boxes[0].tolist() == pytest.approx([(4 + 8) / 2 / 20, (2 + 4) / 2 / 10, 4 / 20, 2 / 10])
    assert boxes[1].tolist() == [0, 0, 0, 0]


def test_cells_are_named_after_the_object_under_their_centre() -> None:
    batch = one_batch()
    category, colour = cell_names(batch, 8, (8, 12))
    for y in range(8):
        for x in range(12):
            label = int(batch.labels[0, 0, y * 8 + 4, x * 8 + 4])
            assert int(category[0, y, x]) == (0 if label == 0 else int(batch.categories[0, label - 1]) + 1)
            assert int(colour[0, y, x]) == (NO_OBJECT if label == 0 else int(batch.colours[0, label - 1]))


@pytest.mark.parametrize("kind", ["referring", "parts"])
def test_the_loss_falls_on_fixed_samples(kind: str) -> None:
    model = tiny_model()
    objective: Objective = (
        PartsObjective(model) if kind == "parts" else ReferringObjective(model, ReferringWeights(other_objects=0.5))
    )
    parameters = [*model.parameters(), *objective.heads.parameters()]
    optimizer = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr=3e-3)
    batch, losses = one_batch(), []
    for _ in range(25):
        loss, figures = objective(model, batch, 0.5)
        assert all(math.isfinite(value) for value in figures.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_gradients_reach_every_parameter_of_the_model() -> None:
    model = tiny_model()
    objective = ReferringObjective(model, ReferringWeights(all_queries=Ramp(1.0, 1.0), other_objects=0.5))
    for _ in range(2):  # the box heads' first layers get a gradient once their last one has left zero
        loss, _ = objective(model, one_batch(), 0.0)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= 1e-3 * parameter.grad
    silent = [name for name, p in model.named_parameters() if p.grad is None or float(p.grad.abs().sum()) == 0]
    assert silent == []


def test_resumed_training_equals_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", tiny_model())
    whole.run()
    first = trainer(tmp_path / "parts", tiny_model())
    first.run(until=2)
    second = trainer(tmp_path / "parts", tiny_model(seed=99))  # its random weights must be overwritten
    second.run()
    assert second.step == whole.step == 6
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name
    for name, value in whole.ema.values.items():
        assert torch.equal(value, second.ema.values[name]), name


def test_the_curve_is_written_line_by_line(tmp_path: Path) -> None:
    trainer(tmp_path, tiny_model(), steps=2).run()
    rows = [json.loads(line) for line in (tmp_path / "stage.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert all(math.isfinite(row["loss"]) for row in rows)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    model = tiny_model()
    run = trainer(tmp_path, model)
    run.run(until=2)
    kept = (tmp_path / "stage.pt").read_bytes()
    with torch.no_grad():
        model.query_embed.weight.fill_(float("nan"))
    with pytest.raises(Diverged, match="step 2"):
        run.run(resume=False)
    assert (tmp_path / "stage.pt").read_bytes() == kept


def test_a_failed_write_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stage.pt"
    save_checkpoint(path, {"step": 1})

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(UserError, match="No space left"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path, CPU) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["stage.pt"]


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"PK\x03\x04 cut"])
def test_a_damaged_checkpoint_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stage.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"stage\.pt is not a readable checkpoint"):
        load_checkpoint(path, CPU)


def test_quick_validation_gives_shares_and_leaves_the_weights_alone(tmp_path: Path) -> None:
    model = tiny_model()
    run = trainer(tmp_path, model)
    run._validation = QuickValidation(TOKENIZER, SHAPE, device=CPU, clips=2, bf16=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    figures = run.validate()
    assert set(figures) == {"val_J", "val_oracle", "val_right", "val_others_covered"}
    assert all(0 <= value <= 1 for value in figures.values())
    assert figures["val_oracle"] >= figures["val_J"]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_vote_loss_is_least_where_the_matched_query_leads_while_the_object_is_in_sight() -> None:
    logits = torch.zeros(1, 3, 4, 1)
    logits[0, :, 2] = torch.tensor([[6.0], [-1.0], [-60.0]])
    layer = LayerPrediction(logits, torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 2, 2))
    targets = Targets(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 4), torch.tensor([[True, True, False]]))
    losses = [float(vote_loss(layer, targets, torch.tensor([query]))) for query in range(4)]
    assert min(range(4), key=losses.__getitem__) == 2
    mean = torch.tensor([0.0, 0.0, 5 / 2, 0.0], dtype=torch.float64)
    assert losses[2] == pytest.approx(float(-mean.log_softmax(0)[2]), rel=1e-5)
    nowhere = replace(targets, valid=torch.zeros(1, 3, dtype=torch.bool))
    assert float(vote_loss(layer, nowhere, torch.tensor([2]))) == 0


def test_the_sight_loss_weighs_hidden_frames_as_much_as_seen_ones() -> None:
    logits = torch.zeros(1, 4, 2, 1)
    logits[0, :, 1] = torch.tensor([[2.0], [2.0], [2.0], [1.0]])
    layer = LayerPrediction(logits, torch.zeros(1, 4, 2, 4), torch.zeros(1, 4, 2, 2, 2))
    targets = Targets(torch.zeros(1, 4, 2, 2), torch.zeros(1, 4, 4), torch.tensor([[True, True, True, False]]))
    expected = math.log1p(math.exp(-2.0)) + math.log1p(math.exp(1.0))
    assert float(sight_loss(layer, targets, torch.tensor([1]))) == pytest.approx(expected, rel=1e-5)


def test_other_objects_go_to_the_cheapest_free_queries() -> None:
    batch = WorldBatches(replace(SHAPE, min_objects=4), TOKENIZER, seed=4, steps=1)[0]
    others = batch.others()
    items, objects = others.valid.shape[:2]
    masks = torch.full((items, 2, 5, *others.masks.shape[-2:]), -20.0)
    boxes = torch.full((items, 2, 5, 4), 0.5)
    for k in range(min(objects, 4)):
        masks[:, :, 4 - k] = (others.masks[:, k] - 0.5) * 40
        boxes[:, :, 4 - k] = others.boxes[:, k]
    layer = LayerPrediction(torch.zeros(items, 2, 5, 1), boxes, masks)
    first = torch.zeros(items, dtype=torch.int64)
    perfect = float(other_object_loss(layer, others, first, IFIRVOS_CODE))
    moved = LayerPrediction(layer.pred_logits, boxes.roll(1, 2), masks.roll(1, 2))
    assert float(other_object_loss(moved, others, first + 1, IFIRVOS_CODE)) == pytest.approx(perfect, abs=1e-5)
    assert perfect < float(other_object_loss(moved, others, first, IFIRVOS_CODE)) - 0.1  # one of them is taken


def test_the_first_query_is_given_the_meant_object_where_that_is_asked() -> None:
    model, targets = tiny_model(), one_batch().targets()
    items, frames = targets.valid.shape
    masks = torch.full((items, frames, 5, *targets.masks.shape[-2:]), -20.0)
    boxes = torch.full((items, frames, 5, 4), 0.5)
    masks[:, :, 3], boxes[:, :, 3] = (targets.masks - 0.5) * 40, targets.boxes
    layer = LayerPrediction(torch.zeros(items, frames, 5, 1), boxes, masks)
    given = {asked: ReferringObjective(model, ReferringWeights(first_query=asked)) for asked in (True, False)}
    assert given[False]._matched(layer, targets).tolist() == [3] * items
    assert given[True]._matched(layer, targets).tolist() == [0] * items


def test_a_ramp_holds_falls_and_holds() -> None:
    ramp = Ramp(1.0, 0.0, begin=0.2, until=0.6)
    assert [ramp.at(p) for p in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([1, 1, 0.5, 0, 0])
