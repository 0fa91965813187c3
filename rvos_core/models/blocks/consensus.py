"""Is it there at all? The sentence is read back from the picture and compared with what was said.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency" (R2-VOS), sections 4.3 and 4.4;
sizes are those of the authors' published code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.feed_forward import Perceptron
from rvos_core.models.blocks.layout import as_clips, clip_tokens
from rvos_core.models.configs import ReferringConfig


def sentence_decoder(config: ReferringConfig) -> nn.TransformerDecoder:
    """The text decoder: post-norm layers over one learned query, and a closing norm."""
    layer = nn.TransformerDecoderLayer(
        config.hidden, config.heads, config.consensus_ffn, dropout=config.dropout, batch_first=True
    )
    decoder = nn.TransformerDecoder(layer, config.consensus_layers, norm=nn.LayerNorm(config.hidden))
    for parameter in decoder.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    return decoder


def read_sentence(
    decoder: nn.TransformerDecoder,
    query: Tensor,
    grounded: Tensor,
    *,
    codes: Tensor,
    padding: Tensor | None,
    frames: int,
) -> Tensor:
    """Read the sentence back from all cells of all frames.

    The authors' code hands the padding of the batch's first clip to every clip; here each clip has its own, which is
    the same for one clip.

    Args:
        decoder: `sentence_decoder`.
        query: (1, c) the learned query.
        grounded: (n, c, h, w) the grounded features, n = b * frames.
        codes: (n or 1, c, h, w) their 2-D codes.
        padding: (n, h, w) bool, or None.
        frames: t.

    Returns:
        (b, c).
    """
    memory = clip_tokens(as_clips(grounded + codes, frames))
    ignored = None if padding is None else as_clips(padding, frames).flatten(1)
    queries = query.expand(memory.shape[0], -1, -1)
    read: Tensor = decoder(queries, memory, memory_key_padding_mask=ignored)
    return read[:, 0]


def pair_classifier(hidden: int) -> Perceptron:
    """Three linear layers on [sentence ; reconstructed sentence] (the paper writes two)."""
    return Perceptron(2 * hidden, hidden, out_features=1, layers=3)


class ConsensusHead(nn.Module):
    """The part of R2-VOS that any network of the family can carry."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        self.text_decoder = sentence_decoder(config)
        self.text_query = nn.Embedding(1, config.hidden)
        self.classifier = pair_classifier(config.hidden)

    def read(self, grounded: Tensor, *, codes: Tensor, padding: Tensor | None, frames: int) -> Tensor:
        """The sentence as the picture has it, (b, c); arguments as `read_sentence`."""
        return read_sentence(
            self.text_decoder, self.text_query.weight, grounded, codes=codes, padding=padding, frames=frames
        )

    def forward(self, sentence: Tensor, reconstructed: Tensor) -> Tensor:
        """Two (b, c) -> logit (b,) of "the object is there"."""
        logit: Tensor = self.classifier(torch.cat([sentence, reconstructed], dim=-1))
        return logit[:, 0]
