"""The networks that can be built and the named configurations of each; nothing here imports torch until `build`.

Names are `<architecture>-<backbone>`: `referformer-r50`, `r2vos-video-swin-t`, ...
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rvos_core.errors import UsageError
from rvos_core.models.configs import (
    BackboneConfig,
    FlowSegmenterConfig,
    IfirvosConfig,
    R2vosConfig,
    ReferformerConfig,
    ReferringConfig,
    TextConfig,
)
from rvos_core.models.isvos_configs import IsvosConfig, isvos_mini_config, isvos_r50_config

if TYPE_CHECKING:
    from torch import nn

_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class Architecture:
    """One system.

    Attributes:
        name: as in a model card's `arch`.
        title: as its paper writes it.
        config: class of its configuration.
        build: makes the network, with random weights, from a configuration.
        configurations: name -> the published configuration of that name; none: it cannot be imported.
    """

    name: str
    title: str
    config: type[Any]
    build: Callable[[Any], nn.Module]
    configurations: Mapping[str, Callable[[], Any]]


def architecture(name: str) -> Architecture:
    """The architecture called `name`.

    Raises:
        UsageError: there is none; the message has the nearest one.
    """
    return _find(name, ARCHITECTURES, "architecture")


def configuration(name: str) -> tuple[Architecture, Any]:
    """The architecture and the configuration that the name of a published model stands for, e.g. `ifirvos-r50`.

    Raises:
        UsageError: there is none; the message has the nearest one.
    """
    known = {key: (entry, make) for entry in ARCHITECTURES.values() for key, make in entry.configurations.items()}
    found, make = _find(name, known, "published model")
    return found, make()


def _swin(width: int, blocks: tuple[int, int, int, int], heads: int, *, drop_path: float) -> BackboneConfig:
    """Liu et al., "Swin Transformer" (ICCV 2021), section 3.3: windows of 7x7, widths and heads double with a stage."""
    return BackboneConfig(
        kind="swin",
        widths=(width, 2 * width, 4 * width, 8 * width),
        blocks=blocks,
        heads=(heads, 2 * heads, 4 * heads, 8 * heads),
        window=(7, 7),
        drop_path=drop_path,
        frozen_stages=0,
    )


def _video(swin: BackboneConfig) -> BackboneConfig:
    """Liu et al., "Video Swin Transformer" (CVPR 2022), with windows of 8x7x7; stochastic depth as in ReferFormer."""
    return dataclasses.replace(swin, kind="video_swin", window=(8, 7, 7), drop_path=0.2)


_SWIN = {
    "swin-t": _swin(96, (2, 2, 6, 2), 3, drop_path=0.2),
    "swin-s": _swin(96, (2, 2, 18, 2), 3, drop_path=0.2),
    "swin-b": _swin(128, (2, 2, 18, 2), 4, drop_path=0.3),
    "swin-l": _swin(192, (2, 2, 18, 2), 6, drop_path=0.3),
}
BACKBONES: Mapping[str, BackboneConfig] = {
    "r50": BackboneConfig(),
    "r101": BackboneConfig(kind="resnet101", blocks=(3, 4, 23, 3)),
    **_SWIN,
    **{f"video-{name}": _video(_SWIN[name]) for name in ("swin-t", "swin-s", "swin-b")},
}
_ROBERTA = TextConfig()
_DISTIL_ROBERTA = TextConfig(layers=6)


def _named(
    arch: str, config: type[ReferringConfig], text: TextConfig, *backbones: str
) -> dict[str, Callable[[], ReferringConfig]]:
    return {f"{arch}-{name}": partial(config, backbone=BACKBONES[name], text=text) for name in backbones}


def _build_referformer(config: ReferformerConfig) -> nn.Module:
    from rvos_core.models.referformer import Referformer

    return Referformer(config)


def _build_ifirvos(config: IfirvosConfig) -> nn.Module:
    from rvos_core.models.ifirvos import Ifirvos

    return Ifirvos(config)


def _build_r2vos(config: R2vosConfig) -> nn.Module:
    from rvos_core.models.r2vos import R2vos

    return R2vos(config)


def _build_isvos(config: IsvosConfig) -> nn.Module:
    from rvos_core.models.isvos import Isvos

    return Isvos(config)


def _build_flow(config: FlowSegmenterConfig) -> nn.Module:
    from rvos_core.models.flow_segmenter import FlowSegmenter

    return FlowSegmenter(config)


ARCHITECTURES: Mapping[str, Architecture] = {
    entry.name: entry
    for entry in (
        Architecture(
            "referformer",
            "ReferFormer",
            ReferformerConfig,
            _build_referformer,
            _named("referformer", ReferformerConfig, _ROBERTA, *BACKBONES),
        ),
        Architecture(
            "ifirvos", "IFIRVOS", IfirvosConfig, _build_ifirvos, _named("ifirvos", IfirvosConfig, _ROBERTA, *BACKBONES)
        ),
        Architecture(
            "r2vos",
            "R2-VOS",
            R2vosConfig,
            _build_r2vos,
            _named("r2vos", R2vosConfig, _DISTIL_ROBERTA, "r50", "swin-t", "video-swin-t"),
        ),
        Architecture(
            "isvos",
            "ISVOS",
            IsvosConfig,
            _build_isvos,
            {"isvos-r50": isvos_r50_config, "isvos-mini": isvos_mini_config},
        ),
        Architecture("flow", "flow network", FlowSegmenterConfig, _build_flow, {}),
    )
}


def _find(name: str, known: Mapping[str, _Entry], what: str) -> _Entry:
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise UsageError(
        f"There is no {what} named {name!r}.{guess}", hint=f"Known: {', '.join(known)}.", code="model.unknown"
    )
