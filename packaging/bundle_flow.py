"""Measure a training run of the flow network on held-out scenes, and make a bundled model of it.

    python packaging/bundle_flow.py RUN/flow.pt [--out FOLDER]

Without `--out` it only measures.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import sys
from pathlib import Path

import numpy as np
import torch

from rvos_core.models.api import ModelCard
from rvos_core.models.configs import FlowSegmenterConfig
from rvos_core.models.flow_segmenter import FlowSegmenter
from rvos_core.training.checkpoint import averaged_weights
from rvos_core.training.flow_segmentation import FlowBatches, FlowObjective
from rvos_core.weights.bundle import save_bundle

_LOG = logging.getLogger("rvos.model")
_BATCHES = 16


def main() -> int:
    """Measure, and bundle where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, help="folder of the bundled model")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    model = FlowSegmenter(FlowSegmenterConfig()).eval()
    model.load_state_dict(averaged_weights(arguments.checkpoint))
    model.load_state_dict({name: value.half().to(value.dtype) for name, value in model.state_dict().items()})
    data, objective = FlowBatches(seed=5, steps=_BATCHES, split="val"), FlowObjective()
    with torch.inference_mode():
        ious = [objective(model, data[step], 0.0)[1]["iou"] for step in range(_BATCHES)]
    measured = {
        "iou": round(float(np.mean(ious)), 4),
        "scenes": 12 * _BATCHES,
        "command": f"python packaging/bundle_flow.py {arguments.checkpoint.name}",
        "date": datetime.date.today().isoformat(),
    }
    _LOG.info("%s: %s", arguments.checkpoint.name, measured)
    if arguments.out:
        card = ModelCard(
            name="flow-mini",
            arch="flow",
            parameters=0,
            licence="Apache-2.0",
            description="Sees in the flow between frames what moves by itself. It has seen drawn scenes only.",
            trained_on="moving cut-outs over panned pictures (rvos_core.synthetic.moving), flow by OpenCV's DIS",
            size=192,
            long_side=448,
            window=1,
            stride=1,
            bundled=True,
            measured={"moving-scenes": measured},
        )
        save_bundle(arguments.out, model, tokenizer=None, card=card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
