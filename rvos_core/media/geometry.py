"""From a decoded frame to the picture a person sees: rotation, mirroring and pixel aspect, applied here and only here.

Masks, boxes and exports live in this display geometry; nothing else in the program knows the coded one.
"""

from __future__ import annotations

import hashlib
import math
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

_ASPECT_LIMITS = (Fraction(1, 10), Fraction(10))


@dataclass(frozen=True)
class DisplayGeometry:
    """How a coded picture is shown: stretched by the pixel aspect, then transposed, then flipped.

    Attributes:
        coded_width, coded_height: pixels as decoded.
        sample_aspect: width of a coded pixel over its height; the picture's width is multiplied by it.
        transpose: rows become columns.
        flip_columns, flip_rows: mirrored left-right, top-bottom; after the transposition.
    """

    coded_width: int
    coded_height: int
    sample_aspect: Fraction = Fraction(1)
    transpose: bool = False
    flip_columns: bool = False
    flip_rows: bool = False

    @property
    def stretched_width(self) -> int:
        """Width before rotation, pixel aspect applied; at least one pixel."""
        return max(1, round(self.coded_width * self.sample_aspect))

    @property
    def width(self) -> int:
        return self.coded_height if self.transpose else self.stretched_width

    @property
    def height(self) -> int:
        return self.stretched_width if self.transpose else self.coded_height

    @property
    def is_mirrored(self) -> bool:
        return self.transpose ^ self.flip_columns ^ self.flip_rows

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn (0, 90, 180, 270); of a mirrored picture, the turn that follows a left-right flip."""
        if self.transpose:
            return 270 if self.flip_rows ^ self.is_mirrored else 90
        return 180 if self.flip_rows else 0

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Turn a coded picture (coded_height, coded_width, ...) into the displayed (height, width, ...), contiguous."""
        if self.stretched_width != self.coded_width:
            shrinks = self.stretched_width < self.coded_width
            size = (self.stretched_width, self.coded_height)
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.flip_columns:
            picture = picture[:, ::-1]
        if self.flip_rows:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


def geometry_of(frame: VideoFrame, sample_aspect: Fraction | None) -> tuple[DisplayGeometry, list[str]]:
    """Geometry that `frame`'s display matrix and the stream's pixel aspect ask for, and warnings about odd values."""
    warnings = []
    aspect = sample_aspect or Fraction(1)
    if not _ASPECT_LIMITS[0] <= aspect <= _ASPECT_LIMITS[1]:
        warnings.append(f"The file claims pixels {float(aspect):.3g} times as wide as high; they are shown square.")
        aspect = Fraction(1)
    transpose = flip_columns = flip_rows = False
    matrix = _display_matrix(frame)
    if matrix is not None:
        a, b, c, d = matrix
        turn = math.degrees(math.atan2(b, a)) % 90
        if min(turn, 90 - turn) > 1:
            warnings.append("The file asks for a turn that is no multiple of 90 degrees; the nearest one is used.")
        transpose = abs(b) > abs(a)
        flip_rows, flip_columns = (b < 0, c < 0) if transpose else (d < 0, a < 0)
    geometry = DisplayGeometry(frame.width, frame.height, aspect, transpose, flip_columns, flip_rows)
    if geometry.is_mirrored:
        warnings.append("The file asks to be shown mirrored; it is.")
    return geometry, warnings


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int] | None:
    """The linear part (a, b, c, d) of FFmpeg's display matrix: (x, y) goes to (a x + c y, b x + d y), y downwards."""
    try:
        data = _find_side_data(frame, SideDataType.DISPLAYMATRIX)
    except ValueError:  # PyAV gives up on side data of a kind it has no name for; the angle alone is still there
        turn = math.radians(-frame.rotation)
        a, b = round(math.cos(turn) * 65536), round(math.sin(turn) * 65536)
        return a, b, -b, a
    if data is None:
        return None
    values = struct.unpack("=9i", bytes(data)[:36])
    a, b, c, d = values[0], values[1], values[3], values[4]
    return (a, b, c, d) if a * d - b * c else None


def _find_side_data(frame: VideoFrame, kind: SideDataType) -> SideData | None:
    container = cast("Sequence[SideData]", frame.side_data)  # PyAV types it as a mapping of names
    return next((container[i] for i in range(len(container)) if container[i].type == kind), None)


class DecodedFrame:
    """One decoded frame in the decoder's own pixel format, with everything needed to show it; immutable to callers.

    Several threads may ask the same frame for its picture: FFmpeg's converter writes to the frame for a moment, hence
    the lock.
    """

    __slots__ = ("_frame", "_lock", "nbytes", "pts")

    def __init__(self, frame: VideoFrame) -> None:
        self._frame = frame
        self._lock = threading.Lock()
        self.pts: int | None = frame.pts
        self.nbytes = sum(plane.buffer_size for plane in frame.planes)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as coded, pixels."""
        return self._frame.width, self._frame.height

    def to_rgb(self, geometry: DisplayGeometry) -> np.ndarray:
        """The displayed picture: (height, width, 3) uint8 RGB.

        Always rgb24 with one converter thread: other targets and more threads leave wrong pixels at slice borders.
        Colours follow the frame's own matrix and range tags; HDR transfer curves are not mapped, alpha is dropped.
        """
        with self._lock:
            picture = _as_rgb(self._frame)
        return geometry.apply(picture)

    def fingerprint(self) -> int:
        """A number that differs when any visible sample differs (64-bit row sums, order of rows included)."""
        with self._lock:
            frame = self._frame
            components = frame.format.components
            planes: list[np.ndarray]
            if len(components) == len(frame.planes) and all(p.line_size > 0 for p in frame.planes):
                planes = [_samples(frame, index) for index in range(len(frame.planes))]
            else:  # packed or palette formats: compare what is shown
                picture = _as_rgb(frame)
                planes = [picture.reshape(picture.shape[0], -1)]
            digest = hashlib.blake2b(b"".join(_row_sums(plane) for plane in planes), digest_size=8)
            return int.from_bytes(digest.digest(), "big")


def _as_rgb(frame: VideoFrame) -> np.ndarray:
    """(height, width, 3) uint8 as coded, by a converter of its own: `frame.reformat` would keep one with every frame,
    0.1 MB that no cache knows of."""
    return VideoReformatter().reformat(frame, format="rgb24", threads=1).to_ndarray()


def _samples(frame: VideoFrame, index: int) -> np.ndarray:
    """Bytes of one plane without the padding at the end of its lines: (rows, bytes)."""
    plane = frame.planes[index]
    sample_bytes = max(1, (frame.format.components[index].bits + 7) // 8)
    lines: np.ndarray = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width * sample_bytes]


def _row_sums(rows: np.ndarray) -> bytes:
    whole = rows.shape[1] // 8 * 8
    sums = np.ascontiguousarray(rows[:, :whole]).view(np.uint64).sum(axis=1, dtype=np.uint64)
    rest = rows[:, whole:].sum(axis=1, dtype=np.uint64)
    return bytes(sums.tobytes() + rest.tobytes())
