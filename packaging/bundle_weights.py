"""Make a bundled model of a training run: averaged weights, calibrated thresholds, figures on the card.

    python packaging/bundle_weights.py RUN/4-sharper.pt OUT [--size 160] [--blend BUNDLE --share 0.75]

Visibility and consensus are calibrated on the street world's `val` split; the figures on the card come from
`rvos eval synth` on `test` and on `test-unseen`. `--blend` averages the checkpoint with the bundle its training began
with (Wortsman et al., "Model soups", ICML 2022): the two lie in one valley of the loss.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rvos_core.evaluation.synth import choose_expressions, choose_negative, evaluate_synth
from rvos_core.language import WordTokenizer
from rvos_core.models.api import ModelCard
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.synthetic import CATEGORIES, COLOURS, make_clip, split_config, split_seeds
from rvos_core.training.checkpoint import averaged_weights
from rvos_core.weights.bundle import load_bundle, save_bundle

TEST_SPLITS = ("test", "test-unseen")

_LOG = logging.getLogger("rvos.model")
_TYPICAL_J = 0.7  # of a mask on a frame where the object is in sight
_DENIED = 0.03  # share of true expressions that may be taken for false ones


def card_for(arguments: argparse.Namespace) -> ModelCard:
    """The card without figures."""
    return ModelCard(
        name="ifirvos-mini",
        arch="ifirvos",
        parameters=0,
        licence="Apache-2.0",
        description=(
            "A small IFIRVOS that knows the street world only: drawn people, riders, animals, vehicles and things of "
            f"{len(CATEGORIES)} kinds in {len(COLOURS)} colours. Real footage wants a real checkpoint."
        ),
        trained_on=arguments.trained_on,
        size=arguments.size,
        long_side=2 * arguments.size,
        window=arguments.window,
        stride=arguments.stride,
        bundled=True,
    )


def blend(model: Ifirvos, tokenizer: WordTokenizer, folder: Path, *, share: float) -> None:
    """Make `model` the average of itself (`share` of it) and a bundle with the same words."""
    other, words = load_bundle(folder).referring()
    if not isinstance(words, WordTokenizer) or words.token_ids != tokenizer.token_ids:
        raise SystemExit(f"{folder} has other words than the checkpoint: their weights cannot be averaged")
    own, others = model.state_dict(), other.state_dict()
    model.load_state_dict({name: torch.lerp(others[name], value, share) for name, value in own.items()})


@dataclass(frozen=True)
class Answers:
    """What a model says of val clips.

    Attributes:
        probability, visible: (n,) class probability of the voted query and true visibility of every frame.
        present, absent: consensus of expressions that mean an object, and of those that mean none.
    """

    probability: np.ndarray
    visible: np.ndarray
    present: np.ndarray
    absent: np.ndarray


def ask(referrer: FamilyReferrer, clips: int) -> Answers:
    """Ask for the expressions that `rvos eval synth` would score, on the first `clips` clips of val."""
    probabilities, visible, present, absent = [], [], [], []
    for seed in split_seeds("val")[:clips]:
        clip = make_clip(seed, split_config("val"))
        features = referrer.encode_frames(list(clip.frames))
        for expression in choose_expressions(clip, seed=seed):
            answer = referrer.refer(features, referrer.encode_text(expression.text))
            scores = answer.class_logits.sigmoid().numpy()
            probabilities.append(scores[:, scores.mean(0).argmax()])
            visible.append((clip.labels == (expression.target or 0) + 1).any(axis=(1, 2)))
            present.append(answer.consensus)
        if (nothing := choose_negative(clip, seed=seed)) is not None:
            absent.append(referrer.refer(features, referrer.encode_text(nothing.text)).consensus)
    return Answers(np.concatenate(probabilities), np.concatenate(visible), np.array(present), np.array(absent))


def presence_threshold(answers: Answers) -> float:
    """The consensus below which an object is not there: it denies few expressions that are true."""
    threshold = float(np.quantile(answers.present, _DENIED))
    caught = float((answers.absent < threshold).mean())
    _LOG.info("consensus: %.4f denies %.3f of true and %.3f of false expressions", threshold, _DENIED, caught)
    return round(threshold, 4)


def visibility_thresholds(probability: np.ndarray, visible: np.ndarray) -> tuple[float, float]:
    """(on, off): the threshold that gains most J, with a hysteresis of a fifth around it.

    An empty mask is worth 1 on a frame where the object is out of sight, and costs a typical mask where it is in sight.
    """
    candidates = np.unique(probability)
    blanked = probability[None, :] < candidates[:, None]
    gains = (blanked & ~visible).sum(1) - _TYPICAL_J * (blanked & visible).sum(1)
    best = float(candidates[gains.argmax()])
    return round(min(1.1 * best, 0.99), 4), round(0.9 * best, 4)


def figures(referrer: FamilyReferrer, split: str, clips: int) -> dict[str, Any]:
    """What `rvos eval synth` says of the model on the first `clips` clips of a split, with the command and the date."""
    report = evaluate_synth(referrer, split=split, clips=clips)
    found: dict[str, Any] = {name: round(figure.value, 4) for name, figure in report.figures().items()}
    found |= {
        "clips": clips,
        "command": f"rvos eval synth --model {referrer.card.name} --split {split} --clips {clips}",
        "date": datetime.date.today().isoformat(),
    }
    _LOG.info("%s: %s, %.0f s", split, found, report.seconds)
    return found


def main() -> int:
    """Bundle, calibrate, evaluate; prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=192, help="short side of the network input, pixels")
    parser.add_argument("--window", type=int, default=8, help="frames that the model sees together")
    parser.add_argument("--stride", type=int, default=6, help="frames from window to window")
    parser.add_argument("--trained-on", default="the street world of RVOS Studio (rvos_core.synthetic), train split")
    parser.add_argument("--val-clips", type=int, default=100)
    parser.add_argument(
        "--test-clips", type=int, default=200, help="of each test split; 0: leave the card without figures"
    )
    parser.add_argument("--blend", type=Path, metavar="BUNDLE", help="average the checkpoint with these weights")
    parser.add_argument("--share", type=float, default=0.75, help="of the checkpoint in that average, 0 to 1")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    tokenizer = WordTokenizer.from_file(arguments.checkpoint.with_name("tokenizer.json"))
    model = Ifirvos(ifirvos_mini_config(vocab_size=tokenizer.vocab_size))
    model.load_state_dict(averaged_weights(arguments.checkpoint))
    if arguments.blend is not None:
        blend(model, tokenizer, arguments.blend, share=arguments.share)
    model.load_state_dict({name: value.half().to(value.dtype) for name, value in model.state_dict().items()})
    card = card_for(arguments)
    with torch.inference_mode():
        answers = ask(FamilyReferrer(model, tokenizer, card=card), arguments.val_clips)
    on, off = visibility_thresholds(answers.probability, answers.visible)
    hidden, frames = int((~answers.visible).sum()), len(answers.visible)
    _LOG.info("visibility: on %.3f off %.3f; %d of %d frames are out of sight", on, off, hidden, frames)
    card = replace(card, visible_on=on, visible_off=off, present_at=presence_threshold(answers))
    if arguments.test_clips:
        referrer = FamilyReferrer(model, tokenizer, card=card)
        measured = {f"synth-{split}": figures(referrer, split, arguments.test_clips) for split in TEST_SPLITS}
        card = replace(card, measured=measured)
    save_bundle(arguments.out, model, tokenizer=tokenizer, card=card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
