"""Measure a training run of isvos-mini on clips with true masks, and make a bundled model of it.

    python packaging/bundle_isvos.py RUN/2-films.pt --davis DAVIS [--clips dog,camel] [--out FOLDER]

Without `--out` it only measures. The figures on the card are J and F of following the true first mask of every clip.
They are measured with the weights as they are stored, in half precision.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rvos_core.evaluation.propagation import evaluate_following
from rvos_core.evaluation.report import JfReport
from rvos_core.models.api import ModelCard
from rvos_core.models.isvos import Isvos
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.training.propagation_curriculum import averaged_model
from rvos_core.weights.bundle import save_bundle

_LOG = logging.getLogger("rvos.model")


def card_for(size: int, *, steps: int) -> ModelCard:
    """The card without figures."""
    return ModelCard(
        name="isvos-mini",
        arch="isvos",
        parameters=0,
        licence="Apache-2.0",
        description=(
            "A small ISVOS that follows given masks through real footage. It has seen no video: only cut photographs, "
            "noise and drawn figures that move, bend and cover one another."
        ),
        trained_on=(
            "the clips for propagation and the street world of RVOS Studio (rvos_core.synthetic), "
            f"{steps} steps of its last stage"
        ),
        size=size,
        long_side=2 * size,
        window=1,
        stride=1,
        bundled=True,
    )


def half(model: Isvos) -> Isvos:
    """The same network with the numbers that a bundle can hold."""
    model.load_state_dict({name: value.half().to(value.dtype) for name, value in model.state_dict().items()})
    return model


def figures_of(report: JfReport, *, seconds: float, command: str) -> dict[str, Any]:
    """What stands on the card: means over clips, each clip's J, the pace."""
    per_clip = {
        name: round(float(np.mean([each.j_statistics.mean for each in report.objects if each.clip == name])), 4)
        for name in report.clips
    }
    frames = sum(len({*each.frames}) for each in report.objects)
    return {
        "jf": round(report.jf, 4),
        "J": round(float(np.mean([each.j_statistics.mean for each in report.objects])), 4),
        "F": round(float(np.mean([each.f_statistics.mean for each in report.objects])), 4),
        "J_of_clips": per_clip,
        "frames": frames,
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "command": command,
        "date": datetime.date.today().isoformat(),
    }


def main() -> int:
    """Measure, and bundle where that is asked for; logs the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="a stage's .pt of rvos_core.training.propagation_curriculum")
    parser.add_argument("--davis", type=Path, required=True, help="folder with JPEGImages and Annotations")
    parser.add_argument("--clips", help="only these, e.g. dog,camel")
    parser.add_argument("--out", type=Path, help="folder of the bundled model")
    parser.add_argument("--size", type=int, default=240, help="short side of the network input, pixels")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as torch decides)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    trained, steps = averaged_model(arguments.checkpoint)
    model = half(trained)
    card = card_for(arguments.size, steps=steps)
    clips = arguments.clips.split(",") if arguments.clips else None
    began = time.perf_counter()
    report = evaluate_following(IsvosPropagator(model, card=card), arguments.davis, clips=clips)
    command = f"python packaging/bundle_isvos.py {arguments.checkpoint.name} --davis DAVIS --size {arguments.size}"
    if clips:
        command += f" --clips {arguments.clips}"
    figures = figures_of(report, seconds=time.perf_counter() - began, command=command)
    _LOG.info("%s after %d steps: %s", arguments.checkpoint.name, steps, figures)
    if arguments.out:
        save_bundle(arguments.out, model, tokenizer=None, card=replace(card, measured={"davis-first-mask": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
