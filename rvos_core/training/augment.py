"""What is done to the frames of a clip before a network sees them: the same to every frame, masks along with pictures.

ReferFormer's published code and its paper, section 4.2: flips, light, crops, short sides of 288 to 512 and long ones up
to 640; pseudo-clips from pictures by turns within 20 degrees (supplement B). Numbers of light are those of SSD (Liu et
al., ECCV 2016, section 3.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np

_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_IMAGENET_GREY = (124, 116, 104)


@dataclass(frozen=True)
class Augment:
    """What may happen.

    Attributes:
        sides: short sides in pixels, one of which is drawn.
        longest: long side at most.
        flip: share of clips that are mirrored; "left" and "right" of their sentence change places.
        light: brightness, contrast, saturation and hue change.
        crop: half of the clips are cut to a part first, of `crop_sides` pixels a side.
        crop_first: short sides to which a clip is brought before it is cut.
        turn: pictures that become clips are turned by up to so many degrees, each frame by its own angle.
    """

    sides: tuple[int, ...] = (288, 320, 352, 392, 416, 448, 480, 512)
    longest: int = 640
    flip: float = 0.5
    light: bool = True
    crop: bool = True
    crop_first: tuple[int, ...] = (400, 500, 600)
    crop_sides: tuple[int, int] = (384, 600)
    turn: float = 20.0


@dataclass(frozen=True)
class ClipSample:
    """Frames (t, h, w, 3) uint8 RGB, labels (t, h, w) uint8 (0 background) and, where there is one, a sentence."""

    frames: np.ndarray
    labels: np.ndarray
    text: str = ""


def augmented(sample: ClipSample, augment: Augment, rng: np.random.Generator) -> ClipSample:
    """One draw of everything; the labels keep their values."""
    frames, labels, text = sample.frames, sample.labels, sample.text
    if rng.random() < augment.flip:
        frames, labels, text = frames[:, :, ::-1], labels[:, :, ::-1], mirrored_text(text)
    if augment.light:
        frames = relit(frames, rng)
    if augment.crop and rng.random() < 0.5:
        frames, labels = _resized(frames, labels, int(rng.choice(augment.crop_first)), longest=None)
        frames, labels = _cut(frames, labels, augment.crop_sides, rng)
    frames, labels = _resized(frames, labels, int(rng.choice(augment.sides)), longest=augment.longest)
    return ClipSample(np.ascontiguousarray(frames), np.ascontiguousarray(labels), text)


def mirrored_text(text: str) -> str:
    """The sentence about the mirrored picture: left and right change places."""
    return _SIDES.sub(lambda found: {"left": "right", "right": "left"}[found[0].lower()], text)


def relit(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each of brightness, contrast, saturation and hue with a chance of one half; the same for all frames."""
    values = frames.astype(np.float32)
    if rng.random() < 0.5:
        values = values + rng.uniform(-32, 32)
    contrast_first, contrast = rng.random() < 0.5, rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    if contrast_first:
        values = values * contrast
    saturation = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    hue = rng.uniform(-18, 18) if rng.random() < 0.5 else 0.0
    if saturation != 1.0 or hue != 0.0:
        values = np.stack([_recoloured(frame, saturation, hue) for frame in values.clip(0, 255) / np.float32(255)])
    if not contrast_first:
        values = values * contrast
    return values.clip(0, 255).round().astype(np.uint8)


def _recoloured(frame: np.ndarray, saturation: float, hue: float) -> np.ndarray:
    hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + hue) % 360
    hsv[..., 1] = (hsv[..., 1] * saturation).clip(0, 1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * np.float32(255)


def turned_clip(sample: ClipSample, *, frames: int, degrees: float, rng: np.random.Generator) -> ClipSample:
    """A picture (t = 1) as a clip: each frame is the picture turned about its middle by an angle of its own.

    Where the turned picture ends there is ImageNet's mean colour and no object.
    """
    height, width = sample.labels.shape[1:]
    pictures, labels = [], []
    for _ in range(frames):
        matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), rng.uniform(-degrees, degrees), 1.0)
        size = (width, height)
        pictures.append(
            cv2.warpAffine(sample.frames[0], matrix, size, flags=cv2.INTER_LINEAR, borderValue=_IMAGENET_GREY)
        )
        labels.append(cv2.warpAffine(sample.labels[0], matrix, size, flags=cv2.INTER_NEAREST, borderValue=(0,)))
    return ClipSample(np.stack(pictures), np.stack(labels), sample.text)


def _resized(
    frames: np.ndarray, labels: np.ndarray, short: int, *, longest: int | None
) -> tuple[np.ndarray, np.ndarray]:
    height, width = labels.shape[1:]
    scale = short / min(height, width)
    if longest is not None:
        scale = min(scale, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pictures = np.stack([cv2.resize(np.ascontiguousarray(frame), size, interpolation=way) for frame in frames])
    masks = [cv2.resize(np.ascontiguousarray(each), size, interpolation=cv2.INTER_NEAREST_EXACT) for each in labels]
    return pictures, np.stack(masks)


def _cut(
    frames: np.ndarray, labels: np.ndarray, sides: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    height, width = labels.shape[1:]
    tall, wide = (int(rng.integers(min(sides[0], side), min(sides[1], side) + 1)) for side in (height, width))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    part = np.s_[:, top : top + tall, left : left + wide]
    return frames[part], labels[part]
