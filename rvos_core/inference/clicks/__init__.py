"""Clicks and a box on one frame -> an object's mask. Importing it loads no torch."""

from rvos_core.inference.clicks.checking import check_request
from rvos_core.inference.clicks.choice import ClickAnswer, ClickSession, agreement, enforced
from rvos_core.inference.clicks.deep import DeepClicker, load_clickers
from rvos_core.inference.clicks.plain import PlainClicker

__all__ = [
    "ClickAnswer",
    "ClickSession",
    "DeepClicker",
    "PlainClicker",
    "agreement",
    "check_request",
    "enforced",
    "load_clickers",
]
