"""Models in the role of a `Propagator`: from shown frames and their masks to masks on the frames that follow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.errors import UserError
from rvos_core.models.api import FramePrediction, ModelCard
from rvos_core.models.blocks.memory_bank import MemoryBank, MemoryEntry
from rvos_core.models.engine import Pace
from rvos_core.models.isvos import EncodedFrame, Isvos, merge
from rvos_core.models.isvos_configs import IsvosConfig, MemoryConfig
from rvos_core.models.object_rows import ObjectRows
from rvos_core.models.referrers import fitted_size

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_COARSEST_STRIDE = 32
_MIB = 1024 * 1024
_FIXED_BYTES = 250.0 * _MIB  # libraries, and the affinity of a block of cells with all remembered ones
_FRAME_MAPS, _OBJECT_MAPS = 100, 1000  # channels at stride 4 that are alive at once


@dataclass(frozen=True)
class ViewConfig:
    """How often a frame is looked at (ISVOS, Table 5: about 1.5 J&F more on DAVIS 2017); probabilities are averaged.

    Attributes:
        scales: of the network input's sides; the first one is the size of the result.
        mirror: also left-right mirrored at every scale.
    """

    scales: tuple[float, ...] = (1.0,)
    mirror: bool = False

    def __post_init__(self) -> None:
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(f"scales {self.scales} must be positive, and there must be one")


BEST_VIEWS = ViewConfig(mirror=True)  # `--quality best`; measured in docs/benchmarks.md


class IsvosPropagator:
    """ISVOS on one device, in evaluation mode.

    Frames are resized to the card's short side, antialiased, and normalised as on ImageNet. Each scale and mirror image
    has a memory of its own.
    """

    def __init__(
        self,
        model: Isvos,
        *,
        card: ModelCard,
        device: str = "cpu",
        memory: MemoryConfig | None = None,
        views: ViewConfig | None = None,
    ) -> None:
        self.card = card
        self.device = device
        self.pace = Pace()
        self._model = model.to(device).eval()
        self._mean = torch.tensor(_IMAGENET_MEAN, device=device)[:, None, None]
        self._std = torch.tensor(_IMAGENET_STD, device=device)[:, None, None]
        self._rows = ObjectRows()
        self._last_frame: np.ndarray | None = None
        policy = memory or model.config.memory
        looks = views or ViewConfig()
        self._views = [
            _View(self._model, MemoryBank(policy), scale=scale, mirrored=mirrored)
            for scale in looks.scales
            for mirrored in ((False, True) if looks.mirror else (False,))
        ]

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects that are followed, in the order in which they were shown."""
        return self._rows.ids

    @property
    def memory_bytes(self) -> int:
        """What is remembered now; it grows with corrections and objects, not with the clip."""
        return sum(view.bank.size_bytes for view in self._views)

    @torch.inference_mode()
    def remember(self, frame: np.ndarray, masks: Mapping[int, np.ndarray], *, permanent: bool) -> None:
        """Show objects in a frame; see `Propagator`. Masks of all objects that are known there help most.

        What the step before predicted for these objects in this very frame is forgotten.

        Raises:
            UserError: a mask has another size than the frame.
            ValueError: no mask, or an object id below 1.
        """
        if not masks:
            raise ValueError("remember needs at least one mask")
        for object_id, mask in masks.items():
            if mask.shape != frame.shape[:2]:
                raise UserError(
                    f"The mask of object {object_id} has {mask.shape[1]} x {mask.shape[0]} pixels, the frame"
                    f" {frame.shape[1]} x {frame.shape[0]}.",
                    hint="Give a mask of the frame's size.",
                    code="propagate.mask_size",
                )
        rows = self._rows.with_objects(masks)
        shown = ObjectRows(tuple(masks))
        stacked = shown.stack({each: torch.from_numpy(mask.astype(np.float32)) for each, mask in masks.items()})
        again = self._last_frame is not None and np.array_equal(self._last_frame, frame)
        for view in self._views:
            pixels = self._pixels(frame, view.scale)
            view.remember(pixels, shown, stacked.to(self.device), permanent=permanent, replace=again)
        self._rows = rows

    @torch.inference_mode()
    def step(self, frame: np.ndarray) -> FramePrediction:
        """Predict the next frame, (H, W, 3) uint8 RGB; see `Propagator`.

        Raises:
            UserError: no object has been shown.
        """
        if not self._rows.ids:
            raise UserError(
                "There is nothing to follow yet.",
                hint="Give a mask of at least one object in one frame.",
                code="propagate.no_object",
            )
        began = time.perf_counter()
        seen = [view.step(self._pixels(frame, view.scale), self._rows) for view in self._views]
        probabilities = seen[0][0]
        if len(seen) > 1:
            size = probabilities.shape[-2:]
            same = [F.interpolate(each[None], size=size, mode="bilinear", align_corners=False)[0] for each, _ in seen]
            probabilities = torch.stack(same).mean(0)
        self._last_frame = frame.copy()  # the caller may fill its array anew
        if self.device == "cpu":  # elsewhere work is only queued by now
            height, width = self.input_size(*frame.shape[:2])
            self.pace.observe(time.perf_counter() - began, frames=1, pixels=height * width)
        return FramePrediction(self._rows.ids, probabilities, seen[0][1])

    @torch.inference_mode()
    def features(self, frame: np.ndarray) -> np.ndarray:
        """What the backbone sees in a frame, (H, W, 3) uint8 RGB -> (h, w, c) float32 at stride 8 of the network input.

        Nothing is remembered of it, and what is followed is left as it is.
        """
        maps = self._model.backbone[0](self._pixels(frame, 1.0)[None])
        return np.ascontiguousarray(maps[1][0].permute(1, 2, 0).float().cpu().numpy())

    def forget(self, object_id: int) -> None:
        """Follow an object no longer; the others keep their ids."""
        self._rows = self._rows.without(object_id)
        for view in self._views:
            view.bank.forget(object_id)

    def restart(self) -> None:
        """The next frame does not follow the last one: only frames that are kept for good stay."""
        self._last_frame = None
        for view in self._views:
            view.restart()

    def warm_up(self) -> None:
        """Follow something through two grey frames and forget it: the pace is roughly known then."""
        frame = np.full((96, 160, 3), 128, dtype=np.uint8)
        mask = np.zeros(frame.shape[:2], dtype=bool)
        mask[32:64, 64:96] = True
        self.remember(frame, {1: mask}, permanent=True)
        for _ in range(2):
            self.step(frame)
        self.forget(1)
        self.restart()

    def memory_mib(self, height: int, width: int, *, objects: int = 1, given: int = 1) -> float:
        """Estimated peak on clips of this size, weights included, MiB.

        Args:
            height, width: of the frames, pixels.
            objects: that are followed together.
            given: frames that are remembered for good.
        """
        rows, columns = self.input_size(height, width)
        config = self._model.config
        remembered = config.memory.most + given
        bytes_of_a_view = memory_bytes(config, (rows, columns), objects=objects, remembered=remembered)
        return (4.0 * self.card.parameters + len(self._views) * bytes_of_a_view + _FIXED_BYTES) / _MIB

    def input_size(self, height: int, width: int, *, scale: float = 1.0) -> tuple[int, int]:
        """(height, width) of the network input for frames of this size."""
        multiple = _COARSEST_STRIDE if self._model.config.backbone.kind == "residual" else 1
        return fitted_size(
            height,
            width,
            short_side=round(self.card.size * scale),
            long_side=round(self.card.long_side * scale),
            multiple=multiple,
        )

    def _pixels(self, frame: np.ndarray, scale: float) -> Tensor:
        """(3, h, w) normalised, at the size of the network input."""
        size = self.input_size(*frame.shape[:2], scale=scale)
        image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
        if tuple(frame.shape[:2]) != size:
            image = F.interpolate(image[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0]
        normalised: Tensor = (image.to(self.device).float() / 255.0 - self._mean) / self._std
        return normalised


def memory_bytes(config: IsvosConfig, size: tuple[int, int], *, objects: int, remembered: int) -> float:
    """Estimated peak of one step beyond the weights, bytes, in float32.

    The remembered keys and values, and the maps of one frame and its objects at stride 4. Fitted to measured peaks of
    isvos-mini, 1 to 5 objects at 256x416 and 480x864: 1.0 to 1.2 times the peak.

    Args:
        size: (height, width) of the network input.
        objects: that are followed together.
        remembered: frames in the memory.
    """
    cells = size[0] * size[1] / config.key_stride**2
    bank = remembered * cells * (config.key_dim + objects * config.value_dim)
    maps = size[0] * size[1] / 16 * (_FRAME_MAPS + objects * _OBJECT_MAPS)
    return 4.0 * (bank + maps)


class _View:
    """One scale and mirroring: a memory, and how far its clip has come."""

    def __init__(self, model: Isvos, bank: MemoryBank, *, scale: float, mirrored: bool) -> None:
        self.bank = bank
        self.scale = scale
        self._model = model
        self._mirrored = mirrored
        self._steps = 0
        self._predicted: MemoryEntry | None = None

    def remember(self, pixels: Tensor, shown: ObjectRows, masks: Tensor, *, permanent: bool, replace: bool) -> None:
        """pixels: (3, h, w); masks: (o, H, W) float32 of the objects `shown`, at the size of the frame."""
        size = (int(pixels.shape[1]), int(pixels.shape[2]))
        if masks.shape[-2:] != size:
            masks = F.interpolate(masks[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0]
        if replace and self._predicted is not None:
            self._predicted = self.bank.forget_in(self._predicted, shown.ids)
        encoded = self._model.encode_frames(self._turned(pixels)[None])
        self.bank.remember(self._entry(encoded, shown, self._turned(masks)), permanent=permanent)

    def step(self, pixels: Tensor, rows: ObjectRows) -> tuple[Tensor, Tensor]:
        """pixels: (3, h, w) -> merged probabilities (o, h, w) and single logits (o, h / 4, w / 4), in `rows`."""
        encoded = self._model.encode_frames(self._turned(pixels)[None])
        top_k = self.bank.config.top_k
        found: dict[int, Tensor] = {}
        for group in self.bank.groups():
            logits = self._model.read_and_decode(encoded, group.keys[None], group.values[None], top_k=top_k)
            found |= ObjectRows(group.object_ids).split(logits[0].float())
        logits = rows.stack(found)
        probabilities = merge(logits[None], (int(pixels.shape[1]), int(pixels.shape[2])))[0].softmax(0)[1:]
        self._steps += 1
        self._remember_prediction(encoded, rows, probabilities)
        return self._turned(probabilities), self._turned(logits)

    def restart(self) -> None:
        """Forget what was only on the way."""
        self.bank.forget_recent()
        self._steps = 0
        self._predicted = None

    def _remember_prediction(self, encoded: EncodedFrame, rows: ObjectRows, probabilities: Tensor) -> None:
        config = self.bank.config
        self._predicted = None
        if self._steps % config.every == 0:
            self._predicted = self._entry(encoded, rows, probabilities)
            self.bank.drop_previous()
            self.bank.remember(self._predicted, permanent=False)
        elif config.previous:
            self._predicted = self._entry(encoded, rows, probabilities)
            self.bank.replace_previous(self._predicted)

    def _entry(self, encoded: EncodedFrame, rows: ObjectRows, masks: Tensor) -> MemoryEntry:
        values = self._model.encode_value(encoded, masks[None])[0]
        return MemoryEntry(encoded.key[0].flatten(1), rows.split(values.flatten(2)))

    def _turned(self, maps: Tensor) -> Tensor:
        return maps.flip(-1) if self._mirrored else maps
