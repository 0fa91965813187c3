"""An order thought through before its work begins: what it makes, how large, how long, and what is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rvos_core.delivery.journal import job_folders
from rvos_core.delivery.naming import OutputName
from rvos_core.delivery.outputs import OUTPUT_FORMATS
from rvos_core.delivery.plan import DeliveryPlan, make_plan
from rvos_core.delivery.plan_checks import (
    Problem,
    check_damage,
    check_masks,
    check_names,
    check_places,
    check_wide,
    free_bytes,
)
from rvos_core.delivery.source import source_facts
from rvos_core.errors import UserError
from rvos_core.files import remove_part
from rvos_core.matte.look import read_looks
from rvos_core.orders.annotations import annotation_problems
from rvos_core.orders.beside import expected_beside
from rvos_core.orders.mattes import ALL_WITH_EFFECTS
from rvos_core.orders.order import ANNOTATIONS, EFFECTS, MASKS, OVERLAY, Order
from rvos_core.orders.plain import mask_folder
from rvos_core.orders.source import OrderSource

_MASK_BYTES_PER_PIXEL = 0.02
_MASK_FILE_BYTES = 4096
_MASK_MEGAPIXELS_PER_S = 40.0
_ANNOTATION_BYTES = 1500  # a frame and object
_LIKE_OVERLAY = OUTPUT_FORMATS["h264"]
_SPARE = 1.2
_NO_EFFECTS = Problem(
    "orders.no_effects",
    "None of the objects has an effect: the clip is written as it is.",
    "Effects are added in the Matte panel.",
    blocks=False,
)


@dataclass(frozen=True)
class OrderPlan:
    """What an order will do.

    Attributes:
        order: as given.
        deliveries: of mattes and effects, one a specification; empty of masks and overlays.
        outputs: files and folders, in order of writing.
        beside: timelines and how-tos that come with them; reports, which each output of mattes has, are not named.
        frames: output frames in all.
        unlooked: frames of the clip about which nothing is known for one of the objects at least.
        problems: in the way (`blocks`), or worth knowing.
        notes: what is changed on the way, in sentences.
        replaces: finished outputs that are there already.
        expected_bytes, expected_s: rough; on one core.
        free_bytes: of the disk; None: unknown.
    """

    order: Order
    deliveries: tuple[DeliveryPlan, ...]
    outputs: tuple[Path, ...]
    frames: int
    unlooked: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    replaces: tuple[Path, ...]
    expected_bytes: int
    expected_s: float
    free_bytes: int | None
    beside: tuple[Path, ...] = ()

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """Problems that must be solved first."""
        return tuple(each for each in self.problems if each.blocks)

    def raise_if_blocked(self) -> None:
        """Raises: UserError: the first problem that is in the way."""
        for problem in self.blocking:
            raise problem.error()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "title": self.order.title,
            "outputs": [str(each) for each in self.outputs],
            "beside": [str(each) for each in self.beside],
            "frames": self.frames,
            "frames_without_result": self.unlooked,
            "problems": [each.as_dict() for each in self.problems],
            "notes": list(self.notes),
            "replaces": [str(each) for each in self.replaces],
            "expected_bytes": self.expected_bytes,
            "expected_s": round(self.expected_s, 1),
            "free_bytes": self.free_bytes,
        }


def plan_order(source: OrderSource, *, revision: str = "") -> OrderPlan:
    """Think the order of `source` through; nothing is written.

    Args:
        revision: of the masks, where the work begins after this; unfinished work of another one is not gone on with.

    Raises:
        UserError: there is nothing that could be planned: no frames, or the clip is gone.
    """
    if not len(source.span):
        raise UserError(
            f"There is no frame from {source.order.span} in a clip of {source.info.frame_count} frames.",
            hint="Choose other in and out points.",
            code="delivery.no_frames",
        )
    if source.order.has_specs:
        plan = _plan_mattes(source, revision)
    else:
        plan = _plan_plain(source)
        plan = replace(plan, problems=(*plan.problems, *check_damage(source.info, source.span)))
    if source.is_same_file:
        return plan
    changed = Problem(
        "delivery.source_changed",
        f"{source.info.path} is not the file whose objects were found.",
        "Open the project and look whether the masks still fit; linking the clip anew takes it for the right one.",
    )
    return replace(plan, problems=(changed, *plan.problems))


def forget_unfinished(outputs: Sequence[Path]) -> None:
    """Remove what interrupted work left beside `outputs`; finished files stay. Never fails."""
    for path in outputs:
        for folder in job_folders(path):
            remove_part(folder)


def _plan_mattes(source: OrderSource, revision: str) -> OrderPlan:
    order = source.order
    objects, masked = [each.for_delivery for each in source.objects], source.masked_frames(source.span)
    covered = source.covered(source.span)
    if order.kind == EFFECTS:
        objects, masked = [ALL_WITH_EFFECTS], {ALL_WITH_EFFECTS.object_id: max(masked.values())}
        covered = {ALL_WITH_EFFECTS.object_id: 1.0}
    plans = tuple(
        make_plan(
            spec,
            info=source.info,
            objects=objects,
            folder=order.target,
            masked_frames=masked,
            covered=covered,
            revision=revision,
        )
        for spec in order.placed_specs
    )
    outputs = tuple(each.path for plan in plans for each in plan.outputs)
    idle = [_NO_EFFECTS] if order.kind == EFFECTS and not _has_effects(source) else []
    problems = idle + list(dict.fromkeys(problem for plan in plans for problem in plan.problems))
    if not any(each.code == "delivery.same_name" for each in problems):
        problems += check_names([each.name for plan in plans for each in plan.outputs])[:1]
    beside = expected_beside(plans, order.target, timelines=order.timelines, recipe=order.recipe)
    return OrderPlan(
        order=order,
        deliveries=plans,
        outputs=outputs,
        frames=sum(len(plan.frames.sources) * len(plan.outputs) for plan in plans),
        unlooked=source.unlooked_frames(plans[0].span),
        problems=(*problems, *beside.refused),
        notes=tuple(dict.fromkeys(note for plan in plans for note in plan.notes)),
        replaces=(
            *(path for plan in plans for path in plan.replaces),
            *(path for path in beside.paths if path.exists()),
        ),
        expected_bytes=sum(plan.expected_bytes for plan in plans),
        expected_s=sum(plan.expected_s for plan in plans),
        free_bytes=plans[0].free_bytes,
        beside=beside.paths,
    )


def _has_effects(source: OrderSource) -> bool:
    return any(look.effects.effects for look in read_looks(source.looks).values())


def _plan_plain(source: OrderSource) -> OrderPlan:
    """Masks, overlays and annotations."""
    order, info, span = source.order, source.info, source.span
    pixels = info.width * info.height
    if order.kind == ANNOTATIONS:
        names = [OutputName(order.target)]
        frames = len(span)
        size = frames * len(source.objects) * _ANNOTATION_BYTES
        seconds = frames * pixels * len(source.objects) / (_MASK_MEGAPIXELS_PER_S * 1e6)
    elif order.kind == MASKS:
        names = [OutputName(mask_folder(order, each), digits=5, suffix=".png") for each in source.objects]
        frames = len(span) * len(names)
        size = frames * (_MASK_FILE_BYTES + int(pixels * _MASK_BYTES_PER_PIXEL))
        seconds = frames * pixels / (_MASK_MEGAPIXELS_PER_S * 1e6)
    else:
        names = [OutputName(order.target)]
        frames = len(span)
        size = int(frames * pixels * _LIKE_OVERLAY.bytes_per_covered_pixel)
        seconds = frames * pixels / (_LIKE_OVERLAY.megapixels_per_s * 1e6)
    folder = names[0].path.parent
    if order.kind == ANNOTATIONS:
        problems = annotation_problems(source)
    else:
        masked, things = source.masked_frames(span), {each.object_id: each.name for each in source.objects}
        problems = [*check_masks(things, masked), *check_places(names, still=order.kind == MASKS)]
        if order.kind == OVERLAY:
            problems += check_wide(info, source_facts(info))
    free = free_bytes(folder)
    if free is not None and free < size * _SPARE:
        problems.append(
            Problem(
                "files.disk_full",
                f"{folder} has {free / 1e6:,.0f} MB free; this needs about {size * _SPARE / 1e6:,.0f} MB.",
                "Free some space or choose another folder.",
            )
        )
    paths = tuple(each.path for each in names)
    return OrderPlan(
        order=order,
        deliveries=(),
        outputs=paths,
        frames=frames,
        unlooked=source.unlooked_frames(span),
        problems=tuple(problems),
        notes=(),
        replaces=tuple(path for path in paths if path.exists()),
        expected_bytes=size,
        expected_s=seconds,
        free_bytes=free,
    )
