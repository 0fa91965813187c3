"""The street world: procedural referring videos with exact masks, boxes, visibility and sentences.

There are two: the world of five categories, whose bytes are pinned because the bundled weights were made from it, and
the whole world (`whole_config`), which has everything on. Both are values of one `WorldConfig`.
"""

from rvos_core.synthetic.clip import make_clip
from rvos_core.synthetic.colours import ALL_COLOURS, COLOURS
from rvos_core.synthetic.config import SPLITS, WorldConfig, split_config, split_seeds, whole_config
from rvos_core.synthetic.facts import (
    ACTIONS,
    ALL_ACTIONS,
    CATEGORIES,
    CHANGES,
    CLOTHING,
    DIRECTIONS,
    EVERYTHING,
    GENDERS,
    ORDERS,
    RELATIONS,
    SIDES,
    SIZES,
    SPEED_WORDS,
    Expression,
    ExpressionSlots,
    ObjectFacts,
    SyntheticClip,
    Track,
)
from rvos_core.synthetic.grammar import vocabulary

__all__ = [
    "ACTIONS",
    "ALL_ACTIONS",
    "ALL_COLOURS",
    "CATEGORIES",
    "CHANGES",
    "CLOTHING",
    "COLOURS",
    "DIRECTIONS",
    "EVERYTHING",
    "GENDERS",
    "ORDERS",
    "RELATIONS",
    "SIDES",
    "SIZES",
    "SPEED_WORDS",
    "SPLITS",
    "Expression",
    "ExpressionSlots",
    "ObjectFacts",
    "SyntheticClip",
    "Track",
    "WorldConfig",
    "make_clip",
    "split_config",
    "split_seeds",
    "vocabulary",
    "whole_config",
]
