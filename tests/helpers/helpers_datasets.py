"""Miniature data sets in the official layouts: two or three clips of coloured boxes, written as their authors do."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rvos_core.masks import encode, indexed_png_bytes, mask_png_bytes, to_coco

COLOURS = {1: ("red", (200, 30, 30)), 2: ("blue", (30, 30, 200)), 3: ("yellow", (220, 210, 30))}
CATEGORIES = ("dog", "car", "boat", "bird", "horse", "truck")
ABSENT = ("dragon", "unicorn", "teapot", "robot")
HEIGHT, WIDTH = 48, 64


@dataclass(frozen=True)
class MiniVideo:
    """One drawn clip.

    Attributes:
        name: of its folder.
        pictures: (T, H, W, 3) uint8 RGB.
        labels: (T, H, W) uint8 object ids, 0 background.
        categories: object id -> category.
    """

    name: str
    pictures: np.ndarray
    labels: np.ndarray
    categories: dict[int, str]

    def text(self, object_id: int) -> str:
        return f"a {COLOURS[object_id][0]} {self.categories[object_id]} moving along"

    def mask(self, object_id: int) -> np.ndarray:
        return self.labels == object_id


def mini_video(
    name: str, *, seed: int, frames: int = 6, objects: int = 2, height: int = HEIGHT, width: int = WIDTH
) -> MiniVideo:
    """A clip of `objects` boxes that wander; the last one leaves for the last frame."""
    dice = np.random.default_rng(seed)
    pictures = np.repeat(dice.integers(90, 140, (1, height, width, 3), dtype=np.uint8), frames, axis=0)
    labels = np.zeros((frames, height, width), dtype=np.uint8)
    for object_id in range(1, objects + 1):
        top, left = dice.integers(2, height // 2), dice.integers(2, width // 2)
        tall, wide = dice.integers(height // 5, height // 3), dice.integers(width // 5, width // 3)
        for t in range(frames - (object_id == objects and objects > 1)):
            box = np.s_[t, top + t : top + t + tall, left + 2 * t : left + 2 * t + wide]
            pictures[box] = COLOURS[object_id][1]
            labels[box] = object_id
    categories = {i: CATEGORIES[(seed + i - 1) % len(CATEGORIES)] for i in range(1, objects + 1)}
    return MiniVideo(name, pictures, labels, categories)


def mini_videos(count: int = 2, **shape: int) -> tuple[MiniVideo, ...]:
    return tuple(mini_video(f"clip{i}", seed=2 * i, **shape) for i in range(count))


def write_refytvos(
    root: Path, videos: Sequence[MiniVideo], *, split: str = "valid", step: int = 5, secret: bool = False
) -> Path:
    """Ref-YouTube-VOS: frames 00000, 00005, ...; one expression an object.

    Args:
        secret: as the real validation split: no masks, no object ids in the list.
    """
    listed = {}
    for video in videos:
        names = _frame_names(video, step=step)
        _write_pictures(root / split / "JPEGImages" / video.name, video, names)
        if not secret:
            _write_labels(root / split / "Annotations" / video.name, video, names)
        expressions = {
            str(i): {"exp": video.text(object_id)} | ({} if secret else {"obj_id": str(object_id)})
            for i, object_id in enumerate(video.categories)
        }
        listed[video.name] = {"expressions": expressions, "frames": names}
    write_json(root / "meta_expressions" / split / "meta_expressions.json", {"videos": listed})
    objects = {
        video.name: {"objects": {str(i): {"category": name} for i, name in video.categories.items()}}
        for video in videos
    }
    write_json(root / split / "meta.json", {"videos": objects})
    return root


def write_refdavis(root: Path, videos: Sequence[MiniVideo], *, published: bool = False) -> Path:
    """Ref-DAVIS17, as the public models convert it, or (`published`) text files beside DAVIS."""
    if published:
        return _write_published_refdavis(root, videos)
    listed = {}
    for video in videos:
        names = _frame_names(video)
        _write_pictures(root / "valid" / "JPEGImages" / video.name, video, names)
        _write_labels(root / "valid" / "Annotations" / video.name, video, names)
        texts = [(object_id, text) for object_id in video.categories for text in _four_texts(video, object_id)]
        expressions = {str(i): {"exp": text, "obj_id": str(o)} for i, (o, text) in enumerate(texts)}
        listed[video.name] = {"expressions": expressions, "frames": names}
    write_json(root / "meta_expressions" / "valid" / "meta_expressions.json", {"videos": listed})
    return root


def _write_published_refdavis(root: Path, videos: Sequence[MiniVideo]) -> Path:
    davis = root / "DAVIS"
    for video in videos:
        names = _frame_names(video)
        _write_pictures(davis / "JPEGImages" / "480p" / video.name, video, names)
        _write_labels(davis / "Annotations_unsupervised" / "480p" / video.name, video, names)
    write_text(davis / "ImageSets" / "2017" / "val.txt", "".join(f"{video.name}\n" for video in videos))
    for number, stem in enumerate(("annot1", "annot1_full_video", "annot2", "annot2_full_video")):
        lines = [f'{v.name} {o} "{_four_texts(v, o)[number]}"\n' for v in videos for o in v.categories]
        path = write_text(root / "davis_text_annotations" / f"Davis17_{stem}.txt", "".join(lines))
        if "annot2" in stem:
            path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    return root


def _four_texts(video: MiniVideo, object_id: int) -> tuple[str, ...]:
    about = video.text(object_id)
    return (about, f"{about} all the time", f"the {about[2:]} in a caf\xe9", f"the {about[2:]} to the right")


def write_mevis(root: Path, videos: Sequence[MiniVideo], *, split: str = "valid_u") -> Path:
    """MeViS: an expression for each object, one for all of them, and one (version 2) for none."""
    listed: dict[str, Any] = {}
    masks: dict[str, list[Any]] = {}
    for video in videos:
        names = _frame_names(video)
        _write_pictures(root / split / "JPEGImages" / video.name, video, names)
        ids = {object_id: len(masks) + object_id for object_id in video.categories}
        for object_id, annotation in ids.items():
            masks[str(annotation)] = [to_coco(encode(m)) if m.any() else None for m in video.mask(object_id)]
        meant = [(video.text(o), [a]) for o, a in ids.items()]
        meant += [("everything that moves", list(ids.values())), (f"a purple {ABSENT[len(listed) % len(ABSENT)]}", [])]
        expressions = {
            str(i): {"exp": text, "obj_id": [a - 1 for a in chosen], "anno_id": chosen}
            for i, (text, chosen) in enumerate(meant)
        }
        listed[video.name] = {"expressions": expressions, "frames": names, "vid_id": len(listed)}
    write_json(root / split / "meta_expressions.json", {"videos": listed})
    write_json(root / split / "mask_dict.json", masks)
    return root


def write_a2d(
    root: Path,
    videos: Sequence[MiniVideo],
    *,
    frame: int = 3,
    split: str = "test",
    pixel_aspect: Fraction = Fraction(1),
) -> Path:
    """A2D-Sentences: frame `frame` (from 1) of every video annotated, a sentence for each object in it."""
    samples: list[list[Any]] = []
    truths: dict[str, np.ndarray] = {}
    for video in videos:
        _write_film(root / "Release" / "clips320H" / f"{video.name}.mp4", video, pixel_aspect=pixel_aspect)
        for object_id in video.categories:
            samples.append([video.text(object_id), video.name, frame, object_id])
            truths[f"v_{video.name}_f_{frame}_i_{object_id}"] = video.mask(object_id)[frame - 1]
    write_json(root / f"a2d_sentences_single_frame_{split}_annotations.json", samples)
    _write_coco(root / f"a2d_sentences_{split}_annotations_in_coco_format.json", truths)
    return root


def write_jhmdb(root: Path, videos: Sequence[MiniVideo], *, frame: int = 3) -> Path:
    """JHMDB-Sentences: frame `frame` (from 1) of every video annotated, one sentence (the first object's) a video."""
    samples: list[list[Any]] = []
    truths: dict[str, np.ndarray] = {}
    for video in videos:
        names = [f"{i + 1:05d}" for i in range(len(video.pictures))]
        folder = root / "Rename_Images" / "walk" / video.name
        _write_pictures(folder, video, names, suffix=".png")
        inside = f"jhmdb_sentences/Rename_Images/walk/{video.name}/{frame:05d}.png"
        mat = f"jhmdb_sentences/puppet_mask/walk/{video.name}/puppet_mask.mat"
        samples.append([video.name, inside, mat, len(names), video.text(1)])
        truths[f"v_{video.name}_f_{frame}"] = video.mask(1)[frame - 1]
    write_json(root / "jhmdb_sentences_samples_metadata.json", samples)
    _write_coco(root / "jhmdb_sentences_gt_annotations_in_coco_format.json", truths)
    return root


MasksOf = Callable[[MiniVideo, int], np.ndarray]  # (T, H, W) bool for an object of a video


def right(video: MiniVideo, object_id: int) -> np.ndarray:
    """What a perfect model says."""
    return video.mask(object_id)


def shifted(pixels: int) -> MasksOf:
    """What a model says that is off by so many pixels to the right."""

    def masks(video: MiniVideo, object_id: int) -> np.ndarray:
        moved = np.zeros_like(video.labels, dtype=bool)
        moved[..., pixels:] = video.mask(object_id)[..., : moved.shape[-1] - pixels]
        return moved

    return masks


def write_expression_masks(
    folder: Path, videos: Sequence[MiniVideo], masks_of: MasksOf = right, *, step: int = 5
) -> Path:
    """Predictions for `write_refytvos`: `VIDEO/EXPRESSION/FRAME.png`."""
    for video in videos:
        for number, object_id in enumerate(video.categories):
            write_masks(folder / video.name / str(number), masks_of(video, object_id), _frame_names(video, step=step))
    return folder


def write_masks(folder: Path, masks: np.ndarray, names: Sequence[str]) -> Path:
    for name, mask in zip(names, masks, strict=True):
        write_mask(folder / f"{name}.png", mask)
    return folder


def write_mask(path: Path, mask: np.ndarray) -> Path:
    """One plain mask; without the syncing of the product's writers, which hundreds of files would wait for."""
    return write_bytes(path, mask_png_bytes(mask))


def write_ids(path: Path, labels: np.ndarray) -> Path:
    """One indexed mask."""
    return write_bytes(path, indexed_png_bytes(labels, path=path))


def write_bytes(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> Path:
    return write_text(path, json.dumps(value))


def frames_of(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.rglob("*.png")))


def _frame_names(video: MiniVideo, *, step: int = 1) -> list[str]:
    return [f"{step * i:05d}" for i in range(len(video.pictures))]


def _write_pictures(folder: Path, video: MiniVideo, names: Sequence[str], *, suffix: str = ".jpg") -> None:
    folder.mkdir(parents=True)
    for name, picture in zip(names, video.pictures, strict=True):
        Image.fromarray(picture).save(folder / f"{name}{suffix}")


def _write_labels(folder: Path, video: MiniVideo, names: Sequence[str]) -> None:
    for name, labels in zip(names, video.labels, strict=True):
        write_ids(folder / f"{name}.png", labels)


def _write_film(path: Path, video: MiniVideo, *, pixel_aspect: Fraction) -> None:
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "10"})
        stream.height, stream.width = video.labels.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        for picture in video.pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))
        container.mux(stream.encode(None))


def _write_coco(path: Path, truths: dict[str, np.ndarray]) -> None:
    images = [{"id": name, "height": mask.shape[0], "width": mask.shape[1]} for name, mask in truths.items()]
    annotations = [
        {
            "id": number,
            "image_id": name,
            "category_id": 1,
            "iscrowd": 0,
            "area": int(mask.sum()),
            "bbox": [0, 0, 1, 1],
            "segmentation": to_coco(encode(mask)),
        }
        for number, (name, mask) in enumerate(truths.items(), start=1)
    ]
    categories = [{"id": 1, "name": "dummy_class"}]
    write_json(path, {"categories": categories, "images": images, "annotations": annotations})


def write_refcoco(
    root: Path, *, name: str = "refcoco", split: str = "train", by: str = "unc", pictures: int = 3
) -> Path:
    """RefCOCO and its kin: two objects a picture, two sentences each; one mask as a polygon, one as run lengths."""
    images, annotations, refs = [], [], []
    for number in range(1, pictures + 1):
        video = mini_video(f"p{number}", seed=number, frames=2)
        file_name = f"COCO_train2014_{number:012d}.jpg"
        (root / "train2014").mkdir(parents=True, exist_ok=True)
        Image.fromarray(video.pictures[0]).save(root / "train2014" / file_name)
        images.append({"id": number, "file_name": file_name, "height": HEIGHT, "width": WIDTH})
        for object_id in video.categories:
            mask, annotation = video.mask(object_id)[0], 10 * number + object_id
            shape: Any = to_coco(encode(mask)) if object_id == 1 else [_outline(mask)]
            annotations.append(
                {
                    "id": annotation,
                    "image_id": number,
                    "category_id": 5 * object_id,
                    "iscrowd": 0,
                    "segmentation": shape,
                }
            )
            sentences = [{"sent": video.text(object_id)}, {"sent": f"thing on the left {object_id}"}]
            refs.append({"image_id": number, "ann_id": annotation, "split": split, "sentences": sentences})
    categories = [{"id": 5, "name": "person"}, {"id": 10, "name": "dog"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    write_json(root / name / "instances.json", document)
    write_bytes(root / name / f"refs({by}).p", pickle.dumps(refs, protocol=2))
    return root


def write_coco(root: Path, *, split: str = "train2017", pictures: int = 3) -> Path:
    """COCO's instances, made of the pictures of `write_refcoco`."""
    write_refcoco(root / "made", pictures=pictures)
    write_bytes(
        root / "annotations" / f"instances_{split}.json", (root / "made" / "refcoco" / "instances.json").read_bytes()
    )
    (root / "made" / "train2014").rename(root / split)
    return root


def write_youtube_vos(root: Path, videos: Sequence[MiniVideo]) -> Path:
    """YouTube-VOS's training split: Ref-YouTube-VOS's without sentences."""
    return write_refytvos(root, videos, split="train")


def write_davis17(root: Path, videos: Sequence[MiniVideo], *, split: str = "train") -> Path:
    """DAVIS 2017 at 480p."""
    for video in videos:
        names = _frame_names(video)
        _write_pictures(root / "JPEGImages" / "480p" / video.name, video, names)
        _write_labels(root / "Annotations" / "480p" / video.name, video, names)
    write_text(root / "ImageSets" / "2017" / f"{split}.txt", "".join(f"{video.name}\n" for video in videos))
    return root


def write_static_images(root: Path, *, pictures: int = 3) -> Path:
    """Pictures with the mask of one object beside each."""
    for number in range(pictures):
        video = mini_video(f"s{number}", seed=number, frames=1, objects=1)
        write_mask(root / "duts" / f"{number}.png", video.mask(1)[0])
        Image.fromarray(video.pictures[0]).save(root / "duts" / f"{number}.jpg")
    return root


def _outline(mask: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(mask)
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    return [float(each) for each in (left, top, right, top, right, bottom, left, bottom)]
