"""Downloads single files from the Hugging Face hub: pinned to a commit, resumed, checked, stoppable. No torch.

Only named files are fetched, and nothing of them is run here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rvos_core.errors import UsageError, UserError
from rvos_core.files import write_error, writing
from rvos_core.types import CancelToken
from rvos_core.weights.known import HubFile

_ID = re.compile(
    r"(?P<repository>[\w][\w.-]*/[\w][\w.-]*)(@(?P<revision>[\w][\w./-]*))?(:(?P<filename>[\w][\w./ -]*))?", re.ASCII
)
_CHECKPOINTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
_TIMEOUT_S = 15.0

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are there; the second is 0 while it is unknown."""


@dataclass(frozen=True)
class HubId:
    """What a person typed: `owner/name`, `owner/name@revision`, `owner/name:file`, `owner/name@revision:file`."""

    repository: str
    revision: str | None = None
    filename: str | None = None

    @staticmethod
    def parse(text: str) -> HubId | None:
        """`text` as an id; None if it cannot be one (a path of a file, or just a name)."""
        found = _ID.fullmatch(text)
        if found is None or (text.lower().endswith(_CHECKPOINTS) and found["filename"] is None):
            return None
        if ".." in re.split(r"[/:@]", text):
            return None
        return HubId(found["repository"], found["revision"], found["filename"])


@dataclass(frozen=True)
class Found:
    """A file that is there to be downloaded.

    Attributes:
        file: with the commit that it was found at.
        size: bytes, or 0 where the hub does not say.
        sha256: of its content, or empty where the hub does not say (small text files).
        licence: SPDX id of the repository, or `NOASSERTION`.
    """

    file: HubFile
    size: int = 0
    sha256: str = ""
    licence: str = "NOASSERTION"

    @property
    def source(self) -> str:
        """For a model card."""
        return f"hub:{self.file.repository}@{self.file.revision}:{self.file.filename}"


class Hub:
    """The hub, or one that speaks like it.

    Args:
        cache: folder for downloads; what is half there is resumed.
        endpoint: address of another hub; None: the public one, or `$HF_ENDPOINT`.
    """

    def __init__(self, cache: Path, *, endpoint: str | None = None) -> None:
        self._cache = cache
        self._endpoint = endpoint

    def find(self, wanted: HubId) -> Found:
        """The one checkpoint that `wanted` means, pinned to the commit that its revision is at now.

        Raises:
            UserError: no network, no such repository, revision or file, no access, or several checkpoints.
        """
        hub = _library()
        where = wanted.repository + (f"@{wanted.revision}" if wanted.revision else "")
        with _said(where):
            info = hub.HfApi(endpoint=self._endpoint).model_info(
                wanted.repository, revision=wanted.revision, timeout=_TIMEOUT_S, files_metadata=True
            )
        files = {entry.rfilename: entry for entry in info.siblings or []}
        name = wanted.filename or _only_checkpoint(sorted(files), where)
        if name not in files or ".." in Path(name).parts or Path(name).is_absolute():
            hint = f"It has: {', '.join(sorted(files)[:8]) or 'no files'}."
            raise UserError(f"{where} has no file {name}.", hint=hint, code="hub.no_file")
        entry = files[name]
        lfs = getattr(entry, "lfs", None)
        return Found(
            HubFile(wanted.repository, str(info.sha or wanted.revision or "main"), name),
            size=int(entry.size or 0),
            sha256=str(getattr(lfs, "sha256", "") or ""),
            licence=_licence(getattr(info, "tags", None) or []),
        )

    def fetch(
        self, file: HubFile, *, sha256: str = "", progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> Path:
        """Download `file`, or the rest of it; returns where it lies.

        Raises:
            UserError: no network, no such file, the disk is full, or the content is not the announced one.
            Cancelled: the person stopped it; what came so far is kept for the next time.
        """
        target = self._place(file)
        if target.is_file():
            return target
        with _said(f"{file.repository}@{file.revision[:12]}", disk=self._cache):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = self._download(file, target, bar=_bar(progress, cancel))
        if sha256 and _sha256(part) != sha256:
            part.unlink(missing_ok=True)
            what = f"{file.filename} from {file.repository} arrived damaged (its checksum differs)."
            raise UserError(what, hint="It was deleted: download it again.", code="hub.damaged")
        with writing(target):
            part.replace(target)
        return target

    def cached(self, file: HubFile) -> Path | None:
        """Where `file` lies already, here or in the cache that other programs share; None if it does not."""
        if self._place(file).is_file():
            return self._place(file)
        found = _library().try_to_load_from_cache(file.repository, file.filename, revision=file.revision)
        return Path(found) if isinstance(found, str) else None

    def forget(self, path: Path) -> None:
        """Delete a download, and its folders where nothing else is in them."""
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or not ours
            for folder in list(path.parents)[: len(path.relative_to(self._cache).parts) - 1]:
                folder.rmdir()

    def _place(self, file: HubFile) -> Path:
        return self._cache / file.repository.replace("/", "--") / file.revision[:40].replace("/", "-") / file.filename

    def _download(self, file: HubFile, target: Path, *, bar: type[Any]) -> Path:
        """Fetch what is missing of the part beside `target`; it is named after the content that it is a part of."""
        from huggingface_hub.file_download import http_get

        hub = _library()
        url = hub.hf_hub_url(file.repository, file.filename, revision=file.revision, endpoint=self._endpoint)
        about = hub.get_hf_file_metadata(url, timeout=_TIMEOUT_S, endpoint=self._endpoint)
        headers = hub.utils.build_hf_headers()
        if urlsplit(about.location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the store behind the hub has no business with it
        tag = hashlib.sha256(str(about.etag).encode()).hexdigest()[:16]
        part = target.with_name(f".{target.name[:150]}.{tag}.part")
        with part.open("ab") as stream:
            http_get(
                about.location,
                stream,
                resume_size=stream.tell(),
                headers=headers,
                expected_size=about.size,
                displayed_filename=file.filename,
                tqdm_class=bar,
            )
        return part


def _library() -> Any:
    """`huggingface_hub`. Its own `hf_hub_download` begins again after an interruption; `_download` goes on."""
    if "huggingface_hub" not in sys.modules:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    return huggingface_hub


@contextmanager
def _said(where: str, *, disk: Path | None = None) -> Iterator[None]:
    """Turns what the library raises into one sentence."""
    from huggingface_hub import errors

    no_connection: type[Exception] = errors.HfHubHTTPError.__mro__[1]  # the root of the client library's own errors
    offline = UserError(
        f"{where} cannot be reached: there is no connection to the Hugging Face hub.",
        hint="Connect to the internet and run it again (a download goes on where it stopped), or import a file.",
        code="hub.offline",
    )
    try:
        yield
    except errors.GatedRepoError as error:
        hint = "Ask for access on its page, then log in with `hf auth login`."
        raise UserError(f"{where} is open to chosen people only.", hint=hint, code="hub.gated") from error
    except errors.RepositoryNotFoundError as error:
        hint = "Check the spelling of owner/name; a private one needs `hf auth login`."
        raise UserError(f"There is no {where} on the Hugging Face hub.", hint=hint, code="hub.not_found") from error
    except errors.RevisionNotFoundError as error:
        hint = "Check the revision after the @."
        raise UserError(f"There is no revision {where}.", hint=hint, code="hub.no_revision") from error
    except errors.HFValidationError as error:
        raise UsageError(f"{where} is no id of the hub.", hint="Write owner/name.", code="usage.hub_id") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise offline from error
    except errors.EntryNotFoundError as error:
        raise UserError(f"{where} has no such file.", hint="Look at its page.", code="hub.no_file") from error
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", "no")
        hint = "Try again later."
        raise UserError(f"The hub answers {status} for {where}.", hint=hint, code="hub.http") from error
    except no_connection as error:
        raise offline from error
    except OSError as error:
        if disk is not None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG):
            raise write_error(disk, error) from error
        raise offline from error


def _bar(progress: Progress | None, cancel: CancelToken | None) -> type[Any]:
    """A progress bar for the library that draws nothing, tells `progress` and stops where `cancel` is set."""

    class Told:
        """Before the library's own class in the order of methods."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            named = {key: value for key, value in named.items() if key != "name"} | {"disable": True}
            super().__init__(*arguments, **named)
            self._bytes, self._of = int(named.get("initial") or 0), int(named.get("total") or 0)

        def update(self, n: float | None = 1) -> None:
            if cancel is not None:
                cancel.raise_if_cancelled()
            self._bytes += int(n or 0)
            if progress is not None:
                progress(self._bytes, self._of)

    return type("Bar", (Told, importlib.import_module("tqdm.auto").tqdm), {})


def _only_checkpoint(names: list[str], where: str) -> str:
    candidates = [name for name in names if name.lower().endswith(_CHECKPOINTS)]
    safe = [name for name in candidates if name.endswith(".safetensors")]
    chosen = safe if len(safe) == 1 else candidates
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise UserError(f"{where} holds no checkpoint.", hint=f"It has: {', '.join(names[:8])}.", code="hub.no_file")
    hint = f"Add one of them after a colon: {', '.join(chosen[:8])}."
    raise UserError(f"{where} holds {len(chosen)} checkpoints.", hint=hint, code="hub.several_files")


def _licence(tags: list[str]) -> str:
    named = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
    spdx = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause", "cc-by-4.0": "CC-BY-4.0"}
    return spdx.get(named, named or "NOASSERTION")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
