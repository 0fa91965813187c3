"""The masks of all queries of a model on some frames, as a run leaves them for a later choice."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class QueryMasks:
    """What all queries of a run said on some frames, at stride 4. A row of queries means one object over the span.

    Attributes:
        span: the frames.
        masks: (t, q, h, w) bool.
        probability: (t, q) float32, class probability, 0..1.
    """

    span: FrameSpan
    masks: np.ndarray = field(repr=False)
    probability: np.ndarray = field(repr=False)
