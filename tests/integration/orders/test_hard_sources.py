"""Orders of clips that are hard: numbers painted into the pictures and masks of their own prove what arrives."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numbered_clips import ClipSpec, draw_number, read_number, write_clip

from helpers_data import shared_data
from ordered_projects import matte_order
from rvos_core.delivery.journal import job_folders
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import UserError
from rvos_core.masks import encode, object_colour
from rvos_core.media import MediaReader, open_media
from rvos_core.media import index as index_module
from rvos_core.orders import MASKS, OVERLAY, Order, fulfil, open_source, plan_order
from rvos_core.project.edits import AddObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.records import ObjectRecord
from rvos_core.project.relink import take_in
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

UNEVEN = np.cumsum(np.random.default_rng(1).integers(3, 120, 16)).tolist()  # milliseconds
SMALL: dict[str, Any] = {"frames": 16}
CLIPS = [
    ClipSpec("uneven.mp4", time_base=Fraction(1, 90000), pts=[90 * t for t in UNEVEN], **SMALL),
    ClipSpec(
        "edit list.mp4",
        time_base=Fraction(1, 25),
        pts=range(-4, 12),
        container={"avoid_negative_ts": "disabled"},
        shown=range(4, 16),
        **SMALL,
    ),
    ClipSpec(
        "turned.mp4",
        prepare=lambda picture: np.ascontiguousarray(np.rot90(picture)),
        stream=lambda stream: stream.set_display_rotation(-90),
        **SMALL,
    ),
    ClipSpec(
        "anamorphic.mp4",
        prepare=lambda picture: np.ascontiguousarray(picture[:, ::2]),
        stream=lambda stream: setattr(stream.codec_context, "sample_aspect_ratio", Fraction(2)),
        **SMALL,
    ),
]
QUICK_ODD = (
    "decord__tests__test_data__corrupted.mp4",
    "decord__tests__test_data__video_270.mov",
    "fate__video__h264__mov-2elist-elist1-ends-bframe.mp4",
    "fate__video__mpeg2video__roundup1414.mp4",
)


def mark(index: int, height: int, width: int) -> np.ndarray:
    """(H, W) bool, another one on each frame: so many columns from the left."""
    mask = np.zeros((height, width), bool)
    mask[:, : 1 + index % max(1, width - 1)] = True
    return mask


def project_of(path: Path, *, frames: FrameSpan | None = None) -> Path:
    """A project of the clip: object 1 covers everything, object 2 is `mark`."""
    project = path.with_name("hard.rvos")
    with Project.create(project, program="test") as made, open_media(path) as reader:
        info = reader.info
        record = take_in(made, info)
        for number, name in ((1, "all"), (2, "mark")):
            made.apply(AddObject(ObjectRecord(number, record.media_id, number - 1, name, object_colour(number))))
        everything = encode(np.ones((info.height, info.width), bool))
        for index in frames or FrameSpan(0, info.frame_count):
            made.apply(DrawMask(1, index, everything))
            made.apply(DrawMask(2, index, encode(mark(index, info.height, info.width))))
    return project


def numbers_in(path: Path) -> list[int]:
    with open_media(path) as reader:
        return [read_number(frame) for frame in reader.frames()]


def masks_in(folder: Path) -> list[int]:
    """Columns of the mark on each picture."""
    pictures = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0 for path in sorted(folder.iterdir())]
    assert all((each == each[:1]).all() for each in pictures), "the whole height"
    return [int(each[0].sum()) for each in pictures]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_frame_n_is_frame_n_in_everything_that_an_order_makes(tmp_path: Path, clip: ClipSpec) -> None:
    path = write_clip(tmp_path, clip)
    project, out = project_of(path), tmp_path / "out"
    with open_media(path) as reader:
        info = reader.info
    cutouts = fulfil(matte_order(project, out, "prores4444", "pngcutout8", "h264"))
    overlay = fulfil(Order(OVERLAY, "o", project, 1, (2,), out / "overlay.mp4", opacity=0.0))
    for film in (*cutouts.outputs, *overlay.outputs):
        assert numbers_in(film) == clip.numbers, film.name
        with open_media(film) as written:
            assert (written.info.width, written.info.height) == (info.width, info.height) == (160, 128)
            assert (written.info.rotation_deg, written.info.sample_aspect) == (0, 1)
            if info.is_variable_rate and film.is_file():
                assert list(map(written.info.time_s, range(len(written)))) == list(
                    map(info.time_s, range(len(written)))
                )
    masks = fulfil(Order(MASKS, "m", project, 1, (2,), out / "masks"))
    matte = fulfil(matte_order(project, out, "png8", object_ids=(2,)))
    expected = [1 + index for index in range(len(clip.numbers))]
    assert masks_in(masks.outputs[0]) == expected
    soft = [cv2.imread(str(each), -1)[0] / 255 for each in sorted(matte.outputs[0].iterdir())]
    assert np.abs([each.sum() - columns for each, columns in zip(soft, expected, strict=True)]).max() < 1


def test_what_is_special_is_told_before_the_work_starts(tmp_path: Path) -> None:
    told = {}
    for clip in CLIPS:
        folder = tmp_path / clip.name
        folder.mkdir()
        with open_source(matte_order(project_of(write_clip(folder, clip)), folder / "out", "prores4444")) as source:
            plan = plan_order(source)
        assert not plan.blocking
        told[clip.name] = " ".join([*(each.message for each in plan.problems), *plan.notes])
    assert "rate varies" in told["uneven.mp4"]
    assert "turned by" in told["turned.mp4"]
    assert "160x128 for 80x128" in told["anamorphic.mp4"]
    assert told["edit list.mp4"] == "", "nothing is special about what is shown of it"


def spoil(path: Path, share: float, size: int) -> None:
    """Damage `size` bytes from `share` of the file on."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * share)
    content[start : start + size] = np.random.default_rng(0).integers(0, 256, size, np.uint8).tobytes()
    path.write_bytes(content)


def test_damaged_frames_are_told_before_and_in_the_report_and_no_frame_moves(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("hole.mp4", busy=True))
    spoil(path, 0.55, 1500)
    project = project_of(path)
    with open_media(path) as reader:
        damaged = {index for span in reader.info.damaged for index in span}
        pictures = list(reader.frames())
    assert damaged and 0 not in damaged
    orders = {
        "matte": matte_order(project, tmp_path / "out", "pngcutout8"),
        "overlay": Order(OVERLAY, "o", project, 1, (1,), tmp_path / "o.mp4", opacity=0.0),
        "masks": Order(MASKS, "m", project, 1, (1,), tmp_path / "masks"),
    }
    for order in orders.values():
        with open_source(order) as source:
            (problem,) = (each for each in plan_order(source).problems if each.code == "delivery.damaged_source")
        assert not problem.blocks
        assert (
            f"frames {min(damaged)} to" in problem.message and f"{len(damaged)} of {len(pictures)}" in problem.message
        )
    done = fulfil(orders["matte"])
    written = [cv2.imread(str(each), -1)[..., 2::-1] for each in sorted(done.outputs[0].iterdir())]
    assert all(map(np.array_equal, written, pictures)), "every picture as the reader shows it, in its place"
    assert [read_number(each) for each in written[: min(damaged)]] == list(range(min(damaged)))
    report = json.loads(done.reports[0].read_text(encoding="utf-8"))
    assert any("is damaged at frames" in note for note in report["notes"])
    before = matte_order(project, tmp_path / "before", "png8", span=FrameSpan(0, min(damaged)))
    with open_source(before) as source:
        assert not plan_order(source).problems
    assert len(numbers_in(fulfil(orders["overlay"]).outputs[0])) == len(pictures)


def write_of_two_sizes(path: Path, *, first: int, other: int, last: int) -> Path:
    """VP9 in Matroska whose middle has another size; every part begins with a key frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25, options={"g": "4", "deadline": "realtime"})
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        container.start_encoding()
        number = 0
        for count, (width, height) in ((first, (160, 128)), (other, (96, 64)), (last, (160, 128))):
            encoder = av.CodecContext.create("libvpx-vp9", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
            encoder.options = {"g": "4", "deadline": "realtime", "lag-in-frames": "0", "auto-alt-ref": "0"}
            pictures = [
                av.VideoFrame.from_ndarray(draw_number(number + k, width, height), "rgb24") for k in range(count)
            ]
            packets = [encoder.encode(each.reformat(format="yuv420p", threads=1)) for each in pictures]
            for packet in [*(each for some in packets for each in some), *encoder.encode(None)]:
                packet.pts = packet.dts = number
                packet.time_base, packet.stream = Fraction(1, 25), stream
                container.mux(packet)
                number += 1
    return path


def test_a_clip_that_changes_size_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    path = write_of_two_sizes(tmp_path / "sizes.mkv", first=20, other=6, last=20)
    with pytest.raises(UserError, match="changes size at frame 20, from 160 x 128 to 96 x 64") as caught:
        project_of(path)
    assert caught.value.code == "media.size_change"


def test_a_long_clip_that_changes_size_stops_the_order_there_and_earlier_frames_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of long clips only samples are decoded when they are opened; the others show when they are reached."""
    monkeypatch.setattr(index_module, "FULL_DECODE_PX", 0)
    path = write_of_two_sizes(tmp_path / "sizes.mkv", first=40, other=4, last=60)
    project = project_of(path)
    for order in (
        matte_order(project, tmp_path / "out", "prores4444"),
        matte_order(project, tmp_path / "out", "h264"),
        matte_order(project, tmp_path / "out", "pngcutout8"),
        Order(OVERLAY, "o", project, 1, (1,), tmp_path / "out" / "o.mp4"),
    ):
        with pytest.raises(UserError, match="changes size at frame 40") as caught:
            fulfil(order)
        assert caught.value.code == "media.size_change"
        assert "Split it there" in caught.value.hint
        assert not [each for each in (tmp_path / "out").iterdir() if not each.name.startswith(".")]
    done = fulfil(matte_order(project, tmp_path / "out", "prores4444", span=FrameSpan(0, 40)))
    assert numbers_in(done.outputs[0]) == list(range(40))
    assert not job_folders(done.outputs[0])


def _replace(path: Path) -> None:
    write_clip(path.parent, ClipSpec(path.name, frames=17))


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoiler", "code"), [(_replace, "delivery.source_changed"), (_remove, "media.not_found")], ids=["changed", "gone"]
)
@pytest.mark.parametrize("kind", ["prores4444", "h264", "pngcutout8", OVERLAY])
def test_a_clip_that_changes_or_goes_while_it_is_exported_gives_no_result(
    tmp_path: Path, spoiler: Callable[[Path], None], code: str, kind: str
) -> None:
    path = write_clip(tmp_path, ClipSpec("clip.mp4", **SMALL))
    project, out = project_of(path), tmp_path / "out"
    order = (
        matte_order(project, out, kind) if kind in NAMED_SPECS else Order(OVERLAY, "o", project, 1, (1,), out / "o.mp4")
    )

    def at_twelve(done: int, _total: int) -> None:
        if done == 12 and (not path.exists() or path.stat().st_mtime_ns == before):
            spoiler(path)

    before = path.stat().st_mtime_ns
    with pytest.raises(UserError, match=r"clip\.mp4") as caught:
        fulfil(order, progress=at_twelve)
    assert caught.value.code == code
    assert not [each for each in out.iterdir() if not each.name.startswith(".")]


def test_pictures_of_a_folder_that_change_while_they_are_exported_give_no_result(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.mkdir()
    for index in range(12):
        cv2.imwrite(str(clip / f"{index:04}.png"), draw_number(index, 64, 48))
    project = project_of(clip)
    order = matte_order(project, tmp_path / "out", "pngcutout8")

    def touch(done: int, _total: int) -> None:
        if done == 6:
            os.utime(clip / "0002.png", (1, 1))

    with pytest.raises(UserError, match="has changed since") as caught:
        fulfil(order, progress=touch)
    assert caught.value.code == "delivery.source_changed"
    (folder,) = fulfil(order).outputs
    assert numbers_in(folder) == list(range(12))
    (clip / "0011.png").unlink()
    with open_source(order) as source:
        assert [each.code for each in plan_order(source).blocking] == ["delivery.source_changed"]


def odd_files() -> list[object]:
    try:
        folder = shared_data() / "odd"
    except pytest.skip.Exception:
        return []
    paths = (path for path in sorted(folder.iterdir()) if path.suffix != ".json")
    return [
        pytest.param(path, id=path.name, marks=() if path.name in QUICK_ODD else pytest.mark.slow) for path in paths
    ]


def _ends(reader: MediaReader) -> list[FrameSpan]:
    """The first and the last few frames."""
    count = len(reader)
    return [FrameSpan(0, min(3, count))] + ([FrameSpan(count - 3, count)] if count > 6 else [])


@pytest.mark.parametrize("path", odd_files())
def test_both_ends_of_every_odd_file_that_opens(path: Path, tmp_path: Path) -> None:
    own = Path(shutil.copy(path, tmp_path))
    own.chmod(0o600)
    try:
        reader = open_media(own)
    except UserError:
        pytest.skip("not openable, and refused with a reason")
    with reader:
        for span in _ends(reader):
            project = project_of(own, frames=span)
            order = matte_order(project, tmp_path / f"{span.start}", "pngcutout8", span=span)
            order = replace(order, specs=(*order.specs, replace(NAMED_SPECS["ffv1"], depth=8)))
            with open_source(order) as source:
                told = [each.code for each in plan_order(source).problems]
            damaged = any(index in hole for hole in reader.info.damaged for index in span)
            assert ("delivery.damaged_source" in told) == damaged
            pictures, film = fulfil(order).outputs
            written = [cv2.imread(str(each), -1)[..., 2::-1] for each in sorted(pictures.iterdir())]
            expected = [reader.frame(index) for index in span]
            assert len(written) == len(expected) and all(map(np.array_equal, written, expected))
            with open_media(film) as again:
                assert all(map(np.array_equal, again.frames(), expected))
            project.unlink()
