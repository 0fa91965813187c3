"""`rvos train`: one stage of a training, from a recipe or a configuration file."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Meter, Output, seconds_in_words
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.training.assembly import Training
    from rvos_core.training.curves import Curve
    from rvos_core.training.plan import TrainPlan
    from rvos_core.training.processes import Processes

_CONFIGURATIONS = (".yaml", ".yml")


def train(
    what: Annotated[str, typer.Argument(metavar="CONFIG|RECIPE", help="A YAML file, or a recipe of --list.")] = "",
    *,
    list_recipes: Annotated[bool, typer.Option("--list", help="Show the recipes.")] = False,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder that holds the data sets.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Checkpoints and curves; runs/NAME if left.")
    ] = None,
    start: Annotated[
        str, typer.Option("--start", metavar="MODEL|FILE.pt", help="Begin with a model's or a checkpoint's weights.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, e.g. optimiser.rate=1e-4.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check data, say cost, memory and time; train nothing.")
    ] = (False),
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that prepare batches.")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard's files.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train one stage. Ctrl-C ends it after the running step with a checkpoint; --resume goes on exactly there.

    Several GPUs: torchrun --nproc-per-node N -m rvos_core.cli train ...
    """
    out = Output(as_json=as_json)
    if list_recipes:
        _list(out)
        return
    plan = _plan(what, start, settings or [])
    training, processes = _assembled(plan, data, device, out)
    training.check_data()
    if dry_run:
        _estimate(training, processes, out)
        return
    folder = output or Path("runs") / plan.name
    checkpoint = folder / f"{plan.name}.pt"
    if checkpoint.exists() and not resume:
        raise UsageError(
            f"{folder} holds a checkpoint of {plan.name}.",
            hint="Go on from it with --resume, or choose another folder with -o.",
            code="training.exists",
        )
    with out.progress(plan.name) as meter:
        last = _run(training, processes, folder, _Reporter(meter), workers=workers, tensorboard=tensorboard)
    if processes.rank == 0:
        best = checkpoint.with_suffix(".best.pt")
        out.say(f"{plan.name} is done after {last.step} steps: {checkpoint}" + (f", best {best}" * best.exists()))
        outputs = {"checkpoint": str(checkpoint)} | ({"best": str(best)} if best.exists() else {})
        out.result({"name": plan.name, "steps": last.step, "outputs": outputs, "figures": last.figures})


class _Reporter:
    """Shows progress on stderr, and remembers the last figures."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.step = 0
        self.figures: dict[str, float] = {}

    def __call__(self, step: int, steps: int, figures: dict[str, float]) -> None:
        self.step, self.figures = step, figures
        self._meter.update(step, steps, detail=f"loss {figures['loss']:.3f}")


def _list(out: Output) -> None:
    from rvos_core.training.plan_reading import plan_values
    from rvos_core.training.recipes import RECIPES

    for plan in RECIPES.values():
        sets = ", ".join(each.set for each in (*plan.data.sets, *plan.data.images))
        length = f"{plan.schedule.epochs} epochs" if plan.schedule.epochs else f"{plan.schedule.steps} steps"
        out.say(f"{plan.name}: {plan.model.name} on {sets}, {length}" + (f", after {plan.after}" if plan.after else ""))
        out.say(f"    {plan.source}")
    out.result({"recipes": [plan_values(plan) for plan in RECIPES.values()]})


def _plan(what: str, start: str, settings: Sequence[str]) -> TrainPlan:
    from rvos_core.training.plan_reading import read_plan, recipe_named, with_settings
    from rvos_core.training.recipes import RECIPES

    if not what:
        raise UsageError(
            "Name a recipe or a configuration file.", hint="`rvos train --list` shows the recipes.", code="usage"
        )
    path = Path(what)
    plan = read_plan(path, RECIPES) if path.suffix in _CONFIGURATIONS else recipe_named(what, RECIPES)
    changes = [*settings, *([f"model.start={start}"] if start else [])]
    return with_settings(plan, changes) if changes else plan


def _assembled(plan: TrainPlan, data: Path | None, device: str, out: Output) -> tuple[Training, Processes]:
    import torch

    from rvos_core.models.devices import pick_device
    from rvos_core.training.assembly import assemble
    from rvos_core.training.engine import keep_freed_memory
    from rvos_core.training.processes import join_processes

    keep_freed_memory()
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    chosen = pick_device("auto" if several and device == "auto" else device)
    processes = join_processes(torch.device(chosen))
    training = assemble(plan, folder=data, processes=processes)
    if processes.rank == 0:
        logging.getLogger("rvos.training").info("%s on %s", plan.name, processes.device)
        if training.random_start:
            out.note(f"{len(training.random_start)} weights begin at random, {training.random_start[0]} first.")
        if training.random_start is None and plan.after:
            out.note(f"{plan.name} is meant to begin with the weights of {plan.after}: give them with --start.")
    return training, processes


def _estimate(training: Training, processes: Processes, out: Output) -> None:
    from rvos_core.training.estimate import estimate

    found = estimate(training, processes.device, processes=processes.count)
    plan, stage = training.plan, training.stage
    items = f"{training.items} items, " if training.items else ""
    out.say(
        f"{plan.name}: {plan.model.name}, {found.parameters / 1e6:.1f} M parameters, {found.trained / 1e6:.1f} M train"
    )
    out.say(f"source: {plan.source}")
    out.say(
        f"data: complete; {items}{found.steps} steps of {found.clips // found.steps} clips, {stage.parts} passes each"
    )
    out.say(
        f"memory: about {found.memory_mib / 1024:.1f} GiB on {processes.device}; a checkpoint {found.disk_mib:.0f} MiB"
    )
    out.say(f"time: about {seconds_in_words(found.seconds)} on {processes.device}")
    values: dict[str, Any] = {
        **vars(found),
        "items": training.items,
        "device": str(processes.device),
        "name": plan.name,
    }
    out.result(values)


def _run(
    training: Training, processes: Processes, folder: Path, report: _Reporter, *, workers: int, tensorboard: bool
) -> _Reporter:
    from rvos_core.files import writing
    from rvos_core.training.curves import TensorboardCurve
    from rvos_core.training.engine import Trainer

    name = training.plan.name
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if processes.rank == 0 and training.tokenizer is not None:
        training.tokenizer.save(folder / "tokenizer.json")
    curves: list[Curve] = (
        [TensorboardCurve(folder / "tensorboard" / name)] if tensorboard and not processes.rank else []
    )
    trainer = Trainer(
        training.model,
        training.objective,
        training.data,
        config=training.stage,
        folder=folder,
        device=processes.device,
        workers=workers,
        validation=training.validation,
        processes=processes,
        settings=training.settings,
        curves=curves,
        watch=None if processes.rank else report,
    )
    trainer.run()
    report.step = trainer.step
    return report
