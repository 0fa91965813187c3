"""What is done of one output so far, in a hidden folder beside its target, kept over kill, cancel and a full disk.

Stills are kept as files with a journal of their checksums; video whose frames stand alone is kept as a log of finished
frames, which are put into the final file without being encoded again. Nothing here has the final name.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from filelock import FileLock, Timeout

from rvos_core.errors import UserError
from rvos_core.files import prepare_target, remove_part, write_error, writing

_RECORD = struct.Struct("<4sIII")  # mark, number, bytes, crc32
_MARK = b"rvPk"
_MAX_RECORD_BYTES = 1 << 30
_STEM_BYTES = 160


class JobFolder:
    """The hidden folder of one output; one program at a time works in it.

    A folder of other settings (another `key`) beside the same target is out of date and removed.

    Args:
        target: the final file or folder.
        key: names settings, source and masks; work under another key is not gone on with.

    Attributes:
        keep: something in the folder is worth going on with; else it is removed after the block.

    Raises:
        UserError: another program exports to the same name, or the disk refuses.
    """

    def __init__(self, target: Path, key: str) -> None:
        self.keep = False
        with writing(target):
            self.target = prepare_target(target)
        stem = os_name(self.target.name)
        self.path = self.target.with_name(f".{stem}.rvos-job-{hashlib.sha256(key.encode()).hexdigest()[:16]}")
        self._lock_path = self.target.with_name(f".{stem}.rvos-job.lock")
        self._lock = FileLock(self._lock_path, thread_local=False)

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"{self.target} is being written by another export.", hint="Wait for it.", code="delivery.in_use"
            ) from None
        except OSError as error:
            raise write_error(self.target, error) from error
        try:
            with writing(self.target):
                for other in job_folders(self.target):
                    if other != self.path:
                        remove_part(other)
                self.path.mkdir(exist_ok=True)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.keep:
            remove_part(self.path)
        self._release()

    def _release(self) -> None:
        """Let go; the file of the lock is removed while it is held, as of a project's lock."""
        with contextlib.suppress(OSError):
            self._lock_path.unlink(missing_ok=True)
        self._lock.release()


def job_folders(target: Path) -> list[Path]:
    """Hidden folders with unfinished work beside `target`."""
    start = f".{os_name(target.name)}.rvos-job-"
    if not target.parent.is_dir():
        return []
    return sorted(
        path for path in target.parent.iterdir() if path.name.startswith(start) and len(path.name) == len(start) + 16
    )


def os_name(name: str) -> str:
    """`name`, short enough for a mark behind it."""
    return name.encode("utf-8", "surrogateescape")[:_STEM_BYTES].decode("utf-8", "ignore")


class PacketLog:
    """Finished frames of a video, one after the other in one file; a torn end is cut off when it is opened again.

    Attributes:
        checksums: crc32 of every frame.
    """

    def __init__(self, path: Path) -> None:
        self.checksums: list[int] = []
        self._path = path
        path.touch()
        self._file: BinaryIO = path.open("r+b", buffering=0)
        end = 0
        for payload in self._records():
            self.checksums.append(zlib.crc32(payload))
            end += _RECORD.size + len(payload)
        self._file.truncate(end)
        self._file.seek(end)

    def __len__(self) -> int:
        return len(self.checksums)

    def append(self, payload: bytes) -> None:
        """Add the next frame. Raises: OSError: the disk refuses; the log then still holds all frames before it."""
        checksum = zlib.crc32(payload)
        record = _RECORD.pack(_MARK, len(self.checksums), len(payload), checksum) + payload
        written = self._file.write(record)
        while written < len(record):
            written += self._file.write(record[written:])
        self.checksums.append(checksum)

    def frames(self) -> Iterator[bytes]:
        """All frames, in order."""
        yield from self._records()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _records(self) -> Iterator[bytes]:
        """Records from the start up to the first that is not whole."""
        number = 0
        with self._path.open("rb") as file:
            while len(head := file.read(_RECORD.size)) == _RECORD.size:
                mark, own, size, checksum = _RECORD.unpack(head)
                if mark != _MARK or own != number or size > _MAX_RECORD_BYTES:
                    return
                payload = file.read(size)
                if len(payload) < size or zlib.crc32(payload) != checksum:
                    return
                yield payload
                number += 1


class StillJournal:
    """Pictures of a sequence that are finished: a folder of them, and a line of text each.

    Attributes:
        folder: of the pictures.
        checksums: crc32 of every finished picture, by its number in the sequence, from 0.
    """

    def __init__(self, folder: Path, journal: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        lines = journal.read_text("utf-8", "replace").split("\n")[:-1] if journal.exists() else []
        finished = [line for line in lines if self._is_there(line)]
        self.checksums = {int(line.split(" ")[0]): int(line.split(" ")[2]) for line in finished}
        kept = {line.split(" ", 3)[3] for line in finished}
        for path in folder.iterdir():
            if path.name not in kept:
                remove_part(path)
        journal.write_text("".join(f"{line}\n" for line in finished), encoding="utf-8")
        self._file: BinaryIO = journal.open("ab", buffering=0)

    def note(self, number: int, name: str, *, size: int, checksum: int) -> None:
        """Picture `number` is finished, as `folder/name`. Raises: OSError."""
        self._file.write(f"{number} {size} {checksum} {name}\n".encode())
        self.checksums[number] = checksum

    def close(self) -> None:
        """Close the journal."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _is_there(self, line: str) -> bool:
        """Whether the picture of a line is there and is the one that was written."""
        try:
            number, size, checksum, name = line.split(" ", 3)
            content = (self.folder / name).read_bytes()
            return int(number) >= 0 and len(content) == int(size) and zlib.crc32(content) == int(checksum)
        except (ValueError, OSError):
            return False
