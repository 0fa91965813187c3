"""What a camera does to a clean drawing: light, tint, blur, noise, compression. Masks are not touched by any of it."""

from __future__ import annotations

import io

import cv2
import numpy as np


def degrade_frames(frames: np.ndarray, rng: np.random.Generator, *, strength: float, h264: float = 0.0) -> np.ndarray:
    """Degrade a clip; one setting for all frames, fresh noise for each.

    Args:
        frames: (T, H, W, 3) uint8 RGB.
        strength: 0 changes nothing, 1 is the usual range.
        h264: share of clips that go through a video encoder too, where PyAV is installed; those bytes differ between
            versions of the encoder, so nothing that is compared by hash may use it.

    Returns:
        (T, H, W, 3) uint8 RGB.
    """
    if strength <= 0.0:
        return frames
    table = _tone_table(rng, strength)
    blur = float(rng.uniform(0.0, 0.0055)) * strength * frames.shape[1] if rng.random() < 0.4 else 0.0
    sigma = float(rng.uniform(1.0, 7.0)) * strength if rng.random() < 0.7 else 0.0
    quality = int(100 - rng.uniform(10.0, 60.0) * min(strength, 1.0)) if rng.random() < 0.5 else 0
    noise = _noise_bank(rng, frames.shape[1:3]) if sigma else None
    out = np.empty_like(frames)
    for index, frame in enumerate(frames):
        picture: np.ndarray = cv2.LUT(frame, table)
        if blur > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        if noise is not None:
            picture = _add_noise(picture, noise, sigma, rng)
        if quality:
            _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            picture = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
        out[index] = picture
    if h264 > 0.0 and rng.random() < h264:
        return _encoded(out, crf=int(rng.integers(24, 42)))
    return out


def _encoded(frames: np.ndarray, *, crf: int) -> np.ndarray:
    """The frames after H.264 at a quality factor; unchanged where PyAV is missing or the size is odd."""
    try:
        import av
    except ImportError:
        return frames
    count, height, width = frames.shape[:3]
    if height % 2 or width % 2:
        return frames
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, mode="r") as source:
        decoded = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    return np.stack(decoded) if len(decoded) == count else frames


def _tone_table(rng: np.random.Generator, strength: float) -> np.ndarray:
    """(1, 256, 3) uint8: gain, gamma and a slight tint, mild enough that a colour keeps its name."""
    gamma = float(np.exp(strength * rng.uniform(-0.22, 0.22)))
    gain = 1.0 + strength * float(rng.uniform(-0.14, 0.12))
    tint = 1.0 + strength * rng.uniform(-0.04, 0.04, 3)
    levels = (np.arange(256) / 255.0) ** gamma
    table = np.clip(levels[:, None] * gain * tint * 255.0, 0, 255).astype(np.uint8)
    return table[None]


def _noise_bank(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A field of normal noise, a little larger than a frame: (h, w, 3) int16, unit standard deviation at 64."""
    return (rng.standard_normal((shape[0] + 16, shape[1] + 16, 3), np.float32) * 64.0).astype(np.int16)


def _add_noise(picture: np.ndarray, bank: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add a randomly placed and flipped window of the bank."""
    y, x = (int(v) for v in rng.integers(0, 17, 2))
    window = bank[y : y + picture.shape[0], x : x + picture.shape[1]]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    return np.clip(picture + (window * (sigma / 64.0)).round(), 0, 255).astype(np.uint8)
