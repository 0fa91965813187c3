"""`python -m rvos_core.training FOLDER`: train ifirvos-mini from random weights, resumable at any moment."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.synthetic import vocabulary
from rvos_core.training.checkpoint import averaged_weights
from rvos_core.training.curriculum import MINI, train
from rvos_core.training.engine import keep_freed_memory
from rvos_core.training.starting_weights import with_words
from rvos_core.weights.bundle import load_bundle


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m rvos_core.training", description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoints and learning curves; run again to resume")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as torch decides)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the world")
    parser.add_argument("--start-from", type=Path, metavar="BUNDLE", help="a model's folder to begin with")
    parser.add_argument("--continue-from", type=Path, metavar="CHECKPOINT", help="averaged weights of a stage's .pt")
    parser.add_argument("--stages", metavar="NAMES", help="stages of the curriculum to run, e.g. 2-pictures,3-films")
    parser.add_argument("--seed", type=int, default=0, help="of the first random weights")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    keep_freed_memory()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    if arguments.start_from:
        model, tokenizer = load_bundle(arguments.start_from).referring()
        if not isinstance(model, Ifirvos) or not isinstance(tokenizer, WordTokenizer):
            parser.error("--start-from wants an IFIRVOS that reads a list of words")
        model, tokenizer = with_words(with_consensus_head(model), tokenizer, vocabulary())
    else:
        tokenizer = WordTokenizer.from_words(vocabulary())
        model = Ifirvos(ifirvos_mini_config(vocab_size=tokenizer.vocab_size))
    if arguments.continue_from:
        model.load_state_dict(model.state_dict() | averaged_weights(arguments.continue_from))
    names = [stage.config.name for stage in MINI]
    wanted = arguments.stages.split(",") if arguments.stages else names
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"no stage {', '.join(unknown)}; there are {', '.join(names)}")
    stages = tuple(stage for stage in MINI if stage.config.name in wanted)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(arguments.folder / "tokenizer.json")
    train(
        model,
        tokenizer,
        arguments.folder,
        stages=stages,
        device=torch.device(arguments.device),
        workers=arguments.workers,
    )


def with_consensus_head(model: Ifirvos) -> Ifirvos:
    """The same weights with the head of the small model's configuration, fresh where `model` has none."""
    if model.config.consensus:
        return model
    mini = ifirvos_mini_config(model.config.text.vocab_size)
    config = replace(
        model.config, consensus=True, consensus_layers=mini.consensus_layers, consensus_ffn=mini.consensus_ffn
    )
    grown = Ifirvos(config)
    grown.load_state_dict(grown.state_dict() | model.state_dict())
    return grown


if __name__ == "__main__":
    main()
