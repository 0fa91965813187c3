"""IFIRVOS: one object's masks from an expression, with inter-frame interaction and cross-modal correlation.

Lan, Rong, Zhang, arXiv 2307.00536; the class reads like its section 3. State-dict names are those of the authors'
released checkpoints. Shape letters: b batch, t frames, q queries, c channels, h w cells, l words, n = b * t.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from rvos_core.models.blocks.backbones import ImageEncoder
from rvos_core.models.blocks.cross_modal_fpn import CrossModalFpn
from rvos_core.models.blocks.deformable_transformer import DecodedLayer, DeformableTransformer
from rvos_core.models.blocks.dynamic_mask_head import dynamic_mask_head, parameter_count
from rvos_core.models.blocks.feed_forward import Perceptron
from rvos_core.models.blocks.layout import as_clips, clip_maps, clip_tokens
from rvos_core.models.blocks.padding import padding_at, unpadded_size, valid_ratios
from rvos_core.models.blocks.position_encodings import sine_1d, sine_2d
from rvos_core.models.blocks.roberta import RobertaEncoder
from rvos_core.models.blocks.text_pooling import FeatureResizer, SentencePooling
from rvos_core.models.blocks.vision_language import fusion
from rvos_core.models.configs import IfirvosConfig

# A query is the referred object in one cell of a hundred before training (Lin et al., focal loss, section 3.3).
_CLASS_PRIOR = 0.01


@dataclass(frozen=True)
class EncodedText:
    """Words at the transformer's width: `words` (b, l, c); `padding` (b, l) bool, True where filled up, or None."""

    words: Tensor
    padding: Tensor | None = None


@dataclass(frozen=True)
class EncodedFrames:
    """Everything about a batch of clips that no expression changes; it can be kept and asked again.

    Attributes:
        levels: maps (b, t, c, h, w): the backbone's stride-4 map, then the projected levels (strides 8, 16, 32, 64).
        input_size: (H, W) of the network input, padding included.
        padding: (b, t, H, W) bool, True where the input is padded, or None where nothing is.
    """

    levels: tuple[Tensor, ...]
    input_size: tuple[int, int]
    padding: Tensor | None = None

    def select(self, index: Tensor) -> EncodedFrames:
        """The clips of `index` (int64, (m,)), repeated as often as named: several expressions on one clip."""
        padding = None if self.padding is None else self.padding[index]
        return EncodedFrames(tuple(level[index] for level in self.levels), self.input_size, padding)


@dataclass(frozen=True)
class LayerPrediction:
    """The heads on one decoder layer, float32.

    Attributes:
        pred_logits: (b, t, q, 1): this query is the referred object and in sight.
        pred_boxes: (b, t, q, 4) cxcywh in [0, 1] of the unpadded frame.
        pred_masks: (b, t, q, h, w) logits at stride 4.
    """

    pred_logits: Tensor
    pred_boxes: Tensor
    pred_masks: Tensor


@dataclass(frozen=True)
class IfirvosOutput(LayerPrediction):
    """The last layer's prediction; for training also what came before it.

    Attributes:
        aux: the earlier layers' predictions in order; empty where they were not asked for.
        fused_levels: maps (b, t, c, h, w) at strides 8, 16, 32, 64 as the encoder reads them, after VEwL.
    """

    aux: tuple[LayerPrediction, ...]
    fused_levels: tuple[Tensor, ...]


@dataclass(frozen=True)
class _Geometry:
    """Padding and 2-D codes of the stride-4 map and the transformer's levels, in that order."""

    paddings: tuple[Tensor | None, ...]  # (n, h, w) each
    codes: tuple[Tensor, ...]  # (n or 1, c, h, w) each


class Ifirvos(nn.Module):
    """The network. `forward` is `encode_frames`, `encode_text` and `decode` in a row."""

    def __init__(self, config: IfirvosConfig) -> None:
        super().__init__()
        self.config = config
        c = config.hidden
        self.backbone = nn.ModuleList([ImageEncoder(config.backbone)])
        self.input_proj = _input_projections(config)
        self.text_encoder = RobertaEncoder(config.text)
        self.resizer = FeatureResizer(config.text.width, c, dropout=config.dropout)
        if config.vision_language:
            self.fusion_module = fusion(config)  # VEwL
            self.text_fusion_module = fusion(config)  # LEwV
        self.poolout_module = SentencePooling(c)
        self.query_embed = nn.Embedding(config.queries, c)
        self.class_embed = nn.ModuleList(nn.Linear(c, 1) for _ in range(config.decoder_layers))
        self.bbox_embed = nn.ModuleList(
            Perceptron(c, c, out_features=4, layers=3) for _ in range(config.decoder_layers)
        )
        mask_parameters = parameter_count(config.mask_dim + 2, channels=config.dynamic_channels)
        self.controller = Perceptron(c, c, out_features=mask_parameters, layers=3)
        self.transformer = DeformableTransformer(config, self.bbox_embed)
        self.pixel_decoder = CrossModalFpn(config)
        self._reset_heads()

    def _reset_heads(self) -> None:
        for head in self.class_embed:
            nn.init.constant_(head.get_parameter("bias"), -math.log((1 - _CLASS_PRIOR) / _CLASS_PRIOR))
        for index, head in enumerate(self.bbox_embed):
            nn.init.zeros_(head.get_parameter("layers.2.weight"))
            nn.init.zeros_(head.get_parameter("layers.2.bias"))
            if index == 0:
                nn.init.constant_(head.get_parameter("layers.2.bias")[2:], -2.0)  # boxes begin small: sigmoid(-2)
        for name, parameter in self.controller.named_parameters():
            (nn.init.zeros_ if name.endswith("bias") else nn.init.xavier_uniform_)(parameter)

    def forward(
        self,
        frames: Tensor,
        frame_padding: Tensor | None,
        token_ids: Tensor,
        token_padding: Tensor | None,
        *,
        auxiliary: bool | None = None,
    ) -> IfirvosOutput:
        """Segment what each expression means in its clip.

        Args:
            frames: (b, t, 3, H, W) float32 RGB, ImageNet-normalised, zero where padded.
            frame_padding: (b, t, H, W) bool, True = padding (right and below, equal for the frames of a clip), or None.
            token_ids: (b, l) int64, `<s> words </s>`.
            token_padding: (b, l) bool, True = padding, or None.
            auxiliary: whether the earlier decoder layers' heads run too; None: in training mode only.
        """
        encoded = self.encode_frames(frames, frame_padding)
        return self.decode(encoded, self.encode_text(token_ids, token_padding), auxiliary=auxiliary)

    @property
    def backbone_channels(self) -> tuple[int, ...]:
        """Channels of `backbone_maps`."""
        return self.config.backbone.widths

    def backbone_maps(self, frames: Tensor) -> tuple[Tensor, ...]:
        """frames: (n, 3, H, W) normalised -> the image encoder's maps (n, c, h, w) at strides 4, 8, 16, 32."""
        maps: tuple[Tensor, ...] = self.backbone[0](frames)
        return maps

    def encode_frames(self, frames: Tensor, padding: Tensor | None = None) -> EncodedFrames:
        """Section 3.2, image side; each frame on its own. frames: (b, t, 3, H, W); padding: (b, t, H, W) or None."""
        t, _, height, width = frames.shape[1:]
        c2, *maps = self.backbone_maps(frames.flatten(0, 1))
        levels = [project(level) for project, level in zip(self.input_proj, maps, strict=False)]
        coarse = maps[-1]
        for project in self.input_proj[len(maps) :]:
            coarse = project(coarse)
            levels.append(coarse)
        return EncodedFrames(tuple(as_clips(m, t) for m in [c2, *levels]), (height, width), padding)

    def encode_text(self, token_ids: Tensor, padding: Tensor | None = None) -> EncodedText:
        """Section 3.2, text side. token_ids: (b, l) int64; padding: (b, l) bool or None."""
        return EncodedText(self.resizer(self.text_encoder(token_ids, padding)), padding)

    def decode(self, frames: EncodedFrames, text: EncodedText, *, auxiliary: bool | None = None) -> IfirvosOutput:
        """Sections 3.3 to 3.5: everything that depends on the expression. Arguments and result as `forward`."""
        b, t = frames.levels[0].shape[:2]
        device = text.words.device
        maps = [level.flatten(0, 1) for level in frames.levels]
        geometry = self._geometry(maps, frames.padding)
        fused, sentence = self.interact(maps[1:], geometry.codes[1:], geometry.paddings[1:], text=text, frames=t)
        memory = self.transformer.encode(
            fused,
            geometry.codes[1:],
            paddings=geometry.paddings[1:],
            valid_ratios=valid_ratios(geometry.paddings[1:], batch=b * t, device=device),
        )
        decoded = self.transformer.decode(sentence, self.query_embed.weight, memory=memory, frames=t)
        mask_features = self.pixel_decoder(
            [maps[0], *memory.maps()[:3]],
            geometry.codes[:4],
            paddings=geometry.paddings[:4],
            frames=t,
            words=text.words,
            word_positions=self._word_codes(text),
            word_padding=text.padding,
        )
        flat_padding = None if frames.padding is None else frames.padding.flatten(0, 1)
        size_px = unpadded_size(flat_padding, frames.input_size, batch=b * t, device=device)
        wanted = self.training if auxiliary is None else auxiliary
        first = 0 if wanted else len(decoded) - 1
        *aux, last = [
            self._predict(index, decoded[index], mask_features=mask_features, size_px=size_px, frames=t)
            for index in range(first, len(decoded))
        ]
        return IfirvosOutput(
            last.pred_logits, last.pred_boxes, last.pred_masks, tuple(aux), tuple(as_clips(m, t) for m in fused)
        )

    def interact(
        self,
        levels: Sequence[Tensor],
        codes: Sequence[Tensor],
        paddings: Sequence[Tensor | None],
        *,
        text: EncodedText,
        frames: int,
    ) -> tuple[list[Tensor], Tensor]:
        """Section 3.3, the vision-language interaction module.

        LEwV walks the levels from fine to coarse and enhances the words by each; VEwL enhances every level by the
        words (raw, or as the previous level left them: `vewl_text`).

        Args:
            levels: projected maps (n, c, h, w) with their 2-D `codes` (n or 1, c, h, w) and `paddings` (n, h, w).
            text: the words.
            frames: t; n = b * t.

        Returns:
            The language-enhanced levels (n, c, h, w) and the vision-enhanced sentence (b, c).
        """
        words = text.words
        if not self.config.vision_language:
            return list(levels), self.poolout_module(words)
        word_codes = self._word_codes(text)
        fused = []
        for level, code, padding in zip(levels, codes, paddings, strict=True):
            visual = clip_tokens(as_clips(level, frames))
            guide = text.words if self.config.vewl_text == "fixed" else words
            enhanced = self.fusion_module(visual, guide, positions=word_codes, padding=text.padding)
            fused.append(clip_maps(enhanced, (frames, *level.shape[-2:])).flatten(0, 1))
            words = self.text_fusion_module(
                words,
                visual,
                positions=clip_tokens(as_clips(code, frames).expand(-1, frames, -1, -1, -1)),
                padding=None if padding is None else padding.reshape(words.shape[0], -1),
            )
        return fused, self.poolout_module(words)

    def _predict(
        self, index: int, decoded: DecodedLayer, *, mask_features: Tensor, size_px: Tensor, frames: int
    ) -> LayerPrediction:
        """Section 3.5, the three heads on decoder layer `index`. size_px: (n, 2) width and height without padding."""
        kernels = self.controller(decoded.embeddings)
        centres_px = decoded.boxes.detach()[..., :2] * size_px[:, None]
        masks = dynamic_mask_head(mask_features, kernels, centres_px=centres_px, channels=self.config.dynamic_channels)
        logits = self.class_embed[index](decoded.embeddings).float()
        return LayerPrediction(*(as_clips(x, frames) for x in (logits, decoded.boxes, masks)))

    def _geometry(self, maps: Sequence[Tensor], padding: Tensor | None) -> _Geometry:
        sizes = tuple((int(m.shape[-2]), int(m.shape[-1])) for m in maps)
        flat = None if padding is None else padding.flatten(0, 1)
        paddings = tuple(None if flat is None else padding_at(flat, size) for size in sizes)
        codes = tuple(
            sine_2d(size, self.config.hidden, padding=p, device=m.device)
            for m, size, p in zip(maps, sizes, paddings, strict=True)
        )
        return _Geometry(paddings, codes)

    def _word_codes(self, text: EncodedText) -> Tensor:
        length = text.words.shape[1]
        return sine_1d(length, self.config.hidden, padding=text.padding, device=text.words.device)


def _input_projections(config: IfirvosConfig) -> nn.ModuleList:
    """1x1 convolutions of strides 8, 16, 32 and stride-2 3x3 convolutions for coarser levels, each with GroupNorm."""
    c = config.hidden
    layers: list[nn.Module] = []
    for channels in config.backbone.widths[1:]:
        layers.append(nn.Sequential(nn.Conv2d(channels, c, 1), nn.GroupNorm(config.projection_norm_groups, c)))
    channels = config.backbone.widths[-1]
    while len(layers) < config.levels:
        conv = nn.Conv2d(channels, c, 3, stride=2, padding=1)
        layers.append(nn.Sequential(conv, nn.GroupNorm(config.projection_norm_groups, c)))
        channels = c
    for layer in layers:
        nn.init.xavier_uniform_(layer[0].weight)  # type: ignore[index]
        nn.init.zeros_(layer[0].bias)  # type: ignore[index]
    return nn.ModuleList(layers)
