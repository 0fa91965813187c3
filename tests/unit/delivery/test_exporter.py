"""Delivered files: alpha survives on soft edges at each format's depth, and where it does not, that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from helpers_cli import write_clip
from helpers_delivery import DOG, moving_disc, noisy_colours, picture_clip, plan_for, soft_disc
from rvos_core.delivery.exporter import DEFAULT_THREADS, FrameOf, deliver, side_by_side, unfinished
from rvos_core.delivery.pixels import linear_light, unit
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import Cancelled, UserError
from rvos_core.media import open_media
from rvos_core.types import CancelToken

CAT = DeliveryObject(2, "cat", "a cat")
# Largest error of alpha, in 0..1.
LIMITS = {
    "prores4444": 1.5 / 1023,
    "prores4444premult": 1.5 / 1023,
    "png8": 0.501 / 255,
    "png16": 0.51 / 65535,
    "pngcutout8": 0.501 / 255,
    "pngcutout16": 0.51 / 65535,
    "tiff8": 0.501 / 255,
    "tiff16": 0.51 / 65535,
    "tiffcutout8": 0.501 / 255,
    "tiffcutout16": 0.51 / 65535,
    "exr": 2**-11,
    "exrmatte": 2**-11,
    "ffv1": 0.51 / 65535,
    "ffv1matte": 0.51 / 65535,
    "pngmov": 0.501 / 255,
}


@pytest.mark.parametrize("name", NAMED_SPECS)
def test_every_format_delivers_what_was_meant(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, width=97, height=51, frames=4)
    plan = plan_for(tmp_path / "out", info, replace(NAMED_SPECS[name], odd_size="pad"))
    (done,) = deliver(plan, moving_disc(info))
    found = done.verification
    assert found.is_right
    if name in LIMITS:
        assert found.largest_error <= LIMITS[name]
    else:
        assert found.limit is None
        assert any("Lossy" in note for note in done.notes)
        assert found.mean_error < 0.02
    report = json.loads(done.report.read_text())
    assert report["verification"]["right"] is True
    assert report["frames"] == 4
    assert "Read back:" in done.report.with_suffix(".txt").read_text()
    beside = {path.name for path in (tmp_path / "out").iterdir()}
    assert beside == {done.path.name, done.report.name, done.report.with_suffix(".txt").name}


@pytest.mark.parametrize("width", [*range(852, 869), 1366])
def test_no_alpha_is_damaged_at_awkward_widths(tmp_path: Path, width: int) -> None:
    info = picture_clip(tmp_path, width=width, height=48, frames=2)
    (done,) = deliver(plan_for(tmp_path, info, format="prores4444"), moving_disc(info))
    assert done.verification.largest_error <= 1.5 / 1023


@pytest.mark.parametrize("name", ["prores4444", "prores422hq", "ffv1", "webm", "h264", "h265", "png", "tiff", "exr"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 2)])
def test_tiny_and_odd_sizes(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    info = picture_clip(tmp_path, width=size[0], height=size[1], frames=2)
    (done,) = deliver(plan_for(tmp_path, info, format=name, odd_size="pad"), moving_disc(info))
    assert done.path.exists()
    assert done.verification.is_right


def test_alpha_bits_are_ten_of_prores_not_eight(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, width=1024, height=16, frames=1)
    ramp = np.repeat(np.linspace(0, 1, 1024, dtype=np.float32)[None], 16, axis=0)
    (done,) = deliver(
        plan_for(tmp_path, info, format="prores4444"), lambda item, wanted: [(0, noisy_colours(16, 1024, 0), ramp)]
    )
    with av.open(str(done.path)) as container:
        frame = next(container.decode(video=0))
        values = np.frombuffer(memoryview(frame.planes[3]), "<u2").reshape(16, -1)[0, :1024]
        header = (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)
    assert len(np.unique(values)) == 1024
    assert header == (1, 1, 1, 1)


def test_straight_colours_are_as_given_and_premultiplied_ones_are_multiplied(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=1)
    rgb, alpha = noisy_colours(48, 64, 0), soft_disc(48, 64, 0)
    for alpha_kind, expected in (("straight", unit(rgb)), ("premultiplied", unit(rgb) * alpha[..., None])):
        (done,) = deliver(plan_for(tmp_path, info, format="png", content="cutout", alpha=alpha_kind), moving_disc(info))
        assert alpha_kind[:6] in done.path.name
        read = cv2.imread(str(next(done.path.iterdir())), cv2.IMREAD_UNCHANGED)
        assert np.abs(read[..., 2::-1] / 65535 - expected).max() <= 1 / 65535


def test_sixteen_bit_colours_keep_their_depth(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=1)
    (done,) = deliver(plan_for(tmp_path, info, format="png", content="cutout"), moving_disc(info, deep=True))
    read = cv2.imread(str(next(done.path.iterdir())), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., 2::-1], noisy_colours(48, 64, 0, deep=True))


def test_exr_has_a_named_channel_an_object_and_says_what_they_are(tmp_path: Path) -> None:
    import OpenEXR

    info = picture_clip(tmp_path, frames=2)
    plan = plan_for(tmp_path, info, items=(DOG, CAT), format="exr", content="cutout", depth=32, objects="together")
    (done,) = deliver(plan, moving_disc(info))
    with OpenEXR.File(str(sorted(done.path.iterdir())[0])) as file:
        channels, header = file.channels(), dict(file.header())
        pixels = {name: np.array(channel.pixels) for name, channel in channels.items()}
    dog, cat = soft_disc(48, 64, 0), soft_disc(48, 64, 2)
    assert np.array_equal(pixels["matte.dog"], dog)
    assert np.array_equal(pixels["matte.cat"], cat)
    assert json.loads(header["rvos/objects"])[1] == {
        "channel": "matte.cat", "id": 2, "name": "cat", "expression": "a cat"
    }  # fmt: skip
    assert header["rvos/expression"] == "a brown dog; a cat"
    alpha = cat + dog * (1 - cat)
    assert np.abs(pixels["RGBA"][..., 3] - alpha).max() < 1e-6
    expected = linear_light(unit(noisy_colours(48, 64, 0))) * alpha[..., None]
    assert np.abs(pixels["RGBA"][..., :3] - expected).max() < 3e-3
    assert header["rvos/transfer"] == "linear"


def test_large_pictures_of_many_objects_are_not_all_written_at_once(tmp_path: Path) -> None:
    small = plan_for(tmp_path, picture_clip(tmp_path), format="exr", content="cutout")
    large = plan_for(tmp_path, picture_clip(tmp_path, width=8192, height=4320), format="exr", content="cutout")
    film = plan_for(tmp_path, picture_clip(tmp_path, width=3840, height=2160), format="exr", content="cutout")
    assert 2 <= DEFAULT_THREADS <= 8
    assert (side_by_side(small, 3, 8), side_by_side(film, 1, 8), side_by_side(film, 20, 8)) == (8, 3, 1)
    assert side_by_side(large, 1, 8) == 1


def test_tiff_says_how_its_alpha_is_meant(tmp_path: Path) -> None:
    import tifffile

    info = picture_clip(tmp_path, frames=1)
    for alpha, tag in (("straight", 2), ("premultiplied", 1)):
        (done,) = deliver(plan_for(tmp_path, info, format="tiff", content="cutout", alpha=alpha), moving_disc(info))
        with tifffile.TiffFile(next(done.path.iterdir())) as file:
            assert file.pages[0].tags["ExtraSamples"].value in (tag, (tag,))


def test_several_objects_go_into_a_file_each(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=2)
    done = deliver(plan_for(tmp_path, info, items=(DOG, CAT), format="ffv1", content="matte"), moving_disc(info))
    assert [each.path.name for each in done] == ["clip_dog_matte.mkv", "clip_cat_matte.mkv"]


def test_a_sequence_is_numbered_from_the_start_number_without_a_gap(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=5)
    (done,) = deliver(plan_for(tmp_path, info, format="png", start_number=1001, start=1, stop=4), moving_disc(info))
    names = [path.name for path in sorted(done.path.iterdir())]
    assert names == [f"clip_dog_matte.{number}.png" for number in (1001, 1002, 1003)]
    read = cv2.imread(str(done.path / "clip_dog_matte.1001.png"), cv2.IMREAD_UNCHANGED)
    assert np.abs(read / 65535 - soft_disc(48, 64, 1)).max() < 1e-5, "the first picture is frame 1 of the clip"


def test_handles_reach_as_far_as_the_clip(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=6)
    plan = plan_for(tmp_path, info, format="png", start=1, stop=3, handles=2)
    assert (plan.span.start, plan.span.stop) == (0, 5)
    (done,) = deliver(plan, moving_disc(info))
    assert len(list(done.path.iterdir())) == 5


@pytest.mark.parametrize("scale", [2, 4])
def test_a_proxy_is_the_mean_of_the_whole(tmp_path: Path, scale: int) -> None:
    info = picture_clip(tmp_path, width=65, height=47, frames=1)
    (done,) = deliver(plan_for(tmp_path, info, format="png", scale=scale), moving_disc(info))
    read = cv2.imread(str(next(done.path.iterdir())), cv2.IMREAD_UNCHANGED)
    assert read.shape == (round(47 / scale), round(65 / scale))
    assert abs(read.mean() / 65535 - soft_disc(47, 65, 0).mean()) < 0.01
    assert any("proxy" in note for note in done.notes)


def test_a_cancel_keeps_what_is_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=8)
    asked: list[int] = []
    token = CancelToken()

    def frames(item, wanted):
        asked.extend(wanted)
        yield from moving_disc(info)(item, wanted)

    plan = plan_for(tmp_path / "out", info, format="prores4444")
    with pytest.raises(Cancelled):
        deliver(plan, frames, cancel=token, progress=lambda done, total: token.cancel() if done == 5 else None)
    assert not plan.outputs[0].path.exists()
    assert unfinished(plan)
    asked.clear()
    (done,) = deliver(plan, frames)
    assert 0 < done.resumed <= 5
    assert asked == list(range(done.resumed, 8))
    (whole,) = deliver(plan_for(tmp_path / "whole", info, format="prores4444"), moving_disc(info))
    assert done.path.read_bytes() == whole.path.read_bytes()
    assert not unfinished(plan)


@pytest.mark.parametrize("name", ["prores4444", "png16", "h264matte"])
def test_an_object_that_is_seldom_seen_is_compared_too(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, width=32, height=16, frames=40)
    seen = (23, 24, 31)

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        for index, colours, alpha in moving_disc(info)(item, wanted):
            yield index, colours, alpha if index in seen else np.zeros_like(alpha)

    token = CancelToken()
    plan = plan_for(tmp_path / "out", info, NAMED_SPECS[name])

    def cancelling(done: int, total: int) -> None:
        if done == 30:
            token.cancel()

    with pytest.raises(Cancelled):
        deliver(plan, frames, cancel=token, progress=cancelling)
    (done,) = deliver(plan, frames)
    assert set(done.verification.samples) >= {23, 24}


def test_unfinished_work_of_other_masks_is_not_gone_on_with(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=6)
    token = CancelToken()
    plan = plan_for(tmp_path, info, format="png", revision="a")
    with pytest.raises(Cancelled):
        deliver(plan, moving_disc(info), cancel=token, progress=lambda done, _: done and token.cancel(), threads=1)
    assert unfinished(plan)
    (done,) = deliver(plan_for(tmp_path, info, format="png", revision="b"), moving_disc(info))
    assert done.resumed == 0


def test_a_source_that_lacks_a_frame_leaves_nothing_behind(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=6)
    for name in ("prores4444", "h264", "png"):
        with pytest.raises(UserError) as caught:
            deliver(plan_for(tmp_path / name, info, format=name), lambda item, wanted: iter(()))
        assert caught.value.code == "delivery.incomplete"
        assert not list((tmp_path / name).iterdir())


def test_a_failed_check_keeps_the_old_file_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rvos_core.delivery import exporter

    info = picture_clip(tmp_path, frames=3)
    plan = plan_for(tmp_path / "out", info, format="ffv1")
    (old,) = deliver(plan, moving_disc(info))
    content = old.path.read_bytes()
    right = exporter.cutout_frame
    monkeypatch.setattr(exporter, "cutout_frame", lambda picture, *a, **k: right(picture_with_a_hole(picture), *a, **k))
    with pytest.raises(UserError, match="alpha is off by up to") as caught:
        deliver(plan, moving_disc(info))
    assert caught.value.code == "delivery.verify"
    assert old.path.read_bytes() == content
    assert not unfinished(plan)


def picture_with_a_hole(picture):
    alpha = picture.alpha.copy()
    alpha[20:24, 20:24] = 1 - alpha[20:24, 20:24]
    return replace(picture, alpha=alpha)


def test_a_constant_rate_repeats_and_drops_and_reports_it(tmp_path: Path) -> None:
    pts = (0, 40, 80, 240, 250, 260, 300)
    times = {"pts": pts, "time_base": Fraction(1, 1000), "rate": Fraction(25), "is_variable_rate": True}
    info = picture_clip(tmp_path, frames=7, **times)
    plan = plan_for(tmp_path, info, format="ffv1", content="matte", timing="constant")
    (done,) = deliver(plan, moving_disc(info))
    report = json.loads(done.report.read_text())
    assert report["duplicated"] == [2]
    assert report["dropped"] == [3, 4]
    assert [check["found"] for check in report["verification"]["checks"] if check["name"] == "the rate"] == ["25"]


def test_a_varying_rate_is_kept_frame_by_frame_where_the_file_can(tmp_path: Path) -> None:
    pts = (0, 40, 80, 240, 250, 260, 301)
    times = {"pts": pts, "time_base": Fraction(1, 1000), "rate": Fraction(25), "is_variable_rate": True}
    info = picture_clip(tmp_path, frames=7, **times)
    plan = plan_for(tmp_path, info, format="prores4444")
    assert [problem.code for problem in plan.problems] == ["delivery.variable_rate"]
    (done,) = deliver(plan, moving_disc(info))
    with av.open(str(done.path)) as container:
        stream = container.streams.video[0]
        assert [frame.pts * stream.time_base for frame in container.decode(stream)] == [Fraction(p, 1000) for p in pts]


@pytest.mark.parametrize("name", ["prores4444", "png", "h264"])
def test_a_folder_that_vanishes_is_named(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, frames=12)
    plan = plan_for(tmp_path / "out", info, format=name)

    def frames(item, wanted):
        for number, each in enumerate(moving_disc(info)(item, wanted)):
            if number == 6:
                (tmp_path / "out").rename(tmp_path / "elsewhere")  # at once, whatever is being written there
            yield each

    with pytest.raises(UserError) as caught:
        deliver(plan, frames)
    assert caught.value.code == "files.folder_gone"
    assert str(plan.outputs[0].path) in caught.value.message
    assert not plan.outputs[0].path.exists()


def test_a_source_that_changes_meanwhile_is_not_delivered(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=4)
    with open_media(path) as reader:
        info = reader.info

    def frames(item, wanted):
        for each in moving_disc(info)(item, wanted):
            if each[0] == 3:
                write_clip(path, frames=5)
            yield each

    plan = plan_for(tmp_path / "out", info, format="ffv1")
    with pytest.raises(UserError) as caught:
        deliver(plan, frames)
    assert caught.value.code == "delivery.source_changed"
    assert not plan.outputs[0].path.exists()
