"""The two ways to say what moves: the flow network, and a form without weights that is its specification."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rvos_core.errors import UserError
from rvos_core.inference.motion.moments import MotionSegmenter

FLOW_MODEL = "flow-mini"


class NetworkSegmenter:
    """The flow network on one device."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        from rvos_core.weights.bundle import load_bundle

        self._device = device
        self._model = load_bundle(folder).seeing_motion().to(device).eval()

    def __call__(self, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import torch

        with torch.inference_mode():
            found = self._model(torch.from_numpy(view)[None].to(self._device))
        return found.moving[0].cpu().numpy(), found.offsets[0].permute(1, 2, 0).cpu().numpy()


class ClassicSegmenter:
    """Residual flow that stands out: coarser, and fooled by water, leaves and parallax."""

    def __call__(self, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        back, ahead = view[2:4], view[6:8]
        speed = np.sqrt(np.maximum(np.square(back).sum(0), np.square(ahead).sum(0)))
        small = cv2.GaussianBlur(cv2.resize(speed, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), (0, 0), 1.5)
        usual, high = np.percentile(small, 50), np.percentile(small, 99)
        limit = max(usual + 0.35 * (high - usual), 2.5 * usual)
        logits = (6.0 * (small - limit) / max(high - usual, 1e-3)).astype(np.float32)
        return logits, np.zeros((*small.shape, 2), np.float32)


def load_segmenter(*, device: str = "cpu") -> tuple[MotionSegmenter, str]:
    """The network; without its weights the classic form, and a sentence that says so."""
    from rvos_core.models.registry import model_folder

    try:
        return NetworkSegmenter(model_folder(FLOW_MODEL), device=device), ""
    except UserError as error:
        return (
            ClassicSegmenter(),
            f"The flow network cannot be used ({error.message}): what moves is seen more coarsely.",
        )
