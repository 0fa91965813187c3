"""Word-level tokeniser of the small bundled models: lower-cased words, a closed vocabulary, unknown words named.

The special ids are RoBERTa's (`<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3), so that one text encoder serves both. The file
on disk is the `tokenizers` library's JSON. RoBERTa's own tokeniser is in `subwords.py`; `loading.py` reads either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel

from rvos_core.errors import UserError

_AROUND_WORDS = re.compile(r"(?<![^\W_])['-]+|['-]+(?![^\W_])")
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_MAX_FILE_BYTES = 64 * 1024 * 1024  # RoBERTa's has 2


@dataclass(frozen=True)
class Encoding:
    """Token ids of one expression, `<s>` and `</s>` included, and the words that became `<unk>`, as typed.

    `stops`: where each token ends in the expression, characters; 0 for `<s>` and `</s>`.
    """

    ids: tuple[int, ...]
    stops: tuple[int, ...]
    unknown_words: tuple[str, ...] = ()


class Tokenizer(Protocol):
    """Text -> token ids, whatever the vocabulary is made of. `pad_id` fills up shorter texts of a batch."""

    pad_id: int

    @property
    def vocab_size(self) -> int: ...

    def encode(self, text: str) -> Encoding:
        """Ids of `text` with `<s>` and `</s>`."""
        ...

    def save(self, path: str | Path) -> None:
        """Write `tokenizer.json`."""
        ...


class WordTokenizer:
    """Text -> ids. Build one from a word list with `from_words`, or read one with `from_file`."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
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
        tokenizer = tokenizers.Tokenizer(WordLevel(vocab=vocabulary, unk_token="<unk>"))
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
        return cls(parse_tokenizer(path))

    def save(self, path: str | Path) -> None:
        """Write `tokenizer.json`."""
        Path(path).write_text(self._tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    @property
    def token_ids(self) -> dict[str, int]:
        """Id of every token, the special ones included."""
        return dict(self._tokenizer.get_vocab())

    def encode(self, text: str) -> Encoding:
        """Ids of `text` with `<s>` and `</s>`; unknown words keep their order and appear once each.

        Where whole words are looked up, quotes and dashes around them are none of their letters.
        """
        if isinstance(self._tokenizer.model, WordLevel):
            text = _AROUND_WORDS.sub(lambda found: " " * len(found[0]), text)
        encoded = self._tokenizer.encode(whole_letters(text))
        spans = zip(encoded.ids, encoded.offsets, strict=True)
        unknown = dict.fromkeys(text[start:stop] for token_id, (start, stop) in spans if token_id == self._unk_id)
        stops = tuple(stop for _, stop in encoded.offsets)
        return Encoding(ids=tuple(encoded.ids), stops=stops, unknown_words=tuple(unknown))


def whole_letters(text: str) -> str:
    """`text`, as long as before, with `?` for every half of a surrogate pair, which a shell makes of broken bytes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def parse_tokenizer(path: str | Path) -> tokenizers.Tokenizer:
    """The `tokenizers` object in a `tokenizer.json`. Raises: UserError: the file is missing or not a tokeniser."""
    text = read_text(path)
    try:
        if "model" not in json.loads(text):
            raise bad_tokenizer(path)
        return tokenizers.Tokenizer.from_str(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_tokenizer(path) from error
    except Exception as error:
        if type(error) is not Exception:  # what `tokenizers` raises has no class of its own
            raise
        raise bad_tokenizer(path) from error


def read_text(path: str | Path) -> str:
    """Text of a tokeniser's file. Raises: UserError: it is missing, not text, or larger than any vocabulary."""
    try:
        if Path(path).stat().st_size > _MAX_FILE_BYTES:
            raise bad_tokenizer(path)
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise bad_tokenizer(path) from error


def bad_tokenizer(path: str | Path) -> UserError:
    """The error for a file that is no tokeniser."""
    return UserError(
        f"{path} is not a tokeniser file.",
        hint="Take the tokenizer.json that came with the weights.",
        code="model.bad_tokenizer",
    )
