"""The measurements of `rvos bench`: CPU time of one process, ours and the reference in turn, medians."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from rvos_core.types import CancelToken

_ROUNDS = 7


@dataclass(frozen=True)
class Row:
    """One comparison. `ratio` is reference time over our time; `limit` the least ratio that is promised."""

    name: str
    ratio: float
    ours_ms: float
    reference_ms: float
    limit: float
    note: str


def kernels(cancel: CancelToken) -> list[Row]:
    """Multi-scale deformable attention at the encoder's size for 640x360, two frames, and reading a memory of nine
    frames of 854x480, against the plain torch forms.
    """
    import torch

    from rvos_kernels.ms_deform_attn import available_forms

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        forms = available_forms()
        calls = {name: partial(form, **attention_arguments()) for name, form in forms.items() if name != "dispatch"}
        reference = calls.pop("reference")
        rows = []
        with torch.inference_mode():
            for name, ours in calls.items():
                cancel.raise_if_cancelled()
                difference = float((ours() - reference()).abs().max())
                note = f"against grid_sample; greatest difference {difference:.1e}"
                row = side_by_side(
                    f"deformable attention, {name}", ours, reference, limit=_ATTENTION_LIMITS[name], note=note
                )
                rows.append(row)
            cancel.raise_if_cancelled()
            rows.append(_memory_reading())
        return rows
    finally:
        torch.set_num_threads(threads)


def _memory_reading() -> Row:
    """What a step of isvos-mini reads of nine remembered frames at 854x480, against `torch.topk` on whole rows."""
    import torch

    from rvos_core.models.blocks.memory_reading import key_columns, query_rows, read_memory

    dice = torch.Generator().manual_seed(0)
    height, width, keys, values, frames, top_k = 44, 80, 48, 96, 9, 20
    query = torch.randn(1, keys, height, width, generator=dice)
    remembered = torch.randn(1, keys, frames * height * width, generator=dice)
    said = torch.randn(1, 1, values, frames * height * width, generator=dice)

    def plain() -> torch.Tensor:
        """The reference: sort every row."""
        nearest, places = (query_rows(query.flatten(2)) @ key_columns(remembered)).topk(top_k, dim=-1)
        mixed = torch.nn.functional.embedding_bag(
            places[0], said[0, 0].t().contiguous(), per_sample_weights=nearest[0].softmax(-1), mode="sum"
        )
        return mixed.t().reshape(1, 1, values, height, width)

    def ours() -> torch.Tensor:
        return read_memory(remembered, said, query, top_k=top_k)

    note = f"nine frames of 854x480; greatest difference {float((ours() - plain()).abs().max()):.1e}"
    return side_by_side("memory, the nearest cells", ours, plain, limit=1.5, note=note)


def masks(cancel: CancelToken) -> list[Row]:
    """Run lengths of a 1920x1080 mask against pycocotools, mask PNG files against Pillow."""
    from rvos_core.masks import decode, encode, iou, mask_png_bytes

    mask = _rider_like_mask(1080, 1920)
    rle = encode(mask)
    rows = [
        side_by_side(
            "mask PNG, write",
            lambda: mask_png_bytes(mask),
            lambda: _pillow_png(mask),
            limit=1.0,
            note="1920x1080; against Pillow",
        )
    ]
    cancel.raise_if_cancelled()
    if importlib.util.find_spec("pycocotools") is None:
        return rows
    from pycocotools import mask as coco

    theirs = coco.encode(np.asfortranarray(mask.view(np.uint8)))
    shifted = np.roll(mask, 40, axis=1)
    other, their_other = encode(shifted), coco.encode(np.asfortranarray(shifted.view(np.uint8)))
    note = "1920x1080; against pycocotools"
    return [
        *rows,
        side_by_side("run lengths, decode", lambda: decode(rle), lambda: coco.decode(theirs), limit=1.0, note=note),
        side_by_side(
            "run lengths, encode",
            lambda: encode(mask),
            lambda: coco.encode(np.asfortranarray(mask.view(np.uint8))),
            limit=1.0,
            note=note,
        ),
        side_by_side(
            "run lengths, IoU",
            lambda: iou(rle, other),
            lambda: coco.iou([theirs], [their_other], [0]),
            limit=0.1,
            note=note,
        ),
    ]


def media(cancel: CancelToken) -> list[Row]:
    """Reading the demo clip from its first frame to its last, and stepping about in it, against OpenCV's reader."""
    import cv2

    from rvos_core.media import open_media
    from rvos_resources.paths import demo_dir

    path = demo_dir() / "street.mp4"
    with open_media(path) as reader:
        jumps = np.random.default_rng(0).integers(0, len(reader), 12).tolist()

        def ours_at_random() -> None:
            with reader.reopen() as fresh:
                for index in jumps:
                    fresh.frame(index)

        def theirs_in_order() -> None:
            capture = cv2.VideoCapture(str(path))
            while capture.read()[0]:
                pass
            capture.release()

        def theirs_at_random() -> None:
            """OpenCV's reader at the same frames."""
            capture = cv2.VideoCapture(str(path))
            for index in jumps:
                capture.set(cv2.CAP_PROP_POS_FRAMES, index)
                capture.read()
            capture.release()

        cancel.raise_if_cancelled()
        note = "854x480 H.264, RGB frames; against OpenCV's FFmpeg reader"
        return [
            side_by_side(
                "read a clip in order", lambda: sum(1 for _ in reader.frames()), theirs_in_order, limit=0.5, note=note
            ),
            side_by_side(
                "read 12 frames at random",
                ours_at_random,
                theirs_at_random,
                limit=0.5,
                note=note,
            ),
        ]


def document(cancel: CancelToken) -> list[Row]:
    """See `bench_document`."""
    from rvos_core.cli.bench_document import document as measure

    return measure(cancel)


def clicks(cancel: CancelToken) -> list[Row]:
    """See `bench_clicks`."""
    from rvos_core.cli.bench_clicks import clicks as measure

    return measure(cancel)


def export(cancel: CancelToken) -> list[Row]:
    """See `bench_export`."""
    from rvos_core.cli.bench_export import export as measure

    return measure(cancel)


SUITES: dict[str, Callable[[CancelToken], list[Row]]] = {
    "kernels": kernels,
    "masks": masks,
    "media": media,
    "document": document,
    "clicks": clicks,
    "export": export,
}

_ATTENTION_LIMITS = {"bag": 1.2, "numba": 4.0}


def attention_arguments() -> dict[str, Any]:
    """Two frames of 640x360, 8 heads of 32 channels, 4 levels, 4 points; samples gather round their own cell."""
    import torch

    shapes = [(45, 80), (23, 40), (12, 20), (6, 10)]
    cells = sum(h * w for h, w in shapes)
    dice = torch.Generator().manual_seed(0)
    centres = torch.cat(
        [
            torch.stack(
                torch.meshgrid((torch.arange(w) + 0.5) / w, (torch.arange(h) + 0.5) / h, indexing="xy"), dim=-1
            ).reshape(-1, 2)
            for h, w in shapes
        ]
    )
    spread = 0.05 * torch.randn(2, cells, 8, 4, 4, 2, generator=dice)
    return {
        "value": torch.randn(2, cells, 8, 32, generator=dice),
        "spatial_shapes": shapes,
        "sampling_locations": centres[None, :, None, None, None] + spread,
        "attention_weights": torch.rand(2, cells, 8, 4, 4, generator=dice)
        .flatten(3)
        .softmax(-1)
        .view(2, cells, 8, 4, 4),
    }


def _rider_like_mask(height: int, width: int) -> np.ndarray:
    """(height, width) bool: a few ellipses with a ragged edge, a tenth of the frame."""
    y, x = np.ogrid[:height, :width]
    ragged = 1 + 0.1 * np.sin(x / 7.0) * np.cos(y / 5.0)
    parts = [(0.5, 0.5, 0.2, 0.12), (0.28, 0.5, 0.06, 0.05), (0.72, 0.42, 0.12, 0.08), (0.72, 0.6, 0.12, 0.08)]
    mask = np.zeros((height, width), dtype=bool)
    for centre_y, centre_x, half_height, half_width in parts:
        distance = ((y / height - centre_y) / half_height) ** 2 + ((x / width - centre_x) / half_width) ** 2
        mask |= distance < ragged
    return mask


def _pillow_png(mask: np.ndarray) -> bytes:
    from PIL import Image

    content = BytesIO()
    Image.fromarray(mask.view(np.uint8) * np.uint8(255)).save(content, format="PNG")
    return content.getvalue()


def side_by_side(
    name: str, ours: Callable[[], object], reference: Callable[[], object], *, limit: float, note: str
) -> Row:
    """Median of the processor's time of both, in turn, after one turn to warm up."""
    times: dict[str, list[float]] = {"ours": [], "reference": []}
    for turn in range(_ROUNDS + 1):
        for who, work in (("ours", ours), ("reference", reference)):
            began = time.process_time()
            work()
            if turn:  # the first turn warms up
                times[who].append((time.process_time() - began) * 1000)
    ours_ms, reference_ms = statistics.median(times["ours"]), statistics.median(times["reference"])
    return Row(name, reference_ms / max(ours_ms, 1e-6), ours_ms, reference_ms, limit, note)
