"""Models in the role of a `Referrer`: from video frames and typed words to a prediction of one window."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.language import Tokenizer
from rvos_core.models.api import FrameFeatures, ModelCard, TextFeatures, WindowPrediction
from rvos_core.models.configs import ReferringConfig
from rvos_core.models.engine import Pace
from rvos_core.models.referring import ReferringNetwork
from rvos_core.models.referring_values import EncodedFrames, EncodedText

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_COARSEST_STRIDE = 32
_MIB = 1024 * 1024
_LIBRARIES_BYTES = 150 * _MIB
_FEED_FORWARD_TOKENS = 16384  # of one step, see blocks/feed_forward.py
_MAX_CHARACTERS = 4000  # of an expression; a sentence has a hundred


class FamilyReferrer:
    """A network of the family (ReferFormer, IFIRVOS, R2-VOS) on one device, in evaluation mode.

    Frames are resized to the card's short side, antialiased, and normalised as on ImageNet. The papers' models
    take the size as it comes (torchvision's `Resize`: the long side is cut to an integer); the small model was trained
    on sides that are multiples of 32.
    """

    def __init__(self, model: ReferringNetwork, tokenizer: Tokenizer, *, card: ModelCard, device: str = "cpu") -> None:
        self.card = card
        self.device = device
        self.pace = Pace()
        self._tokenizer = tokenizer
        self._config = model.config
        self._model = model.to(device).eval()
        self._mean = torch.tensor(_IMAGENET_MEAN, device=device)[:, None, None]
        self._std = torch.tensor(_IMAGENET_STD, device=device)[:, None, None]
        self._last_text: tuple[TextFeatures, EncodedText] | None = None

    @torch.inference_mode()
    def encode_text(self, expression: str) -> TextFeatures:
        """Tokenise the sentence as it stands: to RoBERTa a blank at its end or two in a row are tokens, too.

        `TextFeatures.expression` is what is read: an expression that is too long loses its last words.
        """
        text, limit = expression[:_MAX_CHARACTERS], self._config.text.max_tokens
        encoding = self._tokenizer.encode(text)
        if len(encoding.ids) > limit:
            text = text[: encoding.stops[limit - 2]]  # of the last word that leaves room for the closing token
            encoding = self._tokenizer.encode(text)
        ids = encoding.ids if len(encoding.ids) <= limit else (*encoding.ids[: limit - 1], encoding.ids[-1])
        token_ids = torch.tensor([ids], dtype=torch.int64, device=self.device)
        return TextFeatures(text, token_ids, torch.zeros_like(token_ids, dtype=torch.bool), encoding.unknown_words)

    @torch.inference_mode()
    def encode_frames(
        self, frames: Sequence[np.ndarray], *, size: int | None = None, multiple: int = 1
    ) -> FrameFeatures:
        """Image encoder and input projections of frames (H, W, 3) uint8 RGB, all of one size; see `Referrer`."""
        height, width = frames[0].shape[:2]
        picture_size = self.input_size(height, width, size=size)
        pixels = torch.stack([self._normalised(_resized(frame, picture_size)) for frame in frames])
        pixels, padding = _padded(pixels, multiple)
        encoded = self._model.encode_frames(pixels[None], None if padding is None else padding[None])
        return FrameFeatures(tuple(level[0] for level in encoded.levels), encoded.input_size, padding)

    @torch.inference_mode()
    def refer(self, frames: FrameFeatures, text: TextFeatures) -> WindowPrediction:
        """Masks, classes and boxes of all queries; see `WindowPrediction`."""
        padding = None if frames.padding is None else frames.padding[None]
        encoded = EncodedFrames(tuple(level[None] for level in frames.levels), frames.input_size, padding)
        output = self._model.decode(encoded, self._words(text), auxiliary=False)
        return WindowPrediction(
            mask_logits=output.pred_masks[0].float(),
            class_logits=_of_likeliest_class(output.pred_logits[0].float()),
            boxes=output.pred_boxes[0].float(),
            consensus=None if output.consensus_logit is None else float(output.consensus_logit[0].sigmoid()),
        )

    @property
    def frames_on_their_own(self) -> bool:
        """Whether a frame's features do not depend on the frames beside it; Video-Swin's do."""
        return self._config.backbone.frames_on_their_own

    def input_size(self, height: int, width: int, *, size: int | None = None) -> tuple[int, int]:
        """(height, width) of the network input; `size` overrides the card's short side, the cap grows with it."""
        multiple = _COARSEST_STRIDE if self._config.backbone.kind == "residual" else 1
        short = size or self.card.size
        long = round(self.card.long_side * short / self.card.size)
        return fitted_size(height, width, short_side=short, long_side=max(short, long), multiple=multiple)

    def memory_mib(self, frames: int, input_size: tuple[int, int]) -> float:
        """Estimated peak of one window of `frames`, weights included, MiB."""
        weights = 4.0 * self.card.parameters
        return (weights + window_bytes(self._config, frames, input_size)) / _MIB

    def warm_up(self) -> None:
        """Run twice on grey frames: what is compiled or chosen at first use is done, and the pace is roughly known."""
        text = self.encode_text("a")
        for frames, (height, width) in ((2, (64, 64)), (4, (128, 224))):
            began = time.perf_counter()
            features = self.encode_frames([np.full((height, width, 3), 128, dtype=np.uint8)] * frames, size=height)
            self.refer(features, text).mask_logits.cpu()
            seconds = time.perf_counter() - began
        self.pace.observe(seconds, frames=frames, pixels=math.prod(features.input_size))

    def _words(self, text: TextFeatures) -> EncodedText:
        if self._last_text is None or self._last_text[0] is not text:
            self._last_text = (text, self._model.encode_text(text.token_ids))
        return self._last_text[1]

    def _normalised(self, pixels: Tensor) -> Tensor:
        scaled: Tensor = (pixels.to(self.device).float() / 255.0 - self._mean) / self._std
        return scaled


def fitted_size(height: int, width: int, *, short_side: int, long_side: int, multiple: int) -> tuple[int, int]:
    """(height, width) with the aspect of the frame: short side `short_side`, less where the long side would exceed
    `long_side`.

    Sides are cut to integers as torchvision's `Resize` does, then rounded to `multiple`; none is below one cell of
    the coarsest map.
    """
    short, long = min(height, width), max(height, width)
    new_short, new_long = short_side, int(short_side * long / short)
    if new_long > long_side:
        new_short, new_long = int(long_side * short / long), long_side
    if multiple > 1:
        new_short, new_long = (multiple * round(side / multiple) for side in (new_short, new_long))
    new_short, new_long = max(_COARSEST_STRIDE, new_short), max(_COARSEST_STRIDE, new_long)
    return (new_short, new_long) if height <= width else (new_long, new_short)


def window_bytes(config: ReferringConfig, frames: int, input_size: tuple[int, int]) -> float:
    """Estimated peak of one window beyond the weights, bytes, in float32.

    A fixed part (libraries, one step of the feed-forward layers) and a part per frame: the kept features, about seven
    maps of the transformer's width at stride 4 while the cross-modal FPN fuses them, and the mask head's input.
    Fitted to measured peaks of both configurations, 1 to 48 frames of 128x224 to 480x832: 0.9 to 1.6 times the peak.
    """
    c, cells = config.hidden, input_size[0] * input_size[1] / 16.0  # at stride 4
    fixed = _LIBRARIES_BYTES + 4.0 * 2 * _FEED_FORWARD_TOKENS * config.ffn
    kept = config.backbone.widths[0] + c / 3
    heads = config.queries * (config.mask_dim + 2 + 3 * config.dynamic_channels)
    return fixed + 4.0 * frames * cells * (kept + 7 * c + heads)


def _of_likeliest_class(logits: Tensor) -> Tensor:
    """(t, q, k) -> (t, q): each query's logits of the class that is likeliest over the window's frames.

    ReferFormer's class heads with a data set's categories say which one the object is of, too.
    """
    likeliest = logits.sigmoid().mean(0).argmax(-1)
    return logits.gather(-1, likeliest[None, :, None].expand(*logits.shape[:2], 1))[..., 0]


def _padded(pixels: Tensor, multiple: int) -> tuple[Tensor, Tensor | None]:
    """(t, 3, H, W) with zeros right and below up to multiples, and (t, H, W) bool True there, None if nowhere."""
    height, width = pixels.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not below and not right:
        return pixels, None
    padding = torch.ones(pixels.shape[0], height + below, width + right, dtype=torch.bool, device=pixels.device)
    padding[:, :height, :width] = False
    return F.pad(pixels, (0, right, 0, below)), padding


def _resized(frame: np.ndarray, input_size: tuple[int, int]) -> Tensor:
    """(3, h, w) uint8 of `frame` (H, W, 3) uint8; bilinear over the area that an output pixel covers, as Pillow
    resizes.
    """
    image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None]
    if tuple(frame.shape[:2]) == input_size:
        return image[0]
    return F.interpolate(image, size=input_size, mode="bilinear", align_corners=False, antialias=True)[0]
