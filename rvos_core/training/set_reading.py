"""Opens the data sets that a plan names, in their official layouts below one folder."""

from __future__ import annotations

from pathlib import Path

from rvos_core.datasets.coco import read_coco
from rvos_core.datasets.davis import read_davis
from rvos_core.datasets.mevis import read_mevis
from rvos_core.datasets.refcoco import read_refcoco
from rvos_core.datasets.refdavis import read_refdavis
from rvos_core.datasets.refytvos import read_refytvos
from rvos_core.datasets.sentences import read_a2d, read_jhmdb
from rvos_core.datasets.youtube_vos import read_picture_pairs, read_youtube_vos
from rvos_core.training.plan import DataPlan, SetPlan
from rvos_core.training.plan_reading import bad_plan
from rvos_core.training.sources import (
    ClipSource,
    DeformedPictures,
    FrameSentences,
    MaskVideos,
    PictureInstances,
    PictureSentences,
    VideoSentences,
)


def open_sets(plan: DataPlan, folder: Path) -> list[tuple[ClipSource, int]]:
    """The sets of `plan` with how often an epoch goes through each. Raises: UserError: what is missing or damaged."""
    return [(open_set(each, plan, folder), each.repeat) for each in plan.sets]


def open_set(chosen: SetPlan, plan: DataPlan, folder: Path) -> ClipSource:
    """One set below `folder`, whose folder has the set's name if the plan does not say otherwise. Raises: UserError."""
    name, split, turn = chosen.set, chosen.split, plan.augment.turn
    root = folder / (chosen.folder or ("refcoco" if name.startswith("refcoco") else name))
    match name:
        case "ref-youtube-vos":
            return VideoSentences(read_refytvos(root, split=split), frames=plan.frames)
        case "ref-davis17":
            return VideoSentences(read_refdavis(root, split=split), frames=plan.frames)
        case "mevis":
            return VideoSentences(read_mevis(root, split=split), frames=plan.frames)
        case "a2d" | "jhmdb" if plan.frames != 1:
            raise bad_plan(f"data.frames is {plan.frames}; {name} has single annotated frames, so it must be 1")
        case "a2d":
            return FrameSentences(read_a2d(root, split=split))
        case "jhmdb":
            return FrameSentences(read_jhmdb(root))
        case "refcoco" | "refcoco+" | "refcocog":
            return PictureSentences(read_refcoco(root, name=name, split=split), frames=plan.frames, turn=turn)
        case "youtube-vos":
            return MaskVideos(read_youtube_vos(root, split=split), frames=plan.frames, max_skip=plan.max_skip)
        case "davis17":
            return MaskVideos(read_davis(root, split=split), frames=plan.frames, max_skip=plan.max_skip)
        case "coco":
            return PictureInstances(*read_coco(root, split=split))
        case "static-images":
            return DeformedPictures(read_picture_pairs(root), frames=plan.frames, turn=turn)
    raise bad_plan(f"{name} cannot be mixed with data sets")
