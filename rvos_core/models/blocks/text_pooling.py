"""From the text encoder's width to the transformer's, and from words to one sentence."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FeatureResizer(nn.Module):
    """Linear, LayerNorm (eps 1e-12, as BERT), dropout: text width -> hidden width."""

    def __init__(self, in_features: int, out_features: int, *, dropout: float) -> None:
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)
        self.layer_norm = nn.LayerNorm(out_features, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor) -> Tensor:
        """words: (b, l, text width) -> (b, l, c)."""
        return self.dropout(self.layer_norm(self.fc(words)))  # type: ignore[no-any-return]


class SentencePooling(nn.Module):
    """The "poolout" of IFIRVOS section 3.3: tanh(Linear) of the first token of the vision-enhanced words."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.dense = nn.Linear(features, features)

    def forward(self, words: Tensor) -> Tensor:
        """words: (b, l, c) -> (b, c)."""
        return torch.tanh(self.dense(words[:, 0]))
