"""A thread that decodes: it serves the newest wish first and then fills the cache around the playhead."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np

from rvos_core.errors import UserError
from rvos_core.media.cache import FrameCache
from rvos_core.media.container import MEDIA_ERRORS
from rvos_core.media.reader import MediaReader, StoredFrame
from rvos_core.media.sniff import shown_name

log = logging.getLogger("rvos.media")

_CHUNK = 16  # frames decoded forward in one go when the clip is played backwards
_CACHE_SHARE = 0.75  # of the cache's budget that prefetching may fill


class Prefetcher:
    """Owns a decode thread with a reader of its own.

    `request` returns at once; `on_frame(index, picture)` is called in the decode thread. When several requests come
    before one is served, only the newest is: a person who drags the playhead wants where it is, not where it was.
    """

    def __init__(
        self,
        reader: MediaReader,
        cache: FrameCache,
        *,
        on_frame: Callable[[int, np.ndarray], None],
        on_error: Callable[[int, UserError], None],
        ahead: int = 48,
        behind: int = 8,
    ) -> None:
        """Start the thread.

        Args:
            reader: the clip; only `reopen` and `info` of it are used, the reader stays the caller's.
            on_frame: called in the decode thread with the newest requested frame.
            on_error: called in the decode thread where a requested frame cannot be read.
            ahead, behind: frames to keep decoded in and against the direction of play, as far as the cache has room.
        """
        self._source = reader
        self._cache = cache
        self._on_frame = on_frame
        self._on_error = on_error
        self._ahead = ahead
        self._behind = behind
        self._wake = threading.Condition()
        self._wanted: int | None = None
        self._playhead = 0
        self._direction = 1
        self._active = False
        self._stopping = False
        self._frame_bytes = 1
        self._thread = threading.Thread(target=self._run, name="rvos-decode", daemon=True)
        self._thread.start()

    def request(self, index: int, *, direction: int = 1) -> None:
        """Ask for frame `index` and move the playhead there.

        Args:
            direction: 1 or -1, the way the clip is played; decides what is prefetched.

        Raises:
            IndexError: there is no such frame.
        """
        self._source.check_index(index)
        with self._wake:
            self._wanted = index
            self._playhead = index
            self._direction = 1 if direction >= 0 else -1
            self._active = True
            self._wake.notify()

    def stop(self, *, timeout_s: float = 5.0) -> bool:
        """End the thread after the frame in work; no callback comes later. False where it did not end in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        reader: MediaReader | None = None
        try:
            while (task := self._next_task()) is not None:
                index, is_wanted = task
                try:
                    if reader is None:
                        reader = self._source.reopen()
                    self._serve(reader, index, is_wanted=is_wanted)
                except UserError as error:
                    self._fail(index, error, is_wanted=is_wanted)
                except MEDIA_ERRORS as error:  # the thread goes on: the next frame may well be shown
                    self._fail(index, self._not_shown(index, error), is_wanted=is_wanted)
        finally:
            if reader is not None:
                reader.close()

    def _next_task(self) -> tuple[int, bool] | None:
        """(frame, whether a person waits for it); waits for work; None to end."""
        with self._wake:
            while not self._stopping:
                if self._wanted is not None:
                    index, self._wanted = self._wanted, None
                    return index, True
                if self._active:
                    missing = next((i for i in self._window() if i not in self._cache), None)
                    if missing is not None:
                        return missing, False
                    self._active = False
                self._wake.wait()
            return None

    def _serve(self, reader: MediaReader, index: int, *, is_wanted: bool) -> None:
        picture = self._cache.get(index) if is_wanted else None
        if picture is None:
            frame = reader.stored(index)
            self._keep(index, frame)
            picture = frame.to_rgb() if is_wanted else None
        if picture is not None and not self._stopping:
            self._on_frame(index, picture)

    def _keep(self, index: int, frame: StoredFrame) -> None:
        self._frame_bytes = max(self._frame_bytes, frame.nbytes)
        if not self._cache.put(index, frame):  # not even one frame fits: prefetching would go on for ever
            self._pause()

    def _fail(self, index: int, error: UserError, *, is_wanted: bool) -> None:
        log.warning("frame %d: %s", index, error)
        self._pause()
        if is_wanted and not self._stopping:
            self._on_error(index, error)

    def _not_shown(self, index: int, error: Exception) -> UserError:
        log.info("frame %d: %r", index, error)
        short = isinstance(error, MemoryError)
        return UserError(
            f"Frame {index} of “{shown_name(self._source.info.path)}” cannot be shown"
            f"{': there is too little memory' if short else ''}.",
            hint="Close other programs, or open a smaller copy." if short else "Convert the file to H.264 or ProRes.",
            code="media.no_picture",
        )

    def _pause(self) -> None:
        """Prefetch no more until the next request."""
        with self._wake:
            self._active = self._wanted is not None

    def _window(self) -> Iterator[int]:
        """Frames to have, the most urgent first; stretches before the playhead are run through forwards."""
        room = int(self._cache.budget_bytes * _CACHE_SHARE) // self._frame_bytes - 1
        behind = min(self._behind, max(0, room // 4))
        ahead = min(self._ahead, max(0, room - behind))
        after, before = (ahead, behind) if self._direction > 0 else (behind, ahead)
        later = range(self._playhead + 1, min(self._playhead + 1 + after, len(self._source)))
        earlier = range(max(0, self._playhead - before), self._playhead)
        if self._direction > 0:
            yield from later
        for stop in range(earlier.stop, earlier.start, -_CHUNK):
            yield from range(max(earlier.start, stop - _CHUNK), stop)
        if self._direction < 0:
            yield from later
