"""What delivering costs: the processor's time of our writers, reading back included, against FFmpeg's command line and
bare OpenCV doing the same encode."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from rvos_core.cli.bench_suites import Row
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.outputs import H264_PREVIEW, OUTPUT_FORMATS, Encoding
from rvos_core.delivery.pixels import quantised
from rvos_core.delivery.plan import DeliveryObject, make_plan
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.delivery.video import OverlayVideoWriter
from rvos_core.types import CancelToken, FrameSpan, MediaInfo

_WIDTH, _HEIGHT, _ROUNDS = 854, 480, 3
_FRAMES, _STILLS = 48, 240  # of video, of pictures
_DIFFERENT = 8  # pictures, shown in turn
_ENCODE_LIMIT = 1 / 1.1  # our time is at most 1.1 times the reference's
_STILL_LIMIT = 0.9
_FFMPEG = f"{_FRAMES} frames; against FFmpeg's command"


def export(cancel: CancelToken) -> list[Row]:
    """H.264 overlay and ProRes 4444 against `ffmpeg`, where that is installed; PNG mattes against OpenCV."""
    pictures = [_picture(n) for n in range(_DIFFERENT)]
    alphas = [_alpha(n) for n in range(_DIFFERENT)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="rvos-bench-") as name:
        folder = Path(name)
        if shutil.which("ffmpeg") is not None:
            rows.append(_overlay(folder, pictures, cancel))
            rows.append(_prores(folder, pictures, alphas, cancel))
        rows.append(_png(folder, alphas, cancel))
    return rows


def _overlay(folder: Path, pictures: Sequence[np.ndarray], cancel: CancelToken) -> Row:
    raw = folder / "rgb.raw"
    with raw.open("wb") as file:
        for index in range(_FRAMES):
            file.write(pictures[index % _DIFFERENT].tobytes())

    def ours() -> None:
        with OverlayVideoWriter(folder / "ours.mp4", info=_info(_FRAMES), span=FrameSpan(0, _FRAMES)) as writer:
            for index in range(_FRAMES):
                writer.write(pictures[index % _DIFFERENT], [])

    command = _ffmpeg(raw, "rgb24", H264_PREVIEW, folder / "theirs.mp4")
    row = _compare("H.264 overlay", ours, lambda: _run(command), cancel, limit=_ENCODE_LIMIT, note=_FFMPEG)
    raw.unlink()
    return row


def _prores(folder: Path, pictures: Sequence[np.ndarray], alphas: Sequence[np.ndarray], cancel: CancelToken) -> Row:
    raw = folder / "rgba.raw"
    with raw.open("wb") as file:
        for index in range(_FRAMES):
            place = index % _DIFFERENT
            wide = pictures[place].astype(np.uint16) * np.uint16(257)
            file.write(np.dstack([wide, quantised(alphas[place], 65535)]).tobytes())
    encoding = OUTPUT_FORMATS["prores4444"].encoding("cutout", 10)
    assert encoding is not None
    command = _ffmpeg(raw, "rgba64le", encoding, folder / "theirs.mov")
    row = _compare(
        "ProRes 4444",
        lambda: _deliver(folder / "ours", DeliverySpec("prores4444"), pictures, alphas, count=_FRAMES),
        lambda: _run(command),
        cancel,
        limit=_ENCODE_LIMIT,
        note=_FFMPEG,
    )
    raw.unlink()
    return row


def _png(folder: Path, alphas: Sequence[np.ndarray], cancel: CancelToken) -> Row:
    place = folder / "theirs"
    place.mkdir()

    def theirs() -> None:
        for index in range(_STILLS):
            samples = (alphas[index % _DIFFERENT] * 65535 + 0.5).astype(np.uint16)
            cv2.imwrite(str(place / f"{index:04d}.png"), samples, [cv2.IMWRITE_PNG_COMPRESSION, 1])

    return _compare(
        "PNG mattes, 16 bit",
        lambda: _deliver(folder / "ours", DeliverySpec("png"), None, alphas, count=_STILLS),
        theirs,
        cancel,
        limit=_STILL_LIMIT,
        note=f"{_STILLS} frames; against bare cv2.imwrite",
    )


def _deliver(
    folder: Path,
    spec: DeliverySpec,
    pictures: Sequence[np.ndarray] | None,
    alphas: Sequence[np.ndarray],
    *,
    count: int,
) -> None:
    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        for index in wanted:
            place = index % _DIFFERENT
            yield index, None if pictures is None else pictures[place], alphas[place]

    deliver(make_plan(spec, info=_info(count), objects=[DeliveryObject(1, "disc")], folder=folder), frames)


def _compare(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    cancel: CancelToken,
    *,
    limit: float,
    note: str,
) -> Row:
    """Medians of the processor's time of both, of children too, in turn, after one turn to warm up."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(_ROUNDS + 1):
        for times, work in zip(spent, (ours, reference), strict=True):
            cancel.raise_if_cancelled()
            began = _seconds()
            work()
            if turn:
                times.append((_seconds() - began) * 1000)
    ours_ms, reference_ms = (statistics.median(times) for times in spent)
    shown = f"{_WIDTH}x{_HEIGHT}, ours read back, too; {note}"
    return Row(name, reference_ms / max(ours_ms, 1e-6), ours_ms, reference_ms, limit, shown)


def _seconds() -> float:
    """The processor's time of this process and of its children that have ended."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def _ffmpeg(raw: Path, pixel_format: str, encoding: Encoding, target: Path) -> list[str]:
    options = [part for name, value in encoding.options.items() for part in (f"-{name}:v", value)]
    source = ["-f", "rawvideo", "-pix_fmt", pixel_format, "-s", f"{_WIDTH}x{_HEIGHT}", "-r", "24", "-i", str(raw)]
    matrix = "scale=in_range=full:out_range=tv:out_color_matrix=bt709"
    made = ["-vf", matrix, "-c:v", encoding.codec, "-pix_fmt", encoding.pixel_format, *options, str(target)]
    return ["ffmpeg", "-v", "error", "-y", *source, *made]


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _info(frames: int) -> MediaInfo:
    return MediaInfo(
        path=Path("bench"),
        kind="images",
        width=_WIDTH,
        height=_HEIGHT,
        frame_count=frames,
        rate=Fraction(24),
        rate_is_assumed=False,
        is_variable_rate=False,
        pts=tuple(range(frames)),
        time_base=Fraction(1, 24),
        codec="raw",
        pixel_format="rgb24",
        coded_width=_WIDTH,
        coded_height=_HEIGHT,
        rotation_deg=0,
        sample_aspect=Fraction(1),
        has_audio=False,
    )


def _picture(number: int) -> np.ndarray:
    """(H, W, 3) uint8: soft shapes that move, and some grain."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float32)
    waves = [128 + 90 * np.sin((x + 6 * number) / scale) * np.cos(y / (scale + 7)) for scale in (23, 41, 67)]
    grain = np.random.default_rng(number).normal(0, 4, (_HEIGHT, _WIDTH, 3))
    return np.clip(np.dstack(waves) + grain, 0, 255).astype(np.uint8)


def _alpha(number: int) -> np.ndarray:
    """(H, W) float32: a disc with a soft edge."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float32)
    away = np.hypot(y - _HEIGHT / 2, x - _WIDTH / 3 - 9 * number)
    return np.asarray(np.clip((_HEIGHT * 0.3 - away) / 6 + 0.5, 0, 1), np.float32)
