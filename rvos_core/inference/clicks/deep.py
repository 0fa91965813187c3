"""Clicks to a mask with what a bundled network sees beside colour and texture: the stride 8 maps of ISVOS's backbone.

The network's own instance masks are no help here: it has seen drawn scenes and cut photographs only, and on real
footage none of its 24 proposals fits most objects. Its backbone, however, tells an object's places from the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rvos_core.inference.clicks.plain import PlainClicker
from rvos_core.inference.clicks.scene import Scene, prepared
from rvos_core.models.api import Around

if TYPE_CHECKING:
    from rvos_core.models.propagators import IsvosPropagator

_FEATURE_WEIGHT = 0.3  # deviation of one of the network's channels, against one of the random features


class DeepClicker(PlainClicker):
    """As `PlainClicker`, with the network's features among those that the look is learned from."""

    name = "deep"

    def __init__(self, propagator: IsvosPropagator) -> None:
        super().__init__()
        self._propagator = propagator

    def prepare(self, frame: np.ndarray, around: Around | None) -> Scene:
        """The frame at working size, seen by the network once."""
        del around
        return prepared(frame, extra=self._propagator.features(frame), extra_weight=_FEATURE_WEIGHT)
