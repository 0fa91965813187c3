"""The table of architectures: every published configuration can be built, and has the published size."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from rvos_core.errors import UsageError
from rvos_core.models.architectures import ARCHITECTURES, architecture, configuration

# Of the authors' released checkpoints, repeated tensors counted once.
PARAMETERS = {"referformer-r50": 176_262_207, "ifirvos-r50": 177_906_239, "r2vos-r50": 135_906_368}
# With the text encoder, conv1 and layer1 frozen.
TRAINABLE = {"referformer-r50": 51_394_175, "ifirvos-r50": 53_038_207}
FAMILY = ("referformer", "ifirvos", "r2vos")
NAMES = [name for arch in FAMILY for name in ARCHITECTURES[arch].configurations]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_published_numbers_of_parameters(name: str) -> None:
    arch, config = configuration(name)
    with torch.device("meta"):
        parameters = list(arch.build(config).parameters())
    assert sum(p.numel() for p in parameters) == PARAMETERS[name]
    if name in TRAINABLE:
        assert sum(p.numel() for p in parameters if p.requires_grad) == TRAINABLE[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_published_configuration_is_built_and_survives_json(name: str) -> None:
    arch, config = configuration(name)
    assert arch.config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with torch.device("meta"):
        network = arch.build(config)
    assert network.backbone_channels == config.backbone.widths
    assert name.startswith(f"{arch.name}-")


def test_what_two_systems_share_has_the_same_names() -> None:
    """ReferFormer's weights start IFIRVOS and R2-VOS, as in the papers' training."""
    states = {}
    for arch in FAMILY:
        with torch.device("meta"):
            states[arch] = set(architecture(arch).build(configuration(f"{arch}-r50")[1]).state_dict())
    shared = {name for name in states["referformer"] if not name.startswith(("transformer.decoder", "pixel_decoder"))}
    assert shared <= states["ifirvos"]
    assert {name for name in shared if "text_encoder" not in name} <= states["r2vos"]


@pytest.mark.parametrize(
    ("find", "name", "nearest"),
    [(architecture, "referfomer", "referformer"), (configuration, "ifirvos-r5", "ifirvos-r50")],
)
def test_unknown_names_get_the_nearest_one(find: object, name: str, nearest: str) -> None:
    assert callable(find)
    with pytest.raises(UsageError, match=f"Did you mean '{nearest}'"):
        find(name)


def test_the_table_is_read_without_torch() -> None:
    code = (
        "import sys, rvos_core.models.architectures as a; a.configuration('r2vos-r50'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
