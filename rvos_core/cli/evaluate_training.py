"""`rvos eval ablations`: the papers' ablations, trained and scored in the street world. `rvos eval curves`: how a
training went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import DeviceOption, JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError
from rvos_core.files import write_file, writing

if TYPE_CHECKING:
    from rvos_core.evaluation.ablations.studies import Study


def ablations(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Results and checkpoints; the same command goes on there.")
    ],
    *,
    studies: Annotated[
        str | None, typer.Option("--studies", metavar="NAMES", help="Only these, e.g. ifirvos-parts,r2vos-cycle.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Times that each network is trained.")] = 3,
    effort: Annotated[
        float, typer.Option("--effort", metavar="X", min=0.001, help="So many times the usual steps of training.")
    ] = 1.0,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Also write the tables as Markdown.")
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", metavar="N", min=0, help="CPU threads; 0: as torch decides.")
    ] = 0,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train small networks with and without the papers' parts, score them, and lay them beside the papers' tables."""
    import torch

    from rvos_core.evaluation.ablations.budget import Budget
    from rvos_core.evaluation.ablations.laboratory import run_studies
    from rvos_core.evaluation.ablations.report import as_markdown, report
    from rvos_core.evaluation.ablations.studies import all_studies
    from rvos_core.language import WordTokenizer
    from rvos_core.models.devices import pick_device
    from rvos_core.synthetic import vocabulary

    output = Output(as_json=as_json)
    tokenizer = WordTokenizer.from_words(vocabulary())
    wanted = _chosen(all_studies(tokenizer.vocab_size), studies)
    if threads:
        torch.set_num_threads(threads)
    with cancel_on_interrupt() as cancel, output.progress("training") as meter:
        results = run_studies(
            wanted,
            folder,
            tokenizer=tokenizer,
            budget=Budget().times(effort),
            seeds=seeds,
            device=torch.device(pick_device(device)),
            progress=meter.update,
            cancel=cancel,
        )
    reports = [report(study, results) for study in wanted]
    text = as_markdown(reports)
    if markdown is not None:
        with writing(markdown):
            write_file(markdown, text.encode())
    output.say(text)
    output.result({"folder": str(folder), "studies": [each.as_dict() for each in reports]})


def curves(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where a training keeps its .jsonl files.")],
    *,
    plot: Annotated[Path, typer.Option("--plot", metavar="FILE", help="Draw them into this .png or .svg file.")],
    title: Annotated[str, typer.Option("--title", help="Of the picture.")] = "Held-out figures while training",
    as_json: JsonOption = False,
) -> None:
    """Draw the learning curves of a training: figures of held-out data over the steps of all its stages."""
    from rvos_core.evaluation.learning_curves import read_curves, write_curves

    output = Output(as_json=as_json)
    stages = read_curves(folder)
    write_curves(plot, stages, title=title)
    last = [(stage, *stage.validated[-1]) for stage in stages if stage.validated]
    for stage, step, figures in last:
        output.say(f"{stage.name}, step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    output.say(f"plot: {plot}")
    said = [{"stage": stage.name, "step": step, "figures": figures} for stage, step, figures in last]
    output.result({"plot": str(plot), "stages": said})


def _chosen(studies: tuple[Study, ...], names: str | None) -> tuple[Study, ...]:
    """The studies of these comma-separated names; None means all. Raises: UsageError: there is no such study."""
    by_name = {study.key: study for study in studies}
    wanted = list(by_name) if names is None else [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in by_name]:
        raise UsageError(
            f"There is no study {', '.join(unknown)}.",
            hint=f"Choose among {', '.join(by_name)}.",
            code="ablations.unknown_study",
        )
    return tuple(study for key, study in by_name.items() if key in wanted)
