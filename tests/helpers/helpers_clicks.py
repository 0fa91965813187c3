"""A clicker for the tests of the window: GrabCut in a disc round the clicks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import cv2
import numpy as np

from rvos_core.models.api import Around, Clicks

_REACH_PX = 28


@dataclass(frozen=True)
class Answer:
    mask: np.ndarray
    clicker: str
    agreement: float


@dataclass
class GrabCutInDiscs:
    """As a `ClickAnswerer`. `gate`: an answer waits until it is set. `asked`: with what it was called."""

    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[Clicks] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self, frame: np.ndarray, clicks: Clicks, current: np.ndarray | None, around: Around) -> Answer:
        self.asked.append(clicks)
        self.threads.append(threading.current_thread().name)
        assert self.gate.wait(10)
        mask = grab(frame, clicks, current)
        truth = [mask[y, x] for x, y in clicks.positive] + [not mask[y, x] for x, y in clicks.negative]
        return Answer(mask, "GrabCut in discs", float(np.mean(truth)) if truth else 1.0)


def grab(frame: np.ndarray, clicks: Clicks, current: np.ndarray | None) -> np.ndarray:
    """(H, W) bool."""
    height, width = frame.shape[:2]
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    if current is not None:
        labels[current] = cv2.GC_PR_FGD
    if clicks.box is not None:
        left, top, right, bottom = clicks.box
        labels[top:bottom, left:right] = cv2.GC_PR_FGD
    else:
        near = np.zeros((height, width), np.uint8)
        for point in clicks.positive:
            cv2.circle(near, point, _REACH_PX, 1, -1)
        labels[(near > 0) & (labels == cv2.GC_BGD)] = cv2.GC_PR_BGD
    for points, label in ((clicks.positive, cv2.GC_FGD), (clicks.negative, cv2.GC_BGD)):
        for point in points:
            cv2.circle(labels, point, 2, int(label), -1)
    cv2.setRNGSeed(7)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(frame[..., ::-1]), labels, None, *models, 3, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
