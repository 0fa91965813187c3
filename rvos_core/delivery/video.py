"""H.264 in MP4: overlay video with the source's timing and sound, and luma mattes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

import av
import numpy as np

from rvos_core.delivery.muxing import Sound, VideoFile
from rvos_core.delivery.outputs import H264_MATTE, H264_PREVIEW, Encoding
from rvos_core.delivery.overlay import OverlayStyle, as_mask, draw_overlay
from rvos_core.delivery.pixels import fitted, matte_frame, opaque_frame
from rvos_core.delivery.timing import frame_times
from rvos_core.errors import UserError
from rvos_core.files import atomic_file, require_free_space
from rvos_core.masks import Rle
from rvos_core.media.container import MEDIA_ERRORS, open_container
from rvos_core.types import FrameSpan, MediaInfo

OddSize: TypeAlias = Literal["pad", "crop"]
ReadBack: TypeAlias = Callable[[int, int], None]

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
        encoding: Encoding,
        bytes_per_pixel: float,
        odd_size: OddSize,
        with_audio: bool,
        read_back: ReadBack | None = None,
    ) -> None:
        if not len(span) or span.stop > info.frame_count:
            raise ValueError(f"{span} is not a part of a clip of {info.frame_count} frames")
        self.path = path
        self.notes: list[str] = []
        self._info = info
        self._span = span
        self._encoding = encoding
        self._times = frame_times(info, span)
        self._width = even_side(info.width, odd_size)
        self._height = even_side(info.height, odd_size)
        self._expected_bytes = int(len(span) * info.width * info.height * bytes_per_pixel)
        self._read_back = read_back
        self._with_audio = with_audio and info.has_audio and info.kind == "video"
        self._stack = ExitStack()
        self._file: VideoFile | None = None
        self._note_changes()

    @property
    def report(self) -> VideoReport:
        """What was written; complete after the block."""
        written, has_audio = (self._file.written, self._file.has_audio) if self._file is not None else (0, False)
        return VideoReport(self.path, written, self._width, self._height, has_audio, tuple(self.notes))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            part = stack.enter_context(atomic_file(self.path, verify=self._verify))
            require_free_space(self.path.parent, self._expected_bytes)
            start_s = self._info.pts[self._span.start] * self._info.time_base
            self._file = VideoFile(
                part,
                target=self.path,
                encoding=self._encoding,
                width=self._width,
                height=self._height,
                times=self._times,
                sound=Sound(self._info.path, start_s) if self._with_audio else None,
            )
            stack.callback(self._file.close)
            self.notes += self._file.notes
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
        if self._file is None or self._file.written >= len(self._span):
            raise ValueError("the writer is not open, or every frame of the span was written")
        self._file.put(picture)

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
        assert self._file is not None
        if self._file.written < len(self._span):
            raise UserError(
                f"{self.path} would hold {self._file.written} of {len(self._span)} frames.",
                hint="Choose a range of frames that can be read.",
                code="delivery.incomplete",
            )
        self._file.finish()

    def _verify(self, part: Path) -> None:
        assert self._file is not None
        try:
            with open_container(part) as container:
                # Every frame is decoded; how smooth it looks is no question here.
                container.streams.video[0].codec_context.options = {"skip_loop_filter": "all"}
                found = 0
                for found, _ in enumerate(container.decode(video=0), start=1):
                    if self._read_back is not None:
                        self._read_back(found, self._file.written)
        except MEDIA_ERRORS as error:
            raise UserError(
                f"{self.path} does not read back: {error}.", hint="Check the disk.", code="delivery.verify"
            ) from error
        if found != self._file.written:
            raise UserError(
                f"{self.path} reads back {found} of {self._file.written} frames.",
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
        read_back: told of frames that were read back and of how many there are; what it raises ends the work, and
            what was at `path` stays.
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
        read_back: ReadBack | None = None,
    ) -> None:
        super().__init__(
            path,
            info=info,
            span=span,
            encoding=H264_PREVIEW,
            bytes_per_pixel=_OVERLAY_BYTES_PER_PIXEL,
            odd_size=odd_size,
            with_audio=with_audio,
            read_back=read_back,
        )
        self._style = style

    def write(self, frame: np.ndarray, masks: Sequence[Rle | np.ndarray]) -> None:
        """Write the span's next frame, (H, W, 3) uint8 RGB, with its objects' masks of the same size.

        Raises:
            UserError: if the disk or the encoder refuses.
        """
        drawn = fitted(draw_overlay(frame, masks, style=self._style), width=self._width, height=self._height)
        self._put(opaque_frame(drawn, "yuv420p"))


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
            encoding=H264_MATTE,
            bytes_per_pixel=_MATTE_BYTES_PER_PIXEL,
            odd_size=odd_size,
            with_audio=False,
        )

    def write(self, mask: Rle | np.ndarray) -> None:
        """Write the span's next mask, (H, W) bool or `Rle`. Raises: UserError: if the disk or the encoder refuses."""
        solid = fitted(
            as_mask(mask, height=self._info.height, width=self._info.width), width=self._width, height=self._height
        )
        self._put(matte_frame(solid, "yuv420p"))


def even_side(side_px: int, odd_size: OddSize) -> int:
    """The side of the output: cropping keeps at least two pixels."""
    return side_px + side_px % 2 if odd_size == "pad" or side_px == 1 else side_px - side_px % 2
