"""ISVOS: given masks of some frames of a clip, the masks of the others, by a memory that understands instances.

Wang et al., "Look Before You Match: Instance Understanding Matters in Video Object Segmentation" (CVPR 2023); the
class reads like its section 3. There is no public code: docs/models/isvos.md says what the paper leaves open and what
is taken here. Shape letters: b clips, t frames, o objects, q instance queries, c channels, h w cells, n = b * t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.backbones import ImageEncoder
from rvos_core.models.blocks.instance_branch import InstanceBranch, InstancePrediction
from rvos_core.models.blocks.key_encoder import EnhancedKeyEncoder
from rvos_core.models.blocks.memory_reading import aggregate, read_memory
from rvos_core.models.blocks.multi_path_fusion import FusionDecoder
from rvos_core.models.blocks.value_encoder import ValueEncoder
from rvos_core.models.isvos_configs import IsvosConfig


@dataclass(frozen=True)
class EncodedFrame:
    """Everything about a batch of frames that no object changes.

    Attributes:
        frames: the frames themselves, (n, 3, H, W) normalised.
        maps: B: the backbone's maps (n, c, h, w) at strides 4, 8, 16, 32.
        pyramid: P: the pixel decoder's maps (n, c, h, w) at strides 32, 16, 8.
        key: (n, c_k, h, w) at the keys' stride.
        instances: the instance heads, the last layer's at the end.
    """

    frames: Tensor
    maps: tuple[Tensor, ...]
    pyramid: tuple[Tensor, ...]
    key: Tensor
    instances: tuple[InstancePrediction, ...]

    def select(self, index: Tensor) -> EncodedFrame:
        """The frames of `index` (int64, (m,)); their instance predictions stay with the whole batch."""
        maps = tuple(level[index] for level in self.maps)
        pyramid = tuple(level[index] for level in self.pyramid)
        return EncodedFrame(self.frames[index], maps, pyramid, self.key[index], ())


@dataclass(frozen=True)
class IsvosOutput:
    """What a clip's roll-out says of the frames after the first.

    Attributes:
        object_logits: (b, t - 1, o, h, w) at stride 4: each object on its own.
        logits: (b, t - 1, 1 + o, H, W) after soft aggregation; softmax over axis 2, the background first.
        instances: the instance heads on all n = b * t frames, one entry a decoder layer, the last at the end.
    """

    object_logits: Tensor
    logits: Tensor
    instances: tuple[InstancePrediction, ...]


class Isvos(nn.Module):
    """The network. A propagator calls `encode_frames`, `read_and_decode`, `merge` and `encode_value` frame by frame;
    `forward` does so for the short clips of training.
    """

    def __init__(self, config: IsvosConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = nn.ModuleList([ImageEncoder(config.backbone)])
        self.instance = InstanceBranch(config.instance, config.backbone.widths)
        self.key_encoder = EnhancedKeyEncoder(config)
        self.value_encoder = ValueEncoder(config)
        self.decoder = FusionDecoder(config)

    def encode_frames(self, frames: Tensor, *, auxiliary: bool = False) -> EncodedFrame:
        """Sections 3.1 and 3.2: features, instances and keys, each frame on its own.

        Args:
            frames: (n, 3, H, W) float32 RGB, ImageNet-normalised.
            auxiliary: with the instance heads of all decoder layers.
        """
        maps: tuple[Tensor, ...] = self.backbone[0](frames)
        instances = self.instance(maps, auxiliary=auxiliary)
        key = self.key_encoder(maps[self.config.key_level], instances.queries)
        return EncodedFrame(frames, maps, instances.pyramid, key, instances.predictions)

    def encode_value(self, frame: EncodedFrame, masks: Tensor) -> Tensor:
        """Section 3.2, "Memory Update". masks: (b, o, H, W) in [0, 1] -> values (b, o, c_v, h, w)."""
        value: Tensor = self.value_encoder(frame.frames, frame.maps[self.config.key_level], masks)
        return value

    def read_and_decode(self, frame: EncodedFrame, keys: Tensor, values: Tensor, *, top_k: int = 0) -> Tensor:
        """Section 3.2, "Memory Reading" (eq. 3), and section 3.3 (eq. 4).

        Args:
            frame: the current frame of b clips.
            keys: (b, c_k, n) of all remembered cells.
            values: (b, o, c_v, n).
            top_k: positions that count for a cell; 0: all.

        Returns:
            (b, o, h, w) logits at stride 4, each object on its own.
        """
        readout = read_memory(keys, values, frame.key, top_k=top_k)
        logits: Tensor = self.decoder(readout, frame.maps, frame.pyramid)
        return logits

    def forward(self, frames: Tensor, masks: Tensor, *, present: Tensor | None = None) -> IsvosOutput:
        """Follow the objects of each clip's first frame; every predicted frame is remembered (section 3.2).

        Args:
            frames: (b, t, 3, H, W) float32 RGB, ImageNet-normalised; t >= 2.
            masks: (b, o, H, W) float32 in [0, 1]: the objects in the first frame.
            present: (b, o) bool; False where a clip has fewer objects than the batch's widest. None: all are there.
        """
        b, t = frames.shape[:2]
        size = (int(frames.shape[3]), int(frames.shape[4]))
        encoded = self.encode_frames(frames.flatten(0, 1), auxiliary=True)
        first_of = torch.arange(b, device=frames.device) * t
        current = encoded.select(first_of)
        keys, values = [current.key.flatten(2)], [self.encode_value(current, masks).flatten(3)]
        object_logits, merged = [], []
        for index in range(1, t):
            current = encoded.select(first_of + index)
            logits = self.read_and_decode(current, torch.cat(keys, dim=-1), torch.cat(values, dim=-1))
            object_logits.append(logits)
            merged.append(merge(logits, size, present=present))
            if index + 1 < t:
                keys.append(current.key.flatten(2))
                predicted = merged[-1].softmax(1)[:, 1:]
                values.append(self.encode_value(current, predicted).flatten(3))
        return IsvosOutput(torch.stack(object_logits, 1), torch.stack(merged, 1), encoded.instances)


def merge(object_logits: Tensor, size: tuple[int, int], *, present: Tensor | None = None) -> Tensor:
    """Bilinear to the network's input size, then soft aggregation (section 3.3).

    Args:
        object_logits: (b, o, h, w), each object on its own.
        size: (H, W).
        present: (b, o) bool, or None where all are there.

    Returns:
        (b, 1 + o, H, W) float32 logits, the background first.
    """
    probabilities = F.interpolate(object_logits.float(), size=size, mode="bilinear", align_corners=False).sigmoid()
    if present is not None:
        probabilities = probabilities * present[:, :, None, None]
    return aggregate(probabilities)


def trainable_groups(model: Isvos, *, rate: float, instance_share: float = 0.1) -> Sequence[dict[str, object]]:
    """Parameter groups of the paper's schedule (section 4.1): the instance branch learns at a tenth of the rate.

    Parameters without gradient are left out.
    """
    branch = {id(p) for p in model.instance.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    return (
        {"params": [p for p in trained if id(p) not in branch], "lr": rate},
        {"params": [p for p in trained if id(p) in branch], "lr": rate * instance_share},
    )
