"""`rvos models import` and `rvos models download`: somebody else's weights become a model that can be named."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError, UserError

if TYPE_CHECKING:
    from rvos_core.types import CancelToken
    from rvos_core.weights.hub import Found, Hub, HubId
    from rvos_core.weights.importing import Imported
    from rvos_core.weights.known import KnownCheckpoint
    from rvos_core.weights.sources import Source

_NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the model to be; one of that name is replaced. Else the file's.")
]
_ArchOption = Annotated[
    str | None,
    typer.Option("--arch", metavar="NAME", help="ifirvos, referformer-r50, ...; else it is recognised."),
]
_TokenizerOption = Annotated[
    Path | None,
    typer.Option("--tokenizer", metavar="FILE", help="tokenizer.json, or vocab.json with merges.txt beside it."),
]
_HalfOption = Annotated[bool, typer.Option("--half", help="Store half precision: half the size.")]
_LicenceOption = Annotated[str, typer.Option("--licence", metavar="SPDX", help="Licence of the weights, for the card.")]
_YesOption = Annotated[bool, typer.Option("--yes", help="Fetch RoBERTa's vocabulary (1.4 MB) without asking.")]


@dataclasses.dataclass(frozen=True)
class _Wish:
    """The options that import and download share."""

    name: str | None
    arch: str | None
    tokenizer: Path | None
    half: bool
    licence: str
    yes: bool


def import_checkpoint(
    source: Annotated[
        str, typer.Argument(metavar="FILE|FOLDER|HUB-ID", help="A .safetensors or .pth, a folder, owner/name.")
    ],
    *,
    name: _NameOption = None,
    arch: _ArchOption = None,
    tokenizer: _TokenizerOption = None,
    half: _HalfOption = False,
    licence: _LicenceOption = "",
    yes: _YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a model of a public checkpoint.

    The file is read in a process without network that runs nothing of it; it is checked number by number, and stored
    as safetensors.
    """
    from rvos_core.weights.hub import HubId
    from rvos_core.weights.sources import find_source

    output, wish = Output(as_json=as_json), _Wish(name, arch, tokenizer, half, licence, yes)
    hub_id = None if _exists(source) else HubId.parse(source)
    if hub_id is not None:
        _from_hub(hub_id, wish, output)
        return
    found, given = find_source(Path(source)), Path(source)
    origin = f"{given.resolve().name}/{found.file.name}" if given.is_dir() else given.name
    _import(found, wish, output, origin=origin)


def download_model(
    what: Annotated[
        str, typer.Argument(metavar="NAME|HUB-ID", help="As in `list --known`, or owner/name[@commit][:file].")
    ],
    *,
    name: _NameOption = None,
    arch: _ArchOption = None,
    tokenizer: _TokenizerOption = None,
    half: _HalfOption = False,
    licence: _LicenceOption = "",
    yes: _YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a public checkpoint and import it. An interrupted download goes on where it stopped."""
    from rvos_core.weights.hub import HubId
    from rvos_core.weights.known import known_checkpoint

    output, wish = Output(as_json=as_json), _Wish(name, arch, tokenizer, half, licence, yes)
    hub_id = HubId.parse(what)
    if hub_id is not None:
        _from_hub(hub_id, wish, output)
        return
    known = known_checkpoint(what)
    if wish.name not in (None, known.name):
        raise UsageError(
            f"{known.name} keeps its name.", hint="Leave --name away, or import the file.", code="usage.model_name"
        )
    wish = dataclasses.replace(wish, name=known.name)
    if known.hub is not None:
        hub_id = HubId(known.hub.repository, known.hub.revision, known.hub.filename)
        _from_hub(hub_id, wish, output)
        return
    _by_hand(known, wish, output)


def _by_hand(known: KnownCheckpoint, wish: _Wish, output: Output) -> None:
    """A checkpoint whose page has to be visited: say where, and take the file from the person."""
    from rvos_core.weights.sources import find_source

    if output.as_json or not sys.stdin.isatty():
        raise UserError(
            f"{known.name} is not on the hub; its page is {known.page}. {known.where}",
            hint=f"Download it there, then: rvos models import FILE --name {known.name}",
            code="download.by_hand",
        )
    output.note(f"{known.title}: {known.page}")
    output.note(known.where)
    file = typer.prompt("File that you downloaded there", err=True).strip().strip("'\"")
    _import(find_source(Path(file).expanduser()), wish, output, origin=f"{known.page} ({Path(file).name})")


def _from_hub(hub_id: HubId, wish: _Wish, output: Output) -> None:
    from rvos_core.files import require_free_space
    from rvos_core.weights.sources import Source
    from rvos_core.weights.store import downloads_dir

    hub = _hub()
    found = hub.find(hub_id)
    require_free_space(downloads_dir(), found.size)
    with cancel_on_interrupt() as cancel:
        path = _fetch(hub, found, output, cancel)
    wish = dataclasses.replace(wish, licence=wish.licence or found.licence)
    default = hub_id.repository.split("/")[-1]
    _import(Source(path), wish, output, origin=found.source, default_name=default)
    hub.forget(path)


def _fetch(hub: Hub, found: Found, output: Output, cancel: CancelToken) -> Path:
    label = f"downloading {found.file.filename}"
    output.note(f"{label} from {found.file.repository}, {found.size / 1e6:.1f} MB")
    with output.progress(label) as meter:
        return hub.fetch(
            found.file,
            sha256=found.sha256,
            progress=lambda done, total: meter.update(done, total or found.size, detail=f"{done / 1e6:.0f} MB"),
            cancel=cancel,
        )


def _import(source: Source, wish: _Wish, output: Output, *, origin: str, default_name: str = "") -> None:
    from rvos_core.models.registry import is_bundled
    from rvos_core.weights.importing import ImportRequest, import_model
    from rvos_core.weights.sniff import sniff
    from rvos_core.weights.worker import ImportWorker

    sniff(source.file)  # what cannot be a checkpoint needs no worker
    name = wish.name or _free_name(source, default_name)
    if is_bundled(name):
        raise UsageError(
            f"{name} is the name of a bundled model.", hint="Give another one with --name.", code="usage.model_name"
        )
    request = ImportRequest(
        source=source,
        name=name,
        arch=wish.arch,
        tokenizer=wish.tokenizer,
        half=wish.half,
        licence=wish.licence,
        origin=origin,
        find_roberta=lambda: _roberta(wish, output),
    )
    with ImportWorker() as worker, cancel_on_interrupt() as cancel:
        output.note(f"reading {source.file.name} in a process of its own")
        imported = import_model(request, worker=worker, cancel=cancel)
    _report(imported, output)


def _report(imported: Imported, output: Output) -> None:
    card = imported.card
    for note in imported.notes:
        output.note(note)
    output.say(f"{card.name}: {card.description}")
    output.say(f"{card.parameters / 1e6:.1f} M parameters, {card.licence}, in {imported.folder}")
    output.say(f'Try it: rvos segment CLIP "EXPRESSION" --model {card.name}')
    values: dict[str, Any] = {**dataclasses.asdict(card), "folder": str(imported.folder), "notes": list(imported.notes)}
    output.result(values)


def _free_name(source: Source, default: str) -> str:
    """A name after the file, or after its folder where that says more, that no model has yet."""
    from rvos_core.models.registry import is_bundled
    from rvos_core.weights.store import name_for, stored_names

    plain = {"model", "pytorch-model", "checkpoint", "checkpoint-best", "weights", "imported-model"}
    name = name_for(default or source.file.name)
    if name in plain and not default:
        name = name_for(source.file.resolve().parent.name)
    taken = set(stored_names())
    numbered = (f"{name[:58]}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken and not is_bundled(each))


def _roberta(wish: _Wish, output: Output) -> Path | None:
    """RoBERTa's tokeniser from this machine, or from the hub if the person agrees."""
    from rvos_core.weights.known import ROBERTA_TOKENIZER

    hub = _hub()
    found = hub.cached(ROBERTA_TOKENIZER)
    if found is not None:
        return found
    question = f"The model needs roberta-base's vocabulary. Fetch it from {ROBERTA_TOKENIZER.repository} (1.4 MB, MIT)?"
    may_ask = sys.stdin.isatty() and not output.as_json
    if not wish.yes and not (may_ask and typer.confirm(question, default=True, err=True)):
        return None
    with output.progress("downloading roberta-base's vocabulary") as meter:
        return hub.fetch(ROBERTA_TOKENIZER, progress=meter.update)


def _hub() -> Hub:
    from rvos_core.weights.hub import Hub
    from rvos_core.weights.store import downloads_dir

    return Hub(downloads_dir())


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
