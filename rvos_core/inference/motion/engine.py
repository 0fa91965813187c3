"""The engine `motion`: the flow network sees what moves, `isvos-mini` follows it. Nothing is downloaded for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rvos_core.inference.motion.moments import MotionSegmenter
from rvos_core.inference.motion.segmenters import load_segmenter
from rvos_core.models.api import ModelCard
from rvos_core.types import FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.models.propagators import IsvosPropagator

MOTION = "motion"
_SIZE = 256  # seeds are too coarse for more, and a step takes a third less time than at the card's size
_REMEMBERED = 3  # frames on the way; the seeds, all of the clip, are remembered for good
_FIRST_LOOK = 0.15  # seconds of it for one of following, a frame


@dataclass
class MotionEngine:
    """Loaded and ready. `note`: what a person should know of how it runs here, or empty."""

    segmenter: MotionSegmenter
    propagator: IsvosPropagator
    note: str = ""

    @property
    def card(self) -> ModelCard:
        """What it is, in the words of a model card."""
        return motion_card(self.propagator.card)

    @property
    def device(self) -> str:
        """Where it runs."""
        return self.propagator.device

    def seconds(self, info: MediaInfo, span: FrameSpan) -> float | None:
        """What a run takes, about; None before anything was followed."""
        height, width = self.propagator.input_size(info.height, info.width)
        pace = self.propagator.pace.seconds(frames=len(span), pixels=height * width)
        return None if pace is None else pace * (1 + _FIRST_LOOK)


def motion_card(following: ModelCard) -> ModelCard:
    """The engine's card; `following`: that of the model which follows what was found."""
    return replace(
        following,
        name=MOTION,
        arch=MOTION,
        description=(
            "Any footage, nothing downloaded: finds what moves by itself, and of that what the sentence says of colour,"
            " side, size, direction and order. Nouns are not checked."
        ),
        measured={},
    )


def load_motion(*, device: str = "auto") -> MotionEngine:
    """Read the two networks.

    Raises:
        UserError: no such device, or the weights of `isvos-mini` are damaged. Without the flow network it works, too.
    """
    from rvos_core.models.registry import load_propagator

    propagator = load_propagator(device=device, size=_SIZE, remembered=_REMEMBERED)
    segmenter, note = load_segmenter(device=propagator.device)
    return MotionEngine(segmenter, propagator, note)
