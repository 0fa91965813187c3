"""How good mattes are: against a picture whose alpha is known, and on a drawn edge of hair that moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rvos_core.errors import UserError
from rvos_core.matte import (
    LOOK_BACK,
    MatteRenderer,
    MatteSettings,
    MatteStack,
    Refine,
    closed_form_alpha,
    straight_colours,
)
from rvos_core.types import CancelToken

DOWN, RIGHT = 1, 2  # motion of the hair in `hairy_clip`, pixels a frame: whole ones, so that it can be taken back

_SOFT = (0.02, 0.98)  # alpha between these is mixed


@dataclass(frozen=True)
class Example:
    """A picture whose matte is known.

    `frame` (H, W, 3) uint8 RGB; `alpha` (H, W) float32, 0..1; `colours` (H, W, 3) uint8 straight RGB; `trimap` (H, W)
    uint8, as `closed_form_alpha` takes it.
    """

    frame: np.ndarray
    alpha: np.ndarray
    colours: np.ndarray
    trimap: np.ndarray


@dataclass(frozen=True)
class MatteReport:
    """Errors as shares of those of doing nothing.

    Attributes:
        soft_edge, refined: sum of absolute alpha errors from the true binary mask, by the sum of the mask's own.
        given_trimap: the same from the trimap beside the picture.
        colours: mean error of straight colours where alpha is between 0.02 and 0.98, by that of the picture itself.
        flicker: mean change from frame to frame along the true motion (where truth does not change), by that of frames
            refined each on its own.
        steady_error: mean alpha error of the steadied frames, by that of frames refined each on its own.
    """

    soft_edge: float
    refined: float
    given_trimap: float
    colours: float
    flicker: float
    steady_error: float

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {name: round(value, 4) for name, value in vars(self).items()}


def measure_mattes(
    folder: Path, *, progress: Callable[[int, int], None] | None = None, cancel: CancelToken | None = None
) -> MatteReport:
    """Measure on the picture in `folder` (as `read_example` takes it) and on `hairy_clip`.

    Raises:
        UserError: if a file is missing or of another size.
        Cancelled: once `cancel` is set.
    """
    example = read_example(folder)
    mask = example.alpha > 0.5
    worst = _sad(mask.astype(np.float32), example.alpha)

    def share(settings: MatteSettings) -> float:
        renderer = MatteRenderer(lambda _: example.frame, lambda _: mask, MatteStack(settings), cancel=cancel)
        return _sad(renderer.matte(0).alpha, example.alpha) / worst

    def step(done: int) -> None:
        if progress is not None:
            progress(done, 4)

    soft, refined = share(MatteSettings()), share(MatteSettings(refine=Refine.EDGE))
    step(1)
    given = _sad(closed_form_alpha(example.frame, example.trimap, cancel=cancel), example.alpha) / worst
    step(2)
    colours = colour_error(example)
    step(3)
    flicker, error = flicker_ratio(cancel=cancel)
    step(4)
    return MatteReport(soft, refined, given, colours, flicker, error)


def read_example(folder: Path) -> Example:
    """A folder `NAME` with NAME.png, NAME_alpha.png, NAME_foreground.png and NAME_trimap.png, as PyMatting has it.

    Raises:
        UserError: if one of them is missing, or of another size than NAME.png.
    """
    name = folder.name
    frame = _picture(folder / f"{name}.png", cv2.IMREAD_COLOR)
    alpha = _picture(folder / f"{name}_alpha.png", cv2.IMREAD_GRAYSCALE, like=frame)
    colours = _picture(folder / f"{name}_foreground.png", cv2.IMREAD_COLOR, like=frame)
    trimap = _picture(folder / f"{name}_trimap.png", cv2.IMREAD_GRAYSCALE, like=frame)
    return Example(
        cv2.cvtColor(frame, cv2.COLOR_BGR2RGB),
        alpha.astype(np.float32) / 255,
        cv2.cvtColor(colours, cv2.COLOR_BGR2RGB),
        trimap,
    )


def colour_error(example: Example) -> float:
    """Mean error of `straight_colours` (from the true alpha) in mixed pixels, by that of the picture itself."""
    mixed = (example.alpha > _SOFT[0]) & (example.alpha < _SOFT[1])
    wanted = example.colours[mixed].astype(np.float64)
    found = straight_colours(example.frame, example.alpha)[mixed]
    return float(np.abs(found - wanted).mean() / np.abs(example.frame[mixed] - wanted).mean())


def flicker_ratio(*, cancel: CancelToken | None = None) -> tuple[float, float]:
    """Flicker and alpha error of refined, steadied frames of `hairy_clip`, each by that of frames refined alone."""
    frames, masks, truth = hairy_clip()

    def alphas(steady: float) -> np.ndarray:
        stack = MatteStack(MatteSettings(refine=Refine.EDGE, steady=steady))
        renderer = MatteRenderer(lambda i: frames[i], lambda i: masks[i], stack, cancel=cancel)
        return np.stack([renderer.matte(index).alpha for index in range(len(frames))])

    alone, steady = alphas(0.0), alphas(1.0)
    settled = range(LOOK_BACK + 1, len(frames))  # frames that, like the one before, have enough to look back on

    def flicker(found: np.ndarray) -> float:
        # Carried along the true motion, true alpha does not change: all that changes is too much.
        return float(np.mean([np.abs(found[t][DOWN:, RIGHT:] - found[t - 1][:-DOWN, :-RIGHT]) for t in settled]))

    def error(found: np.ndarray) -> float:
        return float(np.mean([np.abs(found[t] - truth[t]) for t in settled]))

    return flicker(steady) / flicker(alone), error(steady) / error(alone)


def hairy_clip(*, count: int = 8, side: int = 128, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head of hair drawn over a rough ground, both moving, with grain; its masks tremble as a network's do.

    Returns:
        Frames (T, H, W, 3) uint8 RGB, masks (T, H, W) bool, true alphas (T, H, W) float32.
    """
    dice = np.random.default_rng(seed)
    hairs = [(dice.uniform(0, 2 * np.pi), dice.uniform(0.30, 0.42), dice.uniform(-0.3, 0.3)) for _ in range(90)]
    wide = 4 * side
    rough = cv2.GaussianBlur(dice.normal(0, 1, (wide, wide, 3)).astype(np.float32), (0, 0), 24)
    ground = np.array([70, 110, 60]) + rough / rough.std() * 12
    fur = np.array([200, 170, 140]) + cv2.GaussianBlur(dice.normal(0, 30, (wide, wide, 1)), (0, 0), 1.5)[..., None]
    frames, masks, truth = [], [], []
    for index in range(count):
        centre = np.array([0.44, 0.47]) * side + index * np.array([RIGHT, DOWN])
        alpha = _hair(hairs, centre, side)
        moved = np.roll(ground, (0, -index), (0, 1))[:side, :side]
        coat = np.roll(fur, (DOWN * index, RIGHT * index), (0, 1))[:side, :side]
        picture = alpha[..., None] * coat + (1 - alpha[..., None]) * moved
        frames.append((picture + dice.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8))
        tremble = cv2.GaussianBlur(dice.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 6)
        soft = cv2.GaussianBlur(alpha, (0, 0), 3)
        masks.append(soft + 0.12 * tremble / tremble.std() > 0.5)
        truth.append(alpha)
    return np.stack(frames), np.stack(masks), np.stack(truth)


def _hair(hairs: list[tuple[float, float, float]], centre: np.ndarray, side: int) -> np.ndarray:
    """(side, side) float32: a disc with hairs, drawn at eight times the size and averaged."""
    fine = 8
    drawn = np.zeros((side * fine, side * fine), dtype=np.uint8)
    middle = centre * fine
    cv2.circle(drawn, np.rint(middle).astype(int).tolist(), round(0.26 * side * fine), 255, -1)
    for angle, length, bend in hairs:
        turns = angle + bend * np.linspace(0, 1, 8) ** 2
        reach = np.linspace(0.2, length, 8) * side * fine
        line = middle + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        cv2.polylines(drawn, [np.rint(line).astype(np.int32)], False, 255, 8)
    return np.asarray(cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255)


def _sad(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found.astype(np.float64) - wanted).sum())


def _picture(path: Path, kind: int, *, like: np.ndarray | None = None) -> np.ndarray:
    hint = "The folder NAME holds NAME.png, NAME_alpha.png, NAME_foreground.png and NAME_trimap.png, all of one size."
    if not path.is_file():
        raise UserError(f"{path} is not there.", hint=hint, code="matte.no_example")
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), kind) if path.stat().st_size else None
    if picture is None or (like is not None and picture.shape[:2] != like.shape[:2]):
        raise UserError(f"{path} is no picture of the right size.", hint=hint, code="matte.bad_example")
    return np.asarray(picture)
