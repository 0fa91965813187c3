"""Orders of real little projects: what they make, what they say before, and how they go on after a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import write_clip
from ordered_projects import matte_order, square, write_project
from rvos_core.delivery.journal import job_folders
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import encode
from rvos_core.matte.effects import EffectChain, GreyBackground
from rvos_core.matte.look import Look
from rvos_core.orders import (
    ANNOTATIONS,
    EFFECTS,
    MASKS,
    OVERLAY,
    Order,
    forget_unfinished,
    fulfil,
    open_source,
    plan_order,
)
from rvos_core.project.edits import SetLook
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.store import Project
from rvos_core.types import CancelToken, FrameSpan


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def test_masks_are_those_of_the_project(project: Path, tmp_path: Path) -> None:
    order = Order(MASKS, "Masks", project, 1, (1, 2), tmp_path / "out", span=FrameSpan(2, 5))
    seen: list[tuple[int, int]] = []
    done = fulfil(order, progress=lambda a, b: seen.append((a, b)))
    assert [path.name for path in done.outputs] == ["1_red_car", "2_dog"]
    assert sorted(path.name for path in done.outputs[1].iterdir()) == ["00002.png", "00003.png", "00004.png"]
    assert np.array_equal(cv2.imread(str(done.outputs[1] / "00004.png"), -1) > 0, square(4, row=1))
    assert seen[-1] == (6, 6)


def test_an_overlay_is_a_video_of_the_span(project: Path, tmp_path: Path) -> None:
    import av

    order = Order(OVERLAY, "Overlay", project, 1, (1,), tmp_path / "o.mp4", span=FrameSpan(0, 4))
    assert fulfil(order).outputs == (tmp_path / "o.mp4",)
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4


def test_annotations_of_a_data_set_are_orders_too(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    order = Order(ANNOTATIONS, "COCO", project, 1, (1, 2), tmp_path / "c.json", format="coco")
    seen: list[tuple[int, int]] = []
    done = fulfil(order, progress=lambda a, b: seen.append((a, b)))
    assert done.outputs == (tmp_path / "c.json",)
    assert seen[-1] == (8, 8)
    assert len(json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["annotations"]) == 16
    with Project(project, program="test") as changed:
        changed.apply(DrawMask(2, 3, encode(square(3))))
    part = replace(order, span=FrameSpan(2, 5), target=tmp_path / "part.json")
    with open_source(part) as source:
        assert plan_order(source).frames == 3
    assert "3 frames" in fulfil(part).findings[0]
    images = json.loads((tmp_path / "part.json").read_text(encoding="utf-8"))["images"]
    assert [(each["file_name"], each["frame_index"]) for each in images] == [
        (f"street/{number:05}.jpg", number) for number in (2, 3, 4)
    ]
    davis = replace(order, format="davis", target=tmp_path / "davis")
    with open_source(davis) as source:
        assert [each.code for each in plan_order(source).blocking] == ["formats.overlap"]
    with open_source(replace(davis, span=FrameSpan(4, 8))) as source:
        assert not plan_order(source).blocking, "they overlap on frame 3 alone"
    fulfil(replace(davis, overlap="order"))
    assert len(list((tmp_path / "davis").rglob("*.png"))) == 8


def test_annotations_of_objects_that_are_nowhere_in_sight_are_told_before_and_after(tmp_path: Path) -> None:
    project = write_project(tmp_path, masked=3)
    order = Order(ANNOTATIONS, "DAVIS", project, 1, (1, 2), tmp_path / "out", format="davis", span=FrameSpan(4, 8))
    with open_source(order) as source:
        plan = plan_order(source)
    assert [each.code for each in plan.problems] == ["delivery.no_masks"] * 2
    assert not plan.blocking
    for kind in (MASKS, OVERLAY):
        plain = replace(order, kind=kind, target=tmp_path / kind, format="")
        with open_source(plain) as source:
            assert [each.code for each in plan_order(source).problems] == ["delivery.no_masks"] * 2
    assert fulfil(order).notes == tuple(f"“{name}” has no mask on any of the frames." for name in ("red car", "dog"))


def test_the_clip_with_its_effects_is_a_video(tmp_path: Path) -> None:
    project = write_project(tmp_path, names=("car",))
    order = Order(EFFECTS, "effects", project, 1, (1,), tmp_path / "out", specs=(NAMED_SPECS["pngcutout8"],))
    with open_source(order) as source:
        assert [each.code for each in plan_order(source).problems] == ["orders.no_effects"]
    with Project(project, program="test") as changed:
        changed.apply(SetLook(1, Look(effects=EffectChain((GreyBackground(),))).to_json()))
    (folder,) = fulfil(order).outputs
    picture = cv2.imread(str(sorted(folder.iterdir())[3]), -1).astype(int)
    assert (picture[..., 3] == 255).all()
    outside = ~cv2.dilate(square(3).astype(np.uint8), np.ones((25, 25))).astype(bool)
    assert np.ptp(picture[outside][:, :3], axis=1).max() <= 2


def test_several_specifications_are_one_order_with_one_progress(project: Path, tmp_path: Path) -> None:
    order = matte_order(project, tmp_path, "prores4444", "png16", object_ids=(1, 2), span=FrameSpan(1, 4))
    seen: list[tuple[int, int]] = []
    done = fulfil(order, progress=lambda a, b: seen.append((a, b)))
    assert len(done.outputs) == len(done.findings) == len(done.reports) == 4
    assert [a for a, _ in seen] == sorted(a for a, _ in seen)
    assert seen[-1] == (12, 12)
    assert all("checks passed" in each for each in done.findings)
    names = sorted(path.name for path in done.outputs[2].iterdir())
    assert names == [f"street_red_car_matte.{number:04}.png" for number in (1, 2, 3)]
    alpha = cv2.imread(str(done.outputs[2] / names[0]), -1)
    assert alpha.dtype == np.uint16
    middle = square(1) & (cv2.erode(square(1).astype(np.uint8), np.ones((9, 9))) > 0)
    assert (alpha[middle] == 65535).all()
    assert (alpha[~cv2.dilate(square(1).astype(np.uint8), np.ones((9, 9))).astype(bool)] == 0).all()


def test_the_plan_knows_what_is_missing_replaced_and_needed(tmp_path: Path) -> None:
    project = write_project(tmp_path, masked=5)
    order = matte_order(project, tmp_path / "out", "png8")
    with open_source(order) as source:
        first = plan_order(source)
    assert (first.frames, first.unlooked, first.replaces) == (8, 3, ())
    assert 8 * 1024 < first.expected_bytes < 8 * (1024 + 64 * 48)
    fulfil(order)
    with open_source(order) as source:
        assert plan_order(source).replaces == first.outputs


def test_an_odd_size_is_asked_about_with_the_choices(tmp_path: Path) -> None:
    project = write_project(tmp_path, width=63)
    with open_source(matte_order(project, tmp_path / "out", "h264")) as source:
        (problem,) = plan_order(source).blocking
    assert problem.choices == ("pad", "crop", "444")


def test_outputs_of_one_name_are_told_before(project: Path, tmp_path: Path) -> None:
    order = matte_order(project, tmp_path, "prores4444", "prores4444")
    with open_source(order) as source:
        assert [each.code for each in plan_order(source).blocking] == ["delivery.same_name"]
    with pytest.raises(UserError, match="the name"):
        fulfil(order)


def test_another_file_in_the_place_of_the_clip_is_in_the_way(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    write_clip(tmp_path / "street.mp4", frames=9)
    with pytest.raises(UserError, match=r"street\.mp4 is not the file"):
        fulfil(matte_order(project, tmp_path / "out", "png8"))
    (tmp_path / "street.mp4").unlink()
    with pytest.raises(UserError, match=r"street\.mp4 is not there"):
        fulfil(matte_order(project, tmp_path / "out", "png8"))


def test_an_order_is_of_the_instant_in_which_its_work_began_and_the_project_is_free(tmp_path: Path) -> None:
    project = write_project(tmp_path, names=("car",))
    order = matte_order(project, tmp_path / "out", "png8")
    changes: list[int] = []

    def draw_meanwhile(_done: int, _total: int) -> None:
        if not changes:
            with Project(project, program="test") as changed:
                changes.extend(changed.apply(DrawMask(1, index, encode(square(0)))) or 1 for index in range(8))

    (folder,) = fulfil(order, progress=draw_meanwhile).outputs
    assert len(changes) == 8
    last = cv2.imread(str(sorted(folder.iterdir())[7]), -1)
    assert last[square(7)].mean() > 200
    (folder,) = fulfil(order).outputs
    last = cv2.imread(str(sorted(folder.iterdir())[7]), -1)
    assert last[square(0)].mean() > 200


def test_a_removed_object_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no object number 7"):
        fulfil(matte_order(project, tmp_path, "png8", object_ids=(7,)))


def test_a_cancelled_order_goes_on_where_it_was_and_not_with_other_masks(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    order = matte_order(project, tmp_path / "out", "prores4444")

    def stop_at_three(done: int, _total: int) -> None:
        if done == 3:
            raise Cancelled("enough")

    for _ in range(2):
        with pytest.raises(Cancelled):
            fulfil(order, progress=stop_at_three)
        with open_source(order) as source:
            (output,) = plan_order(source).outputs
        assert job_folders(output)
        forget_unfinished([output])
        assert not job_folders(output)
    with pytest.raises(Cancelled):
        fulfil(order, progress=stop_at_three)
    assert fulfil(order).resumed == 3
    output.unlink()
    with pytest.raises(Cancelled):
        fulfil(order, progress=stop_at_three)
    with Project(project, program="test") as changed:
        changed.apply(DrawMask(1, 7, encode(square(0))))
    assert fulfil(order).resumed == 0


def test_a_token_that_is_set_stops_before_anything_is_written(project: Path, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fulfil(matte_order(project, tmp_path / "out", "png8"), cancel=token)
    assert not (tmp_path / "out").exists()


_VICTIM = """
import json, sys, time
from rvos_core.orders import Entry, Order, OrderBook, State, fulfil
from pathlib import Path
order = Order.from_dict(json.loads(sys.argv[1]))
OrderBook(Path(sys.argv[2])).put(Entry(order, State.RUNNING))
def slow(done, total):
    print(done, flush=True)
    time.sleep(0.05)
fulfil(order, progress=slow)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills a process")
def test_a_killed_program_leaves_an_order_that_another_one_finishes(tmp_path: Path) -> None:
    project = write_project(tmp_path, frames=40)
    order = matte_order(project, tmp_path / "out", "prores4444")
    arguments = [json.dumps(order.as_dict()), str(tmp_path / "book")]
    with subprocess.Popen([sys.executable, "-c", _VICTIM, *arguments], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        while int(victim.stdout.readline()) < 5:
            time.sleep(0)
        victim.kill()
        victim.wait()
    from rvos_core.orders import OrderBook, State

    (entry,) = OrderBook(tmp_path / "book").open()
    assert (entry.order, entry.state) == (order, State.PAUSED)
    assert list((tmp_path / "out").glob("*.mov")) == []
    done = fulfil(entry.order)
    assert 5 <= done.resumed < 40
    killed = done.outputs[0].read_bytes()
    done.outputs[0].unlink()
    assert fulfil(order).outputs[0].read_bytes() == killed


@pytest.mark.parametrize("kind", [OVERLAY, "h264", "prores4444"])
def test_an_order_is_cancelled_while_its_film_is_read_back(project: Path, tmp_path: Path, kind: str) -> None:
    if kind == OVERLAY:
        order = Order(OVERLAY, "Overlay", project, 1, (1,), tmp_path / "o.mp4")
    else:
        order = matte_order(project, tmp_path, kind)
    (target,) = fulfil(order).outputs
    before = target.read_bytes()
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if done == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        fulfil(order, read_back=stop)
    assert told == [(1, 8), (2, 8), (3, 8)]
    assert target.read_bytes() == before
    token = CancelToken()
    with pytest.raises(Cancelled):
        fulfil(order, cancel=token, read_back=lambda *_: token.cancel())
    assert target.read_bytes() == before
    forget_unfinished([target])
    assert [each for each in target.parent.iterdir() if each.name.startswith(".")] == []


def test_a_second_export_to_the_same_folder_names_the_first_on_its_page(project: Path, tmp_path: Path) -> None:
    first = fulfil(matte_order(project, tmp_path, "png8", recipe="nuke"))
    second = fulfil(matte_order(project, tmp_path, "png8", recipe="nuke", object_ids=(2,)))
    assert first.beside == second.beside == (tmp_path / "HOWTO-nuke_street.txt",)
    text = second.beside[0].read_text(encoding="utf-8")
    assert "Earlier   street_red_car_matte" in text and "street_dog_matte" in text


def test_a_note_that_is_not_true_of_all_outputs_names_its_own(project: Path, tmp_path: Path) -> None:
    note = "The matte is a picture in video range: black 64, white 940 of 1023."
    alone = fulfil(matte_order(project, tmp_path / "one", "prores422hq"))
    assert note in alone.notes
    both = fulfil(matte_order(project, tmp_path / "two", "prores422hq", "pngcutout8"))
    assert f"street_red_car_matte.mov: {note}" in both.notes
    assert note not in both.notes
