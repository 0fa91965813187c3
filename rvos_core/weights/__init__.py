"""Weights on disk: a model is a folder with safetensors, configuration, tokeniser and card.

Importing it loads no torch.
"""

from rvos_core.weights.cards import CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, read_card

__all__ = ["CARD_FILE", "CONFIG_FILE", "TOKENIZER_FILE", "WEIGHTS_FILE", "read_card"]
