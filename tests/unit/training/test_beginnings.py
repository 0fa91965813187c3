"""What a training begins with, and the sentences that R2-VOS's relations remember from step to step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from helpers_training import TOKENIZER, small_model
from rvos_core.errors import UserError
from rvos_core.models.referring_values import Reading
from rvos_core.training.assembly import make_model
from rvos_core.training.cycle import cycle_losses
from rvos_core.training.plan import ModelPlan
from rvos_core.training.robust import SentenceQueue
from rvos_core.training.starting_weights import load_part, load_whole, with_words


@pytest.mark.parametrize("wrapper", ["", "module.", "backbone.0.body."])
def test_image_weights_begin_a_network_whatever_their_names_are_wrapped_in(wrapper: str, tmp_path: Path) -> None:
    giver, taker = small_model(seed=1), small_model(seed=2)
    prefix = "backbone.0.body."
    weights = {name.removeprefix(prefix): v for name, v in giver.state_dict().items() if name.startswith(prefix)}
    before = {name: value.clone() for name, value in taker.state_dict().items()}
    save_file(
        {f"{wrapper}{name}": value.contiguous() for name, value in weights.items()}, tmp_path / "image.safetensors"
    )
    load_part(taker, prefix, tmp_path / "image.safetensors")
    for name, value in taker.state_dict().items():
        expected = giver.state_dict()[name] if name.startswith(prefix) else before[name]
        assert torch.equal(value, expected), name


def test_text_weights_of_another_size_are_refused_with_their_share(tmp_path: Path) -> None:
    save_file({"embeddings.word_embeddings.weight": torch.zeros(3, 4)}, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"0 of the \d+ weights of text_encoder\."):
        load_part(small_model(), "text_encoder.", tmp_path)
    with pytest.raises(UserError, match=r"missing\.safetensors"):
        load_part(small_model(), "text_encoder.", tmp_path / "missing.safetensors")


def test_a_longer_list_of_words_changes_nothing_that_known_words_say() -> None:
    model = small_model(seed=1).eval()
    grown, words = with_words(model, TOKENIZER, ["zebra", "aardvark", "red"])
    assert words.token_ids.keys() - TOKENIZER.token_ids.keys() == {"zebra", "aardvark"}
    text = "the red car on the left"
    said = [
        network.encode_text(torch.tensor([tokenizer.encode(text).ids])).words
        for network, tokenizer in ((model, TOKENIZER), (grown.eval(), words))
    ]
    assert torch.equal(*said)
    assert words.encode(text).ids != TOKENIZER.encode(text).ids, "rows have moved"
    assert words.encode("a zebra").unknown_words == ()
    assert with_words(grown, words, ["zebra"]) == (grown, words)


def test_what_a_start_lacks_is_named_and_another_shape_is_refused() -> None:
    giver, taker = small_model(seed=1), small_model(seed=2)
    weights = giver.state_dict()
    del weights["query_embed.weight"]
    kept = taker.state_dict()["query_embed.weight"].clone()
    assert load_whole(taker, weights, path="x") == ["query_embed.weight"]
    assert torch.equal(taker.state_dict()["query_embed.weight"], kept)
    assert torch.equal(taker.state_dict()["class_embed.0.bias"], giver.state_dict()["class_embed.0.bias"])
    with pytest.raises(UserError, match=r"query_embed\.weight is"):
        load_whole(taker, {"query_embed.weight": torch.zeros(1, 1)}, path="x")
    with pytest.raises(UserError, match="none of its weights"):
        load_whole(taker, {"other": torch.zeros(1)}, path="x")


def test_a_checkpoint_of_something_else_is_no_start(tmp_path: Path) -> None:
    torch.save({"model": {}}, tmp_path / "x.pt")
    with pytest.raises(UserError, match="no checkpoint of a training"):
        make_model(ModelPlan("ifirvos-mini", start=str(tmp_path / "x.pt")))


def reading(count: int, *, seed: int) -> Reading:
    generator = torch.Generator().manual_seed(seed)
    sentence, read = (torch.randn(count, 6, generator=generator) for _ in range(2))
    return Reading(sentence, read.requires_grad_(), torch.zeros(count))


def test_a_single_sentence_is_related_to_those_of_earlier_steps() -> None:
    queue, there = SentenceQueue(4, 6), torch.tensor([True])
    steps = [reading(1, seed=seed) for seed in range(5)]
    alone, longer = cycle_losses(steps[0], there), queue.behind(steps[0], there)
    assert float(alone.angle.detach()) == 0 and longer[0] is steps[0]
    for each in steps[:4]:
        queue.take(each, there)
    now, present = queue.behind(steps[4], there)
    assert len(now.sentence) == 5 and bool(present.all())
    together = Reading(
        torch.cat([steps[i].sentence for i in (4, 3, 2, 1, 0)]),
        torch.cat([steps[i].reconstructed for i in (4, 3, 2, 1, 0)]),
        None,
    )
    losses, expected = cycle_losses(now, present), cycle_losses(together, present)
    assert float(losses.angle.detach()) == pytest.approx(float(expected.angle.detach()))
    assert float(losses.angle.detach()) > 0
    losses.angle.backward()  # type: ignore[no-untyped-call]
    assert steps[4].reconstructed.grad is not None and steps[3].reconstructed.grad is None


def test_the_queue_takes_what_fits_forgets_the_oldest_and_is_saved() -> None:
    queue = SentenceQueue(3, 6)
    first, second = reading(3, seed=1), reading(2, seed=2)
    queue.take(first, torch.tensor([True, False, True]))
    assert int(queue.used) == 2
    queue.take(second, torch.tensor([True, True]))
    wanted = torch.cat([second.sentence, first.sentence[:1]])
    assert int(queue.used) == 3 and torch.equal(queue.sentence, wanted)
    again = SentenceQueue(3, 6)
    again.load_state_dict(queue.state_dict())
    assert int(again.used) == 3 and torch.equal(again.reconstructed, queue.reconstructed)
