"""Word-level tokeniser of the small bundled models: lower-cased words, a closed vocabulary, unknown words named.

The special ids are RoBERTa's (`<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3), so that one text encoder serves both. The file
on disk is the `tokenizers` library's JSON; a released RoBERTa tokeniser of that format loads through the same class.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel

from rvos_core.errors import UserError

_AROUND_WORDS = re.compile(r"(?<![^\W_])['-]+|['-]+(?![^\W_])")
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


@dataclass(frozen=True)
class Encoding:
    """Token ids of one expression, `<s>` and `</s>` included, and the words that became `<unk>`, as typed.

    `stops`: where each token ends in the expression, characters; 0 for `<s>` and `</s>`.
    """

    ids: tuple[int, ...]
    stops: tuple[int, ...]
    unknown_words: tuple[str, ...] = ()


class WordTokenizer:
    """Text -> ids. Build one from a word list with `from_words`, or read one with `from_file`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.pad_id = self._id("<pad>")
        self._unk_id = self._id("<unk>")

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise UserError(
                f"The tokeniser has no {token} token.",
                hint="Take the tokenizer.json that came with the weights.",
                code="model.bad_tokenizer",
            )
        return int(found)

    @classmethod
    def from_words(cls, words: Iterable[str]) -> WordTokenizer:
        """A tokeniser that knows exactly `words` (lower case) and the four special tokens."""
        vocabulary = {token: index for index, token in enumerate(_SPECIAL)}
        for word in sorted({word.lower() for word in words}):
            vocabulary.setdefault(word, len(vocabulary))
        tokenizer = Tokenizer(WordLevel(vocab=vocabulary, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(r"[^\p{L}\p{N}\p{M}'-]+"), "removed")]
        )
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        return cls(tokenizer)

    @classmethod
    def from_file(cls, path: str | Path) -> WordTokenizer:
        """Read a `tokenizer.json`.

        Raises:
            UserError: the file is missing or not a tokeniser.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            if "model" not in json.loads(text):
                raise ValueError("no model section")
            tokenizer = _parsed(text)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path} is not a tokeniser file.",
                hint="Take the tokenizer.json that came with the weights.",
                code="model.bad_tokenizer",
            ) from error
        return cls(tokenizer)

    def save(self, path: str | Path) -> None:
        """Write `tokenizer.json`."""
        Path(path).write_text(self._tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def encode(self, text: str) -> Encoding:
        """Ids of `text` with `<s>` and `</s>`; unknown words keep their order and appear once each.

        Where whole words are looked up, quotes and dashes around them are none of their letters.
        """
        if isinstance(self._tokenizer.model, WordLevel):
            text = _AROUND_WORDS.sub(lambda found: " " * len(found[0]), text)
        encoded = self._tokenizer.encode(text)
        spans = zip(encoded.ids, encoded.offsets, strict=True)
        unknown = dict.fromkeys(text[start:stop] for token_id, (start, stop) in spans if token_id == self._unk_id)
        stops = tuple(stop for _, stop in encoded.offsets)
        return Encoding(ids=tuple(encoded.ids), stops=stops, unknown_words=tuple(unknown))


def _parsed(text: str) -> Tokenizer:
    """Raises: ValueError: `text` is JSON, but not of a tokeniser."""
    try:
        return Tokenizer.from_str(text)
    except Exception as error:
        if type(error) is not Exception:  # what `tokenizers` raises has no class of its own
            raise
        raise ValueError(str(error)) from error
