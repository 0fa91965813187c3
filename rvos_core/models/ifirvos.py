"""IFIRVOS: one object's masks from an expression, with inter-frame interaction and cross-modal correlation.

Lan, Rong, Zhang, arXiv 2307.00536, section 3: what it adds to the family's network. State-dict names are those of the
authors' released checkpoints. Shape letters: b batch, t frames, c channels, h w cells, l words, n = b * t.
"""

from __future__ import annotations

from torch import Tensor

from rvos_core.models.blocks.deformable_transformer import Decoder
from rvos_core.models.blocks.inter_frame import InterFrameDecoder
from rvos_core.models.blocks.layout import as_clips, clip_tokens
from rvos_core.models.blocks.text_pooling import SentencePooling
from rvos_core.models.blocks.vision_language import fusion
from rvos_core.models.configs import IfirvosConfig
from rvos_core.models.referring import Levels, ReferringNetwork
from rvos_core.models.referring_values import EncodedText


class Ifirvos(ReferringNetwork):
    """The network."""

    config: IfirvosConfig

    def __init__(self, config: IfirvosConfig) -> None:
        super().__init__(config)

    def _add_language(self) -> None:
        super()._add_language()  # its fusion module is the paper's VEwL
        if self.config.vision_language:
            self.text_fusion_module = fusion(self.config)  # LEwV
        self.poolout_module = SentencePooling(self.config.hidden)

    def _decoder(self) -> Decoder:
        return InterFrameDecoder(self.config, self.bbox_embed)

    def encode_text(self, token_ids: Tensor, padding: Tensor | None = None) -> EncodedText:
        """Section 3.2, text side: words only. The text encoder's own pooler is not used.

        The sentence before any picture is the first token, from which the vision-enhanced one is pooled, too.
        """
        words = self.resizer(self.text_encoder(token_ids, padding))
        return EncodedText(words, padding, words[:, 0])

    def interact(self, levels: Levels, text: EncodedText) -> tuple[list[Tensor], Tensor]:
        """Section 3.3, the vision-language interaction module.

        LEwV walks the levels from fine to coarse and enhances the words by each; VEwL enhances every level by the
        words (raw, or as the previous level left them: `vewl_text`). The decoder's input is the vision-enhanced
        sentence.
        """
        words = text.words
        if not self.config.vision_language:
            return list(levels.maps), self.poolout_module(words)
        word_codes, t = self._word_codes(text), levels.frames
        fused = []
        for level, code, padding in zip(levels.maps, levels.codes, levels.paddings, strict=True):
            guide = text.words if self.config.vewl_text == "fixed" else words
            fused.append(self.enhance_level(level, guide, codes=word_codes, padding=text.padding, frames=t))
            words = self.text_fusion_module(
                words,
                clip_tokens(as_clips(level, t)),
                positions=clip_tokens(as_clips(code, t).expand(-1, t, -1, -1, -1)),
                padding=None if padding is None else padding.reshape(words.shape[0], -1),
            )
        return fused, self.poolout_module(words)
