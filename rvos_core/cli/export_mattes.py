"""`rvos export PROJECT --preset NAME | --format NAME -o OUT`: mattes, cut-outs, masks and overlays of a project.

Every output is read back before it gets its name. A call that was interrupted goes on where it was when it is given
again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rvos_core.cli.delivering import changed, find_preset, refuse_blocked, refuse_one_place_for_two, told_apart
from rvos_core.cli.output import Output, plural, seconds_in_words
from rvos_core.delivery.naming import safe_token
from rvos_core.delivery.presets import PRESETS
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import UsageError
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.delivery.presets import Preset
    from rvos_core.delivery.spec import DeliverySpec
    from rvos_core.orders import Fulfilled, Order, OrderPlan
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.records import MediaRecord, ObjectRecord

PLAIN_FORMATS = ("masks", "overlay", "effects")


@dataclass(frozen=True)
class MatteWish:
    """What the command line asks for.

    Attributes:
        formats: of `NAMED_SPECS` or `PLAIN_FORMATS`.
        presets: ids or titles.
        objects, clips: names or numbers; empty: all.
        start, stop: frames, half open; None: the clip's ends.
        changes: values for `DeliverySpec.changed` that take the place of those of the formats.
        plan_only: say what would be done.
    """

    formats: tuple[str, ...]
    presets: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()
    start: int | None = None
    stop: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    plan_only: bool = False

    @property
    def with_audio(self) -> bool:
        """Whether overlays have sound."""
        return self.changes.get("audio", True) is True


def is_matte_format(name: str) -> bool:
    """Whether `--format NAME` is written here."""
    return name in NAMED_SPECS or name in PLAIN_FORMATS


def matte_formats() -> str:
    """All of them, for help and hints."""
    return ", ".join((*PLAIN_FORMATS, *NAMED_SPECS))


def export_mattes(
    project: Path, wish: MatteWish, *, folder: Path, output: Output, cancel: CancelToken
) -> dict[str, Any]:
    """Make everything that `wish` asks for, and tell.

    Returns:
        Plain JSON values.

    Raises:
        UsageError: a clip, an object or a format that there is not.
        UserError, Cancelled: as `orders.fulfil`.
    """
    began = time.monotonic()
    orders = orders_of(project, wish, folder=folder)
    if wish.plan_only:
        return {"project": str(project), "plans": [_tell_plan(_plan(each), output).as_dict() for each in orders]}
    _raise_if_blocked([_plan(each) for each in orders])
    exports = []
    for order in orders:
        exports.append({"format": order.title, "clip": order.media_id, **_fulfil(order, output, cancel)})
    seconds = time.monotonic() - began
    outputs: dict[str, list[str]] = {}
    for each in exports:
        outputs.setdefault(each["format"], []).extend(each["outputs"])
    output.say(f"{plural(sum(map(len, outputs.values())), 'output')} in {seconds_in_words(seconds)}.")
    return {
        "project": str(project),
        "outputs": outputs,
        "exports": exports,
        "seconds": round(seconds, 3),
    }


def _raise_if_blocked(plans: Sequence[OrderPlan]) -> None:
    """All of them before the first begins. Raises: UserError: something is in the way, or two would have one name."""
    refuse_blocked(problem for plan in plans for problem in plan.problems)
    refuse_one_place_for_two(
        [(path, (plan.order.media_id, what)) for plan in plans for path, what in _made(plan)],
        hint="Put {format}, {clip} or {id} into --naming, or export the clips one by one (--clip) elsewhere.",
    )


def _made(plan: OrderPlan) -> list[tuple[Path, object]]:
    """Outputs and what they will hold."""
    if not plan.deliveries:
        return [(path, plan.order.kind) for path in plan.outputs]
    return [(output.path, each.spec) for each in plan.deliveries for output in each.outputs]


def orders_of(project: Path, wish: MatteWish, *, folder: Path) -> list[Order]:
    """One order for each clip and format or preset. Raises: UsageError: as `export_mattes`."""
    from rvos_core.project.reading import ProjectReader

    unknown = next((name for name in wish.formats if not is_matte_format(name)), None)
    if unknown is not None or not (wish.formats or wish.presets):
        raise UsageError(
            f"There is no format for editing and no annotation format {unknown!r}."
            if unknown
            else "Nothing says what is to be written.",
            hint=f"--format takes {matte_formats()}; --preset takes {', '.join(PRESETS)}.",
            code="usage.format",
        )
    presets = [find_preset(name) for name in wish.presets]
    named = [(name, changed(NAMED_SPECS[name], wish.changes)) for name in wish.formats if name in NAMED_SPECS]
    specs = dict(told_apart(named))
    made: list[Order] = []
    with ProjectReader(project) as reader:
        for clip, things in _chosen(reader, wish):
            common = _Common(
                project.absolute(),
                clip,
                tuple(each.object_id for each in things),
                span_of(clip, wish.start, wish.stop),
                folder,
            )
            made += [_order_of_format(name, common, wish, specs) for name in wish.formats]
            made += [_order_of_preset(each, common, wish) for each in presets]
    return made


def object_ids(project: Path, names: Sequence[str]) -> list[int]:
    """Ids of the objects of these names or numbers, of all clips. Raises: UsageError: there is none of that name."""
    from rvos_core.project.reading import ProjectReader

    if all(name.isdecimal() for name in names):
        return [int(name) for name in names]
    with ProjectReader(project) as reader:
        known = reader.objects()
        return [each.object_id for name in names for each in _objects(known, name, project)]


@dataclass(frozen=True)
class _Common:
    """What all orders of one clip have in common."""

    project: Path
    clip: MediaRecord
    object_ids: tuple[int, ...]
    span: FrameSpan | None
    folder: Path

    def order(self, kind: str, title: str, *, target: str = ".", **more: Any) -> Order:
        """An order of this clip's objects; `more`: further fields of it."""
        from rvos_core.orders import Order

        return Order(
            kind,
            title,
            self.project,
            self.clip.media_id,
            self.object_ids,
            self.folder / target,
            span=self.span,
            **more,
        )


def _order_of_format(name: str, common: _Common, wish: MatteWish, specs: Mapping[str, DeliverySpec]) -> Order:
    from rvos_core.orders import EFFECTS, MASKS, MATTE, OVERLAY

    stem = safe_token(common.clip.absolute_path.stem)
    if name == "masks":
        return common.order(MASKS, name, target=f"{stem}_masks")
    if name == "overlay":
        return common.order(OVERLAY, name, target=f"{stem}_overlay.mp4", with_audio=wish.with_audio)
    if name == "effects":
        return common.order(EFFECTS, name, specs=(changed(NAMED_SPECS["h264"], wish.changes),))
    return common.order(MATTE, name, specs=(specs[name],))


def _order_of_preset(preset: Preset, common: _Common, wish: MatteWish) -> Order:
    from rvos_core.orders import MATTE

    specs = tuple(changed(each, wish.changes) for each in preset.specs)
    return common.order(MATTE, preset.id, specs=specs, timelines=preset.timelines, recipe=preset.recipe)


def _chosen(reader: ProjectReader, wish: MatteWish) -> list[tuple[MediaRecord, list[ObjectRecord]]]:
    """Clips and their objects. Without --clip, clips that have none of the objects are left out."""
    clips = reader.media()
    wanted = [clip_called(clips, name, reader.path) for name in wish.clips] or clips
    found = [(clip, reader.objects(clip.media_id)) for clip in wanted]
    if wish.objects:
        known = [each for _, things in found for each in things]
        ids = {each.object_id for name in wish.objects for each in _objects(known, name, reader.path)}
        found = [(clip, [each for each in things if each.object_id in ids]) for clip, things in found]
    found = [(clip, things) for clip, things in found if things]
    if not found:
        raise UsageError(
            f"{reader.path} has no object to export.",
            hint="Find one first: rvos segment --project, or the studio.",
            code="export.nothing",
        )
    return found


def clip_called(clips: Sequence[MediaRecord], name: str, project: Path) -> MediaRecord:
    """The clip of that number, or whose file or folder has that name. Raises: UsageError: none, or several."""
    fitting = [each for each in clips if name in (str(each.media_id), each.absolute_path.name, each.absolute_path.stem)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(f"{each.media_id} ({each.absolute_path.name})" for each in clips)
    raise UsageError(
        f"--clip: {project} has {'several clips' if fitting else 'no clip'} called {name!r}.",
        hint=f"By number: {known}.",
        code="usage.clip",
    )


def _objects(known: Sequence[ObjectRecord], name: str, project: Path) -> list[ObjectRecord]:
    """Objects of that number, or else of that name; a name may stand for one in each clip."""
    fitting = [each for each in known if name == str(each.object_id)] or [each for each in known if each.name == name]
    if fitting:
        return fitting
    listed = ", ".join(f"{each.object_id} ({each.name})" for each in known)
    raise UsageError(
        f"--object: {project} has no object {name!r} there.", hint=f"There are: {listed}.", code="usage.object"
    )


def span_of(clip: MediaRecord, start: int | None, end: int | None) -> FrameSpan | None:
    """The frames that --start and --end mean; None: all. Raises: UsageError: the clip does not have them."""
    if start is None and end is None:
        return None
    first, stop = start or 0, clip.frame_count if end is None else end
    if not 0 <= first < stop <= clip.frame_count:
        raise UsageError(
            f"There is no span from frame {first} up to frame {stop} in {clip.absolute_path.name}.",
            hint=f"--start is 0 to {clip.frame_count - 1}; --end, the first frame left out, up to {clip.frame_count}.",
            code="usage.span",
        )
    return FrameSpan(first, stop)


def _plan(order: Order) -> OrderPlan:
    from rvos_core.orders import open_source, plan_order

    with open_source(order) as source:
        return plan_order(source)


def _tell_plan(plan: OrderPlan, output: Output) -> OrderPlan:
    size = f"about {plan.expected_bytes / 1e6:,.1f} MB, {seconds_in_words(plan.expected_s)}"
    output.say(f"{plan.order.title}: {plural(plan.frames, 'frame')}, {size}")
    for path in plan.outputs:
        output.say(f"  {path}{'  (replaced)' if path in plan.replaces else ''}")
    for path in plan.beside:
        output.say(f"  {path}")
    for problem in plan.problems:
        output.say(f"  {'in the way: ' if problem.blocks else ''}{problem.message} {problem.hint}")
    for note in plan.notes:
        output.say(f"  {note}")
    return plan


def _fulfil(order: Order, output: Output, cancel: CancelToken) -> dict[str, Any]:
    from rvos_core.orders import fulfil

    def warn(plan: OrderPlan) -> None:
        for problem in plan.problems:
            output.note(f"{problem.message} {problem.hint}")
        if plan.unlooked:
            output.note(f"{plan.unlooked} frames have no result for one of the objects; they are written without it.")

    with output.progress(order.title) as meter:
        done = fulfil(order, cancel=cancel, progress=meter.update, read_back=meter.read_back, planned=warn)
    tell_fulfilled(done, output)
    return done.as_dict()


def tell_fulfilled(done: Fulfilled, output: Output) -> None:
    """What was written, for people."""
    for path, finding in zip(done.outputs, done.findings, strict=True):
        output.say(f"{path}\n  {finding}")
    if done.resumed:
        output.note(f"{done.resumed} frames were there from an interrupted export.")
    for note in (*(f"beside it: {each}" for each in done.beside), *done.notes):
        output.note(note)
