"""The paints that stand for the colour words of the street world."""

from __future__ import annotations

import numpy as np

Rgb = tuple[int, int, int]

_PAINT: dict[str, Rgb] = {
    "red": (206, 26, 34),
    "blue": (30, 72, 205),
    "green": (34, 148, 58),
    "yellow": (240, 214, 36),
    "white": (240, 240, 236),
    "black": (26, 26, 30),
    "orange": (246, 130, 18),
    "purple": (128, 44, 168),
    "brown": (124, 78, 44),
    "pink": (246, 140, 184),
    "grey": (132, 134, 138),
}
_SKIN: tuple[Rgb, ...] = ((241, 205, 178), (224, 178, 144), (190, 138, 100), (140, 94, 66), (98, 66, 48))
_HAIR: tuple[Rgb, ...] = ((38, 28, 24), (72, 48, 30), (112, 78, 46), (176, 142, 88), (120, 118, 116))
_NEUTRAL: tuple[Rgb, ...] = ((58, 58, 62), (96, 96, 100), (140, 140, 142), (84, 72, 60))


def paint(word: str, rng: np.random.Generator) -> Rgb:
    """One RGB paint (0..255) for a colour word, varied a little so that a word is a range and not a value."""
    gain = float(rng.uniform(0.9, 1.06))
    jitter = rng.uniform(-10.0, 10.0, 3) * (0.3 if word in {"black", "white", "grey"} else 1.0)
    red, green, blue = (int(min(max(c * gain + j, 0.0), 255.0)) for c, j in zip(_PAINT[word], jitter, strict=True))
    return red, green, blue


def skin(rng: np.random.Generator) -> Rgb:
    """A skin tone."""
    return _SKIN[int(rng.integers(len(_SKIN)))]


def hair(rng: np.random.Generator) -> Rgb:
    """A hair colour."""
    return _HAIR[int(rng.integers(len(_HAIR)))]


def neutral(rng: np.random.Generator) -> Rgb:
    """A grey or brown that no colour word names: shoes, bags, helmets, bike frames."""
    return _NEUTRAL[int(rng.integers(len(_NEUTRAL)))]


def shade(colour: Rgb, factor: float) -> Rgb:
    """`colour` darker (factor below 1) or mixed towards white (factor above 1)."""
    if factor <= 1.0:
        return int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor)
    mix = min(factor - 1.0, 1.0)
    red, green, blue = (int(c + (255 - c) * mix) for c in colour)
    return red, green, blue
