"""The house keeps its promises: the README's commands exist, nothing heavy loads early, documents are true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers_data import REPOSITORY

TRACKED_LIMIT_BYTES = 56e6
PICTURE_LIMIT_BYTES = 300_000


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE))


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    paths = [REPOSITORY / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/howto/command-line.md"])
def test_every_make_command_in_the_documents_is_a_target(document: str):
    named = set()
    for line in re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", text_of(document), re.MULTILINE):
        named.update(line.split())
    assert named <= make_targets(), named - make_targets()
    assert document != "README.md" or {"demo", "run", "test"} <= named


def test_continuous_integration_calls_the_readmes_test_command():
    script = text_of(".ci/run")
    for command in ("make lint", "make types", "make test"):
        assert re.search(rf"^{command}$", script, re.MULTILINE)
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111, ".ci/run is executable"


def test_make_alone_lists_the_targets():
    said = subprocess.run(["make", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for target in make_targets():
        assert f"make {target}" in said


@pytest.mark.parametrize("module", ["rvos_core", "rvos_core.media", "rvos_core.inference", "rvos_app.main_window"])
def test_importing_it_loads_no_torch(module: str):
    script = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'numba') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_core_imports_without_qt():
    script = (
        "import sys; sys.modules['PySide6'] = None; import rvos_core.inference, rvos_core.media, rvos_core.delivery"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_requirement_is_pinned_and_every_pin_fits_its_range():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    pins = {}
    for line in text_of("packaging/constraints.txt").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert version, line
            pins[canonicalize_name(name)] = version
    assert "torchvision" not in pins
    unpinned = {"ray", "onnxruntime", "rvos-studio"}  # too large for the common set, another platform's, ourselves
    for requirement in (Requirement(each) for group in groups for each in group):
        name = canonicalize_name(requirement.name)
        if name not in unpinned:
            assert name in pins, f"{name} has no pin"
            assert requirement.specifier.contains(pins[name]), f"{requirement} against {pins[name]}"


def test_the_wheel_holds_the_packages_and_what_they_need(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("rvos_studio-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {
        *("rvos_core", "rvos_app", "rvos_kernels", "rvos_resources"),
        *(name.split("/")[0] for name in names if ".dist-info/" in name),
    }
    for file in tracked_files():
        name = file.relative_to(REPOSITORY).as_posix()
        for root in ("rvos_core/", "app/rvos_app/", "kernels/rvos_kernels/", "resources/rvos_resources/"):
            if name.startswith(root):
                assert name.removeprefix(root.split("rvos_")[0]) in names, f"{name} is not in the wheel"
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_versions_agree():
    import rvos_core

    assert tomllib.loads(text_of("pyproject.toml"))["project"]["version"] == rvos_core.__version__


def test_links_in_the_documents_lead_somewhere():
    for document in [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_source_roots_are_not_packages():
    for folder in ("app", "kernels", "resources", "packaging", "tests", "docs"):
        assert not (REPOSITORY / folder / "__init__.py").exists()


def test_files_and_names_stay_readable():
    sources = [path for path in tracked_files() if path.suffix == ".py"]
    for path in sources:
        assert path.name not in {"utils.py", "common.py", "misc.py"}, path
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_the_tree_stays_small():
    files = tracked_files()
    assert sum(path.stat().st_size for path in files) < TRACKED_LIMIT_BYTES
    for path in files:
        if path.parent == REPOSITORY / "docs" / "images":
            assert path.stat().st_size <= PICTURE_LIMIT_BYTES, path


# Files that may be opened for writing by hand: inside an atomic part, or what is thrown away.
_WRITES_BY_HAND = {
    "rvos_core/files.py": "the one place that does it",
    "rvos_core/project/ballast.py": "its content means nothing",
    "rvos_core/delivery/journal.py": "unfinished work, every line of which is checked when it is read",
}


def test_what_is_delivered_or_kept_is_written_through_the_one_library() -> None:
    """No half file: a bare QSaveFile, `terminate` and opening a final file for writing are refused where people's work
    goes. Names of parts say `part`, which only `rvos_core.files` hands out.
    """
    watched = ("rvos_core/delivery/", "rvos_core/formats/", "rvos_core/project/", "rvos_core/masks/", "app/rvos_app/")
    found = []
    for path in tracked_files():
        name = path.relative_to(REPOSITORY).as_posix()
        if path.suffix != ".py" or not name.startswith(("rvos_core/", "app/")) or name in _WRITES_BY_HAND:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if "QSaveFile" in line or re.search(r"\bthread\w*\.terminate\(|QThread\.terminate\b", line, re.IGNORECASE):
                found.append(f"{name}:{number}: {line.strip()}")
            if name.startswith(watched) and _opens_for_writing(line) and not _is_harmless(line):
                found.append(f"{name}:{number}: {line.strip()}")
    assert not found, found


def _opens_for_writing(line: str) -> bool:
    return bool(
        re.search(r"open\([^)]*[\"'][wax]b?\+?[\"']|\.write_(bytes|text)\(|cv2\.imwrite\(|np\.savez?\(", line)
        or re.search(r"\.save\((?!\)|self|name|content)", line)
    )


def _is_harmless(line: str) -> bool:
    return bool(re.search(r"\b_?part\b|crash_file|BytesIO|buffer|target, optimize|project\.save\(", line))


def test_the_rule_about_writing_sees_what_it_should() -> None:
    for bad in (
        'path.open("wb")',
        "target.write_bytes(x)",
        "image.save(path)",
        'open(name, "a")',
        "cv2.imwrite(name, x)",
    ):
        assert _opens_for_writing(bad) and not _is_harmless(bad), bad
    for fine in ('part.open("wb")', "painter.save()", 'path.open("rb")', "image.save(content, format='PNG')"):
        assert not _opens_for_writing(fine) or _is_harmless(fine), fine
