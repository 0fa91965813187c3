"""The objects of an order as annotations of a data set, read back before it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from rvos_core.delivery.naming import OutputName
from rvos_core.delivery.plan_checks import Problem, check_masks, check_places
from rvos_core.orders.source import OrderSource
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.formats.format import Format, Overlap
    from rvos_core.formats.project_export import Exported

_LOOKED_THROUGH = 3000  # frames, before the work begins; the rest are looked at when it does


def write_annotations(
    source: OrderSource, *, cancel: CancelToken, progress: Callable[[int, int], None] | None
) -> Exported:
    """Write them; `progress` gets frames done and in all.

    Raises:
        UserError: objects share pixels where the format has no room for that and no choice was made, too many objects,
            the disk refuses, or it does not read back as it was meant; what had the name stays.
        Cancelled: `cancel` was set, or `progress` raised it; nothing is left.
    """
    from rvos_core.formats.format import WriteOptions
    from rvos_core.formats.project_export import export_annotations

    order = source.order
    options = WriteOptions(overlap=cast("Overlap", order.overlap), progress=progress, cancel=cancel)
    return export_annotations(
        source.project,
        _format(source),
        order.target,
        media_ids=[order.media_id],
        object_ids=order.object_ids,
        span=source.span,
        options=options,
    )


def annotation_problems(source: OrderSource) -> list[Problem]:
    """What is in the way: a place that cannot be written, objects that share pixels. Raises: UsageError: no format."""
    from rvos_core.formats.format import Loss
    from rvos_core.formats.overlap import first_shared, refuse_shared
    from rvos_core.formats.project_export import annotations_of

    order, chosen = source.order, _format(source)
    # A folder that is there already is no problem; whether it may be replaced the format itself says.
    place = order.target / "annotations" if chosen.target == "folder" else order.target
    found = check_places([OutputName(place)], still=False)
    if not chosen.can_overlap and order.overlap == "refuse":
        known = annotations_of(
            source.project, media_ids=[order.media_id], object_ids=order.object_ids, span=source.span
        )
        clips = tuple(replace(clip, frames=clip.frames[:_LOOKED_THROUGH]) for clip in known.clips)
        shared = first_shared(replace(known, clips=clips))
        if shared is not None:
            error = refuse_shared(shared, title=chosen.title, can_split=chosen.splits_objects)
            found.append(Problem(error.code, error.message, error.hint))
    if Loss.MASKS not in chosen.losses:
        things = {each.object_id: each.name for each in source.objects}
        found += check_masks(things, source.masked_frames(source.span))
    return found


def _format(source: OrderSource) -> Format:
    from rvos_core.formats.registry import format_of

    return format_of(source.order.format)
