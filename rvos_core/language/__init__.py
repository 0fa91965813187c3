"""Expressions as words and as slots: tokenisers with the words that a model does not know, and what a sentence says."""

from rvos_core.language.loading import load_tokenizer
from rvos_core.language.reading import Reading, read_expression
from rvos_core.language.slots import ExpressionSlots
from rvos_core.language.subwords import SubwordTokenizer
from rvos_core.language.tokenizer import Encoding, Tokenizer, WordTokenizer

__all__ = [
    "Encoding",
    "ExpressionSlots",
    "Reading",
    "SubwordTokenizer",
    "Tokenizer",
    "WordTokenizer",
    "load_tokenizer",
    "read_expression",
]
