"""`rvos models list|info|verify|remove`: what there is, what it knows and was measured to do, whether it is whole.

`import` and `download` are in `models_import.py`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.models_import import download_model, import_checkpoint
from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.models.api import ModelCard
    from rvos_core.weights.known import KnownCheckpoint

models_app = typer.Typer(help="The models that can be used.", no_args_is_help=True, rich_markup_mode=None)
models_app.command("import")(import_checkpoint)
models_app.command("download")(download_model)


@models_app.command("list")
def list_models(
    *,
    known: Annotated[bool, typer.Option("--known", help="Public checkpoints that can be fetched, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the bundled and the imported models."""
    from rvos_core.models.registry import list_cards
    from rvos_core.weights.known import KNOWN

    output = Output(as_json=as_json)
    if known:
        for entry in KNOWN.values():
            output.say(f"{entry.name}  {entry.title}, {entry.licence}. {_claims(entry.claimed)}")
        output.result({"known": [_known(entry) for entry in KNOWN.values()]})
        return
    cards = list_cards()
    for card in cards:
        output.say(f"{card.name}  {_millions(card.parameters)} parameters, {card.licence}. {card.description}")
    if not cards:
        output.say("This installation has no models; `rvos models import` adds one.")
    output.result({"models": [_brief(card) for card in cards]})


@models_app.command("info")
def show_model(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model's name or folder, or a known checkpoint.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say all that a model's card says; for a checkpoint that is not here yet, where it is and what is claimed."""
    from rvos_core.models.registry import card
    from rvos_core.weights.known import KNOWN

    output = Output(as_json=as_json)
    try:
        values = dataclasses.asdict(card(name))
    except UsageError:
        if name not in KNOWN:
            raise
        values = _known(KNOWN[name])
    for key, value in values.items():
        output.say(f"{key.replace('_', ' ')}: {json.dumps(value) if isinstance(value, dict) else value}")
    output.result(values)


@models_app.command("verify")
def verify_model(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Models; all without any.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Compare a model's files with its card, and its weights with its network, number by number.

    Exit code 1 where one is not whole; the others are still looked at.
    """
    from rvos_core.models.registry import all_names, model_folder

    output = Output(as_json=as_json)
    results: list[dict[str, Any]] = []
    for name in names or all_names():
        output.note(f"verifying {name}")
        try:
            results.append({"name": name, "ok": True, "error": None, **_verified(model_folder(name))})
            output.say(f"{name}: whole")
        except UserError as error:
            if names is not None and len(names) == 1:
                raise
            results.append({"name": name, "ok": False, "error": error.as_dict()})
            output.say(f"{name}: {error}")
    output.result({"models": results})
    if not all(entry["ok"] for entry in results):
        raise typer.Exit(1)


@models_app.command("remove")
def remove_imported(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An imported model.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete an imported model; bundled ones stay."""
    from rvos_core.models.registry import is_bundled
    from rvos_core.weights.store import remove_model, stored_folder, stored_names

    output = Output(as_json=as_json)
    if is_bundled(name):
        raise UsageError(f"{name} belongs to RVOS Studio.", hint="Only imported models go.", code="model.bundled")
    if name in stored_names() and not yes and not as_json and sys.stdin.isatty():
        typer.confirm(f"Delete {stored_folder(name)}?", abort=True, err=True)
    freed = remove_model(name)
    output.say(f"{name} is gone, {freed / 1e6:.1f} MB are free again.")
    output.result({"name": name, "removed": True, "freed_bytes": freed})


def _verified(folder: Any) -> dict[str, Any]:
    from rvos_core.weights.bundle import load_bundle
    from rvos_core.weights.cards import read_checksums

    bundle = load_bundle(folder)
    return {"arch": bundle.card.arch, "parameters": bundle.card.parameters, "sha256": dict(read_checksums(folder))}


def _brief(card: ModelCard) -> dict[str, Any]:
    keys = (
        "name",
        "arch",
        "parameters",
        "bundled",
        "licence",
        "measured",
        "claimed",
        "description",
        "trained_on",
        "source",
    )
    return {key: getattr(card, key) for key in keys}


def _known(entry: KnownCheckpoint) -> dict[str, Any]:
    values = dataclasses.asdict(entry)
    values["claimed"] = {key: dict(value) for key, value in entry.claimed.items()}
    return values


def _claims(claimed: Any) -> str:
    figures = [f"{name} J&F {value['jf']}" for name, value in claimed.items() if "jf" in value]
    figures += [f"{name} mAP {value['mAP']}" for name, value in claimed.items() if "mAP" in value]
    return f"Its paper: {', '.join(figures)}." if figures else ""


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.1f} M"
