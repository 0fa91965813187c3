"""One conversion, from a stranger's file to our safetensors. Runs in the import worker; see `worker.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rvos_core.files import writing
from rvos_core.models.architectures import architecture
from rvos_core.weights.job import Job
from rvos_core.weights.naming import is_abandoned
from rvos_core.weights.reading import Checkpoint, read_checkpoint
from rvos_core.weights.recognise import Recognised, published_name, recognise
from rvos_core.weights.sniff import refused
from rvos_core.weights.streaming import write_safetensors
from rvos_core.weights.strict import Entry, check_storage, fit, renamed, same_numbers, shapes_of


def convert(job: Job) -> dict[str, Any]:
    """Do `job`; returns what the parent needs to know as JSON values.

    Raises:
        UserError: the file is refused; the message says why.
        MemoryError: it needs more memory than this process may take.
    """
    source = Path(job.source)
    checkpoint = read_checkpoint(source)
    entries = renamed(checkpoint.tensors, source)
    abandoned = [name for name in entries if is_abandoned(name)]
    for name in abandoned:
        del entries[name]
    check_storage(entries, source)
    shapes = shapes_of(entries)
    if job.config is None:
        arguments = {**checkpoint.arguments, **_switches(entries)}
        found = recognise(shapes, path=source, arguments=arguments, wanted=job.arch)
    else:
        found = _given(job.config, source, wanted=job.arch)
    ordered, parameters = fit(entries, found, source)
    if job.output is not None:
        dtype = torch.float16 if job.half else torch.float32
        with writing(Path(job.output)):
            write_safetensors(Path(job.output), ordered, dtype=dtype, source=source)
    return {
        "arch": found.arch,
        "config": found.config.to_dict(),
        "published": found.published,
        "parameters": parameters,
        "kind": checkpoint.kind.value,
        "precision": _precision(checkpoint),
        "notes": [*checkpoint.notes, *found.notes, *_left_out(abandoned)],
        "sha256": _sha256(source),
    }


def _given(values: dict[str, Any], source: Path, *, wanted: str | None) -> Recognised:
    """The network that a config.json beside the checkpoint describes."""
    plain = dict(values)
    arch = plain.pop("arch", None)
    try:
        config = architecture(str(arch)).config.from_dict(plain)
    except ValueError as error:
        what = f"comes with a config.json that contradicts itself ({error})"
        raise refused(source, what, "Give the checkpoint's file alone.", code="config") from error
    published = published_name(str(arch), config)
    if wanted is not None and wanted not in (arch, published):
        hint = f"Leave --arch away, or give --arch {arch}."
        raise refused(
            source, f"is a model of {architecture(str(arch)).title}, not {wanted}", hint, code="other_architecture"
        )
    return Recognised(str(arch), config, published)


def _switches(entries: Mapping[str, Entry]) -> dict[str, bool]:
    """The switch that only values tell where one name of a shared tensor was saved: layers with box heads of their own
    refine boxes.
    """
    first, second = (entries.get(f"bbox_embed.{layer}.layers.0.weight") for layer in (0, 1))
    if first is None or second is None or same_numbers(first, second):
        return {}
    return {"with_box_refine": True}


def _left_out(names: list[str]) -> list[str]:
    return [f"{name} is left out; the authors' code does not read it any more." for name in names]


def _precision(checkpoint: Checkpoint) -> str:
    kinds = {str(value.dtype).removeprefix("torch.") for value in checkpoint.tensors.values()}
    return "mixed" if len(kinds & {"float16", "bfloat16", "float32", "float64"}) > 1 else next(iter(sorted(kinds)))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
