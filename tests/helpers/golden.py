"""Compares this version's models with a folder of golden arrays computed by the authors' published code.

    python tests/helpers/golden.py FOLDER [--only NAME]

Prints the largest error and error / tolerance of every array; exits 1 if any exceeds its tolerance, is unknown, or
belongs to a model this version does not have. `README.md` beside the golden files says what they hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from golden_cases import GoldenFolder
from golden_report import KEYS_SUFFIX, Checker, Finding, GoldenArrays

MODELS = ("ifirvos", "referformer", "r2vos")
PIECES = (
    "ms_deform_attn",
    "sine_position",
    "dynamic_mask_head",
    "vl_blocks",
    "matcher_losses",
    "r2vos_rkd",
    "davis_jf",
    "a2d",
    "video_swin",
)


def check_file(folder: GoldenFolder, name: str) -> Iterator[Finding]:
    """Compare `name`.npz of the folder by the module `golden_<name>`; arrays it does not look at are findings too."""
    if name not in MODELS + PIECES:
        yield Finding(name, problem="not supported by this version")
        return
    checker: Checker = import_module(f"golden_{name}").check
    arrays = GoldenArrays(folder.path / f"{name}.npz")
    try:
        yield from checker(arrays, folder)
    except (KeyError, ValueError, RuntimeError) as error:
        yield Finding(name, problem=f"stopped by {type(error).__name__}: {error}")
    for array in arrays.untaken():
        yield Finding(array, problem="unknown array, or not reached")


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with cases.json and .npz files")
    parser.add_argument("--only", metavar="NAME", help="one file by its name without .npz")
    options = parser.parse_args(arguments)
    if not (options.folder / "cases.json").is_file():
        parser.error(f"{options.folder} has no cases.json")
    folder = GoldenFolder.read(options.folder)
    names = files_of(options.folder)
    if options.only:
        if options.only not in names:
            print(f"{options.only}: {options.folder} has no {options.only}.npz, nothing to compare")
            return 0 if options.only in PIECES else 1
        names = [options.only]
    reports = {name: _report(folder, name) for name in names}
    failed = [name for name, findings in reports.items() if not _passed(findings)]
    print(
        f"{len(names) - len(failed)} of {len(names)} files pass, {sum(map(len, reports.values()))} comparisons"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed or not names else 0


def files_of(folder: Path) -> list[str]:
    """What there is to compare: .npz files, and key files that may stand without one."""
    keys = (path.name.removesuffix(KEYS_SUFFIX) for path in folder.glob(f"*{KEYS_SUFFIX}"))
    return sorted({path.stem for path in folder.glob("*.npz")} | set(keys))


def _passed(findings: list[Finding]) -> bool:
    return bool(findings) and all(finding.passed for finding in findings)


def _report(folder: GoldenFolder, name: str) -> list[Finding]:
    """Print what one file's comparison finds, and return it."""
    print(f"{name}\n     {'array':<44} {'error':>10} {'/tolerance':>10}")
    start = time.monotonic()
    findings = []
    for finding in check_file(folder, name):
        findings.append(finding)
        print(finding, flush=True)
    worst = max((f.ratio for f in findings if not f.problem), default=0.0)
    print(
        f"{'ok' if _passed(findings) else 'FAIL'}   {name}: {len(findings)} comparisons, "
        f"worst error / tolerance {worst:.3g}, {time.monotonic() - start:.1f} s\n"
    )
    return findings


if __name__ == "__main__":
    sys.exit(main())
