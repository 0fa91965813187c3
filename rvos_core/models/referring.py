"""The network that the referring family shares: language as queries of a deformable transformer, masks by kernels.

Wu et al., "Language as Queries for Referring Video Object Segmentation" (ReferFormer, CVPR 2022), section 3. Each
system adds in its own module what its paper adds. State-dict names are those of the authors' released checkpoints.
Shape letters: b batch, t frames, q queries, k classes, c channels, h w cells, l words, n = b * t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from rvos_core.models.blocks.backbones import ImageEncoder
from rvos_core.models.blocks.consensus import ConsensusHead
from rvos_core.models.blocks.cross_modal_fpn import CrossModalFpn
from rvos_core.models.blocks.deformable_transformer import DecodedLayer, Decoder, DeformableTransformer, Memory
from rvos_core.models.blocks.dynamic_mask_head import dynamic_mask_head, parameter_count
from rvos_core.models.blocks.feed_forward import Perceptron
from rvos_core.models.blocks.layout import as_clips, clip_maps, clip_tokens
from rvos_core.models.blocks.padding import padding_at, unpadded_size, valid_ratios
from rvos_core.models.blocks.position_encodings import sine_1d, sine_2d
from rvos_core.models.blocks.pyramid import FeaturePyramid, Scene
from rvos_core.models.blocks.roberta import RobertaEncoder
from rvos_core.models.blocks.text_pooling import FeatureResizer
from rvos_core.models.blocks.vision_language import fusion
from rvos_core.models.configs import ReferringConfig
from rvos_core.models.referring_values import (
    EncodedFrames,
    EncodedText,
    LayerPrediction,
    Reading,
    ReferringOutput,
)

# A query is the referred object in one cell of a hundred before training (Lin et al., focal loss, section 3.3).
_CLASS_PRIOR = 0.01


@dataclass(frozen=True)
class Levels:
    """Maps (n, c, h, w) with their 2-D codes (n or 1, c, h, w) and paddings (n, h, w); n = b * `frames`."""

    maps: tuple[Tensor, ...]
    codes: tuple[Tensor, ...]
    paddings: tuple[Tensor | None, ...]
    frames: int

    def __getitem__(self, part: slice) -> Levels:
        """Some of the levels."""
        return Levels(self.maps[part], self.codes[part], self.paddings[part], self.frames)


@dataclass(frozen=True)
class _Seen:
    """Everything before the decoder. `query`: (b, c) the decoder's input; `grounded`: (n, c, h, w) at stride 32."""

    fused: tuple[Tensor, ...]
    memory: Memory
    scene: Scene
    grounded: Tensor
    query: Tensor
    reading: Reading | None


class ReferringNetwork(nn.Module):
    """The shared network. `forward` is `encode_frames`, `encode_text` and `decode` in a row.

    As it stands it is ReferFormer. The other systems override where their papers differ: `encode_text`, `interact`,
    the parts made by `_add_language`, `_decoder`, `_pyramid`, and how the sentence is read back from the picture
    (`_add_consensus`, `reconstruct`, `judge`, `mix`).
    """

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        self.config = config
        c = config.hidden
        self.backbone = nn.ModuleList([ImageEncoder(config.backbone)])
        self.input_proj = _input_projections(config)
        self.text_encoder = RobertaEncoder(config.text)
        self.resizer = FeatureResizer(config.text.width, c, dropout=config.dropout)
        self._add_language()
        self.query_embed = nn.Embedding(config.queries, c)
        self.class_embed = _heads_of_layers(config, lambda: nn.Linear(c, config.classes))
        self.bbox_embed = _heads_of_layers(config, lambda: Perceptron(c, c, out_features=4, layers=3))
        mask_inputs = config.mask_dim + (2 if config.relative_coordinates else 0)
        mask_parameters = parameter_count(mask_inputs, channels=config.dynamic_channels)
        self.controller = Perceptron(c, c, out_features=mask_parameters, layers=3)
        self.transformer = DeformableTransformer(config, self._decoder)
        self.pixel_decoder = self._pyramid()
        self._add_consensus()
        self._reset_heads()

    def _add_language(self) -> None:
        if self.config.vision_language:
            self.fusion_module = fusion(self.config)

    def _decoder(self) -> Decoder:
        return Decoder(self.config, self.bbox_embed)

    def _pyramid(self) -> FeaturePyramid:
        return CrossModalFpn(self.config)

    def _add_consensus(self) -> None:
        if self.config.consensus:
            self.consensus_head = ConsensusHead(self.config)

    def _reset_heads(self) -> None:
        for head in self.class_embed:
            nn.init.constant_(head.get_parameter("bias"), -math.log((1 - _CLASS_PRIOR) / _CLASS_PRIOR))
        for index, head in enumerate(self.bbox_embed):
            nn.init.zeros_(head.get_parameter("layers.2.weight"))
            nn.init.zeros_(head.get_parameter("layers.2.bias"))
            if index == 0 or not self.config.box_refinement:
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
    ) -> ReferringOutput:
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

    def backbone_maps(self, frames: Tensor, *, clip_length: int = 1) -> tuple[Tensor, ...]:
        """The image encoder's maps (n, c, h, w) at strides 4, 8, 16, 32.

        Args:
            frames: (n, 3, H, W) normalised, clip after clip.
            clip_length: t; only Video-Swin looks at several frames at once.
        """
        maps: tuple[Tensor, ...] = self.backbone[0](frames, clip_length=clip_length)
        return maps

    def encode_frames(self, frames: Tensor, padding: Tensor | None = None) -> EncodedFrames:
        """The image side, without words. frames: (b, t, 3, H, W); padding: (b, t, H, W) or None.

        Each frame on its own, unless the backbone looks at whole clips (`BackboneConfig.frames_on_their_own`).
        """
        t, _, height, width = frames.shape[1:]
        c2, *maps = self.backbone_maps(frames.flatten(0, 1), clip_length=t)
        levels = [project(level) for project, level in zip(self.input_proj, maps, strict=False)]
        coarse = maps[-1]
        for project in self.input_proj[len(maps) :]:
            coarse = project(coarse)
            levels.append(coarse)
        return EncodedFrames(tuple(as_clips(m, t) for m in [c2, *levels]), (height, width), padding)

    def encode_text(self, token_ids: Tensor, padding: Tensor | None = None) -> EncodedText:
        """The text side, without pictures. token_ids: (b, l) int64; padding: (b, l) bool or None.

        Words and sentence go through the same resizer (ReferFormer section 3.1).
        """
        hidden = self.text_encoder(token_ids, padding)
        return EncodedText(self.resizer(hidden), padding, self.resizer(self.text_encoder.pool(hidden)))

    def interact(self, levels: Levels, text: EncodedText) -> tuple[list[Tensor], Tensor]:
        """Where vision and language meet before the encoder. ReferFormer: every level is enhanced by the words.

        Args:
            levels: the projected levels, fine to coarse.
            text: the expressions.

        Returns:
            The levels (n, c, h, w) as the encoder reads them, and the decoder's input (b, c).
        """
        if not self.config.vision_language:
            return list(levels.maps), text.sentence
        codes = self._word_codes(text)
        fused = [
            self.enhance_level(level, text.words, codes=codes, padding=text.padding, frames=levels.frames)
            for level in levels.maps
        ]
        return fused, text.sentence

    def enhance_level(
        self, level: Tensor, words: Tensor, *, codes: Tensor, padding: Tensor | None, frames: int
    ) -> Tensor:
        """One level (n, c, h, w) enhanced by `words` (b, l, c); the cells of a clip's frames are one sequence."""
        visual = clip_tokens(as_clips(level, frames))
        enhanced = self.fusion_module(visual, words, positions=codes, padding=padding)
        return clip_maps(enhanced, (frames, *level.shape[-2:])).flatten(0, 1)

    def decode(self, frames: EncodedFrames, text: EncodedText, *, auxiliary: bool | None = None) -> ReferringOutput:
        """Everything that depends on the expression. Arguments and result as `forward`."""
        seen = self._look(frames, text)
        b, t = frames.levels[0].shape[:2]
        mask_features = self.pixel_decoder.descend(seen.grounded, seen.scene)
        decoded = self.transformer.decode(
            seen.query, self.query_embed.weight, memory=seen.memory, frames=t, bbox_embed=self.bbox_embed
        )
        padding = None if frames.padding is None else frames.padding.flatten(0, 1)
        size_px = unpadded_size(padding, frames.input_size, batch=b * t, device=text.words.device)
        wanted = self.training if auxiliary is None else auxiliary
        first = 0 if wanted else len(decoded) - 1
        *aux, last = [
            self._predict(index, decoded[index], mask_features=mask_features, size_px=size_px, frames=t)
            for index in range(first, len(decoded))
        ]
        fused = tuple(as_clips(m, t) for m in seen.fused)
        return ReferringOutput(**vars(last), aux=tuple(aux), fused_levels=fused, reading=seen.reading)

    def read(self, frames: EncodedFrames, text: EncodedText) -> Reading | None:
        """Only what the picture says about the sentence, as in `ReferringOutput.reading`: no masks, no boxes.

        Expressions that do not fit their clip are learned from through this alone (R2-VOS, "negatives").
        """
        return self._look(frames, text).reading

    def reconstruct(self, grounded: Tensor, scene: Scene) -> Tensor | None:
        """The sentence (b, c) read back from `grounded` (n, c, h, w) at stride 32, or None where nobody asks."""
        if not self.config.consensus:
            return None
        return self.consensus_head.read(
            grounded, codes=scene.codes[-1], padding=scene.paddings[-1], frames=scene.frames
        )

    def judge(self, sentence: Tensor, reconstructed: Tensor) -> Tensor | None:
        """Logit (b,) of "the object is there" from two (b, c), or None without such a head."""
        logit: Tensor | None = self.consensus_head(sentence, reconstructed) if self.config.consensus else None
        return logit

    def mix(self, query: Tensor, reading: Reading | None) -> Tensor:
        """The decoder's input (b, c) once the sentence has been read back."""
        return query

    def _look(self, frames: EncodedFrames, text: EncodedText) -> _Seen:
        """From projected levels to the grounded map: what every answer needs."""
        b, t = frames.levels[0].shape[:2]
        levels = self._levels(frames)
        fused, query = self.interact(levels[1:], text)
        memory = self.transformer.encode(
            fused,
            levels.codes[1:],
            paddings=levels.paddings[1:],
            valid_ratios=valid_ratios(levels.paddings[1:], batch=b * t, device=text.words.device),
        )
        scene = Scene(
            levels=(levels.maps[0], *memory.maps()[:3]),
            codes=levels.codes[:4],
            paddings=levels.paddings[:4],
            frames=t,
            words=text.words,
            word_codes=self._word_codes(text),
            word_padding=text.padding,
        )
        grounded = self.pixel_decoder.ground(scene)
        reading = self._read(grounded, scene, text)
        return _Seen(tuple(fused), memory, scene, grounded, self.mix(query, reading), reading)

    def _read(self, grounded: Tensor, scene: Scene, text: EncodedText) -> Reading | None:
        reconstructed = self.reconstruct(grounded, scene)
        if reconstructed is None:
            return None
        logit = self.judge(text.sentence, reconstructed)
        return Reading(text.sentence, reconstructed, None if logit is None else logit.float())

    def _predict(
        self, index: int, decoded: DecodedLayer, *, mask_features: Tensor, size_px: Tensor, frames: int
    ) -> LayerPrediction:
        """The three heads on decoder layer `index`. size_px: (n, 2) width and height without padding."""
        kernels = self.controller(decoded.embeddings)
        centres_px = decoded.centres * size_px[:, None] if self.config.relative_coordinates else None
        masks = dynamic_mask_head(mask_features, kernels, centres_px=centres_px, channels=self.config.dynamic_channels)
        logits = self.class_embed[index](decoded.embeddings).float()
        return LayerPrediction(*(as_clips(x, frames) for x in (logits, decoded.boxes, masks)))

    def _levels(self, frames: EncodedFrames) -> Levels:
        maps = tuple(level.flatten(0, 1) for level in frames.levels)
        sizes = tuple((int(m.shape[-2]), int(m.shape[-1])) for m in maps)
        flat = None if frames.padding is None else frames.padding.flatten(0, 1)
        paddings = tuple(None if flat is None else padding_at(flat, size) for size in sizes)
        codes = tuple(
            sine_2d(size, self.config.hidden, padding=p, device=m.device)
            for m, size, p in zip(maps, sizes, paddings, strict=True)
        )
        return Levels(maps, codes, paddings, frames.levels[0].shape[1])

    def _word_codes(self, text: EncodedText) -> Tensor:
        length = text.words.shape[1]
        return sine_1d(length, self.config.hidden, padding=text.padding, device=text.words.device)


def _heads_of_layers(config: ReferringConfig, make: Callable[[], nn.Module]) -> nn.ModuleList:
    """A head for each decoder layer; without refinement of boxes all layers share one."""
    if config.box_refinement:
        return nn.ModuleList(make() for _ in range(config.decoder_layers))
    return nn.ModuleList([make()] * config.decoder_layers)


def _input_projections(config: ReferringConfig) -> nn.ModuleList:
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
