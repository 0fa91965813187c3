"""What a folder of predictions was made with, so that a later call goes on with the same model and rule or refuses."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.files import write_file

FILE_NAME = "prediction.json"
_FORMAT = 1


@dataclass(frozen=True)
class Record:
    """How predictions come about.

    Attributes:
        data: name of the data set.
        split: as the data set calls it.
        model: name on the model's card.
        arch: the system.
        weights: SHA-256 of the weights, empty where it is not known.
        size: short side of the network's input, pixels.
        rule: the protocol in words, e.g. `clips of 36 frames`.
    """

    data: str
    split: str
    model: str
    arch: str
    weights: str
    size: int
    rule: str


def claim(folder: Path, record: Record) -> None:
    """Make `folder` the place of these predictions, or check that it is.

    Raises:
        UserError: it holds predictions of another model, data set or rule, or other files, or the disk refuses.
    """
    path = folder / FILE_NAME
    former = _read(path)
    if former is None:
        _refuse_other_files(folder)
        write_file(path, (json.dumps({"format": _FORMAT, **asdict(record)}, indent=2) + "\n").encode())
        return
    for each in fields(Record):
        before, now = former.get(each.name), getattr(record, each.name)
        if before != now:
            raise UserError(
                f"{folder} holds predictions with another {each.name}: {before} instead of {now}.",
                hint="Choose another folder with -o, or delete this one.",
                code="predict.other_run",
            )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check its permissions.", code="predict.record"
        ) from error
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise UserError(
            f"{path} is not the record of predictions that this version writes.",
            hint="Choose another folder with -o.",
            code="predict.record",
        )
    return document


def _refuse_other_files(folder: Path) -> None:
    try:
        found = next((entry.name for entry in folder.iterdir() if not entry.name.startswith(".")), None)
    except FileNotFoundError:
        return
    except OSError:
        return  # writing the record will say what is wrong
    if found is not None:
        raise UserError(
            f"{folder} holds other files, for example {found}, and no {FILE_NAME}.",
            hint="Choose an empty folder with -o.",
            code="predict.foreign_folder",
        )
