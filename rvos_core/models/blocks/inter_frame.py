"""Inter-frame interaction (IFIRVOS section 3.4, figure 4, equation 5): the instance embeddings of all frames meet."""

from __future__ import annotations

from torch import Tensor, nn

from rvos_core.models.blocks.deformable_transformer import Decoder
from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.configs import IfirvosConfig


class InterFrameLayer(nn.Module):
    """A post-norm transformer layer over all (frame, query) tokens of a clip: no positions, no mask.

    Without positions the layer is equivariant to the order of frames.
    """

    def __init__(self, hidden: int, *, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.linear1 = nn.Linear(hidden, ffn)
        self.linear2 = nn.Linear(ffn, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.norm2 = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, embeddings: Tensor, *, frames: int) -> Tensor:
        """embeddings: (b * t, q, c) with t = `frames` -> the same shape."""
        queries = embeddings.shape[1]
        x = embeddings.reshape(-1, frames * queries, embeddings.shape[2])
        x = self.norm1(x + self.dropout(self.self_attn(x, x, x, need_weights=False)[0]))
        x = self.norm2(x + feed_forward(x, self.linear1, self.linear2, dropout=self.dropout))
        return x.reshape(embeddings.shape)  # type: ignore[no-any-return]


class InterFrameDecoder(Decoder):
    """A decoder whose layers are each followed by inter-frame interaction: boxes, classes and masks read its output."""

    layers_name = "decoder_layers"

    def __init__(self, config: IfirvosConfig, bbox_embed: nn.ModuleList) -> None:
        super().__init__(config, bbox_embed)
        self.interacts = config.inter_frame
        if self.interacts:
            self.query_encoder_layers = nn.ModuleList(
                InterFrameLayer(config.hidden, heads=config.heads, ffn=config.ffn, dropout=config.dropout)
                for _ in range(1 if config.share_ifi else config.decoder_layers)
            )

    def between(self, x: Tensor, *, layer: int, frames: int) -> Tensor:
        if not self.interacts:
            return x
        mixed: Tensor = self.query_encoder_layers[layer % len(self.query_encoder_layers)](x, frames=frames)
        return mixed
