"""The public checkpoints of the family: where they are and what their papers claim. Read off the papers and pages.

Figures in percent. None of these was measured here; `rvos predict` and `rvos eval` do that.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rvos_core.errors import UsageError

_REFERFORMER = "https://github.com/wjn922/ReferFormer"
_R2VOS = "https://github.com/lxa9867/R2VOS"
_BIFIT = "https://github.com/LANMNG/BIFIT"
_YTVOS, _DAVIS, _A2D, _JHMDB = "ref-youtube-vos", "ref-davis17", "a2d-sentences", "jhmdb-sentences"
_PRECISIONS = ("P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "overall_iou", "mean_iou", "mAP")


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face hub, at one commit."""

    repository: str
    revision: str
    filename: str


@dataclass(frozen=True)
class KnownCheckpoint:
    """A published checkpoint.

    Attributes:
        name: as it is called here.
        configuration: its published configuration, e.g. `referformer-r50`.
        title: one line for a person.
        licence: SPDX id of the weights; `NOASSERTION` where their page states none.
        trained_on: data sets.
        page: where a person finds the download.
        where: what to take on that page.
        hub: the file itself, where it is on the hub; else it is downloaded by hand.
        claimed: benchmark -> figures of the paper, in percent, and its table.
    """

    name: str
    configuration: str
    title: str
    licence: str
    trained_on: str
    page: str
    where: str
    hub: HubFile | None = None
    claimed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


# roberta-base and distilroberta-base share this vocabulary of 50265 tokens; MIT licence.
ROBERTA_TOKENIZER = HubFile("FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b", "tokenizer.json")
ROBERTA_TOKENS = 50265


def known_checkpoint(name: str) -> KnownCheckpoint:
    """The checkpoint called `name`. Raises: UsageError: none is; the message has the nearest one."""
    if name in KNOWN:
        return KNOWN[name]
    nearest = difflib.get_close_matches(name, KNOWN, n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise UsageError(
        f"There is no known checkpoint named {name!r}.{guess}",
        hint="`rvos models list --known` shows them; an id of the Hugging Face hub is written owner/name.",
        code="model.unknown",
    )


def _jf(table: str, jf: float, j: float, f: float, **more: float) -> dict[str, Any]:
    return {"jf": jf, "J": j, "F": f, **more, "table": table}


def _a2d(table: str, *figures: float) -> dict[str, Any]:
    return {**dict(zip(_PRECISIONS, figures, strict=True)), "table": table}


def _referformer(
    name: str, backbone: str, *, data: str, section: str, claimed: Mapping[str, Any], scratch: bool = False
) -> KnownCheckpoint:
    title = {"r50": "ResNet-50", "r101": "ResNet-101"}.get(backbone) or "-".join(
        part.capitalize() for part in backbone.split("-")
    )
    before = "" if scratch or "jointly" in data else "Ref-COCO/+/g, then "
    return KnownCheckpoint(
        name=f"referformer-{name}",
        configuration=f"referformer-{backbone}",
        title=f"ReferFormer, {title}, trained on {data}{', from scratch' if scratch else ''}",
        licence="Apache-2.0",
        trained_on=before + data,
        page=f"{_REFERFORMER}#model-zoo",
        where=f"Section {section}, row {title}{'*' if scratch else ''}, column Model (Google Drive).",
        claimed=claimed,
    )


def _youtube(backbone: str, jf: Mapping[str, Any], davis: Mapping[str, Any] | None = None) -> KnownCheckpoint:
    claimed = {_YTVOS: jf} if davis is None else {_YTVOS: jf, _DAVIS: davis}
    return _referformer(
        f"{backbone}-ytvos", backbone, data="Ref-YouTube-VOS", section="Ref-Youtube-VOS, first table", claimed=claimed
    )


def _joint(backbone: str, jf: float, j: float, f: float) -> KnownCheckpoint:
    return _referformer(
        f"{backbone}-joint",
        backbone,
        data="Ref-YouTube-VOS and Ref-COCO/+/g jointly",
        section="Ref-Youtube-VOS, joint training",
        claimed={_YTVOS: _jf("ReferFormer, table 1, row *", jf, j, f)},
    )


_T1, _T2, _T3 = "ReferFormer, table 1", "ReferFormer, table 2", "ReferFormer, table 3"
_ALL = (
    _youtube("r50", _jf(_T1, 55.6, 54.8, 56.5), _jf(_T1, 58.5, 55.8, 61.3)),
    _youtube("r101", _jf(_T1, 57.3, 56.1, 58.4)),
    _youtube("swin-t", _jf("ReferFormer, table 5", 58.7, 57.6, 59.9)),
    _youtube("swin-l", _jf(_T1, 62.4, 60.8, 64.0), _jf(_T1, 60.5, 57.6, 63.4)),
    _youtube("video-swin-t", _jf(_T1, 59.4, 58.0, 60.9)),
    _youtube("video-swin-s", _jf(_T1, 60.1, 58.6, 61.6)),
    _youtube("video-swin-b", _jf(_T1, 62.9, 61.3, 64.6), _jf(_T1, 61.1, 58.1, 64.1)),
    _referformer(
        "video-swin-t-ytvos-scratch",
        "video-swin-t",
        data="Ref-YouTube-VOS",
        section="Ref-Youtube-VOS, first table",
        scratch=True,
        claimed={_YTVOS: _jf("ReferFormer, table 1, row †", 56.0, 54.8, 57.3)},
    ),
    _joint("r50", 58.7, 57.4, 60.1),
    _joint("r101", 59.3, 58.1, 60.4),
    _joint("swin-l", 64.2, 62.3, 66.2),
    _joint("video-swin-t", 62.6, 59.9, 63.3),
    _joint("video-swin-s", 63.3, 61.4, 65.2),
    _joint("video-swin-b", 64.9, 62.8, 67.0),
    _referformer(
        "video-swin-t-a2d-scratch",
        "video-swin-t",
        data="A2D-Sentences",
        section="A2D-Sentences",
        scratch=True,
        claimed={
            _A2D: _a2d(f"{_T2}, row †", 76.0, 72.2, 65.4, 49.8, 17.9, 72.3, 64.1, 48.6),
            _JHMDB: _a2d(f"{_T3}, row †", 93.3, 84.2, 61.4, 16.4, 0.3, 70.0, 69.3, 39.1),
        },
    ),
    _referformer(
        "video-swin-t-a2d",
        "video-swin-t",
        data="A2D-Sentences",
        section="A2D-Sentences",
        claimed={
            _A2D: _a2d(_T2, 82.8, 79.2, 72.3, 55.3, 19.3, 77.6, 69.6, 52.8),
            _JHMDB: _a2d(_T3, 95.8, 89.3, 66.8, 18.9, 0.2, 71.9, 71.0, 42.2),
        },
    ),
    _referformer(
        "video-swin-s-a2d",
        "video-swin-s",
        data="A2D-Sentences",
        section="A2D-Sentences",
        claimed={
            _A2D: _a2d(_T2, 82.6, 79.4, 73.1, 57.4, 21.1, 77.7, 69.8, 53.9),
            _JHMDB: _a2d(_T3, 95.8, 90.1, 68.7, 20.3, 0.2, 72.8, 71.5, 42.4),
        },
    ),
    _referformer(
        "video-swin-b-a2d",
        "video-swin-b",
        data="A2D-Sentences",
        section="A2D-Sentences",
        claimed={
            _A2D: _a2d(_T2, 83.1, 80.4, 74.1, 57.9, 21.2, 78.6, 70.3, 55.0),
            _JHMDB: _a2d(_T3, 96.2, 90.2, 70.2, 21.0, 0.3, 73.0, 71.8, 43.7),
        },
    ),
    KnownCheckpoint(
        name="ifirvos-r50-ytvos",
        configuration="ifirvos-r50",
        title="IFIRVOS, ResNet-50, trained on Ref-YouTube-VOS",
        licence="Apache-2.0",
        trained_on="Ref-COCO/+/g, then Ref-YouTube-VOS",
        page=_BIFIT,
        where="The authors' code (under the name BIFIT). Its page names no download: ask the authors for the weights.",
        claimed={
            _YTVOS: _jf("IFIRVOS, table 1", 59.9, 58.4, 61.4),
            _DAVIS: _jf("IFIRVOS, table 2", 60.5, 56.9, 64.1),
        },
    ),
    KnownCheckpoint(
        name="ifirvos-r50-a2d",
        configuration="ifirvos-r50",
        title="IFIRVOS, ResNet-50, trained on A2D-Sentences",
        licence="Apache-2.0",
        trained_on="Ref-COCO/+/g, then A2D-Sentences",
        page=_BIFIT,
        where="The authors' code (under the name BIFIT). Its page names no download: ask the authors for the weights.",
        claimed={_A2D: _a2d("IFIRVOS, table 3", 80.0, 77.2, 70.2, 53.6, 19.8, 74.7, 67.6, 52.4)},
    ),
    KnownCheckpoint(
        name="r2vos-r50-ytvos",
        configuration="r2vos-r50",
        title="R2-VOS, ResNet-50, trained on Ref-YouTube-VOS",
        licence="NOASSERTION",
        trained_on="images with expressions, then Ref-YouTube-VOS",
        page=_R2VOS,
        where="Section Weights, checkpoint.pth (Google Drive). No licence is stated: ask before you use it.",
        claimed={
            _YTVOS: _jf("R2-VOS, table 1", 57.3, 56.1, 58.4),
            _DAVIS: _jf("R2-VOS, table 1", 59.7, 57.2, 62.4),
            "r2-youtube-vos": {"mean": 69.5, "J": 56.1, "F": 58.4, "R": 94.1, "table": "R2-VOS, table 2"},
        },
    ),
)
KNOWN: Mapping[str, KnownCheckpoint] = {entry.name: entry for entry in _ALL}
