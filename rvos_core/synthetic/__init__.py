"""The street world: procedural referring videos with exact masks, boxes, visibility and sentences."""

from rvos_core.language.phrases import COLOURS
from rvos_core.language.slots import ExpressionSlots
from rvos_core.synthetic.clip import make_clip
from rvos_core.synthetic.config import SPLITS, WorldConfig, split_config, split_seeds
from rvos_core.synthetic.facts import (
    ACTIONS,
    CATEGORIES,
    CHANGES,
    CLOTHING,
    DIRECTIONS,
    GENDERS,
    ORDERS,
    RELATIONS,
    SIDES,
    SIZES,
    SPEED_WORDS,
    Expression,
    ObjectFacts,
    SyntheticClip,
    Track,
)
from rvos_core.synthetic.grammar import vocabulary
from rvos_core.synthetic.pairs import contrasting_pair

__all__ = [
    "ACTIONS",
    "CATEGORIES",
    "CHANGES",
    "CLOTHING",
    "COLOURS",
    "DIRECTIONS",
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
    "contrasting_pair",
    "make_clip",
    "split_config",
    "split_seeds",
    "vocabulary",
]
