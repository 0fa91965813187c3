"""Carrying out a `DeliveryPlan`: frames in, proven files out; killed, cancelled or out of space, it goes on later.

A final name is given to nothing but a complete file that was read back. What was done before an interruption stays in a
hidden folder beside the target and is used again where settings, source and masks are the same.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np

from rvos_core.delivery.journal import JobFolder, PacketLog, StillJournal, job_folders
from rvos_core.delivery.meant import MeantFrames
from rvos_core.delivery.muxing import FrameEncoder, Sound, VideoFile
from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.pixels import (
    Picture,
    cutout_frame,
    fit,
    matte_frame,
    on_background,
    opaque_frame,
    scaled,
    together,
)
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan, PlannedOutput
from rvos_core.delivery.plan_checks import REPORTED
from rvos_core.delivery.report import DeliveredOutput, report_path, write_report
from rvos_core.delivery.source import check_same_source
from rvos_core.delivery.stills import write_still
from rvos_core.delivery.verification import (
    Verification,
    require_right,
    sampled_frames,
    verify_stills,
    verify_video,
)
from rvos_core.errors import UserError
from rvos_core.files import publish_file, publish_folder, remove_part, writing
from rvos_core.types import CancelToken

# (frame index in the clip, (H, W, 3) uint8 or uint16 straight colours or None, (H, W) float32 alpha 0..1)
FrameOf: TypeAlias = tuple[int, np.ndarray | None, np.ndarray]
# Gives the wanted frames of one object, in that order.
FrameSource: TypeAlias = Callable[[DeliveryObject, Sequence[int]], Iterable[FrameOf]]
Progress: TypeAlias = Callable[[int, int], None]

_CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
DEFAULT_THREADS = min(8, max(2, _CPUS))
_MOST_AT_WORK_BYTES = 3 << 30
# Of a pixel, measured: what writing a picture takes at most (EXR of two objects), and what waits of an object.
_WRITING_BYTES = {True: 80, False: 20}  # cut-outs, mattes
_WAITING_BYTES = {True: 10, False: 4}


def deliver(
    plan: DeliveryPlan,
    frames: FrameSource,
    *,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
    read_back: Progress | None = None,
    threads: int = DEFAULT_THREADS,
) -> tuple[DeliveredOutput, ...]:
    """Write, read back and name every output of `plan`, each with its report.

    Args:
        frames: called once an object and output with the source frames that are still needed, in order, each once.
        cancel: checked at every frame, those that are read back among them; what is finished stays for the next time.
        progress: gets output frames done and in all.
        read_back: gets frames of the output at work that were read back, and how many it has.
        threads: that encode stills side by side, see `side_by_side`; as many frames again wait for them.

    Raises:
        UserError: the plan is blocked, the source has changed, the disk or an encoder refuses, or an output does not
            read back as it was meant; what was at its name stays.
        Cancelled: `cancel` was set.
    """
    plan.raise_if_blocked()
    check_same_source(plan.info.path, plan.source.identity)
    tally = _Tally(plan, cancel or CancelToken(), progress, read_back)
    done = []
    for output in plan.outputs:
        with JobFolder(output.path, plan.job_key(output)) as job:
            work = _Work(plan, output, frames, job, tally)
            if plan.spec.kind.still:
                done.append(_deliver_stills(work, threads))
            elif plan.spec.encoding is not None and plan.spec.encoding.intra:
                done.append(_deliver_lone_frames(work))
            else:
                done.append(_deliver_dependent_frames(work))
            job.keep = False
        write_report(plan, output, done[-1])
    return tuple(done)


def side_by_side(plan: DeliveryPlan, objects: int, threads: int = DEFAULT_THREADS) -> int:
    """How many stills of a plan are written at once: `threads`, or as many as 3 GiB hold, at least one.

    A frame at work or waiting is all `objects` of an output; twice as many frames as are written at once are in memory.
    """
    is_cutout = plan.spec.chosen_content == CUTOUT
    bytes_per_pixel = _WRITING_BYTES[is_cutout] + 2 * objects * _WAITING_BYTES[is_cutout]
    return max(1, min(threads, _MOST_AT_WORK_BYTES // (plan.width * plan.height * bytes_per_pixel)))


def unfinished(plan: DeliveryPlan) -> tuple[Path, ...]:
    """Hidden folders with unfinished work of the plan's outputs."""
    return tuple(folder for output in plan.outputs for folder in job_folders(output.path))


def discard(plan: DeliveryPlan) -> None:
    """Forget unfinished work; finished files stay."""
    for folder in unfinished(plan):
        remove_part(folder)


class _Tally:
    """Frames done over all outputs, and the question whether to stop."""

    def __init__(
        self, plan: DeliveryPlan, cancel: CancelToken, progress: Progress | None, read_back: Progress | None
    ) -> None:
        self._total = len(plan.frames.sources) * len(plan.outputs)
        self._done = 0
        self._cancel = cancel
        self._progress = progress
        self._read_back = read_back

    def add(self, frames: int) -> None:
        self._done += frames
        if self._progress is not None:
            self._progress(self._done, self._total)

    def was_read(self, frames: int, total: int) -> None:
        """So many of an output's frames are read back. Raises: Cancelled."""
        self.check()
        if self._read_back is not None:
            self._read_back(frames, total)

    def check(self) -> None:
        """Raises: Cancelled."""
        self._cancel.raise_if_cancelled()


class _Work:
    """One output under way: its frames as they are written, and what is kept of them for reading back."""

    def __init__(
        self, plan: DeliveryPlan, output: PlannedOutput, frames: FrameSource, job: JobFolder, tally: _Tally
    ) -> None:
        self.plan = plan
        self.output = output
        self.job = job
        self.tally = tally
        self._frames = frames
        self.meant = MeantFrames(job.path, plan.spec, sampled_frames(self.count, plan.job_key(output)))

    @property
    def count(self) -> int:
        """Output frames in all."""
        return len(self.plan.frames.sources)

    def pictures(self, places: Sequence[int]) -> Iterator[tuple[int, list[Picture]]]:
        """(place in the output, a picture an object) for each of `places`, increasing, at the size that is written.

        Raises:
            UserError: the source of frames gives others than were asked for.
        """
        self.meant.forget(places)
        sources = [self.plan.frames.sources[place] for place in places]
        wanted = list(dict.fromkeys(sources))
        streams = [iter(self._frames(each, wanted)) for each in self.output.objects]
        current: list[Picture] = []
        shown = -1
        for place, source in zip(places, sources, strict=True):
            self.tally.check()
            if source != shown:
                current = [self._next(stream, source) for stream in streams]
                shown = source
            with writing(self.output.path):
                self.meant.offer(place, current)
            yield place, current

    def was_read(self, frames: int) -> None:
        """So many frames are read back. Raises: Cancelled."""
        self.tally.was_read(frames, self.count)

    def frame(self, pictures: Sequence[Picture]) -> av.VideoFrame:
        """The video frame of one output frame, ready for the encoder."""
        spec, encoding = self.plan.spec, self.plan.spec.encoding
        assert encoding is not None
        picture = together(pictures)
        if spec.chosen_content != CUTOUT:
            return matte_frame(picture.alpha, encoding.pixel_format)
        if spec.kind.has_alpha:
            return cutout_frame(picture, encoding.pixel_format, multiply=spec.premultiplied)
        return opaque_frame(on_background(picture, spec.background), encoding.pixel_format)

    def finished(self, found: Verification, *, notes: Sequence[str], resumed: int) -> DeliveredOutput:
        """What is told of the output once it has its name."""
        spec = self.plan.spec
        warned = (each.message for each in self.plan.problems if each.code in REPORTED)
        told = [*warned, *self.plan.notes, *notes]
        if found.limit is None:
            what = "alpha" if spec.kind.has_alpha else "the matte" if spec.chosen_content != CUTOUT else "brightness"
            told.append(
                f"Lossy: {what} is off by {found.largest_error:.3f} at most and {found.mean_error:.4f} on average."
            )
        return DeliveredOutput(self.output.path, found, tuple(told), resumed, report_path(self.output))

    def _next(self, stream: Iterator[FrameOf], source: int) -> Picture:
        given = next(stream, None)
        if given is None or given[0] != source:
            raise UserError(
                f"{self.output.path} lacks frame {source} of the source.",
                hint="Choose a range of frames that can be read.",
                code="delivery.incomplete",
            )
        _, rgb, alpha = given
        plan = self.plan
        if alpha.shape != (plan.info.height, plan.info.width):
            raise ValueError(f"alpha {alpha.shape} for a clip of {plan.info.width}x{plan.info.height}")
        picture = Picture(rgb if plan.spec.chosen_content == CUTOUT else None, alpha)
        small = scaled(picture, width=plan.inner_width, height=plan.inner_height)
        return fit(small, width=plan.width, height=plan.height)


def _deliver_lone_frames(work: _Work) -> DeliveredOutput:
    """Video whose frames stand alone: encoded into a log, then put together."""
    plan, encoding, target = work.plan, work.plan.spec.encoding, work.output.path
    assert encoding is not None
    with writing(target):
        log = PacketLog(work.job.path / "frames.log")
    with log:
        resumed = len(log)
        work.job.keep = resumed > 0
        work.tally.add(resumed)
        encoder = FrameEncoder(target, encoding, width=plan.width, height=plan.height, times=plan.frames.times)
        for place, pictures in work.pictures(range(resumed, work.count)):
            for payload in encoder.encode(work.frame(pictures), place):
                with writing(target):
                    log.append(payload)
                work.job.keep = True
            work.tally.add(1)
        for payload in encoder.encode(None):
            with writing(target):
                log.append(payload)
        checksums = log.checksums
        part = work.job.path / f"whole{target.suffix}"
        with ExitStack() as stack:
            file = _open_file(work, part, stack)
            for payload in log.frames():
                work.tally.check()
                file.put_packet(payload)
            file.finish()
    return _prove_video(work, file, part, checksums=checksums, resumed=resumed)


def _deliver_dependent_frames(work: _Work) -> DeliveredOutput:
    """Video whose frames depend on each other: begun anew after an interruption."""
    part = work.job.path / f"whole{work.output.path.suffix}"
    with ExitStack() as stack:
        file = _open_file(work, part, stack)
        for _, pictures in work.pictures(range(work.count)):
            file.put(work.frame(pictures))
            work.tally.add(1)
        file.finish()
    return _prove_video(work, file, part, checksums=None, resumed=0)


def _open_file(work: _Work, part: Path, stack: ExitStack) -> VideoFile:
    plan = work.plan
    assert plan.spec.encoding is not None
    sound = Sound(plan.info.path, plan.start_s) if plan.spec.audio and plan.info.has_audio else None
    file = VideoFile(
        part,
        target=work.output.path,
        encoding=plan.spec.encoding,
        width=plan.width,
        height=plan.height,
        times=plan.frames.times,
        timecode=None if plan.timecode is None else str(plan.timecode),
        sound=sound if plan.info.kind == "video" else None,
    )
    stack.callback(file.close)
    return file


def _prove_video(
    work: _Work, file: VideoFile, part: Path, *, checksums: Sequence[int] | None, resumed: int
) -> DeliveredOutput:
    with _proving(work):
        part.stat()  # where the folder is gone, that is what is said
        found = verify_video(
            part,
            work.plan,
            work.output,
            checksums=checksums,
            meant=work.meant.files(),
            has_audio=file.has_audio,
            step=work.was_read,
        )
        require_right(found, work.output.path)
    check_same_source(work.plan.info.path, work.plan.source.identity)
    publish_file(part, work.job.target)
    return work.finished(found, notes=file.notes, resumed=resumed)


@contextmanager
def _proving(work: _Work) -> Iterator[None]:
    """Reading back: where that fails, unfinished work is forgotten, as going on with it would only fail again."""
    try:
        with writing(work.output.path):
            yield
    except UserError:
        work.job.keep = False
        raise


def _deliver_stills(work: _Work, threads: int) -> DeliveredOutput:
    """A sequence; some pictures are encoded side by side."""
    plan, output = work.plan, work.output
    threads = side_by_side(plan, len(output.objects), threads)
    with writing(output.path):
        journal = StillJournal(work.job.path / "frames", work.job.path / "journal.txt")
    with journal:
        resumed = len(journal.checksums)
        work.job.keep = resumed > 0
        work.tally.add(resumed)
        missing = [place for place in range(work.count) if place not in journal.checksums]
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="rvos-stills") as pool:
            under_way: deque[tuple[int, str, Future[tuple[int, int]]]] = deque()

            def settle(limit: int) -> None:
                """Wait for the oldest until `limit` are under way."""
                while len(under_way) > limit:
                    place, name, future = under_way.popleft()
                    with writing(output.path):
                        size, checksum = future.result()
                        journal.note(place, name, size=size, checksum=checksum)
                    work.job.keep = True
                    work.tally.add(1)

            for place, pictures in work.pictures(missing):
                name = output.name.picture(plan.first_number + place)
                future = pool.submit(write_still, journal.folder / name, plan.spec, output.objects, pictures)
                under_way.append((place, name, future))
                settle(2 * threads - 1)  # and the next one is made meanwhile
            settle(0)
        with _proving(work):
            found = verify_stills(
                journal.folder,
                plan,
                output,
                checksums=journal.checksums,
                meant=work.meant.files(),
                step=work.was_read,
            )
            require_right(found, output.path)
    check_same_source(plan.info.path, plan.source.identity)
    publish_folder(journal.folder, work.job.target, owned=output.name.owned)
    return work.finished(found, notes=(), resumed=resumed)
