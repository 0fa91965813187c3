"""Reads numbers of a referring network's configuration off the names and shapes of its parameters. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rvos_core.models.architectures import BACKBONES
from rvos_core.models.configs import BackboneConfig, TextConfig
from rvos_core.weights.sniff import refused

Shapes = Mapping[str, tuple[int, ...]]

_ROBERTA_HEAD_WIDTH = 64  # of every published RoBERTa
_HEADS = 8  # of every published model of the family
_MAX_DYNAMIC_CHANNELS = 64
_BODY = "backbone.0.body."


class ShapeReader:
    """Reads the configuration of a referring network off its shapes."""

    def __init__(self, shapes: Shapes, path: Path, arguments: Mapping[str, Any]) -> None:
        self.shapes = shapes
        self._path = path
        self._arguments = arguments
        self.notes: list[str] = []

    def size(self, name: str, axis: int) -> int:
        """Length of an axis. Raises: UserError: the entry is missing."""
        shape = self.shapes.get(name)
        if shape is None or len(shape) <= axis:
            hint = "It is half a checkpoint, or of another version: take the whole one."
            raise refused(self._path, f"lacks {name}", hint, code="incomplete")
        return shape[axis]

    def has(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.shapes)

    def count(self, prefix: str) -> int:
        """Numbered parts below `prefix`: one more than the highest number."""
        pattern = re.compile(re.escape(prefix) + r"(\d+)\.")
        numbers = {int(found[1]) for name in self.shapes if (found := pattern.match(name))}
        if not numbers:
            hint = "It is half a checkpoint: take the whole one."
            raise refused(self._path, f"lacks {prefix}*", hint, code="incomplete")
        return max(numbers) + 1

    def option(self, key: str, default: int) -> int:
        value = self._arguments.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default

    def is_on(self, key: str) -> bool:
        """Whether the training script's switch `key` is known and on."""
        return self._arguments.get(key) is True

    def common(self, *, decoder: str) -> dict[str, Any]:
        """What the family shares."""
        hidden, levels = self.size("query_embed.weight", 1), self.size("transformer.level_embed", 0)
        heads = self.option("nheads", _HEADS)
        weights = self.size("transformer.encoder.layers.0.self_attn.attention_weights.weight", 0)
        mask_dim = self.size("pixel_decoder.mask_features.weight", 0)
        channels, relative = _mask_head(self.size("controller.layers.2.weight", 0), mask_dim)
        if hidden != 256 and "nheads" not in self._arguments:
            self.notes.append(f"Shapes do not say how many attention heads there are; {heads} are taken.")
        return {
            "backbone": self.backbone(),
            "text": self.text(),
            "hidden": hidden,
            "levels": levels,
            "encoder_layers": self.count("transformer.encoder.layers."),
            "decoder_layers": self.count(f"transformer.decoder.{decoder}."),
            "ffn": self.size("transformer.encoder.layers.0.linear1.weight", 0),
            "heads": heads,
            "points": max(1, weights // (heads * levels)),
            "queries": self.size("query_embed.weight", 0),
            "classes": self.size("class_embed.0.weight", 0),
            "mask_dim": mask_dim,
            "dynamic_channels": channels,
            "vision_language": self.has("fusion_module."),
            "fusion": "multiply" if not self.has("fusion_module.linear") else "attention_ffn",
            "box_refinement": self.has("transformer.decoder.bbox_embed.") or self.is_on("with_box_refine"),
            "relative_coordinates": relative,
        }

    def pyramid_blocks(self) -> tuple[int, ...]:
        return tuple(s for i, s in enumerate((4, 8, 16, 32), start=1) if self.has(f"pixel_decoder.cross_attn_{i}."))

    def consensus(self, prefix: str) -> dict[str, Any]:
        """The text decoder that reads the sentence back, below `prefix`; nothing where there is none."""
        if not self.has(f"{prefix}layers."):
            return {}
        layers = self.count(f"{prefix}layers.")
        return {"consensus_layers": layers, "consensus_ffn": self.size(f"{prefix}layers.0.linear1.weight", 0)}

    def text(self) -> TextConfig:
        width = self.size("text_encoder.embeddings.word_embeddings.weight", 1)
        published = width // _ROBERTA_HEAD_WIDTH if width % _ROBERTA_HEAD_WIDTH == 0 else 4 if width % 4 == 0 else 1
        heads = self.option("text_heads", published)
        if width != TextConfig().width and "text_heads" not in self._arguments:
            self.notes.append(f"Shapes do not say how many heads the text encoder has; {heads} are taken.")
        return TextConfig(
            vocab_size=self.size("text_encoder.embeddings.word_embeddings.weight", 0),
            width=width,
            layers=self.count("text_encoder.encoder.layer."),
            heads=heads,
            ffn=self.size("text_encoder.encoder.layer.0.intermediate.dense.weight", 0),
            positions=self.size("text_encoder.embeddings.position_embeddings.weight", 0),
            pooler=self.has("text_encoder.pooler."),
        )

    def backbone(self) -> BackboneConfig:
        if self.has(f"{_BODY}patch_embed."):
            return self._swin()
        if self.has(f"{_BODY}stem."):
            widths = tuple(self.size(f"{_BODY}stages.{stage}.0.conv1.weight", 0) for stage in range(4))
            blocks = tuple(self.count(f"{_BODY}stages.{stage}.") for stage in range(4))
            stem = self.size(f"{_BODY}stem.0.weight", 0)
            return BackboneConfig(kind="residual", widths=widths, blocks=blocks, stem_width=stem, frozen_stages=0)  # type: ignore[arg-type]
        blocks = tuple(self.count(f"{_BODY}layer{stage}.") for stage in range(1, 5))
        widths = tuple(self.size(f"{_BODY}layer{stage}.0.conv3.weight", 0) for stage in range(1, 5))
        kind = "resnet101" if blocks[2] > 6 else "resnet50"
        return BackboneConfig(kind=kind, widths=widths, blocks=blocks, stem_width=self.size(f"{_BODY}conv1.weight", 0))  # type: ignore[arg-type]

    def _swin(self) -> BackboneConfig:
        patch = self.shapes.get(f"{_BODY}patch_embed.proj.weight", ())
        kind = "video_swin" if len(patch) == 5 else "swin"
        width = self.size(f"{_BODY}patch_embed.proj.weight", 0)
        blocks = tuple(self.count(f"{_BODY}layers.{stage}.blocks.") for stage in range(4))
        known = next((b for b in BACKBONES.values() if (b.kind, b.widths[0], b.blocks) == (kind, width, blocks)), None)
        if known is not None:
            return known
        tables = [f"{_BODY}layers.{stage}.blocks.0.attn.relative_position_bias_table" for stage in range(4)]
        window = next(b.window for b in BACKBONES.values() if b.kind == kind)
        return BackboneConfig(
            kind=kind,  # type: ignore[arg-type]
            widths=(width, 2 * width, 4 * width, 8 * width),
            blocks=blocks,  # type: ignore[arg-type]
            heads=tuple(self.size(table, 1) for table in tables),
            window=window,
            frozen_stages=0,
        )


def _mask_head(parameters: int, mask_dim: int) -> tuple[int, bool]:
    """(channels of the dynamic mask head, whether it reads relative coordinates) from its number of parameters.

    Raises:
        ValueError: no head of three layers has that many.
    """
    for channels in (8, *range(1, _MAX_DYNAMIC_CHANNELS + 1)):
        for relative in (True, False):
            inputs = mask_dim + (2 if relative else 0)
            if parameters == inputs * channels + channels * channels + 3 * channels + 1:
                return channels, relative
    raise ValueError(f"{parameters} mask parameters for {mask_dim} mask features")
