"""YouTube-VOS (Xu et al., 2018), its training split, and masks of single pictures in pairs of files.

train/meta.json                       {"videos": {VIDEO: {"objects": {ID: {"category", "frames"}}}}}
train/JPEGImages/VIDEO/FRAME.jpg      every fifth frame
train/Annotations/VIDEO/FRAME.png     indexed
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rvos_core.datasets.davis import DavisSplit
from rvos_core.datasets.reading import bad_content, require_pieces
from rvos_core.datasets.refytvos import read_categories
from rvos_core.errors import UserError


def read_youtube_vos(root: Path, *, split: str = "train") -> DavisSplit:
    """The videos of a split, in the form of DAVIS's. Raises: UserError: naming what is missing."""
    folder = root / split
    pieces = [folder / "meta.json", folder / "JPEGImages", folder / "Annotations"]
    require_pieces(root, pieces, of=f"YouTube-VOS with the split {split}")
    videos = tuple(read_categories(folder / "meta.json"))
    if not videos:
        raise bad_content(folder / "meta.json", "lists no videos")
    missing = [name for name in videos if not (folder / "Annotations" / name).is_dir()]
    require_pieces(root, [folder / "Annotations" / name for name in missing], of="YouTube-VOS")
    return DavisSplit(folder / "JPEGImages", folder / "Annotations", videos)


@dataclass(frozen=True)
class PictureAndMask:
    """A picture and, beside it under the same name, the mask of its one object."""

    picture: Path
    mask: Path


def read_picture_pairs(root: Path) -> tuple[PictureAndMask, ...]:
    """All `NAME.jpg` below `root` that have a `NAME.png`, as STCN's static sets lie. Raises: UserError: there are none.

    FSS-1000, DUTS, ECSSD, BIG and HRSOD are published so, or are in STCN's collection of them.
    """
    require_pieces(root, [], of="pictures with masks")
    pairs = [
        PictureAndMask(picture, picture.with_suffix(".png"))
        for picture in sorted(root.rglob("*.jpg"))
        if picture.with_suffix(".png").exists()
    ]
    if not pairs:
        raise UserError(
            f"{root} holds no NAME.jpg with a NAME.png beside it.",
            hint="Put the static sets there as their authors publish them.",
            code="evaluation.incomplete",
        )
    return tuple(pairs)
