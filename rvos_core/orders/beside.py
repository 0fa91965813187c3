"""What lies beside a delivery for an editing program: timelines that place everything above the clip, and a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rvos_core.delivery.naming import clip_name, safe_token
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.delivery.recipes import recipe_path, write_recipe
from rvos_core.delivery.timelines import delivered_files, timeline_of, timeline_path, write_timelines
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan

_REFUSED = "delivery.timeline_"  # how codes begin of what a timeline cannot hold


@dataclass(frozen=True)
class Beside:
    """What was written, and what could not be and why, a sentence each."""

    paths: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def beside_paths(plan: DeliveryPlan, folder: Path, *, timelines: Iterable[str], recipe: str) -> list[Path]:
    """Where it goes; arguments as of `write_beside`."""
    found = [timeline_path(folder, _stem(plan), kind) for kind in timelines]
    return [*found, recipe_path(recipe, plan.info, folder)] if recipe else found


def write_beside(plans: Sequence[DeliveryPlan], folder: Path, *, timelines: Sequence[str], recipe: str) -> Beside:
    """Write timelines and the recipe of finished deliveries of one clip.

    What a kind of timeline cannot hold becomes a note: the deliveries themselves are good without it.

    Args:
        plans: at least one, carried out.
        folder: where everything was delivered.
        timelines: of `delivery.presets.TIMELINES`.
        recipe: of `delivery.presets.RECIPES`; "": none.

    Raises:
        UserError: the disk refuses, or the clip is gone.
    """
    found = _write_timelines(plans, folder, timelines) if timelines else Beside()
    if not recipe:
        return found
    files = [each for plan in plans for each in delivered_files(plan)]
    page = write_recipe(recipe, plans[0].info, files, folder=folder, timelines=found.paths)
    return Beside((*found.paths, page), found.notes)


def _write_timelines(plans: Sequence[DeliveryPlan], folder: Path, kinds: Sequence[str]) -> Beside:
    first = plans[0]
    stop = first.info.frame_count if first.spec.stop is None else min(first.spec.stop, first.info.frame_count)
    span = FrameSpan(first.spec.start or 0, stop)  # handles lie beyond what the timeline shows
    try:
        placed = timeline_of(plans, span=span, name=clip_name(first.info))
    except UserError as error:
        if not error.code.startswith(_REFUSED):
            raise
        return Beside(notes=(f"No timeline was written. {error}",))
    written = write_timelines(placed.timeline, folder, stem=_stem(first), kinds=kinds)
    return Beside(written.paths, (*placed.notes, *written.notes))


def _stem(plan: DeliveryPlan) -> str:
    return f"{safe_token(clip_name(plan.info))}_timeline"
