"""Byte-level subword tokeniser of the full-size models: RoBERTa's, read from its public files.

Bytes cover every text, so no word is unknown to it; what it can spell, the model need not understand.
"""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from rvos_core.errors import UserError
from rvos_core.language.tokenizer import Encoding, bad_tokenizer, parse_tokenizer, read_text, whole_letters

_BEGIN, _PAD, _END = ("<s>", 0), ("<pad>", 1), ("</s>", 2)  # RoBERTa's special ids; the text encoder counts on them


class SubwordTokenizer:
    """Text -> ids of a byte-level vocabulary, framed by `<s>` and `</s>`.

    Args:
        tokenizer: frames a sentence itself; cutting and padding settings of the file are switched off.

    Raises:
        UserError: the special tokens are not where RoBERTa has them.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
        for token, token_id in (_BEGIN, _PAD, _END):
            if tokenizer.token_to_id(token) != token_id:
                raise UserError(
                    f"The tokeniser has no {token} token with the id {token_id}; it is not one of a RoBERTa.",
                    hint="Take the tokenizer.json of roberta-base.",
                    code="model.bad_tokenizer",
                )
        framed = tokenizer.encode("a").ids
        if len(framed) < 3 or framed[0] != _BEGIN[1] or framed[-1] != _END[1]:
            raise UserError(
                "The tokeniser does not put a sentence between <s> and </s>.",
                hint="Take the tokenizer.json of roberta-base.",
                code="model.bad_tokenizer",
            )
        self.pad_id = _PAD[1]

    @classmethod
    def from_file(cls, path: str | Path) -> SubwordTokenizer:
        """Read a `tokenizer.json`. Raises: UserError: it is missing or not a tokeniser of this kind."""
        return cls(parse_tokenizer(path))

    @classmethod
    def from_vocabulary(cls, vocabulary: str | Path, merges: str | Path) -> SubwordTokenizer:
        """Build RoBERTa's tokeniser of its `vocab.json` and `merges.txt`.

        Raises:
            UserError: a file is missing or not what its name says.
        """
        for path in (vocabulary, merges):
            read_text(path)
        try:
            tokenizer = Tokenizer(BPE.from_file(str(vocabulary), str(merges)))
        except Exception as error:
            if type(error) is not Exception:  # what `tokenizers` raises has no class of its own
                raise
            raise bad_tokenizer(vocabulary) from error
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.post_processor = processors.RobertaProcessing(_END, _BEGIN, trim_offsets=True, add_prefix_space=False)
        return cls(tokenizer)

    def save(self, path: str | Path) -> None:
        """Write `tokenizer.json`."""
        Path(path).write_text(self._tokenizer.to_str() + "\n", encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def encode(self, text: str) -> Encoding:
        """Ids of `text` with `<s>` and `</s>`; nothing is unknown."""
        encoded = self._tokenizer.encode(whole_letters(text))
        return Encoding(ids=tuple(encoded.ids), stops=tuple(stop for _, stop in encoded.offsets))
