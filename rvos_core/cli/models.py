"""`rvos models list` and `rvos models info NAME`: what there is, what it knows, what it was measured to do."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output

if TYPE_CHECKING:
    from rvos_core.models.api import ModelCard

models_app = typer.Typer(help="The models that can be used.", no_args_is_help=True, rich_markup_mode=None)


@models_app.command("list")
def list_models(*, as_json: JsonOption = False) -> None:
    """List the bundled models."""
    from rvos_core.models.registry import list_cards

    output = Output(as_json=as_json)
    cards = list_cards()
    for card in cards:
        output.say(f"{card.name}  {_millions(card.parameters)} parameters, {card.licence}. {card.description}")
    if not cards:
        output.say("This installation has no bundled models.")
    output.result({"models": [_brief(card) for card in cards]})


@models_app.command("info")
def show_model(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model's name or folder.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say all that a model's card says."""
    from rvos_core.models.registry import card

    output = Output(as_json=as_json)
    found = card(name)
    for key, value in dataclasses.asdict(found).items():
        output.say(f"{key.replace('_', ' ')}: {json.dumps(value) if isinstance(value, dict) else value}")
    output.result(dataclasses.asdict(found))


def _brief(card: ModelCard) -> dict[str, Any]:
    keys = ("name", "arch", "parameters", "bundled", "licence", "measured", "description", "trained_on")
    return {key: getattr(card, key) for key in keys}


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.1f} M"
