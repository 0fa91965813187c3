"""The clickers of this installation."""

from __future__ import annotations

import logging

from rvos_core.errors import UsageError, UserError
from rvos_core.inference.clicks.deep import DeepClicker
from rvos_core.inference.clicks.moving import MovingClicker
from rvos_core.inference.clicks.plain import PlainClicker
from rvos_core.inference.motion.segmenters import load_segmenter
from rvos_core.models.api import Clicker

DEFAULT_MODEL = "isvos-mini"

_log = logging.getLogger("rvos.model")


def load_clickers(*, device: str = "auto", model: str = DEFAULT_MODEL) -> tuple[Clicker, ...]:
    """Every clicker of this installation, the best first; torch is imported here. Without weights the plain one alone.

    Raises:
        UsageError: no such device, no such model.
    """
    from rvos_core.models.registry import load_propagator

    try:
        propagator = load_propagator(model, device=device)
    except UsageError:
        raise
    except UserError as error:
        _log.warning("clicks are answered without %s: %s", model, error)
        return (PlainClicker(),)
    segmenter, missing = load_segmenter(device=propagator.device)
    if missing:
        _log.warning("clicks are answered without what moves: %s", missing)
        return DeepClicker(propagator), PlainClicker()
    return MovingClicker(propagator, segmenter), DeepClicker(propagator), PlainClicker()
