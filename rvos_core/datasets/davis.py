"""DAVIS 2016 and 2017 (Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv 1704.00675) as they are published.

    ImageSets/{2016,2017}/{train,val}.txt       names of the clips, one a line
    JPEGImages/480p/CLIP/00000.jpg
    Annotations/480p/CLIP/00000.png             indexed, one object each in 2016
    Annotations_unsupervised/480p/CLIP/...      indexed; the objects that Ref-DAVIS17 speaks of

The same tree stands under a folder `DAVIS` where Ref-DAVIS17 is unpacked beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rvos_core.datasets.reading import bad_content, names_with_suffix, refuse_missing, require_pieces
from rvos_core.errors import UserError

_RESOLUTIONS = ("480p", "Full-Resolution")


@dataclass(frozen=True)
class DavisSplit:
    """Clips of one split.

    Attributes:
        images, annotations: folders that hold a folder per clip.
        clips: names in the published order.
    """

    images: Path
    annotations: Path
    clips: tuple[str, ...]

    def frames(self, clip: str) -> tuple[str, ...]:
        """Names of the frames, from the pictures or, where there are none, the masks."""
        return tuple(
            sorted(names_with_suffix(self.images / clip, ".jpg") or names_with_suffix(self.annotations / clip, ".png"))
        )


def davis_root(root: Path) -> Path:
    """`root` itself, or its folder `DAVIS` where that is where the clips lie."""
    return root / "DAVIS" if (root / "DAVIS").is_dir() else root


def read_davis(root: Path, *, split: str = "val", year: str = "2017", unsupervised: bool = False) -> DavisSplit:
    """Read one split's names and folders.

    Args:
        root: the folder with `ImageSets`, or the one above it.
        split: train or val (any file of `ImageSets/{year}`).
        year: 2016 or 2017.
        unsupervised: take the masks of `Annotations_unsupervised`.

    Raises:
        UserError: naming what is missing.
    """
    base = davis_root(root)
    listing = base / "ImageSets" / year / f"{split}.txt"
    name = "Annotations_unsupervised" if unsupervised else "Annotations"
    require_pieces(root, [listing, base / name], of=f"DAVIS {year}")
    resolution = next((each for each in _RESOLUTIONS if (base / name / each).is_dir()), None)
    if resolution is None:
        refuse_missing(root, [base / name / _RESOLUTIONS[0]], of=f"DAVIS {year}")
    clips = read_names(listing)
    found = DavisSplit(base / "JPEGImages" / str(resolution), base / name / str(resolution), clips)
    refuse_missing(
        root,
        (found.annotations / clip for clip in clips if not (found.annotations / clip).is_dir()),
        of=f"DAVIS {year}",
    )
    return found


def read_names(path: Path) -> tuple[str, ...]:
    """Names of clips, one a line; empty lines do not count. Raises: UserError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.",
            hint="Check the name and its permissions.",
            code="evaluation.unreadable",
        ) from error
    names = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    odd = next((name for name in names if name.startswith(".") or "/" in name or "\\" in name), None)
    if odd is not None or not names:
        raise bad_content(path, "lists no clips" if odd is None else f"has {odd!r:.60} where a clip's name is expected")
    return names
