"""Carrying out an order, the same for the window and the command line: planned, written, read back, told.

Killed or cancelled, it goes on later where it was: what is finished of mattes lies beside its target until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rvos_core.delivery.exporter import DEFAULT_THREADS, FrameSource, deliver
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.delivery.report import DeliveredOutput
from rvos_core.media import MediaReader
from rvos_core.orders.annotations import write_annotations
from rvos_core.orders.beside import write_beside
from rvos_core.orders.mattes import MatteFrames
from rvos_core.orders.order import ANNOTATIONS, MASKS, Order
from rvos_core.orders.plain import write_masks, write_overlay
from rvos_core.orders.planning import OrderPlan, plan_order
from rvos_core.orders.source import open_source
from rvos_core.types import CancelToken

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fulfilled:
    """What lies on the disk now.

    Attributes:
        outputs: what was ordered, files and folders.
        reports: JSON reports of mattes, beside them.
        beside: timelines and recipes.
        findings: what reading back found, a sentence an output.
        notes: what else a person should know.
        resumed: frames that were there from an earlier, interrupted export.
    """

    outputs: tuple[Path, ...]
    reports: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    resumed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "outputs": [str(each) for each in self.outputs],
            "reports": [str(each) for each in self.reports],
            "beside": [str(each) for each in self.beside],
            "findings": list(self.findings),
            "notes": list(self.notes),
            "resumed_frames": self.resumed,
        }


def fulfil(
    order: Order,
    *,
    media: MediaReader | None = None,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
    read_back: Progress | None = None,
    planned: Callable[[OrderPlan], None] | None = None,
    threads: int = DEFAULT_THREADS,
) -> Fulfilled:
    """Do what an order says.

    Args:
        media: the clip where it is open already.
        cancel: checked at every frame, written or read back; what is finished of mattes stays for the next time.
        progress: gets output frames done and in all; may raise `Cancelled`.
        read_back: gets frames of the film or sequence at work that were read back, and how many it has; may raise
            `Cancelled`.
        planned: told what will be done, before anything is written.
        threads: that encode pictures side by side.

    Raises:
        UserError: something is in the way (see `OrderPlan.problems`), project or clip are gone, the disk or an encoder
            refuses, or an output does not read back as it was meant; what was at its name stays.
        Cancelled: `cancel` was set.
    """
    cancel = cancel or CancelToken()
    with open_source(order, media) as source:
        cancel.raise_if_cancelled()
        revision = "" if order.kind == ANNOTATIONS else source.take_masks(source.span_looked_at)
        plan = plan_order(source, revision=revision)
        plan.raise_if_blocked()
        if planned is not None:
            planned(plan)
        if order.kind != ANNOTATIONS:
            source.let_project_go()
        if order.has_specs:
            with MatteFrames.of(source, cancel=cancel) as mattes:
                done = deliver_plans(
                    plan.deliveries, mattes, cancel=cancel, progress=progress, read_back=read_back, threads=threads
                )
            beside = write_beside(plan.deliveries, order.target, timelines=order.timelines, recipe=order.recipe)
            return replace(done, beside=beside.paths, notes=(*done.notes, *beside.notes))
        if order.kind == ANNOTATIONS:
            exported = write_annotations(source, cancel=cancel, progress=progress)
            written = exported.written
            finding = f"{written.path.name}: read back, {exported.frames} frames, {written.files} files."
            return Fulfilled((written.path,), findings=(finding,), notes=written.notes)
        tally = _Tally(plan.frames, cancel, progress)
        notes: tuple[str, ...] = ()
        if order.kind == MASKS:
            write_masks(source, tally.step)
        else:
            notes = write_overlay(source, tally.step, _checked(cancel, read_back))
        frames = f"{len(source.span)} frames" if len(source.span) != 1 else "1 frame"
        return Fulfilled(
            plan.outputs, findings=tuple(f"{each.name}: {frames}, all there." for each in plan.outputs), notes=notes
        )


def deliver_plans(
    plans: Sequence[DeliveryPlan],
    frames: FrameSource,
    *,
    cancel: CancelToken,
    progress: Progress | None = None,
    read_back: Progress | None = None,
    threads: int = DEFAULT_THREADS,
) -> Fulfilled:
    """Carry several deliveries of one clip out, one after another, with one progress. Raises: as `deliver`."""
    tally = _Tally(sum(len(each.frames.sources) * len(each.outputs) for each in plans), cancel, progress)
    done: list[DeliveredOutput] = []
    for each in plans:
        done += deliver(each, frames, cancel=cancel, progress=tally.part(each), read_back=read_back, threads=threads)
    return Fulfilled(
        outputs=tuple(each.path for each in done),
        reports=tuple(each.report for each in done),
        findings=tuple(_finding(each) for each in done),
        notes=_notes(done),
        resumed=sum(each.resumed for each in done),
    )


def _notes(done: Sequence[DeliveredOutput]) -> tuple[str, ...]:
    """What outputs are to be told of; what is not true of all names its output."""
    common = set(done[0].notes).intersection(*(each.notes for each in done))
    told = (note if note in common else f"{each.path.name}: {note}" for each in done for note in each.notes)
    return tuple(dict.fromkeys(told))


def _checked(cancel: CancelToken, read_back: Progress | None) -> Progress:
    """`read_back`, which looks at `cancel` first."""

    def step(done: int, total: int) -> None:
        cancel.raise_if_cancelled()
        if read_back is not None:
            read_back(done, total)

    return step


class _Tally:
    """Output frames done over everything that an order makes."""

    def __init__(self, total: int, cancel: CancelToken, progress: Progress | None) -> None:
        self._cancel = cancel
        self._total = total
        self._progress = progress
        self._done = 0

    def step(self, frames: int) -> None:
        """So many more are done. Raises: Cancelled."""
        self._cancel.raise_if_cancelled()
        self._done += frames
        self._tell(self._done)

    def part(self, plan: DeliveryPlan) -> Progress:
        """Progress of one of several deliveries, which begins now."""
        before = self._done
        self._done += len(plan.frames.sources) * len(plan.outputs)
        return lambda done, _total: self._tell(before + done)

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self._total)


def _finding(done: DeliveredOutput) -> str:
    """`dog_matte.mov: 12 checks passed; alpha off by 0.0003 at most.`"""
    found = done.verification
    colours = "" if found.colour is None else f", colours by {found.colour.largest:.4f} ({found.colour.mean:.4f})"
    return (
        f"{done.path.name}: {len(found.checks)} checks passed; alpha is off by {found.largest_error:.4f} at most"
        f"{colours} on {len(found.samples)} frames."
    )
