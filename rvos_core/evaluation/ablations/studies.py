"""Which ablations there are: the papers' tables, each row with the network that stands for it here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from rvos_core.evaluation.ablations.networks import small_ifirvos, small_isvos, small_r2vos, small_referformer
from rvos_core.models.configs import ReferringConfig
from rvos_core.models.isvos_configs import IsvosConfig
from rvos_core.training.cycle import CycleWeights

MEMORY_SIZES: tuple[int, ...] = (1, 2, 4, 8)


@dataclass(frozen=True)
class ReferringRun:
    """A referring network to train.

    Attributes:
        network: its configuration; the class of the configuration says which network.
        frames: of a training clip.
        cycle: weights of R2-VOS's cycle; None trains with the segmentation losses alone.
    """

    network: ReferringConfig
    frames: int = 3
    cycle: CycleWeights | None = None


@dataclass(frozen=True)
class FollowingRun:
    """A network that follows masks, scored once for every memory size of `memories` (frames, the first included)."""

    network: IsvosConfig
    memories: tuple[int, ...] = (MEMORY_SIZES[-1],)


Run: TypeAlias = ReferringRun | FollowingRun


@dataclass(frozen=True)
class Variant:
    """A row of a study.

    Attributes:
        name: as the table has it.
        run: what is trained for it; several rows may share one.
        paper: J&F of the paper's row, percent; None where the paper has no such row.
        paper_r: R of the paper's row, percent.
        memory: which of the run's memory sizes the row is about.
    """

    name: str
    run: Run
    paper: float | None = None
    paper_r: float | None = None
    memory: int = 0


@dataclass(frozen=True)
class Study:
    """One table.

    Attributes:
        key: for the command line.
        title: what is varied.
        source: the paper's table, and the set it is measured on.
        whole: name of the row that the others are compared with.
    """

    key: str
    title: str
    source: str
    whole: str
    variants: tuple[Variant, ...]


def all_studies(vocab_size: int) -> tuple[Study, ...]:
    """Every study, for a vocabulary of this size."""
    return (
        *_ifirvos_studies(vocab_size),
        *_referformer_studies(vocab_size),
        *_r2vos_studies(vocab_size),
        *_isvos_studies(),
    )


def run_key(run: Run) -> str:
    """A name for the run that depends on all that it is trained with, and on nothing else."""
    settings: dict[str, Any] = {"kind": type(run.network).__name__} | asdict(run)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _ifirvos_studies(vocab_size: int) -> tuple[Study, ...]:
    whole = small_ifirvos(vocab_size)
    bare = replace(whole, vision_language=False, inter_frame=False)
    full = ReferringRun(whole)
    set_ = "Ref-YouTube-VOS val"
    return (
        Study(
            "ifirvos-parts",
            "IFIRVOS: inter-frame (IFI) and vision-language (VLI) interaction",
            f"IFIRVOS, Table 4 ({set_})",
            "IFI + VLI",
            (
                Variant("neither", ReferringRun(bare), 55.1),
                Variant("VLI", ReferringRun(replace(whole, inter_frame=False)), 57.1),
                Variant("IFI", ReferringRun(replace(whole, vision_language=False)), 58.8),
                Variant("IFI + VLI", full, 59.9),
            ),
        ),
        Study(
            "ifirvos-interaction",
            "IFIRVOS: how words and picture interact",
            f"IFIRVOS, Table 5 ({set_})",
            "multiply, fixed text",
            (
                Variant("multiply, fixed text", full, 59.9),
                Variant("attention + FFN", ReferringRun(replace(whole, fusion="attention_ffn")), 58.7),
                Variant("dynamic text", ReferringRun(replace(whole, vewl_text="dynamic")), 58.0),
            ),
        ),
    )


def _referformer_studies(vocab_size: int) -> tuple[Study, ...]:
    whole = small_referformer(vocab_size)
    full = ReferringRun(whole)
    return (
        Study(
            "referformer-parts",
            "ReferFormer: fusion in the pyramid, relative coordinates",
            "ReferFormer, Table 4 (Ref-YouTube-VOS val; mean of J and F)",
            "whole",
            (
                Variant("without fusion", ReferringRun(replace(whole, fpn_block_strides=())), 54.6),
                Variant("without relative coordinates", ReferringRun(replace(whole, relative_coordinates=False)), 54.8),
                Variant("whole", full, 56.05),
            ),
        ),
        Study(
            "referformer-queries",
            "ReferFormer: object queries",
            "ReferFormer, Table 6a (Ref-YouTube-VOS val)",
            "5 queries",
            (
                Variant("1 query", ReferringRun(replace(whole, queries=1)), 53.6),
                Variant("3 queries", ReferringRun(replace(whole, queries=3)), 54.2),
                Variant("5 queries", full, 56.0),
                Variant("8 queries", ReferringRun(replace(whole, queries=8)), 55.3),
            ),
        ),
        Study(
            "referformer-frames",
            "ReferFormer: frames of a training clip (as many clips a step)",
            "ReferFormer, Table 6b (Ref-YouTube-VOS val)",
            "5 frames",
            (
                Variant("1 frame", ReferringRun(whole, frames=1), 50.0),
                Variant("3 frames", full, 54.8),
                Variant("5 frames", ReferringRun(whole, frames=5), 56.0),
            ),
        ),
    )


def _r2vos_studies(vocab_size: int) -> tuple[Study, ...]:
    whole = small_r2vos(vocab_size)
    unmixed = replace(whole, query_mix=False)
    unread = replace(unmixed, reconstruct=False, consensus=False)
    grounded, bare = ReferringRun(unread), ReferringRun(replace(unread, early_grounding=False))
    none = CycleWeights(distance=0.0, angle=0.0, hinge=0.0)
    both = replace(none, distance=1.0, angle=1.0, hinge=0.1)
    related = ReferringRun(unmixed, cycle=both)
    set_ = "R2-YouTube-VOS"
    return (
        Study(
            "r2vos-parts",
            "R2-VOS: early grounding (EG), cycle and consensus (CC), fused text (FT)",
            f"R2-VOS, Table 3 ({set_})",
            "EG + CC + FT",
            (
                Variant("neither", bare, 52.4, 34.9),
                Variant("EG", grounded, 55.5, 32.9),
                Variant("EG + consensus alone", ReferringRun(unmixed, cycle=none)),
                Variant("EG + CC", related, 56.9, 94.0),
                Variant("EG + CC + FT", ReferringRun(whole, cycle=both), 57.3, 94.1),
            ),
        ),
        Study(
            "r2vos-cycle",
            "R2-VOS: terms of the cycle",
            f"R2-VOS, Table 4 ({set_})",
            "distances + angles",
            (
                Variant("no cycle, no consensus", grounded, 55.5, 32.9),
                Variant("point by point", ReferringRun(unmixed, cycle=replace(none, l2=1.0, hinge=0.1)), 54.4, 88.7),
                Variant("angles", ReferringRun(unmixed, cycle=replace(both, distance=0.0)), 56.7, 93.6),
                Variant("distances", ReferringRun(unmixed, cycle=replace(both, angle=0.0)), 56.4, 90.4),
                Variant("distances + angles", related, 56.9, 94.0),
            ),
        ),
    )


def _isvos_studies() -> tuple[Study, ...]:
    whole = small_isvos()
    full = FollowingRun(whole, memories=MEMORY_SIZES)
    most = MEMORY_SIZES[-1]
    return (
        Study(
            "isvos-parts",
            "ISVOS: query enhancement (QE) and multi-path fusion (MPF)",
            "ISVOS, Table 3 (DAVIS 2017 val)",
            "QE + MPF",
            (
                Variant(
                    "neither",
                    FollowingRun(replace(whole, enhance_query=False, multi_path=False)),
                    85.3,
                    memory=most,
                ),
                Variant("MPF", FollowingRun(replace(whole, enhance_query=False)), 85.7, memory=most),
                Variant("QE", FollowingRun(replace(whole, multi_path=False)), 86.2, memory=most),
                Variant("QE + MPF", full, 87.1, memory=most),
            ),
        ),
        Study(
            "isvos-memory",
            "ISVOS: frames in the memory",
            "ISVOS, Figure 7 (DAVIS 2017 val: more is always better, 2 frames are within 0.3 of the best)",
            f"{most} frames",
            tuple(Variant(f"{n} frame{'s' if n > 1 else ''}", full, memory=n) for n in MEMORY_SIZES),
        ),
    )
