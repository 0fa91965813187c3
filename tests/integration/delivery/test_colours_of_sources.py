"""Colours that a delivery cannot keep are told before the work starts: deep and HDR sources, made and real."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import tifffile
from numbered_clips import ClipSpec, write_clip

from helpers_data import shared_data
from helpers_delivery import plan_for
from ordered_projects import write_project
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.delivery.plan_checks import WIDE
from rvos_core.delivery.source import source_facts
from rvos_core.media import open_media
from rvos_core.orders import OVERLAY, Order, open_source, plan_order

DEEP = "Colours are made of 8 of the {} bits that the source has; alpha keeps its depth."


def plans(path: Path, out: Path) -> tuple[DeliveryPlan, DeliveryPlan]:
    """Of a cut-out and of a matte."""
    with open_media(path) as reader:
        return plan_for(out, reader.info, format="prores4444", odd_size="pad"), plan_for(out, reader.info, format="png")


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("hdr10", "PQ (HDR)"),
        ("hdr10_full_range", "PQ (HDR)"),
        ("hlg", "HLG (HDR)"),
        ("hlg_full_range", "HLG (HDR)"),
    ],
)
def test_real_hdr_files(tmp_path: Path, name: str, named: str) -> None:
    cutout, matte = plans(
        shared_data() / "odd" / f"mp4parse__mp4parse_capi__tests__video_colr_nclx_{name}.mp4", tmp_path
    )
    (told,) = [each for each in cutout.problems if each.code == WIDE]
    assert named in told.message and "Deliver the matte" in told.hint and not told.blocks
    assert WIDE not in [each.code for each in matte.problems]


def test_tags_that_only_the_coded_pictures_have(tmp_path: Path) -> None:
    tags = "transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"
    options = {"x264-params": tags, "preset": "ultrafast"}
    clip = write_clip(tmp_path, ClipSpec("hdr.ts", frames=6, pix_fmt="yuv420p10le", options=options))
    with open_media(clip) as reader:
        facts = source_facts(reader.info)
    assert (facts.wide, facts.bits) == ("PQ (HDR)", 10)


@pytest.mark.parametrize(("kind", "bits"), [("png16", 16), ("tiff16", 16), ("png8", 8), ("jpg", 8)])
@pytest.mark.parametrize("shape", [(48, 64, 3), (48, 64)])
def test_deep_pictures_are_told(tmp_path: Path, kind: str, bits: int, shape: tuple[int, ...]) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(2):
        if kind.startswith("tiff"):
            tifffile.imwrite(folder / f"{number:04}.tif", np.full(shape, 30000, np.uint16))
        else:
            values = np.full(shape, 100, np.uint16 if bits == 16 else np.uint8)
            cv2.imwrite(str(folder / f"{number:04}.{kind.rstrip('0123456789')}"), values)
    cutout, matte = plans(folder, tmp_path)
    assert (DEEP.format(bits) in cutout.notes) == (bits > 8)
    assert not any("bits that the source has" in note for note in (*matte.notes, *(cutout.notes if bits == 8 else ())))


def test_overlays_of_hdr_are_told_too(tmp_path: Path) -> None:
    def tag(stream: av.VideoStream) -> None:
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 18, 9

    clip = write_clip(tmp_path, ClipSpec("hdr.mov", frames=4, pix_fmt="yuv420p10le", stream=tag))
    project = write_project(tmp_path, frames=4, width=160, height=128, clip=clip)
    with open_source(Order(OVERLAY, "Overlay", project, 1, (1,), tmp_path / "overlay.mp4")) as source:
        plan = plan_order(source)
    assert [(each.code, each.blocks) for each in plan.problems] == [(WIDE, False)]
