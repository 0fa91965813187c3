"""The figures of the models' pages: what the trace sees, how it is drawn, and that the pages are up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers_data import REPOSITORY
from rvos_core.errors import UserError
from rvos_core.models import referring
from rvos_core.models.architectures import architecture
from rvos_core.models.figures import pages as figures_pages
from rvos_core.models.figures.__main__ import main
from rvos_core.models.figures.mermaid import collapsed, flow_chart, parameter_table
from rvos_core.models.figures.pages import redraw, redraw_folder
from rvos_core.models.figures.parts import PLANS, FunctionPart, Part, Plan
from rvos_core.models.figures.run import Run, run
from rvos_core.models.figures.trace import Trace, tensors_in
from tiny_family import tiny_family_config

PAGES = REPOSITORY / "docs" / "models"
NAMES = ("referformer-r50", "ifirvos-r50", "r2vos-r50", "isvos-r50")
SHORT_PAGE = (
    "# A\n\n<!-- figure: {0} -->\n<!-- /figure -->\n\n<!-- parameters: {0} -->\nold\n<!-- /parameters -->\nend\n"
)


run_once = cache(run)  # some seconds each


@pytest.fixture(autouse=True)
def each_network_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_pages, "run", run_once)


@pytest.mark.parametrize("name", NAMES)
def test_the_pages_show_the_networks_as_they_are(name: str) -> None:
    page = PAGES / f"{name.removesuffix('-r50')}.md"
    text = page.read_text(encoding="utf-8")
    for kind in ("figure", "parameters"):
        assert f"<!-- {kind}: {name} -->" in text
    assert redraw(text, where=str(page)) == text, "run: python -m rvos_core.models.figures docs/models"


# What the trace sees.


class _Toy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.gate = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
        self.bias = nn.Parameter(torch.zeros(4))
        self.outer = nn.ModuleDict({"inner": nn.Linear(4, 2)})

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x).relu_()
        gate = self.gate(other).detach() > 0  # no gradient comes through here
        parts = list(torch.where(gate, x, self.bias))
        return self.outer["inner"](F.normalize(torch.stack(parts)))


_TOY = Plan(
    (Part("g", r"steps\.\d"), Part("g", r"gate"), Part("g", r"bias"), Part("h", r"outer\.inner"), Part("h", "unused")),
    (FunctionPart("h", "torch.nn.functional", "normalize"),),
)


def _watched(network: nn.Module, plan: Plan, *inputs: Tensor) -> Trace:
    trace = Trace(plan)
    with trace.watch(network), trace:
        result = network(*(trace.enters(f"in{i}", value) for i, value in enumerate(inputs)))
        trace.leaves("out", {"y": result})
    return trace


def test_arrows_follow_values_through_views_detached_and_in_place_steps() -> None:
    trace = _watched(_Toy(), _TOY, torch.randn(3, 4), torch.randn(3, 4))
    assert set(trace.arrows) == {
        ("in0", r"steps\.\d"),
        ("in1", "gate"),
        (r"steps\.\d", "normalize"),
        ("gate", "normalize"),
        ("bias", "normalize"),
        ("normalize", r"outer\.inner"),
        (r"outer\.inner", "out"),
    }
    boxes = trace.boxes
    assert boxes[r"steps\.\d"].in_a_row
    assert boxes[r"steps\.\d"].calls == 3
    assert boxes["gate"].kinds == ["Linear + ReLU"]
    assert (boxes["bias"].parameters, boxes["bias"].shapes, boxes["bias"].calls) == (["bias"], [("", (4,))], 0)
    assert boxes["out"].shapes == [("y", (3, 2))]
    assert "unused" not in boxes


def test_the_network_is_left_as_it_was() -> None:
    network, normalize = _Toy(), F.normalize
    _watched(network, _TOY, torch.randn(3, 4), torch.randn(3, 4))
    trace = Trace(_TOY)
    with pytest.raises(RuntimeError), trace.watch(network), trace:
        network(torch.randn(3, 5), torch.randn(3, 4))
    assert F.normalize is normalize
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in network.modules())
    autocast, head = torch.autocast, referring.dynamic_mask_head
    run("isvos-mini")
    run_once("r2vos-r50")
    assert (torch.autocast, referring.dynamic_mask_head) == (autocast, head)


@pytest.mark.parametrize(
    ("arch", "options"),
    [("referformer", {}), ("ifirvos", {}), ("ifirvos", {"consensus": True}), ("r2vos", {})],
)
def test_arrows_are_those_of_autograds_graph_and_those_it_cannot_see(arch: str, options: dict[str, Any]) -> None:
    """A walk back from a part's inputs to the nearest other part's outputs finds all but what carries no gradient."""
    network = architecture(arch).build(tiny_family_config(arch, **options)).eval()
    plan = Plan(PLANS[arch].parts, ())
    assert [name for name, _ in network.named_parameters() if plan.part_of(name) is None] == []
    ours, theirs = Trace(plan), _GradientWalk(network, plan)
    with theirs, ours.watch(network), ours:
        frames = ours.enters("frames", torch.randn(1, 2, 3, 64, 96))
        output = network(frames, None, ours.enters("ids", torch.tensor([[0, 5, 6, 2]])), None)
        ours.leaves("out", {"masks": output.pred_masks, "boxes": output.pred_boxes})
    assert output.pred_masks.requires_grad
    parts = {part.pattern for part in plan.parts}
    seen = {arrow for arrow in ours.arrows if set(arrow) <= parts}
    assert theirs.arrows <= seen
    assert any("consensus_head" in end for _, end in seen) == ("consensus" in options)
    boxes = r"bbox_embed\.\d+"
    decoder = next(key for key in parts if "decoder_" in key and "layers" in key and key in ours.boxes)
    assert seen - theirs.arrows == {(boxes, decoder)}, "refined boxes are detached"


class _GradientWalk:
    """Arrows between parts by `grad_fn.next_functions`, as a context around the run."""

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        self.arrows: set[tuple[str, str]] = set()
        self._network, self._plan, self._depth = network, plan, 0
        self._of: dict[tuple[Any, int], str] = {}
        self._learned = {id(p): part.pattern for n, p in network.named_parameters() if (part := plan.part_of(n))}
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        self._network.requires_grad_(True)
        for part, module in self._plan.modules(self._network).values():
            self._handles.append(module.register_forward_pre_hook(self._before(part.pattern), with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._after(part.pattern)))

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _before(self, key: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if self._depth == 0:
                for tensor in tensors_in((args, kwargs)):
                    self.arrows |= {(found, key) for found in self._nearest(tensor) if found != key}
            self._depth += 1

        return hook

    def _after(self, key: str) -> Any:
        def hook(module: nn.Module, args: Any, result: Any) -> None:
            self._depth -= 1
            if self._depth == 0:
                for tensor in tensors_in(result):
                    self._of[tensor.grad_fn, tensor.output_nr] = key

        return hook

    def _nearest(self, tensor: Tensor) -> Iterator[str]:
        if isinstance(tensor, nn.Parameter):
            yield self._learned[id(tensor)]
        waiting, known = [(tensor.grad_fn, tensor.output_nr)], set()
        while waiting:
            place = waiting.pop()
            if place[0] is None or place in known:
                continue
            known.add(place)
            if place in self._of:
                yield self._of[place]
            elif hasattr(place[0], "variable"):
                yield self._learned[id(place[0].variable)]
            else:
                waiting += place[0].next_functions


# How it is drawn.


@pytest.fixture
def mini() -> Run:
    return run_once("isvos-mini")


def test_another_variant_is_drawn_by_the_same_plan(mini: Run) -> None:
    """The small ISVOS has the plain pixel decoder, keys at stride 8 and two blocks."""
    chart = flow_chart(mini)
    assert "instance.pixel_decoder.bottom" in chart
    assert "instance.pixel_decoder.laterals.4,8,16" in chart
    assert "decoder.blocks.0-1" in chart
    assert "1x48x45x80" in chart
    assert "DeformablePixelDecoder" not in chart


def test_a_chart_is_one_statement_a_line_with_names_that_exist(mini: Run) -> None:
    lines = flow_chart(mini).splitlines()
    assert (lines[0], lines[2], lines[-1]) == ("```mermaid", "flowchart TB", "```")
    drawn = [found[1] for line in lines if (found := re.match(r' +(\w+)(?:\["|\(\[").*(?:"\]|"\]\))$', line))]
    arrows = [found.groups() for line in lines if (found := re.fullmatch(r"  (\w+) --> (\w+)", line))]
    frames = [line for line in lines if line.strip().startswith("subgraph") or line.strip() == "end"]
    assert len(lines) == 4 + len(drawn) + len(arrows) + len(frames)
    assert len(set(drawn)) == len(drawn) == len(mini.trace.boxes)
    assert {end for arrow in arrows for end in arrow} == set(drawn)
    assert len(frames) % 2 == 0


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a.0", "a.1", "a.2"], ["a.0-2"]),
        (["a.adapter_4", "a.adapter_3", "b"], ["a.adapter_3-4", "b"]),
        (["a.1.w"], ["a.1.w"]),
        (["a.0.b.0", "a.1.b.1"], ["a.0.b.0", "a.1.b.1"]),
        (["a.2.b.0", "a.2.b.1"], ["a.2.b.0-1"]),
        (["a.16", "a.4", "a.8"], ["a.4,8,16"]),
    ],
)
def test_names_that_differ_in_one_number_share_a_line(names: list[str], short: list[str]) -> None:
    assert collapsed(names) == short


def test_the_table_counts_every_parameter_once_and_says_what_does_not_run() -> None:
    seen = run_once("ifirvos-r50")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in parameter_table(seen).splitlines()[2:]]
    counts = [(int(count.replace(",", "")), int(trained.replace(",", ""))) for *_, count, trained in rows]
    assert counts[-1] == (177_906_239, 53_038_207)  # published
    assert tuple(map(sum, zip(*counts[:-1], strict=True))) == counts[-1]
    assert [row[0] for row in rows if "does not run" in row[0]] == ["`text_encoder.pooler.dense` (does not run)"]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_can_be_read_at_a_glance(name: str) -> None:
    seen = run_once(name)
    assert len(seen.trace.boxes) <= 25
    reached = {end for _, end in seen.trace.arrows}
    starts = {key for key, box in seen.trace.boxes.items() if not box.group or not box.names}
    assert set(seen.trace.boxes) - reached <= starts | {r"query_embed|transformer\.reference_points"}


# Pages.


def test_a_folder_of_pages_is_drawn_and_then_stays(tmp_path: Path) -> None:
    page, other = tmp_path / "isvos.md", tmp_path / "other.md"
    page.write_text(SHORT_PAGE.format("isvos-mini"))
    other.write_text("# No figure\n")
    main([str(tmp_path)])
    drawn = page.read_text()
    assert drawn.startswith("# A\n\n<!-- figure: isvos-mini -->\n```mermaid\n")
    assert drawn.endswith("<!-- /parameters -->\nend\n")
    assert "old" not in drawn
    assert redraw_folder(tmp_path) == ()
    assert other.read_text() == "# No figure\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("nothing", 1, "holds no page with a figure"),
        ("<!-- figure: isvos-mini -->\n", 1, "page.md: <!-- figure: isvos-mini --> has no end"),
        ("<!-- figure: isvos-mini -->\n<!-- parameters: isvos-mini -->\n<!-- /parameters -->\n<!-- /figure -->\n",
         1, "figure: isvos-mini --> has no end"),
        ("<!-- figure: isvos-minni -->\n<!-- /figure -->\n", 2, "Did you mean 'isvos-mini'"),
    ],
)  # fmt: skip
def test_pages_that_cannot_be_drawn_are_named_and_stay(
    text: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path)])
    assert stopped.value.code == code
    assert said in capsys.readouterr().err
    assert page.read_text() == text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere holds no page"):
        redraw_folder(tmp_path / "nowhere")
