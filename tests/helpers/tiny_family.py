"""A small network of every system of the family, with scattered weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from rvos_core.models.architectures import architecture
from rvos_core.models.configs import R2vosConfig, ReferformerConfig, ReferringConfig
from rvos_core.models.referring import ReferringNetwork
from tiny_ifirvos import tiny_config


def tiny_family_config(arch: str, **changes: Any) -> ReferringConfig:
    """The sizes of `tiny_ifirvos.tiny_config` for any architecture of the family."""
    shared = tiny_config()
    if arch == "ifirvos":
        config: ReferringConfig = shared
    else:
        kind = {"referformer": ReferformerConfig, "r2vos": R2vosConfig}[arch]
        names = {field.name for field in dataclasses.fields(ReferringConfig)} - {"consensus", "fpn_block_strides"}
        values = {name: getattr(shared, name) for name in names}
        config = kind(**values | {"text": dataclasses.replace(shared.text, pooler=True)})
    return dataclasses.replace(config, **{"consensus_layers": 2, "consensus_ffn": 48} | changes)


def tiny_network(arch: str, *, seed: int = 0, **changes: Any) -> ReferringNetwork:
    """A network in evaluation mode whose every weight was moved, so that no part is silent as after initialisation."""
    torch.manual_seed(seed)
    model = architecture(arch).build(tiny_family_config(arch, **changes)).eval()
    assert isinstance(model, ReferringNetwork)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model
