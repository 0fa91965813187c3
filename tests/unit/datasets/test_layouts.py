"""The official layouts are read as they are published, and what is missing or odd is named."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers_data import shared_data
from helpers_datasets import (
    CATEGORIES,
    HEIGHT,
    WIDTH,
    mini_videos,
    write_a2d,
    write_jhmdb,
    write_json,
    write_mevis,
    write_refdavis,
    write_refytvos,
    write_text,
)
from rvos_core.datasets.davis import read_davis
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.refdavis import annotator_expressions, read_refdavis, read_texts
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.datasets.sentences import read_a2d, read_coco_truth, read_jhmdb, which_sentences
from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.predictions import ScoredMask, read_results, write_results
from rvos_core.masks import decode, encode, to_coco, write_mask_png

SIZE = (HEIGHT, WIDTH)


def test_refytvos(tmp_path: Path) -> None:
    videos = mini_videos(2)
    dataset = read_refytvos(write_refytvos(tmp_path, videos))
    assert [video.name for video in dataset.videos] == ["clip0", "clip1"]
    first = dataset.videos[0]
    assert first.frames == ("00000", "00005", "00010", "00015", "00020", "00025")
    assert [(e.expression_id, e.object_ids) for e in first.expressions] == [("0", (1,)), ("1", (2,))]
    assert first.expressions[1].text == videos[0].text(2)
    assert first.categories == {1: CATEGORIES[0], 2: CATEGORIES[1]}
    truth = dataset.require_truth()
    assert truth.annotated(first) == first.frames
    assert truth.size(first) == SIZE
    for frame, expected in zip(first.frames, videos[0].mask(2), strict=True):
        np.testing.assert_array_equal(truth.mask(first, first.expressions[1], frame, size=SIZE), expected)
    dataset.require_images()
    assert first.image("00005").is_file()
    assert dataset.seen_categories is None


def test_valid_is_the_valid_list_without_the_test_list(tmp_path: Path) -> None:
    root = write_refytvos(tmp_path, mini_videos(3))
    assert "test" in read_refytvos(root).notes[0]
    write_refytvos(root, mini_videos(1), split="test", secret=True)
    dataset = read_refytvos(root)
    assert [video.name for video in dataset.videos] == ["clip1", "clip2"]
    assert dataset.notes == ()


def test_the_published_validation_list() -> None:
    path = shared_data() / "expressions" / "ref_ytvos_valid_meta_expressions.json"
    dataset = read_refytvos(path.parents[1], split="expressions", expressions=path)
    assert (len(dataset.videos), sum(1 for _ in dataset.pairs())) == (507, 2096)
    assert all(expression.object_ids is None for _, expression in dataset.pairs())
    with pytest.raises(UserError, match="no true masks") as caught:
        dataset.require_truth()
    assert "server" in caught.value.hint
    with pytest.raises(UserError, match=r"complete ref-youtube-vos \(expressions\): expressions/JPEGImages is missing"):
        dataset.require_images()


def test_missing_pictures_are_named_once(tmp_path: Path) -> None:
    root = write_refytvos(tmp_path, mini_videos(3))
    shutil.rmtree(root / "valid" / "JPEGImages" / "clip1")
    for frame in ("00000", "00010"):
        (root / "valid" / "JPEGImages" / "clip2" / f"{frame}.jpg").unlink()
    with pytest.raises(UserError) as caught:
        read_refytvos(root).require_images()
    names = ("clip1", "clip2/00000.jpg", "clip2/00010.jpg")
    assert f": {', '.join(f'valid/JPEGImages/{name}' for name in names)} are missing." in caught.value.message


def test_categories_of_the_training_split_are_the_seen_ones(tmp_path: Path) -> None:
    write_refytvos(tmp_path, mini_videos(1), split="train")
    dataset = read_refytvos(write_refytvos(tmp_path, mini_videos(3)))
    assert dataset.seen_categories == {CATEGORIES[0], CATEGORIES[1]}


@pytest.mark.parametrize("published", [False, True])
def test_refdavis_in_both_forms(tmp_path: Path, published: bool) -> None:
    videos = mini_videos(2, objects=3)
    dataset = read_refdavis(write_refdavis(tmp_path, videos, published=published))
    assert [video.name for video in dataset.videos] == ["clip0", "clip1"]
    first = dataset.videos[0]
    assert [e.expression_id for e in first.expressions] == [str(i) for i in range(12)]
    for annotator in range(4):
        mine = annotator_expressions(first, annotator)
        assert [int(e.expression_id) for e in mine] == [annotator, 4 + annotator, 8 + annotator]
        assert [e.object_ids for e in mine] == [(1,), (2,), (3,)]
    assert "caf\xe9" in first.expressions[2].text
    truth = dataset.require_truth()
    np.testing.assert_array_equal(truth.mask(first, first.expressions[4], "00001", size=SIZE), videos[0].mask(2)[1])
    dataset.require_images()


def test_refdavis_text_files_hold_the_published_expressions(tmp_path: Path) -> None:
    table = shared_data() / "expressions" / "DAVIS17_RE_categorization.csv"
    texts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            texts[row["video_id"]][row["instance_id"]].append(row["ref_exp"])
    clips = sorted(clip for clip, objects in texts.items() if all(len(each) == 1 for each in objects.values()))
    assert len(clips) > 10
    davis = tmp_path / "DAVIS"
    write_text(davis / "ImageSets" / "2017" / "val.txt", "\n".join(clips))
    for clip in clips:
        (davis / "Annotations_unsupervised" / "480p" / clip).mkdir(parents=True)
    lines = "".join(f'{clip} {i} "{each[0]}"\n' for clip in clips for i, each in texts[clip].items())
    for stem in ("annot1", "annot1_full_video", "annot2", "annot2_full_video"):
        write_text(tmp_path / "davis_text_annotations" / f"Davis17_{stem}.txt", lines)
    dataset = read_refdavis(tmp_path)
    for video in dataset.videos:
        assert len(video.expressions) == 4 * len(texts[video.name])
        for expression in video.expressions:
            assert [expression.text] == texts[video.name][str(expression.object_ids[0])]


def test_misspelt_clips_of_the_text_files(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path, mini_videos(1), published=True)
    for path in (root / "davis_text_annotations").iterdir():
        path.write_bytes(path.read_bytes().replace(b"clip0", b"clasic-car"))
    write_text(root / "DAVIS" / "ImageSets" / "2017" / "val.txt", "classic-car\n")
    for kind in ("JPEGImages", "Annotations_unsupervised"):
        folder = root / "DAVIS" / kind / "480p"
        (folder / "clip0").rename(folder / "classic-car")
    assert len(read_refdavis(root).videos[0].expressions) == 8


def test_published_expressions_are_those_of_the_public_conversion(tmp_path: Path) -> None:
    """It joins the words by single blanks and cuts the first and the last character; the models see that."""
    lines = ('clip0 1 "a  red car "\n', 'clip0 2 "the sign "stop""\n', "clip0 3 no quotes\n")
    path = write_text(tmp_path / "Davis17_annot1.txt", "".join(lines))
    said = read_texts(path, encoding="utf-8")["clip0"]
    assert said == {1: "a red car ", 2: 'the sign "stop"', 3: "no quotes"}


def test_davis(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path, mini_videos(2), published=True)
    split = read_davis(root, unsupervised=True)
    assert split.clips == ("clip0", "clip1")
    assert split.frames("clip0") == tuple(f"{i:05d}" for i in range(6))
    with pytest.raises(UserError, match="DAVIS/Annotations is missing"):
        read_davis(root)
    shutil.rmtree(root / "DAVIS" / "Annotations_unsupervised" / "480p" / "clip1")
    with pytest.raises(UserError, match="Annotations_unsupervised/480p/clip1 is missing"):
        read_davis(root, unsupervised=True)


def test_mevis(tmp_path: Path) -> None:
    videos = mini_videos(2)
    dataset = read_mevis(write_mevis(tmp_path, videos))
    second = dataset.videos[1]
    assert [e.object_ids for e in second.expressions] == [(3,), (4,), (3, 4), ()]
    truth = dataset.require_truth()
    assert truth.size(second) == SIZE
    for index, frame in enumerate(second.frames):
        both, none = (truth.mask(second, second.expressions[i], frame, size=SIZE) for i in (2, 3))
        np.testing.assert_array_equal(both, videos[1].labels[index] > 0)
        assert not none.any()
    with pytest.raises(UserError, match=r"64x48 .* where 48x64 is expected"):
        truth.mask(second, second.expressions[0], "00000", size=(WIDTH, HEIGHT))


def test_a2d_and_jhmdb(tmp_path: Path) -> None:
    videos = mini_videos(2)
    a2d = read_a2d(write_a2d(tmp_path / "a", videos))
    assert which_sentences(tmp_path / "a") == "a2d"
    assert [s.image_id for s in a2d.samples[:2]] == ["v_clip0_f_3_i_1", "v_clip0_f_3_i_2"]
    assert a2d.samples[0].media.is_file()
    np.testing.assert_array_equal(decode(a2d.truth()["v_clip1_f_3_i_2"]), videos[1].mask(2)[2])
    jhmdb = read_jhmdb(write_jhmdb(tmp_path / "j", videos))
    assert which_sentences(tmp_path / "j") == "jhmdb"
    assert [(s.image_id, s.frame) for s in jhmdb.samples] == [("v_clip0_f_3", 3), ("v_clip1_f_3", 3)]
    assert (jhmdb.samples[0].media / "00003.png").is_file()
    np.testing.assert_array_equal(decode(jhmdb.truth()["v_clip0_f_3"]), videos[0].mask(1)[2])
    for dataset in (a2d, jhmdb):
        dataset.require_media()
    a2d.samples[0].media.unlink()
    with pytest.raises(UserError, match=r"A2D-Sentences: Release/clips320H/clip0\.mp4 is missing"):
        a2d.require_media()


def test_results_come_back_in_order(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    written = [
        (name, ScoredMask(encode(dice.random((9, 7)) < share), score))
        for name, share, score in (("a", 0.5, 0.25), ("b", 0.0, 1.0), ("a", 1.0, 0.125))
    ]
    write_results(tmp_path / "predictions.json", written)
    found = read_results(tmp_path, sizes={"a": (9, 7), "b": (9, 7)})
    assert found == {"a": (written[0][1], written[2][1]), "b": (written[1][1],)}
    assert json.loads((tmp_path / "predictions.json").read_text())[0]["category_id"] == 1


REFYTVOS = "meta_expressions/valid/meta_expressions.json"
Change = Callable[[Path], object]


def edited(name: str, change: Callable[[dict], object]) -> Change:
    """Change the JSON value of one file."""

    def apply(root: Path) -> None:
        value = json.loads((root / name).read_text())
        change(value)
        write_json(root / name, value)

    return apply


def written(name: str, text: str) -> Change:
    return lambda root: write_text(root / name, text)


def clip0(value: dict) -> dict:
    return value["videos"]["clip0"]


BAD_REFYTVOS: dict[str, tuple[Change, list[str]]] = {
    "no list": (lambda root: (root / REFYTVOS).unlink(), [REFYTVOS, "missing"]),
    "no list and no split": (
        lambda root: [(root / REFYTVOS).unlink(), shutil.rmtree(root / "valid")],
        [REFYTVOS, "valid", "are missing"],
    ),
    "a web page": (written(REFYTVOS, "<html>"), ["not valid JSON"]),
    "cut short": (lambda root: (root / REFYTVOS).write_text((root / REFYTVOS).read_text()[:100]), ["not valid JSON"]),
    "bytes": (lambda root: (root / REFYTVOS).write_bytes(b"\xff\xfe\x00{"), ["UTF-8"]),
    "deep": (written(REFYTVOS, "[" * 200_000), ["nested too deeply"]),
    "a key twice": (written(REFYTVOS, '{"videos": {"a": 1, "a": 2}}'), ["'a' stands twice"]),
    "not a number": (written(REFYTVOS, '{"videos": {"a": NaN}}'), ["NaN"]),
    "a list": (written(REFYTVOS, "[]"), ["a list where an object is expected"]),
    "null": (written(REFYTVOS, '{"videos": null}'), ["null where an object"]),
    "no videos": (written(REFYTVOS, '{"videos": {}}'), ["lists no videos"]),
    "a way out": (
        edited(REFYTVOS, lambda v: v["videos"].update({"../clip0": clip0(v)})),
        ["'../clip0'", "name of a file or folder"],
    ),
    "a frame's way out": (edited(REFYTVOS, lambda v: clip0(v).update(frames=["/etc/x"])), ["'/etc/x'", "frames"]),
    "a frame is a number": (edited(REFYTVOS, lambda v: clip0(v).update(frames=[0])), ["a number", "clip0"]),
    "a frame twice": (edited(REFYTVOS, lambda v: clip0(v).update(frames=["0", "0"])), ["twice", "clip0"]),
    "no frames": (edited(REFYTVOS, lambda v: clip0(v).update(frames=[])), ["no frames", "clip0"]),
    "no text": (edited(REFYTVOS, lambda v: clip0(v)["expressions"]["0"].pop("exp")), ["clip0", "expressions/0/exp"]),
    "no object number": (
        edited(REFYTVOS, lambda v: clip0(v)["expressions"]["0"].update(obj_id="first")),
        ["'first'", "whole number"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_REFYTVOS)
def test_what_is_not_as_published_is_named(tmp_path: Path, what: str) -> None:
    change, words = BAD_REFYTVOS[what]
    root = write_refytvos(tmp_path / "data", mini_videos(1, frames=2))
    change(root)
    with pytest.raises(UserError) as caught:
        read_refytvos(root)
    assert all(word in caught.value.message for word in words), caught.value.message
    assert "meta_expressions.json" in caught.value.message
    assert caught.value.code in ("evaluation.incomplete", "evaluation.bad_file")


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_refytvos(tmp_path / "none")
    file = write_text(tmp_path / "file", "")
    with pytest.raises(UserError, match="is a file, not the folder"):
        read_mevis(file)
    with pytest.raises(UserError, match="holds neither"):
        which_sentences(tmp_path)


def test_the_rule_of_the_four_annotators_is_checked(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path, mini_videos(1))
    path = root / REFYTVOS
    edited(REFYTVOS, lambda v: clip0(v)["expressions"]["4"].update(obj_id="1"))(root)
    with pytest.raises(UserError, match="4 expressions one after another for every object of clip0"):
        read_refdavis(root)
    edited(REFYTVOS, lambda v: clip0(v)["expressions"].pop("7"))(root)
    with pytest.raises(UserError, match="4 expressions"):
        read_refdavis(root)
    edited(REFYTVOS, lambda v: clip0(v)["expressions"].update({"x": {"exp": "it", "obj_id": "1"}}))(root)
    with pytest.raises(UserError, match="expression id 'x'"):
        read_refdavis(root)
    path.unlink()
    with pytest.raises(UserError, match=r"meta_expressions\.json is missing") as caught:
        read_refdavis(root)
    assert "davis_text_annotations" in caught.value.hint


def test_published_refdavis_needs_every_text(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path, mini_videos(1), published=True)
    texts = root / "davis_text_annotations"
    path = texts / "Davis17_annot2.txt"
    path.write_text(path.read_text(encoding="latin-1").splitlines()[0] + "\n", encoding="latin-1")
    with pytest.raises(UserError, match=r"annot2\.txt says nothing about object 2 of clip0"):
        read_refdavis(root)
    for odd in ("clip0 one red dog\n", 'clip0 1 ""\n', "clip0 1\n"):
        path.write_text(odd)
        with pytest.raises(UserError, match="in line 1"):
            read_refdavis(root)
    path.write_text('clip0 1  "a  dog\nclip0 2 a red car\n')
    assert [e.text for e in read_refdavis(root).videos[0].expressions[2::4]] == ["a dog", "a red car"]
    path.write_text("clip0 one red dog\n")
    with pytest.raises(UserError, match="in line 1"):
        read_refdavis(root)
    for each in ("annot2", "annot1_full_video"):
        (texts / f"Davis17_{each}.txt").unlink()
    with pytest.raises(UserError, match=r"annot1_full_video\.txt, davis_text_annotations/Davis17_annot2\.txt are"):
        read_refdavis(root)


def test_mevis_masks_must_fit_the_list(tmp_path: Path) -> None:
    root = write_mevis(tmp_path, mini_videos(1))
    masks = "valid_u/mask_dict.json"
    original = (root / masks).read_text()
    edited(masks, lambda v: v["2"].pop())(root)
    with pytest.raises(UserError, match="5 masks for annotation 2, clip0 has 6 frames"):
        read_mevis(root)
    edited(masks, lambda v: v.pop("2"))(root)
    with pytest.raises(UserError, match="lacks the annotation 2, which clip0 names"):
        read_mevis(root)
    (root / masks).write_text(original)
    edited(masks, lambda v: v["1"][0].update(counts="~~"))(root)
    dataset = read_mevis(root)
    with pytest.raises(UserError, match=r"damaged mask \(annotation 1, frame 0\)"):
        dataset.require_truth().size(dataset.videos[0])
    (root / masks).unlink()
    assert read_mevis(root).truth is None


def test_sentences_that_are_not_as_published(tmp_path: Path) -> None:
    root = write_a2d(tmp_path, mini_videos(1))
    texts = "a2d_sentences_single_frame_test_annotations.json"
    truth = "a2d_sentences_test_annotations_in_coco_format.json"
    edited(truth, lambda v: [v["annotations"].pop(), v["images"].pop()])(root)
    with pytest.raises(UserError, match=r"no mask for 1 sample\(s\), first: v_clip0_f_3_i_2"):
        read_a2d(root).truth()
    edited(texts, lambda v: v.append(v[0]))(root)
    assert len(read_a2d(root).samples) == 2
    edited(texts, lambda v: v.append(["another text", *v[0][1:]]))(root)
    with pytest.raises(UserError, match="two different entries for v_clip0_f_3_i_1"):
        read_a2d(root)
    edited(truth, lambda v: v["annotations"].append(v["annotations"][0]))(root)
    assert len(read_coco_truth(root / truth)) == 1
    other = to_coco(encode(np.ones(SIZE, dtype=bool)))
    edited(truth, lambda v: v["annotations"].append(v["annotations"][0] | {"segmentation": other}))(root)
    with pytest.raises(UserError, match="two different masks for the image v_clip0_f_3_i_1"):
        read_coco_truth(root / truth)
    edited(truth, lambda v: v["annotations"][0].update(segmentation=[[1, 2, 3, 4, 5, 6]]))(root)
    with pytest.raises(UserError, match="a list where an object is expected"):
        read_coco_truth(root / truth)
    edited(texts, lambda v: v[0].append(1))(root)
    with pytest.raises(UserError, match="5 values instead of 4 in entry 0"):
        read_a2d(root)
    (root / truth).unlink()
    (root / texts).unlink()
    with pytest.raises(UserError, match=r"single_frame_test_annotations\.json is missing"):
        read_a2d(root)


def test_results_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    mask = ScoredMask(encode(np.ones((4, 5), dtype=bool)), 0.5)
    write_results(path, [("a", mask)])
    with pytest.raises(UserError, match="prediction for a, which the data set does not have"):
        read_results(path, sizes={"b": (4, 5)})
    with pytest.raises(UserError, match="5x4 for a, the frame is 5x9"):
        read_results(path, sizes={"a": (9, 5)})
    with pytest.raises(UserError, match="no prediction for 1 of 2 samples, first: b"):
        read_results(path, sizes={"a": (4, 5), "b": (4, 5)})
    write_text(path, path.read_text().replace("0.5", "true"))
    with pytest.raises(UserError, match="True where a score is expected"):
        read_results(path, sizes={"a": (4, 5)})
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_results(tmp_path, sizes={})
    write_mask_png(path, np.ones((4, 5), dtype=bool))
    with pytest.raises(UserError, match="not text in UTF-8"):
        read_results(path, sizes={})
