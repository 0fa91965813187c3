"""RoBERTa's kind of tokeniser, learnt here from a few sentences, in each of the forms in which it is published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.models import Unigram
from transformers import RobertaTokenizer

from rvos_core.errors import UserError
from rvos_core.language import SubwordTokenizer, WordTokenizer, load_tokenizer

SENTENCES = ["the man in red riding a bike", "a white dog on the left", "the second car from the right"] * 4
TEXTS = ["the man on a bike", "A Fahrrad, in Straße \N{BICYCLE}!", "  two  blanks ", "can't", ""]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`vocab.json` and `merges.txt` of 300 tokens."""
    folder = tmp_path_factory.mktemp("roberta")
    learner = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    learner.train_from_iterator(SENTENCES, vocab_size=300, special_tokens=special, show_progress=False)
    learner.save_model(str(folder))
    return folder


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_the_public_tokeniser(files: Path, text: str) -> None:
    public = RobertaTokenizer.from_pretrained(str(files))
    assert list(load_tokenizer(files).encode(text).ids) == public(text)["input_ids"]


def test_vocabulary_and_json_say_the_same(files: Path, tmp_path: Path) -> None:
    ours = load_tokenizer(files / "merges.txt")
    ours.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path)
    assert isinstance(again, SubwordTokenizer) and again.vocab_size == ours.vocab_size
    for text in TEXTS:
        assert again.encode(text) == ours.encode(text)
        assert ours.encode(text).unknown_words == ()


def test_cutting_and_padding_that_a_file_asks_for_are_not_done(files: Path, tmp_path: Path) -> None:
    load_tokenizer(files).save(tmp_path / "plain.json")
    tokenizer = Tokenizer.from_file(str(tmp_path / "plain.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=40)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    long = "the man in red riding a bike on the left"
    assert load_tokenizer(tmp_path).encode(long) == load_tokenizer(files).encode(long)


def test_stops_say_how_far_a_cut_text_goes(files: Path) -> None:
    text = "the man in red"
    encoding = load_tokenizer(files).encode(text)
    assert encoding.stops[0] == encoding.stops[-1] == 0
    assert text[: encoding.stops[-2]] == text
    assert list(encoding.stops[1:-1]) == sorted(encoding.stops[1:-1])


def test_a_word_list_is_still_a_word_list(tmp_path: Path) -> None:
    WordTokenizer.from_words(["man", "red"]).save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json").encode("man blue").unknown_words == ("blue",)


def _wrong_special(folder: Path, files: Path) -> Path:
    vocabulary = json.loads((files / "vocab.json").read_text())
    vocabulary["<s>"], vocabulary["</s>"] = vocabulary["</s>"], vocabulary["<s>"]
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text((files / "merges.txt").read_text())
    return folder


def _unframed(folder: Path, files: Path) -> Path:
    load_tokenizer(files).save(folder / "tokenizer.json")
    document = json.loads((folder / "tokenizer.json").read_text())
    document["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(document))
    return folder


def _other_kind(folder: Path, files: Path) -> Path:
    Tokenizer(Unigram([("a", 0.0)])).save(str(folder / "tokenizer.json"))
    return folder


def _broken_merges(folder: Path, files: Path) -> Path:
    (folder / "vocab.json").write_text((files / "vocab.json").read_text())
    (folder / "merges.txt").write_text("#version: 0.2\nzz yy\n")
    return folder / "vocab.json"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_wrong_special, "no <s> token with the id 0"),
        (_unframed, "between <s> and </s>"),
        (_other_kind, "of the kind Unigram"),
        (_broken_merges, "is not a tokeniser file"),
        (lambda folder, files: folder, "holds no tokeniser"),
        (lambda folder, files: folder / "missing.json", "is not a tokeniser file"),
    ],
)
def test_what_is_no_such_tokeniser_is_refused_in_a_sentence(make, message: str, files: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message):
        load_tokenizer(make(tmp_path, files))
