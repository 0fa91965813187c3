"""The papers' ablations: what is compared with what, what is kept over an interruption, and what the tables say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from helpers_cli import rvos  # noqa: E402
from rvos_core.errors import Cancelled, UserError  # noqa: E402
from rvos_core.evaluation.ablations import laboratory  # noqa: E402
from rvos_core.evaluation.ablations.budget import Budget  # noqa: E402
from rvos_core.evaluation.ablations.laboratory import (  # noqa: E402
    RESULTS,
    Result,
    budget_key,
    read_results,
    run_studies,
    unique_runs,
)
from rvos_core.evaluation.ablations.referring_runs import (  # noqa: E402
    FRAMES,
    SomeFrames,
    held_out_batches,
    network_of,
    score_referring,
    training_batches,
)
from rvos_core.evaluation.ablations.report import as_markdown, report  # noqa: E402
from rvos_core.evaluation.ablations.studies import FollowingRun, Study, all_studies, run_key  # noqa: E402
from rvos_core.language import WordTokenizer  # noqa: E402
from rvos_core.models.isvos import Isvos  # noqa: E402
from rvos_core.models.referring_values import ReferringOutput  # noqa: E402
from rvos_core.synthetic import vocabulary  # noqa: E402
from rvos_core.training.batches import NO_OBJECT  # noqa: E402
from rvos_core.types import CancelToken  # noqa: E402

TOKENIZER = WordTokenizer.from_words(vocabulary())
STUDIES = {study.key: study for study in all_studies(TOKENIZER.vocab_size)}
TINY = Budget(picture_steps=2, film_steps=2, parts_steps=2, following_steps=2, clips=2, val_clips=2, following_clips=1)


def test_all_the_papers_tables_are_there_with_their_whole_network_as_the_best_row() -> None:
    assert list(STUDIES) == [
        "ifirvos-parts",
        "ifirvos-interaction",
        "referformer-parts",
        "referformer-queries",
        "referformer-frames",
        "r2vos-parts",
        "r2vos-cycle",
        "isvos-parts",
        "isvos-memory",
    ]
    for study in STUDIES.values():
        papers = {variant.name: variant.paper for variant in study.variants if variant.paper is not None}
        assert not papers or papers[study.whole] == max(papers.values()), study.key


def test_every_row_is_another_network_or_another_memory_and_all_of_them_can_be_built() -> None:
    for study in STUDIES.values():
        rows = {(run_key(variant.run), variant.memory) for variant in study.variants}
        assert len(rows) == len(study.variants), study.key
    sizes = {}
    for key, run in unique_runs(STUDIES.values()).items():
        network = Isvos(run.network) if isinstance(run, FollowingRun) else network_of(run.network)
        sizes[key] = sum(value.numel() for value in network.parameters())
    assert len(sizes) == 26 and max(sizes.values()) < 2_000_000


def test_rows_that_share_a_network_are_trained_once() -> None:
    parts, interaction = STUDIES["ifirvos-parts"], STUDIES["ifirvos-interaction"]
    assert len(unique_runs([parts])) == 4
    assert len(unique_runs([parts, interaction])) == 6
    assert len(unique_runs([STUDIES["isvos-memory"]])) == 1


def results_of(study: Study, values: dict[str, list[float]]) -> list[Result]:
    by_name = {variant.name: variant for variant in study.variants}
    return [
        Result(run_key(by_name[name].run), seed, {"jf": value, "right": 50.0, "r": 10.0}, "")
        for name, of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
    ]


def test_differences_are_taken_seed_by_seed_and_told_from_the_spread() -> None:
    study = STUDIES["ifirvos-parts"]
    values = {"neither": [40, 50, 60], "VLI": [43, 55, 64], "IFI": [46, 53.5, 66], "IFI + VLI": [45, 54.5, 65]}
    rows = {row.name: row for row in report(study, results_of(study, values)).rows}
    neither = rows["neither"]
    assert (neither.jf, neither.spread, neither.seeds) == (50.0, 10.0, 3)
    assert neither.less == pytest.approx(-4.8333, abs=1e-3) and neither.error == pytest.approx(0.1667, abs=1e-3)
    assert neither.paper_less == pytest.approx(-4.8) and neither.verdict == "as in the paper"
    assert rows["VLI"].verdict == "within the spread"
    assert rows["IFI + VLI"].verdict == "" and rows["IFI + VLI"].less is None


def test_an_order_that_is_not_the_papers_is_said_plainly() -> None:
    study = STUDIES["ifirvos-interaction"]
    values = {"multiply, fixed text": [50, 51, 52], "attention + FFN": [55, 56, 57.5], "dynamic text": [45, 46, 47.5]}
    found = report(study, results_of(study, values))
    assert [row.verdict for row in found.rows] == ["", "the other way round", "as in the paper"]
    text = as_markdown([found])
    assert "| attention + FFN | 56.2 ± 1.3 | +5.2 ± 0.2 | 50.0 | 58.7 | -1.2 | the other way round |" in text
    assert "| R |" not in text and "3 seeds" in text


def test_one_seed_tells_nothing_apart_and_missing_rows_are_left_out() -> None:
    study = STUDIES["ifirvos-parts"]
    found = report(study, results_of(study, {"neither": [40], "IFI + VLI": [60]}))
    assert [(row.name, row.verdict) for row in found.rows] == [("neither", "within the spread"), ("IFI + VLI", "")]
    assert report(STUDIES["isvos-memory"], []).rows == ()


def test_robustness_has_its_columns_where_the_paper_measures_it() -> None:
    study = STUDIES["r2vos-cycle"]
    names = [variant.name for variant in study.variants]
    text = as_markdown([report(study, results_of(study, {name: [50, 51, 52] for name in names}))])
    assert "| no cycle, no consensus | 51.0 ± 1.0 | +0.0 ± 0.0 | 50.0 | 10.0 | 55.5 | -1.4 | 32.9 |" in text


def test_a_half_line_is_passed_over_and_a_foreign_one_is_named(tmp_path: Path) -> None:
    good = json.dumps({"run": "a", "seed": 0, "figures": {"jf": 1.0}, "budget": "b"})
    (tmp_path / RESULTS).write_text(f"{good}\n{good[:20]}")
    assert [each.figures for each in read_results(tmp_path)] == [{"jf": 1.0}]
    (tmp_path / RESULTS).write_text(f"{good}\nnonsense\n{good}\n")
    with pytest.raises(UserError, match="line 2"):
        read_results(tmp_path)
    assert read_results(tmp_path / "nowhere") == []


def test_fewer_frames_are_spread_over_the_clip_and_unseen_objects_are_not_asked_for() -> None:
    batches = training_batches(TINY, TOKENIZER, seed=3)
    whole = batches[0]
    assert batches[0] is whole and whole.frames.shape[1] == FRAMES
    one, three = (SomeFrames(batches, frames, negatives=False)[0] for frames in (1, 3))
    assert torch.equal(one.frames[:, 0], whole.frames[:, 2])
    assert torch.equal(three.labels, whole.labels[:, [0, 2, 4]])
    assert not (three.objects == NO_OBJECT).any() and three.targets().valid.any(1).all()
    with_negatives = SomeFrames(batches, 3, negatives=True)[0]
    assert (with_negatives.objects == NO_OBJECT).any()


class Knowing(torch.nn.Module):
    """Answers with the true masks of a batch, and paints what is asked for falsely as it is told to."""

    def __init__(self, batch, *, falsely: float) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.batch, self.falsely = batch, falsely

    def encode_frames(self, pixels, padding=None):  # type: ignore[no-untyped-def]
        return self

    def select(self, index):  # type: ignore[no-untyped-def]
        return self

    def encode_text(self, token_ids, padding=None):  # type: ignore[no-untyped-def]
        return None

    def decode(self, frames, text):  # type: ignore[no-untyped-def]
        masks = self.batch.targets().masks * 20 - 10  # (m, t, h, w)
        masks[self.batch.objects == NO_OBJECT] = -10.0
        masks[self.batch.objects == NO_OBJECT, :, :1, :4] = self.falsely
        logits = torch.zeros(*masks.shape[:2], 1, 1)
        boxes = torch.zeros(*masks.shape[:2], 1, 4)
        return ReferringOutput(logits, boxes, masks[:, :, None], aux=(), fused_levels=())


@pytest.mark.parametrize("falsely", [-10.0, 10.0])
def test_true_masks_score_high_and_paint_for_nothing_lowers_only_r(falsely: float) -> None:
    batch = held_out_batches(replace(TINY, clips=8, val_clips=8), TOKENIZER)[0]
    figures = score_referring(Knowing(batch, falsely=falsely), [batch], device=torch.device("cpu"))
    assert figures["right"] == 100.0 and figures["jf"] > 75
    assert figures["jf"] == pytest.approx((figures["j"] + figures["f"]) / 2)
    assert (figures["r"] == 100.0) == (falsely < 0)


@pytest.mark.slow
def test_runs_are_written_down_and_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studies = [STUDIES["referformer-frames"], STUDIES["isvos-memory"]]
    few = [replace(studies[0], variants=studies[0].variants[1:2], whole="3 frames"), studies[1]]
    told: list[tuple[int, int]] = []

    def run() -> list[Result]:
        return run_studies(
            few,
            tmp_path,
            tokenizer=TOKENIZER,
            budget=TINY,
            seeds=1,
            device=torch.device("cpu"),
            progress=lambda done, total: told.append((done, total)),
        )

    (tmp_path / RESULTS).write_text('{"run": "half of a')  # a process was killed here
    first = run()
    assert [(each.seed, each.budget) for each in first] == [(0, budget_key(TINY))] * 2
    assert set(first[0].figures) == {"jf", "j", "f", "right", "r"}
    assert set(first[1].figures) == {"jf", "jf_1", "jf_2", "jf_4", "jf_8"}
    assert told[-1] == (2000, 2000) and not list(tmp_path.glob("*-0-*"))
    monkeypatch.setattr(laboratory, "train_referring", None)
    monkeypatch.setattr(laboratory, "train_following", None)
    assert run() == first


def test_a_cancelled_run_keeps_what_is_finished(tmp_path: Path) -> None:
    cancel = CancelToken()
    study = STUDIES["isvos-parts"]
    with pytest.raises(Cancelled):
        run_studies(
            [study],
            tmp_path,
            tokenizer=TOKENIZER,
            budget=TINY,
            seeds=1,
            device=torch.device("cpu"),
            progress=lambda done, total: cancel.cancel(),
            cancel=cancel,
        )
    assert len(read_results(tmp_path)) == 1


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder with all results of one study, of the usual budget."""
    study = STUDIES["isvos-memory"]
    lines = []
    for seed in range(3):
        figures = {f"jf_{variant.memory}": 50.0 + variant.memory + seed for variant in study.variants}
        lines.append({"run": run_key(study.variants[0].run), "seed": seed, "figures": figures})
    text = "".join(json.dumps(line | {"budget": budget_key(Budget())}) + "\n" for line in lines)
    (tmp_path / RESULTS).write_text(text)
    return tmp_path


def test_the_command_prints_the_tables_and_writes_them(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = finished / "tables.md"
    said = rvos(capsys, "eval", "ablations", finished, "--studies", "isvos-memory", "--markdown", tables, "--json")
    assert said.code == 0, said.err
    rows = json.loads(said.out)["studies"][0]["rows"]
    assert [(row["name"], row["jf"], row["less"]) for row in rows] == [
        ("1 frame", 52.0, -7.0),
        ("2 frames", 53.0, -6.0),
        ("4 frames", 55.0, -4.0),
        ("8 frames", 59.0, None),
    ]
    assert "| 1 frame | 52.0 ± 1.0 | -7.0 ± 0.0 |  |  | lower |" in tables.read_text()
    plain = rvos(capsys, "eval", "ablations", finished, "--studies", "isvos-memory")
    assert "| 8 frames | 59.0 ± 1.0 |" in plain.out


def test_an_unknown_study_is_named_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = rvos(capsys, "eval", "ablations", tmp_path, "--studies", "isvos-memory,r2vos")
    assert said.code == 2
    assert "no study r2vos" in said.err and "r2vos-cycle" in said.err
