"""A run as text: a Mermaid flow chart, and a table of the parameters of its parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from rvos_core.models.figures.parts import Part
from rvos_core.models.figures.run import Run
from rvos_core.models.figures.trace import Box, kind_of

_WIDE = '%%{init: {"flowchart": {"wrappingWidth": 480}}}%%'  # names of modules have no place to break


def flow_chart(run: Run) -> str:
    """Boxes in frames by group, arrows as data flows; an arrow's box shows the shapes of what it carries."""
    boxes = run.trace.boxes
    ids = _ids(boxes)
    lines = ["```mermaid", _WIDE, "flowchart TB"]
    for group, members in itertools.groupby(_by_group(boxes.values()), key=lambda box: box.group):
        drawn = [f"{ids[box.key]}{_shape_of(box)}" for box in members]
        if not group:
            lines += [f"  {each}" for each in drawn]
            continue
        lines += [f'  subgraph group_{_slug(group)}["{group}"]', *(f"    {each}" for each in drawn), "  end"]
    lines += [f"  {ids[start]} --> {ids[end]}" for start, end in run.trace.arrows]
    return "\n".join([*lines, "```"])


def caption(run: Run) -> str:
    """What is to be seen, in two sentences."""
    return (
        f"`{run.name}` on {run.given}. A box has the names of its modules in the state dict, their class, and the"
        " shape of each thing that came out."
    )


def parameter_table(run: Run) -> str:
    """Parameters of every part, repeated tensors counted once, and how many of them are trained."""
    rows: dict[Part, list[int]] = {part: [0, 0] for part in run.plan.parts}
    for name, parameter in run.network.named_parameters():
        part = run.plan.part_of(name)
        if part is None:
            raise ValueError(f"{name} of {run.name} belongs to no part")
        rows[part][0] += parameter.numel()
        rows[part][1] += parameter.numel() if parameter.requires_grad else 0
    lines = ["| part | class | parameters | trained |", "|---|---|--:|--:|"]
    for part, (count, trained) in rows.items():
        if count:
            names, kinds = _members(run, part)
            seen = "" if part.pattern in run.trace.boxes else " (does not run)"
            lines.append(f"| {_code(names)}{seen} | {', '.join(kinds)} | {count:,} | {trained:,} |")
    total, trained = (sum(row[column] for row in rows.values()) for column in (0, 1))
    return "\n".join([*lines, f"| all | | {total:,} | {trained:,} |"])


def collapsed(names: Iterable[str]) -> list[str]:
    """Names that differ in one number as one: `layers.0`, `layers.1`, `layers.2` -> `layers.0-2`; 4 and 8 -> `4,8`."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(re.sub(r"\d+", "#", name), []).append(name)
    short: list[str] = []
    for template, same in alike.items():
        columns = list(zip(*([int(n) for n in re.findall(r"\d+", name)] for name in same), strict=True))
        if sum(len(set(column)) > 1 for column in columns) > 1:
            short += same
            continue
        ranges = [_range(column) for column in columns]
        head, *rest = template.split("#")
        short.append(head + "".join(span + tail for span, tail in zip(ranges, rest, strict=True)))
    return short


def _range(numbers: Iterable[int]) -> str:
    known = sorted(set(numbers))
    follow = known == list(range(known[0], known[-1] + 1))
    return f"{known[0]}-{known[-1]}" if follow and len(known) > 1 else ",".join(map(str, known))


def _ids(boxes: Mapping[str, Box]) -> dict[str, str]:
    """A readable name of each box for the arrows' lines: its first module's, without numbers."""
    taken: dict[str, str] = {}
    for key, box in boxes.items():
        plain = _slug(re.sub(r"[._]\d+\b", "", (box.names or box.parameters)[0]))
        taken[key] = plain if plain not in taken.values() else f"{plain}_{len(taken)}"
    return taken


def _by_group(boxes: Iterable[Box]) -> Sequence[Box]:
    """Boxes of a group together, groups and boxes in the order in which they first ran."""
    groups: dict[str, list[Box]] = {}
    for box in boxes:
        groups.setdefault(box.group, []).append(box)
    return [box for members in groups.values() for box in members]


def _shape_of(box: Box) -> str:
    """Label and outline: what goes in and comes out is round."""
    lines = [f"<b>{name}</b>" for name in collapsed([*box.names, *box.parameters])]
    lines += [each for each in (box.caption, _what_ran(box)) if each]
    lines += [f"{name} {_size(shape)}".strip() for name, shape in box.shapes]
    left, right = ("[", "]") if box.group else ("([", "])")
    return f'{left}"{"<br/>".join(lines)}"{right}'


def _what_ran(box: Box) -> str:
    if not box.kinds:
        return ""
    modules = len(box.names)
    said = ", ".join(box.kinds)
    if modules > 1 and len(box.kinds) == 1:
        said += f", {modules} in a row" if box.in_a_row else f", {modules} of them"
    if modules == 1 and box.calls > 1:
        said += f", runs {box.calls} times" + (" in a row" if box.in_a_row else "")
    return said


def _members(run: Run, part: Part) -> tuple[list[str], list[str]]:
    """Collapsed names and classes of all modules and single parameters of a part, whether they ran or not."""
    found = {name: kind_of(module) for name, (owner, module) in run.plan.modules(run.network).items() if owner is part}
    found |= {name: "parameter" for name, _ in run.network.named_parameters() if re.fullmatch(part.pattern, name)}
    return collapsed(found), list(dict.fromkeys(found.values()))


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _slug(group: str) -> str:
    return re.sub(r"\W+", "_", group)
