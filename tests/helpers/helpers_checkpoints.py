"""Tiny networks of the family under their official names, and the files in which such weights come."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn

from rvos_core.models.architectures import architecture
from rvos_core.models.configs import BackboneConfig, TextConfig

VOCABULARY = 300
_SENTENCES = ["the man in red riding a bike", "a white dog on the left", "the second car from the right"] * 4


def tiny_family_config(arch: str, **changes: Any) -> Any:
    """A network whose numbers can all be read off its shapes, or are those of the published models."""
    values: dict[str, Any] = {
        "backbone": BackboneConfig(
            kind="residual", widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1), stem_width=8, frozen_stages=0
        ),
        "text": TextConfig(vocab_size=VOCABULARY, width=16, layers=1, heads=4, ffn=16, positions=40),
        "hidden": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "ffn": 16,
        "points": 1,
        "queries": 3,
        "mask_dim": 8,
    }
    if arch != "r2vos":
        values["fpn_block_strides"] = (32,)
    return architecture(arch).config(**{**values, **changes})


def tiny_family_model(arch: str, *, seed: int = 0, **changes: Any) -> nn.Module:
    """The network in evaluation mode, every weight moved from where initialisation left it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture(arch).build(tiny_family_config(arch, **changes)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model


def official_wrapper(state: dict[str, Tensor], **changes: Any) -> dict[str, Any]:
    """What the authors' training scripts save."""
    moments = {"step": torch.tensor(7.0), "exp_avg": torch.zeros(2), "exp_avg_sq": torch.ones(2)}
    optimiser = {"state": {0: moments}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}]}
    arguments = argparse.Namespace(backbone="resnet50", lr=1e-4, masks=True, output_dir=Path("out"), lr_drop=[3, 5])
    wrapper = {"model": state, "optimizer": optimiser, "lr_scheduler": {"last_epoch": 5}, "epoch": 5}
    return {**wrapper, "args": arguments, **changes}


def write_byte_level_tokenizer(path: Path) -> Path:
    """RoBERTa's kind, `VOCABULARY` tokens: a `tokenizer.json`; `vocab.json` and `merges.txt` if `path` is a folder."""
    from rvos_core.language import load_tokenizer

    learner = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    learner.train_from_iterator(_SENTENCES, vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
    folder = path if path.is_dir() else path.parent
    learner.save_model(str(folder))
    if path.is_dir():
        return folder / "vocab.json"
    load_tokenizer(folder / "vocab.json").save(path)
    for name in ("vocab.json", "merges.txt"):
        (folder / name).unlink()
    return path
