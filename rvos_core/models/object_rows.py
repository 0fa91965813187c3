"""Object ids and tensor rows: ids never change, rows do, and this is the only place where one becomes the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rvos_core.masks import guide_of, probability_along_edges

BACKGROUND = 0  # in label maps; so no object may have this id
_EDGE_RADIUS = 6  # of the filter's box, in cells of two pixels of the network input: three of its mask cells


@dataclass(frozen=True)
class ObjectRows:
    """The objects in the order in which they were shown: row k of a tensor (o, ...) belongs to `ids[k]`."""

    ids: tuple[int, ...] = ()

    def with_objects(self, ids: Iterable[int]) -> ObjectRows:
        """New objects behind the known ones, in the order given.

        Raises:
            ValueError: an id is below 1.
        """
        new = tuple(dict.fromkeys(each for each in ids if each not in self.ids))
        if any(each <= BACKGROUND for each in new):
            raise ValueError(f"object ids {new} must be at least 1: 0 is the background of a label map")
        return ObjectRows(self.ids + new)

    def without(self, object_id: int) -> ObjectRows:
        """The rows behind `object_id` move up."""
        return ObjectRows(tuple(each for each in self.ids if each != object_id))

    def stack(self, by_id: Mapping[int, Tensor]) -> Tensor:
        """(o, ...) of equal tensors by id. Raises: KeyError: an object has none."""
        return torch.stack([by_id[each] for each in self.ids])

    def split(self, rows: Tensor) -> dict[int, Tensor]:
        """Tensors by id of (o, ...)."""
        return dict(zip(self.ids, rows.unbind(0), strict=True))


def label_map(object_ids: tuple[int, ...], probabilities: Tensor, size: tuple[int, int]) -> np.ndarray:
    """The likeliest object of each pixel.

    Args:
        object_ids: of the rows.
        probabilities: (o, h, w), together with the background's 1 in every cell.
        size: (height, width) of the frame that is displayed.

    Returns:
        (height, width) int32: an object id, or 0 for the background.
    """
    full = F.interpolate(probabilities[None].float(), size=size, mode="bilinear", align_corners=False)[0]
    best = 1 - full.sum(0)
    labels = torch.full_like(best, BACKGROUND, dtype=torch.int32)
    for object_id, probability in zip(
        object_ids, full, strict=True
    ):  # `argmax` over so few rows takes ten times as long
        likelier = probability > best
        labels[likelier] = object_id
        best = torch.where(likelier, probability, best)
    return labels.cpu().numpy()


def labels_along_edges(object_ids: tuple[int, ...], probabilities: Tensor, frame: np.ndarray) -> np.ndarray:
    """`label_map` with outlines that follow the picture's edges (docs/decisions/0011-outlines-follow-the-picture.md).

    The filter is linear, so that objects and background still make 1 wherever all of them were filtered. An object that
    it would lose altogether keeps its plain outline.

    Args:
        object_ids: of the rows.
        probabilities: (o, h, w) at the size of the network input, together with the background's 1 in every cell.
        frame: (H, W, 3) uint8 RGB, the picture that these probabilities are of.

    Returns:
        (H, W) int32: an object id, or 0 for the background.
    """
    guide, size = guide_of(frame), (frame.shape[0], frame.shape[1])
    _, height, width = probabilities.shape
    coarse = F.interpolate(probabilities[None].float(), size=(-(-height // 2), -(-width // 2)), mode="area")[0]
    fields = [probability_along_edges(each, guide, radius=_EDGE_RADIUS) for each in coarse.cpu().numpy()]
    labels = label_map(object_ids, torch.from_numpy(np.stack(fields)), size)
    lost = np.isin(object_ids, labels, invert=True)
    if lost.any():
        plain = label_map(object_ids, probabilities, size)
        for object_id in np.asarray(object_ids)[lost]:
            labels[plain == object_id] = object_id
    return labels


def masks_of(labels: np.ndarray) -> dict[int, np.ndarray]:
    """A label map (H, W) of object ids -> masks (H, W) bool of the objects that are in it, by id."""
    return {int(each): labels == each for each in np.unique(labels) if each != BACKGROUND}
