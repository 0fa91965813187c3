"""`rvos synth ...`: clips of the street world, as a data set (`make`) or as one picture to look at (`look`)."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.synthetic import WorldConfig

synth_app = typer.Typer(help="Clips of the drawn street world.", no_args_is_help=True, rich_markup_mode=None)

_LARGEST_SIDE = 2048
_MOST_FRAMES = 200
_MOST_CLIPS_LOOKED_AT = 60


class Split(StrEnum):
    """The world's splits; `test-unseen` shows what the others hold out."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    TEST_UNSEEN = "test-unseen"


SplitOption = Annotated[Split, typer.Option("--split", help="Which seeds; test-unseen shows what the others hold out.")]
ClipsOption = Annotated[
    int | None, typer.Option("--clips", metavar="N", help="How many clips, from the split's first.")
]
FirstOption = Annotated[int, typer.Option("--first", metavar="K", help="Begin with the split's clip number K.")]
SizeOption = Annotated[
    str | None, typer.Option("--size", metavar="WxH", help="Size of the frames; the split's own if left.")
]
FramesOption = Annotated[
    int | None, typer.Option("--frames", metavar="N", help="Frames a clip; the split's own if left.")
]


@synth_app.command("make")
def make(
    *,
    out_dir: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the data set goes.")],
    split: SplitOption = Split.TRAIN,
    clips: ClipsOption = None,
    first: FirstOption = 0,
    size: SizeOption = None,
    frames: FramesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write clips in the layout of Ref-YouTube-VOS, with exact masks; all 200 of a split, or as many as asked for."""
    from rvos_core.synthetic.export import export_dataset

    output = Output(as_json=as_json)
    config = _settings(split, size, frames)
    seeds = _seeds(split, clips, first)
    folder = "train" if split == Split.TRAIN else "valid"
    with cancel_on_interrupt() as cancel, output.progress("drawing") as meter:
        counts = export_dataset(out_dir, seeds, config, folder=folder, progress=meter.update, cancel=cancel)
    output.say(
        f"{out_dir}: {counts['clips']} clips of {config.frames} frames, {counts['expressions']} expressions, "
        f"{counts['negatives']} that mean nothing (in world.json)."
    )
    output.result({"output": str(out_dir), "split": split.value, "folder": folder, **counts})


@synth_app.command("look")
def look(
    *,
    out_path: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.png", help="The picture.")],
    split: SplitOption = Split.VAL,
    clips: ClipsOption = 12,
    first: FirstOption = 0,
    size: SizeOption = "288x160",
    frames: FramesOption = 5,
    columns: Annotated[int, typer.Option("--columns", min=1, max=12, help="Clips in a row.")] = 3,
    shown: Annotated[int, typer.Option("--shown", min=1, max=8, help="Frames that are shown of each clip.")] = 2,
    lines: Annotated[int, typer.Option("--lines", min=0, max=40, help="Sentences under each clip at most.")] = 14,
    as_json: JsonOption = False,
) -> None:
    """Draw a contact sheet: frames, masks and sentences of some clips."""
    import cv2

    from rvos_core.files import write_file
    from rvos_core.synthetic import make_clip
    from rvos_core.synthetic.contact_sheet import contact_sheet

    output = Output(as_json=as_json)
    config = _settings(split, size, frames)
    if clips is None or clips > _MOST_CLIPS_LOOKED_AT:
        raise UsageError(
            f"A contact sheet holds 1 to {_MOST_CLIPS_LOOKED_AT} clips.", hint="Ask for fewer.", code="synth.clips"
        )
    drawn = []
    with cancel_on_interrupt() as cancel, output.progress("drawing") as meter:
        for seed in (seeds := _seeds(split, clips, first)):
            cancel.raise_if_cancelled()
            drawn.append(make_clip(seed, config))
            meter.update(len(drawn), len(seeds))
    sheet = contact_sheet(drawn, columns, frames=min(shown, config.frames), lines=lines)
    if out_path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"{out_path.name} is no picture.", hint="Name it .png, .jpg or .webp.", code="synth.suffix")
    done, code = cv2.imencode(out_path.suffix.lower(), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not done:
        raise UserError(f"{out_path} cannot be encoded.", hint="Choose .png.", code="synth.encode")
    write_file(out_path, code.tobytes())
    output.say(f"{out_path}: {len(drawn)} clips, {sheet.shape[1]}x{sheet.shape[0]}.")
    output.result({"output": str(out_path), "clips": len(drawn), "width": sheet.shape[1], "height": sheet.shape[0]})


def _seeds(split: Split, clips: int | None, first: int) -> range:
    """The chosen seeds. Raises: UsageError: the split is endless, or has fewer."""
    from rvos_core.synthetic import split_seeds

    seeds = split_seeds(split.value)
    if clips is None and len(seeds) > 100_000:
        raise UsageError(f"The split {split.value} has no end.", hint="Say --clips N.", code="synth.clips")
    count = len(seeds) - first if clips is None else clips
    if first < 0 or count < 1 or first + count > len(seeds):
        raise UsageError(
            f"The split {split.value} has {len(seeds)} clips, not numbers {first} to {first + count - 1}.",
            hint="Ask for fewer with --clips, or begin earlier with --first.",
            code="synth.clips",
        )
    return seeds[first : first + count]


def _settings(split: Split, size: str | None, frames: int | None) -> WorldConfig:
    """The split's settings at another size or length. Raises: UsageError: they are none."""
    from rvos_core.synthetic import split_config

    config = split_config(split.value)
    if size is not None:
        width, times, height = size.lower().partition("x")
        if not (times and width.isdecimal() and height.isdecimal()) or not all(
            16 <= int(side) <= _LARGEST_SIDE for side in (width, height)
        ):
            raise UsageError(
                f"--size {size} is no size of frames.",
                hint=f"Give WIDTHxHEIGHT, each 16 to {_LARGEST_SIDE}, e.g. 448x256.",
                code="synth.size",
            )
        config = replace(config, width=int(width), height=int(height))
    if frames is not None:
        if not 1 <= frames <= _MOST_FRAMES:
            raise UsageError(
                f"--frames {frames} is not 1 to {_MOST_FRAMES}.", hint="Ask for fewer.", code="synth.frames"
            )
        config = replace(config, frames=frames)
    return config
