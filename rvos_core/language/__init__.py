"""Expressions as words: tokenisers and, for each, which words a model does not know."""

from rvos_core.language.loading import load_tokenizer
from rvos_core.language.subwords import SubwordTokenizer
from rvos_core.language.tokenizer import Encoding, Tokenizer, WordTokenizer

__all__ = ["Encoding", "SubwordTokenizer", "Tokenizer", "WordTokenizer", "load_tokenizer"]
