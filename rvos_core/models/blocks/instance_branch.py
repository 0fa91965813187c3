"""The instance segmentation branch of ISVOS (section 3.1). Another branch can stand in its place: see `forward`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from rvos_core.models.blocks.mask2former_decoder import TransformerModule
from rvos_core.models.blocks.mask2former_pixel_decoder import PixelDecoder, pixel_decoder
from rvos_core.models.isvos_configs import InstanceConfig


@dataclass(frozen=True)
class InstancePrediction:
    """The instance heads on one decoder layer.

    Attributes:
        class_logits: (n, q, classes + 1); the last one means "no object".
        mask_logits: (n, q, h, w) at stride 4.
    """

    class_logits: Tensor
    mask_logits: Tensor


@dataclass(frozen=True)
class InstanceFeatures:
    """What the other branch uses of n frames, and what is supervised.

    Attributes:
        queries: the updated object queries, (n, q, c).
        pyramid: P_0, P_1, P_2: maps (n, c, h, w) at strides 32, 16, 8.
        predictions: the heads on every decoder layer, the queries as learned first; the last layer's only where the
            earlier ones were not asked for.
    """

    queries: Tensor
    pyramid: tuple[Tensor, Tensor, Tensor]
    predictions: tuple[InstancePrediction, ...]


class InstanceBranch(nn.Module):
    """Pixel decoder, transformer decoder and the instance decoder (a linear classifier and the mask head).

    The paper drops the instance decoder and the per-pixel embeddings at inference; masked attention reads both, so
    here only the earlier layers' heads are left out.
    """

    def __init__(self, config: InstanceConfig, widths: Sequence[int]) -> None:
        super().__init__()
        self.pixel_decoder: PixelDecoder = pixel_decoder(config, widths)
        self.transformer_module = TransformerModule(config)
        self.class_predictor = nn.Linear(config.hidden, config.classes + 1)

    def forward(self, maps: Sequence[Tensor], *, auxiliary: bool) -> InstanceFeatures:
        """maps: (n, c, h, w) at strides 4, 8, 16, 32; `auxiliary`: with the predictions of all layers."""
        pixels = self.pixel_decoder(maps)
        decoded = self.transformer_module(pixels)
        wanted = decoded if auxiliary else decoded[-1:]
        predictions = tuple(
            InstancePrediction(self.class_predictor(layer.queries), layer.mask_logits) for layer in wanted
        )
        return InstanceFeatures(decoded[-1].queries, pixels.pyramid, predictions)
