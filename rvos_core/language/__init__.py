"""Expressions as words: tokenisers and, for each, which words a model does not know."""

from rvos_core.language.tokenizer import Encoding, WordTokenizer

__all__ = ["Encoding", "WordTokenizer"]
