"""The models that can be named: their cards at once, the loaded engine when it is wanted. No torch until then."""

from __future__ import annotations

import dataclasses
import difflib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rvos_core.errors import UsageError, UserError
from rvos_core.models.api import ModelCard
from rvos_core.models.openmp import let_waiting_threads_sleep
from rvos_core.weights import CARD_FILE, WEIGHTS_FILE, read_card
from rvos_core.weights.store import store_dir, stored_names

if TYPE_CHECKING:
    from rvos_core.models.engine import Engine
    from rvos_core.models.propagators import IsvosPropagator, ViewConfig
    from rvos_core.weights.bundle import Bundle

DEFAULT_MODEL = "ifirvos-mini"
DEFAULT_PROPAGATOR = "isvos-mini"

_Ready = TypeVar("_Ready")
_log = logging.getLogger("rvos.model")


def list_cards() -> tuple[ModelCard, ...]:
    """Cards of the bundled models and the person's own, by name. One whose card is damaged is left out and logged."""
    cards = []
    for name in all_names():
        try:
            cards.append(card(name))
        except UserError as error:
            _log.warning("%s", error)
    return tuple(cards)


def referrer_cards() -> tuple[ModelCard, ...]:
    """As `list_cards`, only those that take a sentence."""
    from rvos_core.models.architectures import ARCHITECTURES
    from rvos_core.models.configs import ReferringConfig

    names = {entry.name for entry in ARCHITECTURES.values() if issubclass(entry.config, ReferringConfig)}
    return tuple(card for card in list_cards() if card.arch in names)


def card(name: str | Path) -> ModelCard:
    """The card of a model by its name or folder.

    Raises:
        UsageError: no model has that name; the message has the nearest one.
        UserError: the card is missing or damaged.
    """
    folder, bundled = _folder_of(name)
    return dataclasses.replace(read_card(folder), bundled=bundled)


def model_folder(name: str | Path) -> Path:
    """The folder of a model by its name or path. Raises: UsageError: no model has that name."""
    return _folder_of(name)[0]


def all_names() -> list[str]:
    """Names of the bundled models and the person's own, damaged ones too."""
    return [*_bundled_names(), *_own_names()]


def is_bundled(name: str) -> bool:
    """Whether a model of that name ships with RVOS Studio."""
    return name in _bundled_names()


def load_engine(model: str | Path = DEFAULT_MODEL, *, device: str = "auto") -> Engine:
    """Read, check and place a model on a device, and run it once so that its speed is known.

    Args:
        model: name of a bundled or imported model, or the path of a model's folder (or of its `model.safetensors`).
        device: `auto`, `cpu`, `mps`, `cuda`, `cuda:1`, ...

    Raises:
        UsageError: no such model, no such device.
        UserError: the device cannot be used here, weights are damaged, or the device has too little memory for them.
    """

    def place(bundle: Bundle, card: ModelCard, device: str) -> Engine:
        """The bundle as a referring engine on `device`, run once."""
        from rvos_core.models.referrers import FamilyReferrer

        model, tokenizer = bundle.referring()
        referrer = FamilyReferrer(model, tokenizer, card=card, device=device)
        referrer.warm_up()
        return referrer

    return _load(model, device, place)


def load_propagator(
    model: str | Path = DEFAULT_PROPAGATOR,
    *,
    device: str = "auto",
    size: int | None = None,
    remembered: int | None = None,
    views: ViewConfig | None = None,
) -> IsvosPropagator:
    """As `load_engine`, for a model that follows given masks through a clip. Raises: the same.

    Args:
        model, device: as in `load_engine`.
        size: short side of the network input, pixels; None: the card's.
        remembered: frames on the way that are kept in memory at most; None: as the model is configured.
        views: scales and mirroring in which each frame is seen; None: once, as it is.
    """

    def place(bundle: Bundle, card: ModelCard, device: str) -> IsvosPropagator:
        """The bundle as a propagator on `device`, run once."""
        from rvos_core.models.propagators import IsvosPropagator

        network = bundle.following()
        if size is not None:
            card = dataclasses.replace(card, size=size, long_side=card.long_side * size // card.size)
        memory = network.config.memory
        if remembered is not None:
            memory = dataclasses.replace(memory, most=remembered)
        propagator = IsvosPropagator(network, card=card, device=device, memory=memory, views=views)
        propagator.warm_up()
        return propagator

    return _load(model, device, place)


def _load(model: str | Path, device: str, place: Callable[[Bundle, ModelCard, str], _Ready]) -> _Ready:
    """Read a model and `place` it on a device."""
    folder, bundled = _folder_of(model)
    card = dataclasses.replace(read_card(folder), bundled=bundled)
    let_waiting_threads_sleep()
    from rvos_core.models.devices import pick_device
    from rvos_core.models.memory import unless_out_of_memory
    from rvos_core.weights.bundle import load_bundle

    chosen = pick_device(device)
    began = time.perf_counter()
    ready = unless_out_of_memory(lambda: place(load_bundle(folder), card, chosen))
    if ready is None:
        remedy = "choose the CPU" if chosen != "cpu" else "choose a smaller model"
        raise UserError(
            f"{chosen} has too little memory to load the model in {folder}.",
            hint=f"Close other programs, or {remedy}.",
            code="model.out_of_memory",
        )
    _log.info("%s loaded on %s in %.2f s", card.name, chosen, time.perf_counter() - began)
    return ready


def _bundled_names() -> list[str]:
    from rvos_resources.paths import weights_dir

    return sorted(path.parent.name for path in weights_dir().glob(f"*/{CARD_FILE}"))


def _own_names() -> list[str]:
    """The person's models; one that has taken a bundled model's name since is hidden behind it."""
    bundled = set(_bundled_names())
    return [name for name in stored_names() if name not in bundled]


def _folder_of(model: str | Path) -> tuple[Path, bool]:
    """Folder of a model by name or path, and whether it is a bundled one."""
    from rvos_resources.paths import weights_dir

    names = _bundled_names()
    if str(model) in names:
        return weights_dir() / str(model), True
    own = _own_names()
    if str(model) in own:
        return store_dir() / str(model), False
    path = Path(model)
    if path.name == WEIGHTS_FILE:
        path = path.parent
    if isinstance(model, Path) or len(path.parts) > 1 or _is_folder(path):
        return path, False
    nearest = difflib.get_close_matches(str(model), [*names, *own], n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    known = ", ".join([*names, *own]) or "none (this installation has no weights)"
    raise UsageError(
        f"There is no model named {str(model)!r}.{guess}",
        hint=f"Models: {known}. A folder with a model.safetensors can be given too; `rvos models import` adds others.",
        code="model.unknown",
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no possible name, or in a folder that may not be searched
        return False
