"""What lies beside a delivery for an editing program: timelines that place everything above the clip, and a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rvos_core.delivery.naming import clip_name, safe_token
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.delivery.plan_checks import Problem
from rvos_core.delivery.recipes import recipe_path, write_recipe
from rvos_core.delivery.timelines import (
    REFUSED,
    TIMELINE_FORMATS,
    Placed,
    delivered_files,
    refusal,
    timeline_of,
    timeline_path,
    write_timelines,
)
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class Beside:
    """What was written, and what could not be and why, a sentence each."""

    paths: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExpectedBeside:
    """What will be written. `refused`: why a kind of timeline will not be, for each that was asked for."""

    paths: tuple[Path, ...] = ()
    refused: tuple[Problem, ...] = ()


def expected_beside(
    plans: Sequence[DeliveryPlan], folder: Path, *, timelines: Sequence[str], recipe: str
) -> ExpectedBeside:
    """What `write_beside` will do, known before anything is delivered; arguments and errors as there."""
    page = (recipe_path(recipe, plans[0].info, folder),) if recipe else ()
    if not timelines:
        return ExpectedBeside(page)
    try:
        timeline = _placed(plans).timeline
    except UserError as error:
        if not error.code.startswith(REFUSED):
            raise
        return ExpectedBeside(page, (_not_written("timeline", error),))
    refusals = {kind: refusal(timeline, kind) for kind in timelines}
    paths = [timeline_path(folder, _stem(plans[0]), kind) for kind, error in refusals.items() if error is None]
    refused = (_not_written(TIMELINE_FORMATS[kind].title, error) for kind, error in refusals.items() if error)
    return ExpectedBeside((*paths, *page), tuple(refused))


def _not_written(what: str, error: UserError) -> Problem:
    return Problem(error.code, f"No {what} will be written. {error.message}", error.hint, blocks=False)


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
    try:
        placed = _placed(plans)
    except UserError as error:
        if not error.code.startswith(REFUSED):
            raise
        return Beside(notes=(f"No timeline was written. {error}",))
    written = write_timelines(placed.timeline, folder, stem=_stem(plans[0]), kinds=kinds)
    return Beside(written.paths, (*placed.notes, *written.notes))


def _placed(plans: Sequence[DeliveryPlan]) -> Placed:
    """The timeline from in to out: handles lie beyond what it shows. Raises: UserError: as `timeline_of`."""
    first = plans[0]
    stop = first.info.frame_count if first.spec.stop is None else min(first.spec.stop, first.info.frame_count)
    return timeline_of(plans, span=FrameSpan(first.spec.start or 0, stop), name=clip_name(first.info))


def _stem(plan: DeliveryPlan) -> str:
    return f"{safe_token(clip_name(plan.info))}_timeline"
