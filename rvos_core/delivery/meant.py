"""What reading back shall find: the pictures of a few frames, kept beside the work until the file is compared.

Kept are straight colours and alpha as they were given, which is small; what the file's samples shall be is worked out
in floating point when it is read back, by other arithmetic than that of the writers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.pixels import Picture, linear_light, together, unit
from rvos_core.delivery.spec import DeliverySpec

_MARK = "meant-"  # and the output frame
_LEAST_SEEN = 2  # frames with an object that are compared, whichever frames chance takes
_BT709_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Meant:
    """One frame as the file shall hold it.

    Attributes:
        plane: (H, W) float32 in 0..1: alpha; a matte; or the brightness of a picture without alpha.
        colours: (H, W, 3) float32 in 0..1: as they lie in the file, premultiplied or in linear light where that is
            asked for; None: a matte.
        counts: (H, W) bool: where colours are compared.
        channels: (objects, H, W) float32: alpha of each, where each has a channel of its own; None: they have none.
    """

    plane: np.ndarray
    colours: np.ndarray | None
    counts: np.ndarray
    channels: np.ndarray | None = None


class MeantFrames:
    """The frames of one output that will be compared, as files in the folder of its work.

    Args:
        drawn: output frames that are compared in any case; the first frames with an object are compared, too.
    """

    def __init__(self, folder: Path, spec: DeliverySpec, drawn: Collection[int]) -> None:
        self._folder = folder
        self._spec = spec
        self._drawn = drawn
        self._seen = 0

    def files(self) -> dict[int, Path]:
        """Output frame -> file for `read_meant`; those of an interrupted run are among them."""
        return {int(path.stem.removeprefix(_MARK)): path for path in sorted(self._folder.glob(f"{_MARK}*.npz"))}

    def forget(self, places: Collection[int]) -> None:
        """Those of `places` will be offered again: a kill may have cut their files short."""
        for place in self.files().keys() & set(places):
            self._path(place).unlink(missing_ok=True)

    def offer(self, place: int, pictures: Sequence[Picture]) -> None:
        """Keep output frame `place` where it is one that is compared. Raises: OSError: the disk refuses."""
        taken = place in self._drawn
        if self._seen < _LEAST_SEEN and any(each.alpha.any() for each in pictures):
            self._seen += 1
            taken = True
        if not taken:
            return
        has_channels_only = has_named_channels(self._spec) and self._spec.chosen_content != CUTOUT
        shown = pictures[0] if has_channels_only else together(pictures)
        kept = {"alpha": shown.alpha}
        if shown.rgb is not None:
            kept["rgb"] = shown.rgb
        if has_named_channels(self._spec):
            kept["channels"] = np.stack([each.alpha for each in pictures])
        buffer = BytesIO()  # NumPy itself does not say that a disk is full
        np.savez(buffer, allow_pickle=False, **kept)
        self._path(place).write_bytes(buffer.getbuffer())

    def _path(self, place: int) -> Path:
        return self._folder / f"{_MARK}{place:08d}.npz"


def read_meant(path: Path, spec: DeliverySpec) -> Meant:
    """What a file written as `spec` says shall hold of a kept frame. Raises: OSError, ValueError: it is damaged."""
    with np.load(path, allow_pickle=False) as kept:
        alpha = np.clip(kept["alpha"], 0, 1)
        rgb = kept.get("rgb")
        channels = np.clip(kept["channels"], 0, 1) if "channels" in kept else None
    if rgb is None or spec.chosen_content != CUTOUT:
        return Meant(alpha, None, alpha > 0, channels)
    straight = unit(rgb)
    if not spec.kind.has_alpha:
        under = np.asarray(spec.background, np.float32) / 255
        shown = straight * alpha[..., None] + under * (1 - alpha[..., None])
        return Meant(np.asarray(shown @ _BT709_LUMA), shown, np.ones_like(alpha, bool))
    if spec.format == "exr" and spec.linear:
        straight = linear_light(straight)
    if spec.premultiplied:
        return Meant(alpha, straight * alpha[..., None], np.ones_like(alpha, bool), channels)
    return Meant(alpha, straight, alpha > 0, channels)


def has_named_channels(spec: DeliverySpec) -> bool:
    """EXR has a channel an object, of mattes no other."""
    return spec.format == "exr"
