"""The report beside a delivered file: what it holds, how it was read back, what a person should know. JSON and text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.delivery.plan import DeliveryPlan, PlannedOutput
from rvos_core.delivery.verification import Verification
from rvos_core.files import write_file

_MANY = 20


@dataclass(frozen=True)
class DeliveredOutput:
    """One finished output.

    Attributes:
        path: file or folder.
        verification: how it read back.
        notes: sentences for a person.
        resumed: frames that were there from an earlier, interrupted export.
        report: the JSON report; the text lies beside it, `.txt`.
    """

    path: Path
    verification: Verification
    notes: tuple[str, ...]
    resumed: int
    report: Path


def report_path(output: PlannedOutput) -> Path:
    """Where the JSON report of an output goes: beside it, never in its folder."""
    return output.path.with_name(f"{output.path.name}.report.json")


def write_report(plan: DeliveryPlan, output: PlannedOutput, done: DeliveredOutput) -> None:
    """Write both forms, each atomically. Raises: UserError: the disk refuses."""
    document = report_document(plan, output, done)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_file(done.report, text.encode("utf-8", "backslashreplace"))
    write_file(done.report.with_suffix(".txt"), report_text(plan, output, done).encode("utf-8", "backslashreplace"))


def report_document(plan: DeliveryPlan, output: PlannedOutput, done: DeliveredOutput) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {
        "file": output.path.name,
        "format": plan.spec.kind.title,
        "spec": plan.spec.as_dict(),
        "source": str(plan.info.path),
        "objects": [
            {"id": each.object_id, "name": each.name, "expression": each.expression} for each in output.objects
        ],
        "frames": len(plan.frames.sources),
        "source_frames": [plan.span.start, plan.span.stop],
        "first_number": plan.first_number if plan.spec.kind.still else None,
        "duplicated": list(plan.frames.duplicated),
        "dropped": list(plan.frames.dropped),
        "size": [plan.width, plan.height],
        "pixel_aspect": "1:1",
        "rate": str(plan.frames.times.rate),
        "timecode": None if plan.timecode is None else str(plan.timecode),
        "alpha": plan.spec.kind_token,
        "verification": done.verification.as_dict(),
        "resumed_frames": done.resumed,
        "notes": list(done.notes),
    }


def report_text(plan: DeliveryPlan, output: PlannedOutput, done: DeliveredOutput) -> str:
    """The report for people."""
    found = done.verification
    rate = plan.frames.times.rate
    lines = [
        output.path.name,
        f"  {plan.spec.kind.title}, {plan.width}x{plan.height}, {len(plan.frames.sources)} frames, "
        f"{float(rate):.6g} frames/s ({rate})" + ("" if plan.frames.times.is_even else ", varying"),
        f"  frames {plan.span.start} to {plan.span.stop - 1} of {plan.info.path.name}"
        + (f", from timecode {plan.timecode}" if plan.timecode is not None else "")
        + (f", numbered from {plan.first_number}" if plan.spec.kind.still else ""),
        f"  {plan.spec.kind_token.replace('_', ', ')}: " + ", ".join(each.name for each in output.objects),
        "",
        "Read back:",
        *(f"  {'ok' if each.is_right else 'WRONG'}  {each.name}: {each.found}" for each in found.checks),
        f"  alpha on {len(found.samples)} frames: error at most {found.largest_error:.6f}, "
        f"on average {found.mean_error:.6f} (1 is opaque)",
    ]
    if found.colour is not None:
        lines.append(
            f"  colours on the same frames: error at most {found.colour.largest:.6f}, on average "
            f"{found.colour.mean:.6f}, in the mean of 16x16 pixels {found.colour.tint:.6f} (1 is white)"
        )
    for title, frames in (("shown more than once", plan.frames.duplicated), ("left out", plan.frames.dropped)):
        if frames:
            shown = ", ".join(map(str, frames[:_MANY])) + (", ..." if len(frames) > _MANY else "")
            lines += ["", f"Source frames {title}: {shown}"]
    if done.notes:
        lines += ["", *(f"- {note}" for note in done.notes)]
    return "\n".join(lines) + "\n"
