"""The process that reads strangers' files: what it gives up, and that one bad job never harms the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from helpers_checkpoints import tiny_family_model
from rvos_core.errors import UsageError, UserError
from rvos_core.weights.job import Job
from rvos_core.weights.worker import ImportWorker, Limits

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits and forks as Linux has them")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.pth"
    torch.save({"model": tiny_family_model("referformer").state_dict()}, path)
    return path


def is_fine(worker: ImportWorker, good: Path) -> bool:
    return bool(worker.convert(Job(str(good)))["arch"] == "referformer")


@linux_only
def test_a_job_that_needs_too_much_memory_is_stopped(worker: ImportWorker, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.pth"
    torch.save({"a": torch.zeros(64 * 1024 * 1024)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match="needs more memory") as caught:
        worker.convert(Job(str(path)), limits=Limits(48 * 1024 * 1024, 30.0))
    assert caught.value.code == "checkpoint.memory"
    assert is_fine(worker, good)


@linux_only
def test_a_job_that_takes_too_long_is_stopped(worker: ImportWorker, good: Path) -> None:
    with pytest.raises(UserError, match="cannot be read within 0 s") as caught:
        worker.convert(Job(str(good)), limits=Limits(1 << 30, 0.0))
    assert caught.value.code == "checkpoint.slow"
    assert is_fine(worker, good)


@linux_only
def test_a_job_that_crashes_costs_only_itself(worker: ImportWorker, good: Path) -> None:
    with pytest.raises(UserError, match="broke the process") as caught:
        worker.convert(Job(str(good), arch=5))  # type: ignore[arg-type]  # what no check foresaw
    assert caught.value.code == "checkpoint.crashed"
    assert is_fine(worker, good)


def test_a_wrong_call_stays_one(worker: ImportWorker, good: Path) -> None:
    with pytest.raises(UsageError, match="no published model named 'nonsense'"):
        worker.convert(Job(str(good), arch="nonsense"))


@linux_only
def test_a_killed_worker_is_started_again(worker: ImportWorker, good: Path) -> None:
    assert is_fine(worker, good)
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert is_fine(worker, good)


def test_without_forks_every_job_has_a_process_of_its_own(good: Path) -> None:
    with ImportWorker(reuse=False) as worker:
        assert is_fine(worker, good)
        assert worker._process is None, "the process is gone with its job"
        with pytest.raises(UserError, match="does not exist"):
            worker.convert(Job(str(good.with_name("missing.pth"))))


def test_closing_ends_the_process() -> None:
    worker = ImportWorker()
    worker.start()
    assert worker._process is not None
    process = worker._process
    worker.close()
    assert process.poll() is not None
    worker.close()


def script(body: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_process_has_no_network() -> None:
    """A server on this very machine cannot be reached, by name or by number; the hub's library knows it too."""
    said = script(
        """
        import os, socket
        server = socket.create_server(("127.0.0.1", 0))
        from rvos_core.weights.sandbox import cut_network
        cut_network()
        for call in (
            lambda: socket.create_connection(server.getsockname()),
            lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            lambda: socket.getaddrinfo("huggingface.co", 443),
            lambda: socket.create_server(("127.0.0.1", 0)),
        ):
            try:
                call()
                print("reached")
            except PermissionError:
                print("refused")
        print(os.environ["HF_HUB_OFFLINE"])
        """
    )
    assert said.split() == ["refused"] * 4 + ["1"]


@linux_only
def test_the_kernel_has_no_network_for_it_either() -> None:
    said = script(
        """
        import ctypes, os
        probe = os.fork()
        if probe == 0:
            os._exit(0 if ctypes.CDLL(None).unshare(0x50000000) == 0 or os.getuid() == 0 else 3)
        allowed = os.waitstatus_to_exitcode(os.waitpid(probe, 0)[1]) == 0
        from rvos_core.weights.sandbox import cut_network
        before = os.readlink("/proc/self/ns/net")
        cut_network()
        print(allowed, before != os.readlink("/proc/self/ns/net"))
        """
    )
    if said.split()[0] != "True":
        pytest.skip("this kernel gives no namespaces to programs")
    if said.split()[1] != "True":
        pytest.skip("this container does not let its root leave the network")


def test_a_network_is_built_for_comparison_without_torchs_compiler() -> None:
    """Loading it would take two seconds, and it writes files."""
    said = script(
        """
        import sys
        from rvos_core.models.architectures import configuration
        from rvos_core.weights._import_main import _warm_up
        from rvos_core.weights.sandbox import forbid_side_effects
        from rvos_core.weights.strict import expected_shapes
        _warm_up()
        tried = forbid_side_effects(None)
        for name in ("referformer-r101", "ifirvos-swin-s", "r2vos-video-swin-t", "isvos-mini"):
            entry, config = configuration(name)
            print(len(expected_shapes(entry.name, config)) > 100, end=" ")
        print(tried(), "torch._dynamo" in sys.modules)
        """
    )
    assert said.split() == ["True"] * 4 + ["None", "False"]


def test_the_process_cannot_change_anything(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    said = script(
        """
        import ctypes, os, pathlib, pickle, shutil, subprocess, sys
        from rvos_core.weights.sandbox import forbid_side_effects
        folder = pathlib.Path(sys.argv[1])
        out, kept = folder / "out", folder / "kept"
        tried = forbid_side_effects(out)
        out.write_text("fine")
        assert kept.read_text() == "kept" and tried() is None
        calls = {
            "run": lambda: subprocess.run(["touch", str(folder / "canary")]),
            "system": lambda: os.system("touch " + str(folder / "canary")),
            "spawn": lambda: os.posix_spawn("/bin/touch", ["touch", str(folder / "canary")], {}),
            "exec": lambda: os.execv("/bin/touch", ["touch", str(folder / "canary")]),
            "fork": lambda: os.fork(),
            "write": lambda: kept.write_text("changed"),
            "append": lambda: open(kept, "a"),
            "create": lambda: os.open(folder / "canary", os.O_CREAT | os.O_WRONLY),
            "remove": lambda: kept.unlink(),
            "rename": lambda: kept.rename(folder / "canary"),
            "tree": lambda: shutil.rmtree(folder),
            "link": lambda: os.symlink(kept, folder / "canary"),
            "library": lambda: ctypes.CDLL("libm.so.6"),
            "pickle": lambda: pickle.loads(b"cos\\nsystem\\n."),
        }
        for name, call in calls.items():
            try:
                call()
                print(name, "happened")
            except PermissionError:
                pass
        print("first:", tried())
        """,
        str(tmp_path),
    )
    assert said.strip() == "first: subprocess.Popen"
    assert (tmp_path / "kept").read_text() == "kept"
    assert not (tmp_path / "canary").exists()
