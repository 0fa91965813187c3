"""`rvos segment --refine propagate`: a finished run, followed from its surest frames by a second model."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rvos_core.cli.options import DEFAULT_PROPAGATOR, Quality
from rvos_core.cli.output import Output
from rvos_core.cli.session import Refinement, Segmentation
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.cli.project_runs import ProjectRun
    from rvos_core.media import MediaReader


def refine_run(
    run: Segmentation,
    reader: MediaReader,
    *,
    quality: Quality,
    device: str,
    output: Output,
    cancel: CancelToken,
    kept: ProjectRun | None,
) -> Segmentation:
    """The run with the masks that following its surest frames gives. `kept`: the project that takes them in too.

    Raises:
        UserError: a frame cannot be read, or the project refuses.
        Cancelled: after Ctrl-C; the run's own masks stay in the project.
    """
    from rvos_core.inference.refining import best_frames, refined
    from rvos_core.masks import area

    given = best_frames(run.frames)
    if not given:
        output.note("nothing was found that could be followed")
        return run
    from rvos_core.models.registry import load_propagator

    propagator = load_propagator(DEFAULT_PROPAGATOR, device=device, views=quality.views)
    numbers = ", ".join(map(str, given))
    output.note(f"following from frame{'s' * (len(given) > 1)} {numbers} with {propagator.card.name}")
    began = time.monotonic()
    frames = refined(run.frames, propagator, reader, cancel=cancel)
    if kept is not None:
        frames = kept.put_refined(frames, given)
    seconds = time.monotonic() - began
    seen = sum(area(each.mask) > 0 for each in frames)
    return replace(
        run,
        frames=frames,
        summary=replace(run.summary, visible_frames=seen),
        seconds=run.seconds + seconds,
        refinement=Refinement(propagator.card.name, given, quality.value, seconds),
    )
