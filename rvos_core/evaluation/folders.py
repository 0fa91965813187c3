"""J and F of a folder of masks against another, one clip or many clips in folders below: what `rvos eval jf` does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.evaluation.clips import Clip, FramePair, score_clips
from rvos_core.evaluation.report import JfReport, Protocol
from rvos_core.evaluation.work import Progress
from rvos_core.types import CancelToken

_DEEPEST = 4  # folders below the one that is given
_TRAILING_NUMBER = re.compile(r"(\d+)$")


def evaluate_folders(
    gt: Path,
    pred: Path,
    *,
    protocol: Protocol = "all",
    clips: Sequence[str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> JfReport:
    """Score the masks in `pred` against those in `gt`.

    Folders hold PNG masks (one clip) or folders of them (many clips, paired by name). Frames pair by the trailing
    number of their names. Greyscale masks with 0 and 255 are one object; indexed ones hold object ids, where 255 in
    `gt` is void. An object that is not in a frame of `gt` shall not be in that frame of `pred` either.

    Args:
        gt: true masks.
        pred: masks to be scored.
        protocol: "all" frames; "davis2017", which leaves out the first and the last of each clip; or "unsupervised":
            all frames, ids of `pred` are matched with those of `gt` by their mean J&F.
        clips: score only these (DAVIS's `ImageSets` name a split's); default: all, and both sides must have the same.
        progress: called after each frame.
        cancel: checked at each frame.

    Raises:
        UserError: if anything is unpaired, sizes differ, ids of `pred` are not in `gt`, or a file is no mask.
        Cancelled: if `cancel` is set.
    """
    true_clips, drawn_clips = clips_in(gt), clips_in(pred)
    if clips is not None:
        true_clips, drawn_clips = _only(true_clips, clips, root=gt), _only(drawn_clips, clips, root=pred)
    _check_clips_pair(true_clips, drawn_clips, gt=gt, pred=pred)
    pairs = [
        Clip(
            name,
            paired_frames(frames, drawn_clips[name], pred=pred / name, protocol=protocol),
            first=next(iter(frames.values())),
        )
        for name, frames in true_clips.items()
    ]
    return score_clips(pairs, protocol=protocol, progress=progress, cancel=cancel)


def clips_in(root: Path) -> dict[str, dict[int, Path]]:
    """Every folder at or below `root` that holds PNG files: its name below `root` -> trailing number -> file."""
    clips: dict[str, dict[int, Path]] = {}
    _collect(root, root, _DEEPEST, clips)
    if not clips:
        raise UserError(f"{root} holds no PNG masks.", hint="Give a folder of PNG masks.", code="evaluation.no_masks")
    return clips


def _collect(root: Path, folder: Path, levels: int, clips: dict[str, dict[int, Path]]) -> None:
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        files = [entry for entry in entries if entry.suffix.lower() == ".png" and entry.is_file()]
        folders = [entry for entry in entries if entry.is_dir()] if levels else []
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else "is a file, not a folder of masks"
        raise UserError(f"{folder} {what}.", hint="Give a folder of PNG masks.", code="evaluation.no_folder") from error
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read: {error.strerror}.",
            hint="Check the name and its permissions.",
            code="evaluation.unreadable",
        ) from error
    if files:
        clips[folder.relative_to(root).as_posix()] = _numbered(files)
    for entry in folders:
        _collect(root, entry, levels - 1, clips)


def _numbered(files: list[Path]) -> dict[int, Path]:
    numbered: dict[int, Path] = {}
    for path in files:
        found = _TRAILING_NUMBER.search(path.stem)
        if found is None:
            raise UserError(
                f"{path} has no frame number at the end of its name.",
                hint="Masks pair by trailing numbers, as in 00012.png.",
                code="evaluation.unpaired",
            )
        other = numbered.setdefault(int(found[1]), path)
        if other is not path:
            raise UserError(
                f"{other} and {path.name} have the same frame number.",
                hint="Put the masks of different clips into different folders.",
                code="evaluation.unpaired",
            )
    return dict(sorted(numbered.items()))


def _only(found: dict[str, dict[int, Path]], wanted: Sequence[str], *, root: Path) -> dict[str, dict[int, Path]]:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UserError(
            f"{root} lacks {len(missing)} of {len(wanted)} clips, first: {missing[0]}.",
            hint="Give the folder that holds the clips' folders.",
            code="evaluation.unpaired",
        )
    return {name: found[name] for name in wanted}


def _check_clips_pair(
    true_clips: dict[str, dict[int, Path]], drawn_clips: dict[str, dict[int, Path]], *, gt: Path, pred: Path
) -> None:
    for these, root, other in (
        (true_clips.keys() - drawn_clips.keys(), gt, pred),
        (drawn_clips.keys() - true_clips, pred, gt),
    ):
        if these:
            raise UserError(
                f"{len(these)} folder(s) of masks in {root} have no partner in {other}, first: {root / min(these)}.",
                hint="Both folders must have the same clips, each in a folder of the same name.",
                code="evaluation.unpaired",
            )


def paired_frames(
    truth: dict[int, Path], drawn: dict[int, Path], *, pred: Path, protocol: Protocol
) -> tuple[FramePair, ...]:
    """The frames that count: those of both, by number.

    Args:
        truth, drawn: frame number -> file.
        pred: folder of `drawn`, for messages.
        protocol: decides whether the first and the last count.

    Raises:
        UserError: a frame without a partner, or none that counts.
    """
    for these, other in (
        (truth.keys() - drawn.keys(), pred),
        (drawn.keys() - truth.keys(), next(iter(truth.values())).parent),
    ):
        if these:
            first = truth.get(min(these)) or drawn[min(these)]
            raise UserError(
                f"{len(these)} mask(s) have no partner in {other}, first: {first}.",
                hint="Both folders must have the same frames; names pair by their trailing number.",
                code="evaluation.unpaired",
            )
    numbers = list(truth)
    if protocol == "davis2017":
        numbers = numbers[1:-1]
        if not numbers:
            raise UserError(
                f"{pred} has {len(truth)} frame(s); the davis2017 protocol leaves out the first and the last.",
                hint="Use the protocol that scores all frames.",
                code="evaluation.too_short",
            )
    return tuple(FramePair(number, truth[number], drawn[number]) for number in numbers)
