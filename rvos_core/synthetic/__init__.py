"""The street world: procedural referring videos with exact masks, boxes, visibility and sentences."""

from rvos_core.synthetic.clip import make_clip
from rvos_core.synthetic.colours import COLOURS
from rvos_core.synthetic.config import SPLITS, WorldConfig, split_config, split_seeds
from rvos_core.synthetic.facts import (
    ACTIONS,
    CATEGORIES,
    CLOTHING,
    DIRECTIONS,
    GENDERS,
    SIDES,
    SIZES,
    Expression,
    ExpressionSlots,
    ObjectFacts,
    SyntheticClip,
)
from rvos_core.synthetic.grammar import vocabulary

__all__ = [
    "ACTIONS",
    "CATEGORIES",
    "CLOTHING",
    "COLOURS",
    "DIRECTIONS",
    "GENDERS",
    "SIDES",
    "SIZES",
    "SPLITS",
    "Expression",
    "ExpressionSlots",
    "ObjectFacts",
    "SyntheticClip",
    "WorldConfig",
    "make_clip",
    "split_config",
    "split_seeds",
    "vocabulary",
]
