"""Colours are read back, too: exact where the format is, within what was measured where it is not, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from helpers_delivery import moving_disc, picture_clip, plan_for, soft_disc
from rvos_core.delivery import exporter, stills
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.outputs import OUTPUT_FORMATS
from rvos_core.delivery.pixels import Picture, shown_colours
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.spec import NAMED_SPECS, DeliverySpec
from rvos_core.errors import UserError
from rvos_core.types import MediaInfo

STEP = {8: 0.502 / 255, 16: 0.51 / 65535}
EXACT = [
    (name, depth, alpha)
    for name in ("png", "tiff", "ffv1", "pngmov")
    for depth in (8, 16)
    for alpha in ("straight", "premultiplied")
]
LOSSY = ["prores4444", "prores4444premult", "webm", "h264", "h265"]
DWAA = DeliverySpec("exr", content="cutout", compression="dwaa")


def painted(info: MediaInfo):
    """A moving soft disc over an orange that darkens to the right, with a little grain."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        ramp = np.linspace(1, 0.3, info.width)[None, :, None] * np.array([250, 120, 20])
        for index in wanted:
            grain = np.random.default_rng(index).integers(0, 6, (info.height, info.width, 3))
            yield index, (ramp + grain).clip(0, 255).astype(np.uint8), soft_disc(info.height, info.width, index)

    return frames


@pytest.mark.parametrize(("name", "depth", "alpha"), EXACT)
def test_lossless_formats_hold_every_colour(tmp_path: Path, name: str, depth: int, alpha: str) -> None:
    info = picture_clip(tmp_path, frames=2)
    plan = plan_for(tmp_path, info, format=name, content="cutout", depth=depth, alpha=alpha)
    (done,) = deliver(plan, painted(info))
    colour = done.verification.colour
    assert colour is not None
    assert colour.largest <= STEP[depth]
    if alpha == "straight":
        assert colour.largest < 1e-7, "eight bits were given and lie in the file"


@pytest.mark.parametrize(("depth", "limit"), [(16, 2**-12 + 1e-6), (32, 1e-6)])
@pytest.mark.parametrize("alpha", ["straight", "premultiplied"])
@pytest.mark.parametrize("linear", [True, False])
def test_exr_holds_colours_at_its_depth(tmp_path: Path, depth: int, limit: float, alpha: str, linear: bool) -> None:
    info = picture_clip(tmp_path, frames=2)
    plan = plan_for(tmp_path, info, format="exr", content="cutout", depth=depth, alpha=alpha, linear=linear)
    (done,) = deliver(plan, painted(info))
    assert done.verification.colour is not None
    assert done.verification.colour.largest <= limit


@pytest.mark.parametrize("depth", [16, 32])
def test_dwaa_is_read_by_what_reads_it_rightly(tmp_path: Path, depth: int) -> None:
    info = picture_clip(tmp_path, frames=2)
    (done,) = deliver(plan_for(tmp_path, info, replace(DWAA, depth=depth)), painted(info))
    found = done.verification
    assert found.largest_error <= 2**-12
    assert found.colour is not None and 0 < found.colour.largest < 0.06


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_stay_within_what_was_measured(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, width=96, height=64, frames=3)
    (done,) = deliver(plan_for(tmp_path, info, NAMED_SPECS[name]), painted(info))
    colour, limit = done.verification.colour, done.verification.colour_limit
    assert colour is not None and limit is not None
    assert 0 < colour.tint < limit.tint / 2
    assert colour.largest < limit.largest
    assert colour.mean < 0.03


@pytest.mark.parametrize("name", [*LOSSY, "ffv1", "pngmov"])
def test_swapped_channels_are_no_result_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    info = picture_clip(tmp_path, frames=3)
    plan = plan_for(tmp_path / "out", info, NAMED_SPECS[name])
    (old,) = deliver(plan, painted(info))
    content = old.path.read_bytes()

    def swapped(picture: Picture) -> Picture:
        assert picture.rgb is not None
        return replace(picture, rgb=np.ascontiguousarray(picture.rgb[..., ::-1]))

    cutout, background = exporter.cutout_frame, exporter.on_background
    monkeypatch.setattr(exporter, "cutout_frame", lambda picture, *a, **k: cutout(swapped(picture), *a, **k))
    monkeypatch.setattr(exporter, "on_background", lambda picture, *a: background(swapped(picture), *a))
    with pytest.raises(UserError, match="its colours are off by up to") as caught:
        deliver(plan, painted(info))
    assert caught.value.code == "delivery.verify"
    assert old.path.read_bytes() == content


@pytest.mark.parametrize("spec", [NAMED_SPECS["pngcutout8"], NAMED_SPECS["exr"], DWAA], ids=["png", "exr", "dwaa"])
def test_a_picture_that_is_not_multiplied_is_told_from_one_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: DeliverySpec
) -> None:
    info = picture_clip(tmp_path, frames=2)
    plan = plan_for(tmp_path, info, replace(spec, alpha="premultiplied"))
    right = stills.write_still

    def straight(part: Path, spec: DeliverySpec, *others):
        return right(part, replace(spec, alpha="straight"), *others)

    monkeypatch.setattr(exporter, "write_still", straight)
    with pytest.raises(UserError, match="its colours are off"):
        deliver(plan, painted(info))
    assert not plan.outputs[0].path.exists()


def test_the_report_says_how_far_colours_are_off(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=3)
    (done,) = deliver(plan_for(tmp_path, info, NAMED_SPECS["prores4444"]), painted(info))
    found = json.loads(done.report.read_text())["verification"]
    assert 0 < found["colour_error_mean"] < found["colour_error_max"] < found["colour_error_max_limit"]
    assert found["colour_error_tint"] < found["colour_error_tint_limit"]
    text = done.report.with_suffix(".txt").read_text()
    assert f"colours on the same frames: error at most {found['colour_error_max']:.6f}, on average" in text
    (matte,) = deliver(plan_for(tmp_path, info, NAMED_SPECS["prores422hq"]), painted(info))
    assert matte.verification.colour is None
    assert json.loads(matte.report.read_text())["verification"]["colour_error_max"] is None
    assert "colours on the same frames" not in matte.report.with_suffix(".txt").read_text()


def test_where_alpha_is_nothing_straight_colours_do_not_count(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=2)

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        for index, colours, alpha in moving_disc(info)(item, wanted):
            yield index, colours, np.zeros_like(alpha)

    (done,) = deliver(plan_for(tmp_path, info, NAMED_SPECS["prores4444"]), frames)
    assert done.verification.colour is not None
    assert done.verification.colour.largest == 0


def test_every_format_with_colours_has_a_limit() -> None:
    for kind in OUTPUT_FORMATS.values():
        assert set(kind.colour_error) == (set(kind.depths) if "cutout" in kind.contents else set())


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv444p10le", "yuv420p", "yuva444p12le", "gbrp", "bgra", "rgba64be"])
def test_colours_of_a_frame_are_those_that_ffmpeg_converts_it_to(pixels: str) -> None:
    flat = np.zeros((8, 16, 3), np.uint8)
    for place, colour in enumerate(([200, 30, 60], [20, 180, 90], [250, 250, 250], [0, 0, 0])):
        flat[:, 4 * place : 4 * place + 4] = colour
    frame = av.VideoFrame.from_ndarray(flat, format="rgb24").reformat(
        format=pixels, dst_colorspace=1, dst_color_range=1, threads=1
    )
    assert np.abs(shown_colours(frame) * 255 - flat).max() < (0.01 if pixels in ("gbrp", "bgra") else 3)
