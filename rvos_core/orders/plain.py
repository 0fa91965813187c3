"""Masks as PNG files, and the clip with its masks drawn on it: whole or not at all, and begun anew when interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from rvos_core.delivery.overlay import OverlayStyle
from rvos_core.delivery.sequences import MaskPngWriter
from rvos_core.delivery.source import check_same_source, source_identity
from rvos_core.delivery.video import OverlayVideoWriter
from rvos_core.masks import empty
from rvos_core.orders.order import Order
from rvos_core.orders.source import OrderObject, OrderSource

Step = Callable[[int], None]  # told how many frames more are done; raises `Cancelled`

_NOT_IN_NAMES = re.compile(r"[^\w-]+")
_LONGEST_NAME = 60


def mask_folder(order: Order, thing: OrderObject) -> Path:
    """`1_the_man_in_red` below the target: number and words, as any file system takes it."""
    words = _NOT_IN_NAMES.sub("_", thing.name).strip("_").lower()[:_LONGEST_NAME].rstrip("_")
    return order.target / (f"{thing.number}_{words}" if words else f"{thing.number}_object")


def write_masks(source: OrderSource, step: Step) -> None:
    """A folder of PNG masks per object; frames without a mask are black.

    Raises:
        UserError: the disk refuses; the folder of the object at work is then as it was.
        Cancelled: raised by `step`.
    """
    info, span = source.info, source.span
    nothing = empty(info.height, info.width)
    for thing in source.objects:
        folder = mask_folder(source.order, thing)
        with MaskPngWriter(folder, span=span, height=info.height, width=info.width) as writer:
            for index in span:
                writer.write(index, source.mask(thing.object_id, index) or nothing)
                step(1)


def overlay_style(source: OrderSource) -> OverlayStyle:
    """The order's opacity and the colours of its objects."""
    return OverlayStyle(opacity=source.order.opacity, colours=tuple(each.colour for each in source.objects))


def write_overlay(source: OrderSource, step: Step, read_back: Callable[[int, int], None]) -> tuple[str, ...]:
    """The clip with all masks drawn on it, as one video. Returns: what a person should know.

    `read_back` is told of frames that were read back, and of how many there are; it may raise `Cancelled`.

    Raises:
        UserError: the disk or the encoder refuses, or the clip has changed meanwhile; what had the name stays.
        Cancelled: raised by `step` or `read_back`.
    """
    order, info, span = source.order, source.info, source.span
    nothing = empty(info.height, info.width)
    writer = OverlayVideoWriter(
        order.target,
        info=info,
        span=span,
        style=overlay_style(source),
        with_audio=order.with_audio,
        read_back=read_back,
    )
    identity = source_identity(info.path)
    with writer:
        for index in span:
            masks = [source.mask(each.object_id, index) or nothing for each in source.objects]
            writer.write(source.frame(index), masks)
            step(1)
        check_same_source(info.path, identity)
    return writer.report.notes
