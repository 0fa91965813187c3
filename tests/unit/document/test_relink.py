"""Clips by reference: found where they lie, known again by content, compared when they changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from documents import small_project
from rvos_core.errors import Cancelled, UserError
from rvos_core.project.relink import difference, identity_of, locate, media_record, relink, search, take_in
from rvos_core.types import CancelToken, MediaInfo


def clip_at(path: Path, *, frames: int = 10, width: int = 20) -> MediaInfo:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"content of {frames} {width}".encode() * 100)
    return MediaInfo(
        path=path,
        kind="video",
        width=width,
        height=12,
        frame_count=frames,
        rate=Fraction(25),
        rate_is_assumed=False,
        is_variable_rate=False,
        pts=tuple(range(frames)),
        time_base=Fraction(1, 25),
        codec="h264",
        pixel_format="yuv420p",
        coded_width=width,
        coded_height=12,
        rotation_deg=0,
        sample_aspect=Fraction(1),
        has_audio=False,
    )


def test_a_clip_that_moved_with_its_project_is_found(tmp_path: Path) -> None:
    info = clip_at(tmp_path / "job" / "clips" / "a.mp4")
    project = tmp_path / "job" / "p.rvos"
    record = media_record(info, media_id=1, position=0, project=project)
    assert record.relative_path == Path("clips/a.mp4")
    assert locate(record, project) == info.path
    shutil.move(tmp_path / "job", tmp_path / "elsewhere")
    assert locate(record, tmp_path / "elsewhere" / "p.rvos") == tmp_path / "elsewhere" / "clips" / "a.mp4"
    assert locate(record, project) is None
    clip_at(info.path)
    assert locate(record, tmp_path / "third" / "p.rvos") == info.path, "where it was"


@pytest.mark.parametrize("address", ["http://example.org/x.mp4", "\\\\host\\share\\x.mp4", "/dev/null"])
def test_addresses_and_devices_are_never_followed(tmp_path: Path, address: str) -> None:
    info = clip_at(tmp_path / "a.mp4")
    record = replace(
        media_record(info, media_id=1, position=0, project=None), absolute_path=Path(address), relative_path=None
    )
    assert locate(record, tmp_path / "p.rvos") is None


def test_a_renamed_clip_is_found_by_its_content(tmp_path: Path) -> None:
    info = clip_at(tmp_path / "a.mp4")
    record = media_record(info, media_id=1, position=0, project=None)
    clip_at(tmp_path / "place" / "other.mp4", frames=11)
    assert search(record, tmp_path / "place") is None
    (tmp_path / "place" / "deep").mkdir()
    shutil.move(info.path, tmp_path / "place" / "deep" / "renamed.mov")
    assert search(record, tmp_path / "place") == tmp_path / "place" / "deep" / "renamed.mov"
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        search(record, tmp_path / "place", cancel=token)


def test_a_folder_of_images_is_known_by_its_files(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "shot" / f"{number}.png").parent.mkdir(exist_ok=True)
        (tmp_path / "shot" / f"{number}.png").write_bytes(bytes([number]) * 50)
    (tmp_path / "shot" / "notes.txt").write_text("not part of it")
    before = identity_of(tmp_path / "shot")
    (tmp_path / "shot" / "notes.txt").write_text("other notes")
    assert identity_of(tmp_path / "shot") == before
    record = replace(
        media_record(clip_at(tmp_path / "x.mp4"), media_id=1, position=0, project=None),
        kind="images",
        size_bytes=before.size_bytes,
        identity=before.digest,
    )
    shutil.move(tmp_path / "shot", tmp_path / "far" / "renamed")
    assert search(record, tmp_path / "far") == tmp_path / "far" / "renamed"
    (tmp_path / "far" / "renamed" / "3.png").write_bytes(b"changed")
    assert identity_of(tmp_path / "far" / "renamed") != before


def test_the_report_says_what_differs(tmp_path: Path) -> None:
    info = clip_at(tmp_path / "a.mp4")
    record = media_record(info, media_id=1, position=0, project=None)
    pts = np.arange(10)
    assert difference(record, pts, info).sentences == ()
    clip_at(info.path, width=22)
    same = difference(record, pts, info)
    assert same.sentences == (
        "The file is not the one that was annotated.",
        "Its size, length and times are the same.",
    )
    assert not same.times_differ
    shorter = difference(record, pts, replace(info, frame_count=8, pts=tuple(range(8))))
    assert "8 frames instead of 10" in shorter.sentences[1]
    assert shorter.times_differ
    late = difference(record, pts, replace(info, pts=(*range(5), *range(6, 11))))
    assert "5 frames have another time, the first of them frame 5." in late.sentences
    wider = difference(record, pts, replace(info, width=40))
    assert wider.size_differs
    with pytest.raises(UserError, match="40x12"):
        relink(record, replace(info, width=40), tmp_path / "p.rvos", found=wider)


def test_relinking_is_an_edit_with_the_new_times(tmp_path: Path) -> None:
    info = clip_at(tmp_path / "a.mp4")
    with small_project(tmp_path / "p.rvos") as project:
        record = take_in(project, info)
        assert record.media_id == 2
        assert take_in(project, info) == record, "the same clip is there once"
        later = replace(info, path=tmp_path / "b.mp4", frame_count=8, pts=tuple(range(3, 11)))
        clip_at(later.path, frames=8)
        found = difference(record, project.pts(2), later)
        project.apply(relink(record, later, project.path, found=found))
        changed = project.media()[1]
        assert (changed.absolute_path, changed.frame_count) == (later.path, 8)
        assert project.pts(2).tolist() == list(range(3, 11))
        project.undo()
        assert project.media()[1] == record
        assert project.pts(2).tolist() == list(range(10))


def test_the_same_content_under_another_name_is_the_same_clip(tmp_path: Path) -> None:
    info = clip_at(tmp_path / "a.mp4")
    with small_project(tmp_path / "p.rvos") as project:
        record = take_in(project, info)
        shutil.copyfile(info.path, tmp_path / "copy.mp4")
        assert take_in(project, replace(info, path=tmp_path / "copy.mp4")) == record


def test_times_of_a_long_clip_are_read_by_span(tmp_path: Path) -> None:
    frames = 200_000
    info = replace(clip_at(tmp_path / "a.mp4"), frame_count=frames, pts=tuple(range(0, 1001 * frames, 1001)))
    with small_project(tmp_path / "p.rvos") as project:
        take_in(project, info)
        from rvos_core.types import FrameSpan

        assert project.pts(2, FrameSpan(65_530, 65_540)).tolist() == [1001 * n for n in range(65_530, 65_540)]
        assert len(project.pts(2)) == frames
