"""RoBERTa's encoder (Liu et al., 2019) under Hugging Face's parameter names; the tokeniser lives elsewhere."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.configs import TextConfig


class RobertaEncoder(nn.Module):
    """Token ids -> one feature a token. Post-norm, exact (erf) GELU, absolute learned positions."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(_Layer(config) for _ in range(config.layers))})
        if config.pooler:
            self.pooler = nn.ModuleDict({"dense": nn.Linear(config.width, config.width)})
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        self.requires_grad_(not config.frozen)

    def forward(self, token_ids: Tensor, padding: Tensor | None = None) -> Tensor:
        """Encode a batch of expressions.

        Args:
            token_ids: (b, l) int64.
            padding: (b, l) bool, True where a token only fills up; None where no clip is padded.

        Returns:
            (b, l, width): the last hidden state.

        Raises:
            ValueError: more tokens than the position table holds.
        """
        if token_ids.shape[1] > self.config.max_tokens:
            raise ValueError(f"{token_ids.shape[1]} tokens; this text encoder reads at most {self.config.max_tokens}")
        x = self.embeddings(token_ids, padding)
        attend = None if padding is None else ~padding[:, None, None, :]
        for layer in self.encoder["layer"]:  # type: ignore[attr-defined]
            x = layer(x, attend)
        return x  # type: ignore[no-any-return]

    def pool(self, hidden: Tensor) -> Tensor:
        """Hugging Face's pooler, tanh(Linear) of the first token: (b, l, width) -> (b, width)."""
        return self.pooler["dense"](hidden[:, 0]).tanh()  # type: ignore[no-any-return]


class _Embeddings(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.padding_id = config.padding_id
        self.word_embeddings = nn.Embedding(config.vocab_size, config.width)
        self.position_embeddings = nn.Embedding(config.positions, config.width)
        self.token_type_embeddings = nn.Embedding(1, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, token_ids: Tensor, padding: Tensor | None) -> Tensor:
        if padding is None:
            positions = torch.arange(token_ids.shape[1], device=token_ids.device) + self.padding_id + 1
        else:
            real = (~padding).long()
            positions = real.cumsum(1) * real + self.padding_id
        x = self.word_embeddings(token_ids) + self.position_embeddings(positions) + self.token_type_embeddings.weight[0]
        return self.dropout(self.LayerNorm(x))  # type: ignore[no-any-return]


class _SelfAttention(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, attend: Tensor | None) -> Tensor:
        query, key, value = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=attend, dropout_p=dropout)
        return mixed.transpose(1, 2).flatten(2)


class _ResidualOutput(nn.Module):
    """Linear + dropout + residual + LayerNorm: the closing part of both halves of a layer."""

    def __init__(self, in_features: int, config: TextConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(in_features, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(x)) + residual)  # type: ignore[no-any-return]


class _Layer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": _SelfAttention(config), "output": _ResidualOutput(config.width, config)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.width, config.ffn)})
        self.output = _ResidualOutput(config.ffn, config)

    def forward(self, x: Tensor, attend: Tensor | None) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, attend), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)  # type: ignore[no-any-return]
