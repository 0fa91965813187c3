"""Clicks and a box on one frame -> an object's mask. Importing it loads no torch."""

from rvos_core.inference.clicks.checking import check_request
from rvos_core.inference.clicks.choice import ClickAnswer, ClickSession, agreement, enforced
from rvos_core.inference.clicks.deep import DeepClicker
from rvos_core.inference.clicks.loading import load_clickers
from rvos_core.inference.clicks.movement import Movement
from rvos_core.inference.clicks.moving import MovingClicker
from rvos_core.inference.clicks.plain import PlainClicker

__all__ = [
    "ClickAnswer",
    "ClickSession",
    "DeepClicker",
    "Movement",
    "MovingClicker",
    "PlainClicker",
    "agreement",
    "check_request",
    "enforced",
    "load_clickers",
]
