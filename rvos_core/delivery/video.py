"""H.264 in MP4: overlay video with the source's timing and sound, and luma mattes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from rvos_core.delivery.audio import AudioCopy
from rvos_core.delivery.overlay import OverlayStyle, as_mask, draw_overlay
from rvos_core.delivery.timing import FrameTimes, frame_times
from rvos_core.errors import UserError
from rvos_core.files import atomic_file, require_free_space, writing
from rvos_core.masks import Rle
from rvos_core.media.container import MEDIA_ERRORS, open_container
from rvos_core.types import FrameSpan, MediaInfo

OddSize: TypeAlias = Literal["pad", "crop"]

_log = logging.getLogger("rvos.media")

_BT709 = 1
_LIMITED_RANGE = 1
_BLACK_LUMA, _WHITE_LUMA, _NO_CHROMA = 16, 235, 128
_OVERLAY_OPTIONS = {"preset": "veryfast", "crf": "18"}
_MATTE_OPTIONS = {"preset": "veryfast", "crf": "10"}
_OVERLAY_BYTES_PER_PIXEL = 0.03
_MATTE_BYTES_PER_PIXEL = 0.005


@dataclass(frozen=True)
class VideoReport:
    """What was written. `notes`: sentences for a person about sound, size and timing that could not be kept."""

    path: Path
    frames: int
    width: int
    height: int
    has_audio: bool
    notes: tuple[str, ...]


class _H264Writer:
    """A streaming MP4 of one frame for each frame of `span`, in order."""

    def __init__(
        self,
        path: Path,
        *,
        info: MediaInfo,
        span: FrameSpan,
        options: dict[str, str],
        bytes_per_pixel: float,
        odd_size: OddSize,
        with_audio: bool,
    ) -> None:
        if not len(span) or span.stop > info.frame_count:
            raise ValueError(f"{span} is not a part of a clip of {info.frame_count} frames")
        self.path = path
        self.notes: list[str] = []
        self._info = info
        self._span = span
        self._options = options
        self._times = frame_times(info, span)
        self._width = _even(info.width, odd_size)
        self._height = _even(info.height, odd_size)
        self._expected_bytes = int(len(span) * info.width * info.height * bytes_per_pixel)
        self._with_audio = with_audio and info.has_audio and info.kind == "video"
        self._written = 0
        self._stack = ExitStack()
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._audio: AudioCopy | None = None
        self._note_changes()

    @property
    def report(self) -> VideoReport:
        """What was written; complete after the block."""
        return VideoReport(
            self.path, self._written, self._width, self._height, self._audio is not None, tuple(self.notes)
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            part = stack.enter_context(atomic_file(self.path, verify=self._verify))
            require_free_space(self.path.parent, self._expected_bytes)
            self._open(part, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if kind is not None:
            return self._stack.__exit__(kind, error, traceback)
        with self._stack:
            self._finish()
        return None

    def _put(self, picture: av.VideoFrame) -> None:
        """Encode the next frame, yuv420p of the output's size."""
        if self._container is None or self._stream is None or self._written >= len(self._span):
            raise ValueError("the writer is not open, or every frame of the span was written")
        index = self._written
        picture.pts = self._times.pts[index]
        picture.duration = self._times.durations[index]
        picture.time_base = self._times.time_base
        picture.color_range, picture.colorspace = ColorRange.MPEG, Colorspace.ITU709
        picture.color_primaries = picture.color_trc = _BT709
        with _encoding(self.path):
            if self._audio is not None:
                self._audio.mux_until(self._container, self._times.pts[index] * self._times.time_base)
            self._container.mux(self._stream.encode(picture))
        self._written += 1

    def _open(self, part: Path, stack: ExitStack) -> None:
        if self._with_audio:
            self._open_audio(stack)
        stack.callback(self._close_quietly)
        with _encoding(self.path):
            try:
                self._start(part)
            except (av.FFmpegError, ValueError) as error:
                self._close_quietly()
                if self._audio is None or isinstance(error, OSError):
                    raise
                _log.info("%s: the sound cannot be copied: %s", self.path, error)
                self._drop_audio("MP4 does not take it as it is")
                self._start(part)

    def _start(self, part: Path) -> None:
        times = self._times
        self._container = av.open(f"file:{part}", "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._container.add_stream("libx264", rate=times.rate, options=self._options)
        stream.width, stream.height, stream.pix_fmt = self._width, self._height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = times.time_base
        context = stream.codec_context
        context.color_range, context.colorspace = _LIMITED_RANGE, _BT709
        context.color_primaries = context.color_trc = _BT709
        self._stream = stream
        if self._audio is not None:
            self._audio.attach(self._container)
        self._container.start_encoding()

    def _open_audio(self, stack: ExitStack) -> None:
        start_s = self._info.pts[self._span.start] * self._info.time_base
        try:
            self._audio = AudioCopy(self._info.path, start_s=start_s, stop_s=start_s + _end_s(self._times))
        except UserError as error:
            self._drop_audio(f"the source cannot be read again: {error.message}")
            return
        stack.callback(self._audio.close)
        if not self._audio.fits_mp4:
            self._drop_audio(f"MP4 does not take {self._audio.codec or 'its codec'}")

    def _drop_audio(self, why: str) -> None:
        self._audio = None
        self.notes.append(f"The sound was left out: {why}.")

    def _note_changes(self) -> None:
        if (self._width, self._height) != (self._info.width, self._info.height):
            self.notes.append(
                f"The picture is {self._width}x{self._height} instead of {self._info.width}x{self._info.height}: "
                "H.264 needs even sizes."
            )
        if not self._times.kept:
            self.notes.append(
                f"The source's timestamps cannot be kept; the video has an even {float(self._times.rate):.3f} frames/s."
            )

    def _finish(self) -> None:
        assert self._container is not None
        assert self._stream is not None
        if self._written < len(self._span):
            raise UserError(
                f"{self.path} would hold {self._written} of {len(self._span)} frames.",
                hint="Choose a range of frames that can be read.",
                code="delivery.incomplete",
            )
        with _encoding(self.path):
            if self._audio is not None:
                self._audio.mux_until(self._container, _end_s(self._times))
            self._container.mux(self._stream.encode(None))
            self._container.close()
        self._container = None

    def _close_quietly(self) -> None:
        """Close a file that is given up: on a full disk closing fails a second time."""
        if self._container is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._container.close()
            self._container = None

    def _verify(self, part: Path) -> None:
        try:
            with open_container(part) as container:
                found = sum(1 for _ in container.decode(video=0))
        except MEDIA_ERRORS as error:
            raise UserError(
                f"{self.path} does not read back: {error}.", hint="Check the disk.", code="delivery.verify"
            ) from error
        if found != self._written:
            raise UserError(
                f"{self.path} reads back {found} of {self._written} frames.",
                hint="Check the disk, or choose another folder.",
                code="delivery.verify",
            )


class OverlayVideoWriter(_H264Writer):
    """The clip with its masks drawn on it: H.264, MP4, the source's frame times and sound.

    Args:
        path: the new file, `*.mp4`.
        info: the clip.
        span: frames to be written, in order, every one.
        style: colours, opacity and outline.
        with_audio: copy the source's sound where MP4 takes it; the report says why where it does not.
        odd_size: how a width or height that is odd becomes even: "pad" repeats the last column or row, "crop" drops it.
    """

    def __init__(
        self,
        path: Path,
        *,
        info: MediaInfo,
        span: FrameSpan,
        style: OverlayStyle | None = None,
        with_audio: bool = True,
        odd_size: OddSize = "pad",
    ) -> None:
        super().__init__(
            path,
            info=info,
            span=span,
            options=_OVERLAY_OPTIONS,
            bytes_per_pixel=_OVERLAY_BYTES_PER_PIXEL,
            odd_size=odd_size,
            with_audio=with_audio,
        )
        self._style = style

    def write(self, frame: np.ndarray, masks: Sequence[Rle | np.ndarray]) -> None:
        """Write the span's next frame, (H, W, 3) uint8 RGB, with its objects' masks of the same size.

        Raises:
            UserError: if the disk or the encoder refuses.
        """
        drawn = _fit(draw_overlay(frame, masks, style=self._style), width=self._width, height=self._height)
        picture = av.VideoFrame.from_ndarray(drawn, format="rgb24")
        # Never leave the conversion to encode(): with several threads it corrupts rows at some widths.
        self._put(
            picture.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
            )
        )


class MatteVideoWriter(_H264Writer):
    """A luma matte, white object on black: H.264, MP4, the source's frame times, no sound.

    Args:
        path, info, span, odd_size: as in `OverlayVideoWriter`.
    """

    def __init__(self, path: Path, *, info: MediaInfo, span: FrameSpan, odd_size: OddSize = "pad") -> None:
        super().__init__(
            path,
            info=info,
            span=span,
            options=_MATTE_OPTIONS,
            bytes_per_pixel=_MATTE_BYTES_PER_PIXEL,
            odd_size=odd_size,
            with_audio=False,
        )

    def write(self, mask: Rle | np.ndarray) -> None:
        """Write the span's next mask, (H, W) bool or `Rle`. Raises: UserError: if the disk or the encoder refuses."""
        solid = _fit(
            as_mask(mask, height=self._info.height, width=self._info.width), width=self._width, height=self._height
        )
        planes = np.full((self._height * 3 // 2, self._width), _NO_CHROMA, dtype=np.uint8)
        planes[: self._height] = np.where(solid, np.uint8(_WHITE_LUMA), np.uint8(_BLACK_LUMA))
        self._put(av.VideoFrame.from_ndarray(planes, format="yuv420p"))


@contextlib.contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """Turn what the encoder or the disk says into a `UserError` that names `path`."""
    with writing(path):
        try:
            yield
        except OSError:
            raise
        except av.FFmpegError as error:
            raise UserError(
                f"{path} cannot be encoded: {error.strerror}.",
                hint="Write masks as PNG instead.",
                code="delivery.encode",
            ) from error


def _even(side_px: int, odd_size: OddSize) -> int:
    """The side of the output: cropping keeps at least two pixels."""
    return side_px + side_px % 2 if odd_size == "pad" or side_px == 1 else side_px - side_px % 2


def _end_s(times: FrameTimes) -> Fraction:
    return (times.pts[-1] + times.durations[-1]) * times.time_base


def _fit(picture: np.ndarray, *, width: int, height: int) -> np.ndarray:
    """Crop or repeat the last column and row, so that `picture` is `height` x `width`."""
    picture = picture[:height, :width]
    below, beside = height - picture.shape[0], width - picture.shape[1]
    if below or beside:
        pad = [(0, below), (0, beside), (0, 0)][: picture.ndim]
        picture = np.pad(picture, pad, mode="edge")
    return np.ascontiguousarray(picture)
