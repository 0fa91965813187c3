"""What goes into the referring networks and what comes out: values, no modules.

Shape letters: b batch, t frames, q queries, k classes, c channels, h w cells, l words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class EncodedText:
    """Expressions at the transformer's width.

    Attributes:
        words: (b, l, c), the special tokens included.
        padding: (b, l) bool, True where filled up, or None.
        sentence: (b, c) the whole expression before any picture has touched it.
    """

    words: Tensor
    padding: Tensor | None
    sentence: Tensor


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

    def only(self, frame: Tensor) -> EncodedFrames:
        """One frame of each clip, `frame` (int64, (b,)); t becomes 1.

        So the family treats A2D-Sentences and JHMDB: the backbone sees the window around the annotated frame, what
        follows that frame alone. A backbone that reads each frame on its own makes the window pointless.
        """
        clip = torch.arange(frame.shape[0], device=frame.device)
        padding = None if self.padding is None else self.padding[clip, frame][:, None]
        return EncodedFrames(tuple(level[clip, frame][:, None] for level in self.levels), self.input_size, padding)


@dataclass(frozen=True)
class LayerPrediction:
    """The heads on one decoder layer, float32.

    Attributes:
        pred_logits: (b, t, q, k): this query is the referred object (of class k) and in sight.
        pred_boxes: (b, t, q, 4) cxcywh in [0, 1] of the unpadded frame.
        pred_masks: (b, t, q, h, w) logits at stride 4.
    """

    pred_logits: Tensor
    pred_boxes: Tensor
    pred_masks: Tensor

    def of_items(self, chosen: Tensor) -> LayerPrediction:
        """Some of the items; `chosen` as an index of the first axis."""
        return LayerPrediction(self.pred_logits[chosen], self.pred_boxes[chosen], self.pred_masks[chosen])


@dataclass(frozen=True)
class Reading:
    """What the picture says about the sentence (R2-VOS, "relational cycle").

    Attributes:
        sentence: (b, c) the expression before any picture has touched it.
        reconstructed: (b, c) the same, read back from the grounded features.
        consensus_logit: (b,) float32, or None without that head; sigmoid = P(the object is there at all). R2-VOS's
            own head predicts the opposite (label 1 = mismatched pair); here its sign is turned.
    """

    sentence: Tensor
    reconstructed: Tensor
    consensus_logit: Tensor | None

    def of_items(self, chosen: Tensor) -> Reading:
        """Some of the items; `chosen` as an index of the first axis."""
        consensus = None if self.consensus_logit is None else self.consensus_logit[chosen]
        return Reading(self.sentence[chosen], self.reconstructed[chosen], consensus)


@dataclass(frozen=True)
class ReferringOutput(LayerPrediction):
    """The last layer's prediction; for training also what came before it.

    Attributes:
        aux: the earlier layers' predictions in order; empty where they were not asked for.
        fused_levels: maps (b, t, c, h, w) at strides 8, 16, 32, 64 as the encoder reads them.
        reading: what the networks that read the sentence back from the picture found; None for the others.
    """

    aux: tuple[LayerPrediction, ...]
    fused_levels: tuple[Tensor, ...]
    reading: Reading | None = None

    def select(self, chosen: Tensor) -> ReferringOutput:
        """Everything of some of the items; `chosen` as an index of the first axis."""
        return ReferringOutput(
            self.pred_logits[chosen],
            self.pred_boxes[chosen],
            self.pred_masks[chosen],
            aux=tuple(layer.of_items(chosen) for layer in self.aux),
            fused_levels=tuple(level[chosen] for level in self.fused_levels),
            reading=None if self.reading is None else self.reading.of_items(chosen),
        )

    @property
    def consensus_logit(self) -> Tensor | None:
        """(b,) float32; sigmoid = P(the object is there at all). None without a consensus head."""
        return None if self.reading is None else self.reading.consensus_logit
