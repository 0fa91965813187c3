"""RefCOCO, RefCOCO+ and RefCOCOg (Yu et al., Mao et al., 2016) as their authors publish them.

    {refcoco,refcoco+,refcocog}/instances.json          COCO's annotations of the pictures
    {refcoco,refcoco+}/refs(unc).p, refcocog/refs(umd).p or refs(google).p
    train2014/COCO_train2014_000000000009.jpg           also below images/ or images/mscoco/images/

`refs(...).p` is a pickle of plain lists, dictionaries, texts and numbers. It is read by an unpickler that knows nothing
else: a file that names any class or function is refused, so nothing in it can run.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rvos_core.datasets.coco import CocoImage, CocoInstances, CocoObject, read_instances
from rvos_core.datasets.reading import (
    bad_content,
    list_in,
    mapping_in,
    refuse_missing,
    require_pieces,
    text_in,
    whole_number_in,
)

NAMES = ("refcoco", "refcoco+", "refcocog")
_REFS = {"refcoco": ("unc", "google"), "refcoco+": ("unc",), "refcocog": ("umd", "google")}
_IMAGES = ("train2014", "images/train2014", "images/mscoco/images/train2014")
_MAX_PICKLE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class ReferredObject:
    """One object and what people said of it."""

    image: CocoImage
    thing: CocoObject
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class RefcocoDataset:
    """One split of one of the three.

    Attributes:
        images: folder of the pictures.
        instances: annotations, which also draw the masks.
        referred: in the data set's order.
    """

    name: str
    root: Path
    images: Path
    instances: CocoInstances
    referred: tuple[ReferredObject, ...]

    def require_images(self) -> None:
        """Raises: UserError: naming the pictures that are missing."""
        paths = dict.fromkeys(self.images / each.image.file_name for each in self.referred)
        refuse_missing(self.root, (path for path in paths if not path.exists()), of=self.name)


def read_refcoco(root: Path, *, name: str = "refcoco", split: str = "train") -> RefcocoDataset:
    """Read one split.

    Args:
        root: folder that holds `refcoco`, `refcoco+`, `refcocog` and the pictures.
        name: one of `NAMES`.
        split: train, val, testA, testB or test.

    Raises:
        UserError: naming what is missing, or the file and the place in it that is not as published.
    """
    folder = root / name
    refs = [folder / f"refs({by}).p" for by in _REFS[name]]
    path = next((each for each in refs if each.exists()), refs[0])
    images = next((root / each for each in _IMAGES if (root / each).is_dir()), root / _IMAGES[0])
    require_pieces(root, [folder / "instances.json", path, images], of=f"{name} with its pictures")
    instances = read_instances(folder / "instances.json")
    by_image = {image.image_id: image for image in instances.images}
    referred = []
    for number, value in enumerate(list_in(read_plain_pickle(path), path, where="the whole file")):
        entry = mapping_in(value, path, where=f"entry {number}")
        if entry.get("split") == split:
            referred.append(_referred(dict(entry), path, by_image, where=f"entry {number}"))
    if not referred:
        raise bad_content(path, f"has nothing in the split {split}")
    return RefcocoDataset(name, root, images, instances, tuple(referred))


def read_plain_pickle(path: Path) -> Any:
    """The value of a pickle that holds built-in values only, texts of Python 2 included.

    Raises:
        UserError: it is too large or damaged, or would need anything but lists, dictionaries, texts and numbers.
    """
    if path.stat().st_size > _MAX_PICKLE_BYTES:
        raise bad_content(path, f"is larger than {_MAX_PICKLE_BYTES // 2**20} MiB")
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except _NotPlain as error:
        raise bad_content(path, f"holds {error}, not plain values") from error
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise bad_content(path, "is no readable pickle") from error


class _NotPlain(Exception):
    pass


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise _NotPlain(f"{module}.{name}"[:80])

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _NotPlain("a reference to something outside it")


def _referred(entry: dict[str, Any], path: Path, images: dict[int, CocoImage], *, where: str) -> ReferredObject:
    image = images.get(whole_number_in(entry.get("image_id"), path, where=f"{where}/image_id"))
    annotation = whole_number_in(entry.get("ann_id"), path, where=f"{where}/ann_id")
    found = () if image is None else [each for each in image.objects if each.annotation_id == annotation]
    if image is None or not found:
        raise bad_content(path, f"names the annotation {annotation}, which instances.json lacks ({where})")
    sentences = []
    for number, value in enumerate(list_in(entry.get("sentences"), path, where=f"{where}/sentences")):
        place = f"{where}/sentences[{number}]"
        sentences.append(text_in(mapping_in(value, path, where=place).get("sent"), path, where=f"{place}/sent"))
    if not sentences:
        raise bad_content(path, f"has no sentence ({where})")
    return ReferredObject(image, found[0], tuple(sentences))
