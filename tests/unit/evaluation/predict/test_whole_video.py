"""Ref-YouTube-VOS and MeViS: predicted and scored; stopped and gone on with; what is wrong is said, nothing is lost."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers_datasets import MiniVideo, mini_videos, shifted, write_mevis, write_refytvos
from helpers_predict import KnowingEngine
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.referring import ReferringDataset
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.evaluation.expressions import evaluate_expressions
from rvos_core.evaluation.predict.job import Job, Predicted
from rvos_core.evaluation.predict.selection import Selection
from rvos_core.evaluation.predict.whole_video import predict_whole_videos, write_server_archive
from rvos_core.masks import read_mask_png, write_indexed_png
from rvos_core.types import CancelToken

VIDEOS = mini_videos()
SHIFT = 3


@pytest.fixture
def dataset(tmp_path: Path) -> ReferringDataset:
    return read_refytvos(write_refytvos(tmp_path / "rvos", VIDEOS))


def predict(dataset: ReferringDataset, folder: Path, engine: KnowingEngine, *, only: tuple[str, ...] = (), **terms):
    chunk = terms.pop("chunk", 0)
    job = Job(Selection.read(only), **terms)
    return predict_whole_videos(engine, dataset, folder, job=job, chunk=chunk)  # type: ignore[arg-type]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mean_j(video: MiniVideo, object_id: int) -> float:
    """J of masks that lie `SHIFT` pixels to the right, by counting."""
    values = []
    for true in video.mask(object_id):
        drawn = np.zeros_like(true)
        drawn[:, SHIFT:] = true[:, :-SHIFT]
        either = np.logical_or(true, drawn).sum()
        values.append(np.logical_and(true, drawn).sum() / either if either else 1.0)
    return float(np.mean(values))


def test_what_a_perfect_model_predicts_scores_one(dataset: ReferringDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS)
    made = predict(dataset, tmp_path / "out", engine)
    assert made == Predicted(4, 0, 24, {"masks": tmp_path / "out" / "Annotations"}, dataset.notes)
    scores = evaluate_expressions(dataset, tmp_path / "out").as_dict()
    assert (scores["J"], scores["F"]) == (1.0, 1.0)
    assert [frames for _, frames in engine.asked] == [6] * 4, "the whole video in one pass"
    assert engine.encoded == [6, 6], "every video is encoded once"


def test_figures_of_a_model_that_is_off_are_those_counted_by_hand(dataset: ReferringDataset, tmp_path: Path) -> None:
    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS, shifted(SHIFT)))
    scores = evaluate_expressions(dataset, tmp_path / "out").as_dict()
    assert scores["J"] == pytest.approx(np.mean([mean_j(video, o) for video in VIDEOS for o in video.categories]))
    assert 0.3 < scores["J"] < 0.9


def test_clips_choose_each_for_themselves(dataset: ReferringDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS)
    predict(dataset, tmp_path / "out", engine, chunk=4)
    assert [frames for _, frames in engine.asked] == [4, 4, 2, 2] * 2
    assert evaluate_expressions(dataset, tmp_path / "out").as_dict()["J"] == 1.0


def test_the_archive_holds_what_the_server_takes(dataset: ReferringDataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(dataset, out, KnowingEngine(VIDEOS))
    path = write_server_archive(dataset, out, cancel=CancelToken())
    assert path == out / "ref-youtube-vos.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            f"Annotations/{video.name}/{e}/{5 * t:05d}.png" for video in VIDEOS for e in (0, 1) for t in range(6)
        )
        name = f"Annotations/{VIDEOS[0].name}/1/00010.png"
        (tmp_path / "one.png").write_bytes(archive.read(name))
    assert np.array_equal(read_mask_png(tmp_path / "one.png"), VIDEOS[0].mask(2)[2])
    before = path.read_bytes()
    write_server_archive(dataset, out, cancel=CancelToken())
    assert path.read_bytes() == before


def test_a_second_call_asks_nothing_again(dataset: ReferringDataset, tmp_path: Path) -> None:
    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS))
    before = files_of(tmp_path / "out")
    engine = KnowingEngine(VIDEOS, shifted(SHIFT))
    made = predict(dataset, tmp_path / "out", engine)
    assert (made.expressions, made.finished_before, engine.asked, engine.encoded) == (4, 4, [], [])
    assert files_of(tmp_path / "out") == before


@pytest.mark.parametrize("stop_at", range(3))
def test_stopped_anywhere_it_goes_on_to_the_same_files(dataset: ReferringDataset, tmp_path: Path, stop_at: int) -> None:
    predict(dataset, tmp_path / "whole", KnowingEngine(VIDEOS))
    cancel, told = CancelToken(), []
    engine = KnowingEngine(VIDEOS, before=lambda answers: cancel.cancel() if answers == stop_at else None)
    with pytest.raises(Cancelled):
        predict(dataset, tmp_path / "out", engine, cancel=cancel, listener=lambda *what: told.append(what))
    kept = files_of(tmp_path / "out")
    assert all(content == files_of(tmp_path / "whole")[name] for name, content in kept.items())
    assert len(kept) == 6 * len(told)
    second = KnowingEngine(VIDEOS)
    predict(dataset, tmp_path / "out", second)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")
    assert len(second.asked) == 4 - len(told)


def test_an_expression_with_a_frame_missing_is_predicted_again(dataset: ReferringDataset, tmp_path: Path) -> None:
    predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS))
    before = files_of(tmp_path / "out")
    (tmp_path / "out" / "Annotations" / VIDEOS[1].name / "0" / "00005.png").unlink()
    engine = KnowingEngine(VIDEOS)
    assert predict(dataset, tmp_path / "out", engine).finished_before == 3
    assert [text for text, _ in engine.asked] == [VIDEOS[1].text(1)]
    assert files_of(tmp_path / "out") == before


def test_only_what_is_named_is_predicted(dataset: ReferringDataset, tmp_path: Path) -> None:
    engine = KnowingEngine(VIDEOS)
    made = predict(dataset, tmp_path / "out", engine, only=(f"{VIDEOS[0].name}/1", VIDEOS[1].name))
    assert made.expressions == 3
    assert [text for text, _ in engine.asked] == [VIDEOS[0].text(2), VIDEOS[1].text(1), VIDEOS[1].text(2)]


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("clip0/7", "clip0 has no expression with the id '7'. It has 0, 1."),
        ("clp1", "has no video 'clp1'. Did you mean 'clip1'?"),
        ("/3", "names no video"),
        ("clip0/", "names no video"),
    ],
)
def test_an_unknown_expression_or_video_is_said(
    dataset: ReferringDataset, tmp_path: Path, only: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS), only=(only,))
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_missing_pictures_are_named_before_anything_is_predicted(dataset: ReferringDataset, tmp_path: Path) -> None:
    for name in ("00005", "00020"):
        (tmp_path / "rvos" / "valid" / "JPEGImages" / VIDEOS[1].name / f"{name}.jpg").unlink()
    engine = KnowingEngine(VIDEOS)
    with pytest.raises(UserError, match=r"clip1/00005\.jpg, .*clip1/00020\.jpg are missing"):
        predict(dataset, tmp_path / "out", engine)
    assert engine.encoded == []


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"<html>no picture</html>", "is damaged or no picture")]
)
def test_a_damaged_picture_is_named_and_what_was_finished_stays(
    dataset: ReferringDataset, tmp_path: Path, content: bytes, said: str
) -> None:
    picture = tmp_path / "rvos" / "valid" / "JPEGImages" / VIDEOS[1].name / "00010.jpg"
    good = picture.read_bytes()
    picture.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS))
    assert str(picture) in caught.value.message
    assert len(files_of(tmp_path / "out")) == 12
    picture.write_bytes(good)
    assert predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS)).finished_before == 2


def test_pictures_of_two_sizes_are_refused(dataset: ReferringDataset, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "rvos" / "valid" / "JPEGImages" / VIDEOS[0].name / "00015.jpg"
    Image.open(picture).resize((32, 24)).save(picture)
    with pytest.raises(UserError, match=r"00015\.jpg is 32x24, the pictures before it are 64x48"):
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS))


def test_a_full_disk_leaves_whole_expressions_only(
    dataset: ReferringDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, write = [], Path.write_bytes

    def until_full(self: Path, data: bytes) -> int:
        written.append(self)
        if len(written) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(UserError, match="the disk is full") as caught:
        predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS))
    assert caught.value.code == "files.disk_full"
    monkeypatch.undo()
    assert set(files_of(tmp_path / "out")) == {f"Annotations/clip0/0/{5 * t:05d}.png" for t in range(6)}
    assert predict(dataset, tmp_path / "out", KnowingEngine(VIDEOS)).finished_before == 1


def test_a_palette_picture_does_not_go_into_the_archive(dataset: ReferringDataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(dataset, out, KnowingEngine(VIDEOS))
    archive = write_server_archive(dataset, out, cancel=CancelToken())
    good = archive.read_bytes()
    odd = out / "Annotations" / VIDEOS[0].name / "0" / "00005.png"
    write_indexed_png(odd, VIDEOS[0].labels[1])
    with pytest.raises(UserError, match="is an indexed \\(palette\\) picture") as caught:
        write_server_archive(dataset, out, cancel=CancelToken())
    assert str(odd) in caught.value.message
    odd.write_bytes(b"no picture at all, and longer than a header would be")
    with pytest.raises(UserError, match="is no PNG image"):
        write_server_archive(dataset, out, cancel=CancelToken())
    odd.unlink()
    with pytest.raises(UserError, match=r"00005\.png cannot be read"):
        write_server_archive(dataset, out, cancel=CancelToken())
    assert archive.read_bytes() == good
    assert sorted(path.name for path in out.iterdir()) == ["Annotations", "ref-youtube-vos.zip"]


def test_mevis_is_one_query_for_whatever_is_meant(tmp_path: Path) -> None:
    dataset = read_mevis(write_mevis(tmp_path / "mevis", VIDEOS))
    out = tmp_path / "out"
    predict(dataset, out, KnowingEngine(VIDEOS))
    report = evaluate_expressions(dataset, out).as_dict()
    by_id = {(each["video"], each["expression_id"]): each["J"] for each in report["per_expression"]}
    for video in VIDEOS:
        assert (by_id[video.name, "0"], by_id[video.name, "1"]) == (1.0, 1.0)
        # "everything that moves" is answered by an empty query: right where nothing is in sight, in no frame here.
        assert by_id[video.name, "2"] == 0.0
        assert by_id[video.name, "3"] == 1.0, "a purple dragon is nowhere, and nothing was drawn"
    with zipfile.ZipFile(write_server_archive(dataset, out, cancel=CancelToken())) as archive:
        assert f"{VIDEOS[0].name}/3/00005.png" in archive.namelist(), "no folder above the videos"
        assert len(archive.namelist()) == 2 * 4 * 6
