"""Little clips whose pictures say their own number and whose sound says its own time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 128, 32
_BITS = 16
_CELL = WIDTH // _BITS
SOUND_RATE = 48_000


def numbered_picture(number: int) -> np.ndarray:
    """(32, 128, 3) uint8: the number in sixteen black and white bars."""
    bits = np.array([number >> bit & 1 for bit in range(_BITS)], np.uint8) * 255
    return np.repeat(np.repeat(np.repeat(bits[None, :, None], _CELL, axis=1), HEIGHT, axis=0), 3, axis=2)


def number_in(picture: np.ndarray) -> int:
    """Reads what `numbered_picture` wrote; also after scaling."""
    height, width = picture.shape[:2]
    middle = picture[height // 2, ((np.arange(_BITS) + 0.5) * width / _BITS).astype(int), 0]
    return int(sum(1 << bit for bit in range(_BITS) if middle[bit] > 127))


def write_numbered_clip(
    path: Path,
    count: int,
    *,
    rate: int = 25,
    pts_ms: Sequence[int] | None = None,
    sound: np.ndarray | None = None,
    sound_from_s: float = 0.0,
) -> Path:
    """Writes a lossless clip.

    Args:
        path: ends with `.mkv`.
        count: number of frames.
        rate: frames per second, where `pts_ms` does not say otherwise.
        pts_ms: time stamp of each frame in milliseconds.
        sound: (n,) int16 mono samples, 48,000 per second.
        sound_from_s: when the sound begins.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=rate)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono") if sound is not None else None
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(numbered_picture(index), format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = pts_ms[index] if pts_ms is not None else round(1000 * index / rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and sound is not None:
            for start in range(0, len(sound), 1024):
                piece = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="s16", layout="mono")
                piece.sample_rate, piece.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
                piece.pts = start + round(sound_from_s * SOUND_RATE)
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return path


def counting_sound(seconds: float) -> np.ndarray:
    """(n,) int16 samples: each says its own place, modulo 32,000."""
    return (np.arange(round(seconds * SOUND_RATE)) % 32_000).astype(np.int16)
