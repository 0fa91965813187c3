"""`rvos matte VIDEO MASKS -o FOLDER`: mattes and cut-outs made of masks that lie in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.delivering import (
    EvenRateOption,
    FirstNumberOption,
    HandlesOption,
    NamingOption,
    OddSizeOption,
    PlanOption,
    PresetOption,
    Proxy,
    ProxyOption,
    SettingOption,
    SoundOption,
    TogetherOption,
    changed,
    find_preset,
    refuse_blocked,
    refuse_one_place_for_two,
    spec_changes,
    split_names,
    told_apart,
)
from rvos_core.cli.export_mattes import tell_fulfilled
from rvos_core.cli.options import EndOption, JsonOption, OutputOption, RateOption, StartOption, read_rate
from rvos_core.cli.output import Output, plural, seconds_in_words
from rvos_core.cli.session import cancel_on_interrupt, checked_span, media_notes
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan
    from rvos_core.delivery.spec import DeliverySpec
    from rvos_core.matte.look import Look
    from rvos_core.media import MediaReader
    from rvos_core.orders import Fulfilled
    from rvos_core.orders.mask_files import MaskFiles
    from rvos_core.types import CancelToken, FrameSpan, MediaInfo

_USUAL = "png16"

_Knob = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KNOB=VALUE", help="Any knob of a matte, e.g. soft_edge_px=4; may be repeated (howto/mattes)."
    ),
]


def matte(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file, or a folder of numbered pictures.")],
    masks: Annotated[
        Path, typer.Argument(metavar="MASKS", help="A folder of PNG masks, numbered as the frames; indexed: several.")
    ],
    *,
    folder: OutputOption,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help=f"May be repeated ({_USUAL}): {', '.join(NAMED_SPECS)}."),
    ] = None,
    presets: PresetOption = None,
    grow: Annotated[
        float | None, typer.Option("--grow", metavar="PX", help="Outwards; inwards where negative.")
    ] = None,
    feather: Annotated[float | None, typer.Option("--feather", metavar="PX", help="The edge fades over it.")] = None,
    refine: Annotated[bool, typer.Option("--refine", help="Solve for hair and blur; seconds a frame.")] = False,
    hard: Annotated[bool, typer.Option("--hard", help="The masks as they are, without a soft edge.")] = False,
    steady: Annotated[
        float | None, typer.Option("--steady", metavar="0..1", help="Share of earlier frames in the edge.")
    ] = None,
    knobs: _Knob = None,
    look_file: Annotated[
        Path | None, typer.Option("--look", metavar="FILE", help="A look as JSON, with keyframes; as projects keep it.")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    fps: RateOption = None,
    objects: Annotated[
        list[int] | None, typer.Option("--object", metavar="N", help="Only this one of the masks; may be repeated.")
    ] = None,
    handles: HandlesOption = 0,
    naming: NamingOption = None,
    start_number: FirstNumberOption = None,
    odd_size: OddSizeOption = None,
    even_rate: EvenRateOption = False,
    together: TogetherOption = False,
    proxy: ProxyOption = Proxy.FULL,
    sound: SoundOption = True,
    settings: SettingOption = None,
    plan_only: PlanOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make soft mattes and cut-outs of the masks in MASKS, for the frames of VIDEO.

    Each output is read back before it gets its name; a report lies beside it. Frames without a mask are transparent.
    """
    output = Output(as_json=as_json)
    began = time.monotonic()
    look = _look(look_file, knobs or [], grow=grow, feather=feather, refine=refine, hard=hard, steady=steady)
    changes = spec_changes(
        naming=naming,
        start_number=start_number,
        handles=handles,
        odd_size=odd_size,
        even_rate=even_rate,
        together=together,
        proxy=proxy,
        sound=sound,
        settings=settings,
    )
    named = _specs(split_names(formats), presets or [])
    specs = told_apart([(name, changed(each, changes)) for name, each in named])
    from rvos_core.media import open_media

    with cancel_on_interrupt() as cancel, open_media(video, fps=read_rate(fps)) as reader:
        for note in media_notes(reader.info):
            output.note(note)
        span = checked_span(reader.info, start=start, end=end)
        files = _mask_files(masks, reader.info, span, output)
        things = _things(files, objects or [])
        plans = [_plan(each, reader.info, files, look, things=things, span=span, folder=folder) for _, each in specs]
        if plan_only:
            output.result({"plans": [_tell_plan(each, output) for each in plans]})
            return
        done = _made(plans, reader, files, look, output=output, cancel=cancel)
        done = _with_presets(done, presets or [], plans, folder)
    tell_fulfilled(done, output)
    seconds = time.monotonic() - began
    output.say(f"{plural(len(span), 'frame')} in {seconds_in_words(seconds)}")
    output.result(
        {
            "frames": len(span),
            "objects": [each.object_id for each in things],
            "look": json.loads(look.to_json() or "{}"),
            **done.as_dict(),
            "outputs": _by_name([name for name, _ in specs], plans),
            "seconds": round(seconds, 3),
        }
    )


def _mask_files(folder: Path, info: MediaInfo, span: FrameSpan, output: Output) -> MaskFiles:
    """The masks of a folder; frames that have none are told. Raises: UserError: there is none that fits the clip."""
    from rvos_core.orders.mask_files import MaskFiles

    files = MaskFiles(folder, info)
    if missing := files.missing(span):
        output.note(f"{missing} of {len(span)} frames have no mask and are written without one.")
    return files


def _things(files: MaskFiles, numbers: Sequence[int]) -> tuple[DeliveryObject, ...]:
    """The objects that are meant. Raises: UsageError: the masks do not have one."""
    known = [each.object_id for each in files.objects]
    missing = next((each for each in numbers if each not in known), None)
    if missing is not None:
        raise UsageError(
            f"--object {missing} is not in the masks.",
            hint=f"There are {', '.join(map(str, known))}.",
            code="usage.object",
        )
    return tuple(each for each in files.objects if not numbers or each.object_id in numbers)


def _tell_plan(plan: DeliveryPlan, output: Output) -> dict[str, Any]:
    for each in plan.outputs:
        output.say(f"{each.path}{'  (replaced)' if each.path in plan.replaces else ''}")
    output.say(f"  about {plan.expected_bytes / 1e6:,.1f} MB, {seconds_in_words(plan.expected_s)}")
    for problem in plan.problems:
        output.say(f"  {'in the way: ' if problem.blocks else ''}{problem.message} {problem.hint}")
    for note in plan.notes:
        output.say(f"  {note}")
    return plan.as_dict()


def _made(
    plans: Sequence[DeliveryPlan],
    reader: MediaReader,
    files: MaskFiles,
    look: Look,
    *,
    output: Output,
    cancel: CancelToken,
) -> Fulfilled:
    """Carry the plans out, every object with the same look. Raises: UserError, Cancelled."""
    from rvos_core.orders.fulfilling import deliver_plans
    from rvos_core.orders.mattes import MatteFrames

    refuse_blocked(problem for plan in plans for problem in plan.problems)
    refuse_one_place_for_two(
        [(output.path, plan.spec) for plan in plans for output in plan.outputs],
        hint="Put {format} into --naming, for example {clip}_{object}_{kind}_{format}.{frame:04}.",
    )
    looks = {each.object_id: look for each in files.objects}
    with MatteFrames(reader.frame, files.mask, looks, cancel=cancel) as mattes, output.progress("matte") as meter:
        return deliver_plans(plans, mattes, cancel=cancel, progress=meter.update, read_back=meter.read_back)


def _with_presets(done: Fulfilled, presets: Sequence[str], plans: Sequence[DeliveryPlan], folder: Path) -> Fulfilled:
    """The same with the timelines and recipes that the presets ask for beside it."""
    from rvos_core.orders.beside import write_beside

    for preset in map(find_preset, presets):
        beside = write_beside(plans, folder, timelines=preset.timelines, recipe=preset.recipe)
        done = replace(done, beside=(*done.beside, *beside.paths), notes=(*done.notes, *beside.notes))
    return done


def _specs(formats: Sequence[str], presets: Sequence[str]) -> list[tuple[str, DeliverySpec]]:
    """With the name of the format or preset. Raises: UsageError, UserError: there is no such format or preset."""
    names = list(formats) or ([] if presets else [_USUAL])
    unknown = next((name for name in names if name not in NAMED_SPECS), None)
    if unknown is not None:
        raise UsageError(
            f"--format: there is no {unknown!r}.", hint=f"There are: {', '.join(NAMED_SPECS)}.", code="usage.format"
        )
    of_presets = ((name, spec) for name in presets for spec in find_preset(name).specs)
    return [*((name, NAMED_SPECS[name]) for name in names), *of_presets]


def _by_name(names: Sequence[str], plans: Sequence[DeliveryPlan]) -> dict[str, list[str]]:
    """Format or preset -> what was written."""
    found: dict[str, list[str]] = {}
    for name, plan in zip(names, plans, strict=True):
        found.setdefault(name, []).extend(str(each.path) for each in plan.outputs)
    return found


def _look(
    file: Path | None,
    knobs: Sequence[str],
    *,
    grow: float | None,
    feather: float | None,
    refine: bool,
    hard: bool,
    steady: float | None,
) -> Look:
    """The file's look with the knobs that were given, on every frame. Raises: UserError: a value that cannot be."""
    from rvos_core.matte.look import Look

    look = Look()
    if file is not None:
        try:
            look = Look.from_json(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UserError(f"{file} cannot be read: {why}.", hint="Check the name.", code="matte.bad_look") from error
        except UnicodeDecodeError as error:
            raise UserError(
                f"{file} is not text in UTF-8.", hint="Give a look as JSON.", code="matte.bad_look"
            ) from error
        except UserError as error:
            raise UserError(f"{file}: {error.message}", hint=error.hint, code=error.code) from error
    if look.effects.effects:
        raise UserError(
            f"{file} has effects, which this command does not make: it makes mattes and cut-outs.",
            hint="Take them out of the file, or export the project that has them: rvos export --format effects.",
            code="matte.effects",
        )
    given: dict[str, Any] = {
        "grow_px": grow,
        "feather_px": feather,
        "refine": "edge" if refine else None,
        "soft_edge": False if hard else None,
        "steady": steady,
    }
    values = {name: value for name, value in given.items() if value is not None} | dict(map(_knob, knobs))
    stack = look.matte
    keyframes = tuple((frame, each.changed(values)) for frame, each in stack.keyframes)
    return replace(look, matte=replace(stack, default=stack.default.changed(values), keyframes=keyframes))


def _knob(text: str) -> tuple[str, Any]:
    """`name=value`, the value as JSON or else as text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--set {text} has no value.", hint="For example --set soft_edge_px=4.", code="usage.knob")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value.strip()


def _plan(
    spec: DeliverySpec,
    info: MediaInfo,
    files: MaskFiles,
    look: Look,
    *,
    things: Sequence[DeliveryObject],
    span: FrameSpan,
    folder: Path,
) -> DeliveryPlan:
    from rvos_core.delivery.plan import make_plan

    return make_plan(
        replace(spec, start=span.start, stop=span.stop),
        info=info,
        objects=things,
        folder=folder,
        masked_frames=files.seen,
        covered=files.covered,
        revision=files.revision + look.to_json(),
    )
