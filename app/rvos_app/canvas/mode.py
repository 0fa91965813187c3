"""How masks are shown over the frame, or in its place."""

from __future__ import annotations

from enum import Enum, auto


class ViewMode(Enum):
    """The last three are rendered; until they are, masks stand for mattes."""

    OVERLAY = auto()
    OUTLINE = auto()
    ORIGINAL = auto()
    MATTE = auto()
    CUT_OUT = auto()
    EFFECTS = auto()
