"""Exports off the GUI thread: think an order through, show a frame of it, carry it out, forget what is unfinished."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_core.errors import Cancelled
from rvos_core.media import MediaReader
from rvos_core.orders import Fulfilled, Order, OrderPlan, forget_unfinished, fulfil, open_source, plan_order
from rvos_core.orders.preview import FramePreview, preview_frame, shrunk
from rvos_core.types import CancelToken

_REPORT_EVERY_S = 0.1
_SHOWN_PX = 960


@dataclass(frozen=True)
class OrderPlanned:
    """The order at work will make these outputs."""

    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class OrderProgress:
    """Output frames done, of all."""

    done: int
    total: int


@dataclass(frozen=True)
class OrderReadBack:
    """Frames of the output at work that were read back, of all it has."""

    done: int
    total: int


@dataclass(frozen=True)
class FulfilOrder:
    """Carry an order out.

    Attributes:
        reader: its clip, where that is open.
        give_up: set before the job is stopped where nothing of it shall stay; else what is finished stays for later.
        clock: seconds, monotonic.
    """

    order: Order
    reader: MediaReader | None
    give_up: CancelToken = field(default_factory=CancelToken)
    clock: Callable[[], float] = time.monotonic

    @property
    def title(self) -> str:
        return tr("Exporting {name}", name=self.order.title)

    def run(self, context: JobContext) -> Fulfilled:
        """Raises: UserError, Cancelled: as `fulfil`."""
        outputs: tuple[Path, ...] = ()
        told_s = 0.0

        def planned(plan: OrderPlan) -> None:
            nonlocal outputs
            outputs = plan.outputs
            context.report(OrderPlanned(plan.outputs))

        def progress(done: int, total: int) -> None:
            nonlocal told_s
            context.checkpoint()
            now = self.clock()
            if done == total or now - told_s >= _REPORT_EVERY_S:
                told_s = now
                context.report(OrderProgress(done, total))

        def read_back(done: int, total: int) -> None:
            nonlocal told_s
            context.checkpoint()
            now = self.clock()
            if now - told_s >= _REPORT_EVERY_S:
                told_s = now
                context.report(OrderReadBack(done, total))

        try:
            return fulfil(
                self.order,
                media=self.reader,
                cancel=context.cancel,
                progress=progress,
                read_back=read_back,
                planned=planned,
            )
        except Cancelled:
            if self.give_up.cancelled:
                forget_unfinished(outputs)
            raise


@dataclass(frozen=True)
class PlanOrder:
    """Say what an order would do."""

    order: Order
    reader: MediaReader

    @property
    def title(self) -> str:
        return tr("Looking what an export would do")

    def run(self, context: JobContext) -> OrderPlan:
        """Raises: UserError: nothing can be planned."""
        with open_source(self.order, self.reader) as source:
            return plan_order(source)


@dataclass(frozen=True)
class OrderPreview:
    """A frame as it would be written: all of it, and small enough to be painted at once.

    Attributes:
        seconds: that the frame took, all objects together.
    """

    full: FramePreview
    small: FramePreview
    seconds: float


@dataclass(frozen=True)
class PreviewOrder:
    """Compute one frame as an order would write it. `looked_at_px`: side of the part that is shown large."""

    order: Order
    reader: MediaReader
    frame: int
    looked_at_px: int

    @property
    def title(self) -> str:
        return tr("Computing a preview")

    def run(self, context: JobContext) -> OrderPreview:
        """Raises: UserError: the frame or a mask cannot be read."""
        with open_source(self.order, self.reader) as source:
            source.frame(self.frame)  # finding its place in the clip is not what a frame costs
            began = time.perf_counter()
            full = preview_frame(source, self.frame, looked_at_px=self.looked_at_px, cancel=context.cancel)
        return OrderPreview(full, shrunk(full, _SHOWN_PX), time.perf_counter() - began)


@dataclass(frozen=True)
class ForgetUnfinished:
    """Remove what an interrupted export left beside its outputs."""

    outputs: tuple[Path, ...]

    @property
    def title(self) -> str:
        return tr("Removing unfinished work")

    def run(self, context: JobContext) -> None:
        forget_unfinished(self.outputs)
