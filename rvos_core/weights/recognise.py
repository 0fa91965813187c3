"""Which network a state dict belongs to: its configuration, read off the names and shapes. No torch.

What shapes do not say (the numbers of attention heads) is taken from the training script's options where they were
saved, else as the papers have it, and said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.models.architectures import ARCHITECTURES, architecture, configuration
from rvos_core.models.configs import IfirvosConfig, R2vosConfig, ReferformerConfig
from rvos_core.weights.families import foreign_title, system_of
from rvos_core.weights.shape_reader import ShapeReader, Shapes
from rvos_core.weights.sniff import refused


@dataclass(frozen=True)
class Recognised:
    """What a checkpoint is.

    Attributes:
        arch: architecture, e.g. `referformer`.
        config: its configuration.
        published: name of the published configuration that it equals, or None.
        notes: what had to be assumed, in sentences.
    """

    arch: str
    config: Any
    published: str | None
    notes: tuple[str, ...] = ()


def recognise(
    shapes: Shapes, *, path: Path, arguments: Mapping[str, Any] | None = None, wanted: str | None = None
) -> Recognised:
    """The network that `shapes` (our names -> shape) belong to.

    Args:
        path: for messages.
        arguments: options of the training script, by its names.
        wanted: what the person says it is: an architecture or a published configuration.

    Raises:
        UserError: it is none of ours, not the wanted one (the message says which), or lacks whole parts.
        UsageError: `wanted` is not known.
    """
    arch = system_of(shapes)
    asked = None if wanted is None else _asked(wanted)
    if arch is None:
        titles = ", ".join(entry.title for entry in ARCHITECTURES.values() if entry.configurations)
        hint = f"These can be imported: {titles}."
        raise refused(path, f"is {foreign_title(shapes)}", hint, code="other_architecture")
    if asked is not None and asked[0] != arch:
        title, other = architecture(arch).title, architecture(asked[0]).title
        hint = f"Leave --arch away, or give --arch {arch}."
        raise refused(path, f"is a checkpoint of {title}, not of {other}", hint, code="other_architecture")
    if asked is not None and asked[1] is not None and wanted is not None:
        _check_published(arch, shapes, path, wanted)
        return Recognised(arch, asked[1], wanted)
    if arch not in _READERS:
        return _by_published(arch, shapes, path)
    try:
        config, notes = _READERS[arch](ShapeReader(shapes, path, arguments or {}))
    except ValueError as error:
        what = f"is a checkpoint of {architecture(arch).title} whose parts do not fit each other ({error})"
        raise refused(path, what, "It is damaged or of another version.", code="does_not_fit") from error
    published = published_name(arch, config)
    return Recognised(arch, configuration(published)[1] if published else config, published, notes)


def published_name(arch: str, config: Any) -> str | None:
    """Name of the published configuration that equals `config` but for what shapes cannot say."""
    entries = ARCHITECTURES[arch].configurations.items()
    return next((name for name, make in entries if _same_network(make(), config)), None)


def _same_network(a: Any, b: Any) -> bool:
    return bool(_built(a) == _built(b))


def _built(config: Any) -> Any:
    """`config` without what only training knows."""
    changes: dict[str, Any] = {}
    if hasattr(config, "dropout"):
        changes["dropout"] = 0.0
    if hasattr(config, "text"):
        changes["text"] = dataclasses.replace(config.text, dropout=0.0, frozen=True)
    if hasattr(config, "backbone"):
        changes["backbone"] = dataclasses.replace(config.backbone, frozen_stages=0, drop_path=0.0)
    return dataclasses.replace(config, **changes)


def _asked(wanted: str) -> tuple[str, Any]:
    if wanted in ARCHITECTURES:
        return wanted, None
    found, config = configuration(wanted)
    return found.name, config


def _check_published(arch: str, shapes: Shapes, path: Path, wanted: str) -> None:
    """Raises: UserError: it is another published network than the wanted one."""
    try:
        config, _ = _READERS[arch](ShapeReader(shapes, path, {}))
    except (KeyError, UserError, ValueError):
        return  # incomplete or odd: the comparison with the wanted network says it better
    found = published_name(arch, config)
    if found is not None and found != wanted:
        hint = f"Leave --arch away, or give --arch {found}."
        raise refused(path, f"is a checkpoint of {found}, not of {wanted}", hint, code="other_architecture")


def _by_published(arch: str, shapes: Shapes, path: Path) -> Recognised:
    """For architectures whose configurations are few: the published one that shares the most names and shapes."""
    from rvos_core.weights.strict import expected_shapes

    entry = architecture(arch)
    configs = {name: make() for name, make in entry.configurations.items()}
    if not configs:
        raise refused(path, f"is a checkpoint of {entry.title}", "Give the folder with its config.json.", code="config")
    best = max(configs, key=lambda name: len(expected_shapes(arch, configs[name]).items() & shapes.items()))
    return Recognised(arch, configs[best], best)


def _referformer(reader: ShapeReader) -> tuple[ReferformerConfig, tuple[str, ...]]:
    head = {"consensus": reader.has("consensus_head."), **reader.consensus("consensus_head.text_decoder.")}
    config = ReferformerConfig(**reader.common(decoder="layers"), **head, fpn_block_strides=reader.pyramid_blocks())
    return config, tuple(reader.notes)


def _ifirvos(reader: ShapeReader) -> tuple[IfirvosConfig, tuple[str, ...]]:
    common = reader.common(decoder="decoder_layers")
    inter_frame = reader.has("transformer.decoder.query_encoder_layers.")
    shared = not inter_frame or reader.count("transformer.decoder.query_encoder_layers.") == 1
    head = {"consensus": reader.has("consensus_head."), **reader.consensus("consensus_head.text_decoder.")}
    config = IfirvosConfig(
        **common, **head, fpn_block_strides=reader.pyramid_blocks(), inter_frame=inter_frame, share_ifi=shared
    )
    return config, tuple(reader.notes)


def _r2vos(reader: ShapeReader) -> tuple[R2vosConfig, tuple[str, ...]]:
    common = reader.common(decoder="layers")
    early = reader.has("pixel_decoder.dyn_filter.")
    kernels = reader.size("pixel_decoder.pool_conv.weight", 1) // common["hidden"] if early else 3
    config = R2vosConfig(
        **common,
        **reader.consensus("pixel_decoder.text_decoder."),
        early_grounding=early,
        text_kernels=kernels,
        reconstruct=reader.has("pixel_decoder.text_query."),
        query_mix=reader.has("transformer.query_mixer."),
        consensus=reader.has("neg_classifier."),
    )
    return config, tuple(reader.notes)


_READERS = {"referformer": _referformer, "ifirvos": _ifirvos, "r2vos": _r2vos}
