"""Downloads against a hub on this machine, over real HTTP: pinned, resumed, stopped, checked, and every refusal."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from loopback_hub import COMMIT, HubState, loopback_hub
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.types import CancelToken
from rvos_core.weights.hub import Hub, HubId
from rvos_core.weights.known import HubFile

WEIGHTS = bytes(range(256)) * 40_000  # 10.2 MB: more than one chunk of the library's


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubState]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1 << 20)
    with loopback_hub() as state:
        state.files["owner/net"] = {"README.md": b"#", "model.safetensors": WEIGHTS, "pytorch_model.bin": b"x"}
        state.tags["owner/net"] = ["license:apache-2.0"]
        yield state


@pytest.fixture
def hub(server: HubState, tmp_path: Path) -> Hub:
    return Hub(tmp_path / "cache", endpoint=server.address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/net", HubId("owner/net")),
        ("owner/net@v1.0", HubId("owner/net", "v1.0")),
        ("owner/net:sub/model.pth", HubId("owner/net", None, "sub/model.pth")),
        ("owner/net@refs/pr/1:a b.pth", HubId("owner/net", "refs/pr/1", "a b.pth")),
        ("owner/net/model.pth", None),
        ("weights/model.pth", None),
        ("net", None),
        ("../net", None),
        ("/abs/net", None),
        ("https://huggingface.co/owner/net", None),
        ("owner/net:../../x", None),
        ("owner/net:a/../../x", None),
    ],
)
def test_what_is_an_id(text: str, expected: HubId | None) -> None:
    assert HubId.parse(text) == expected


def test_a_download_is_pinned_checked_and_told(server: HubState, hub: Hub) -> None:
    found = hub.find(HubId("owner/net"))
    assert found.file == HubFile("owner/net", COMMIT, "model.safetensors")
    assert found.size == len(WEIGHTS) and found.licence == "Apache-2.0"
    told: list[tuple[int, int]] = []
    path = hub.fetch(found.file, sha256=found.sha256, progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == WEIGHTS
    assert told[-1] == (len(WEIGHTS), len(WEIGHTS)) and len(told) > 3
    assert found.source == f"hub:owner/net@{COMMIT}:model.safetensors"
    asked = [path for method, path, _ in server.requests if "resolve" in path]
    assert all(f"/resolve/{COMMIT}/" in path for path in asked), "not the branch, which may move"


def test_what_is_there_is_not_fetched_again(server: HubState, hub: Hub) -> None:
    file = hub.find(HubId("owner/net")).file
    assert hub.cached(file) is None
    path = hub.fetch(file)
    before = len(server.requests)
    assert hub.cached(file) == path and hub.fetch(file) == path
    assert not any(method == "GET" for method, _, _ in server.requests[before:])


def test_cancel_stops_between_chunks_and_the_next_try_goes_on_there(server: HubState, hub: Hub) -> None:
    file, cancel = hub.find(HubId("owner/net")).file, CancelToken()

    def stop_halfway(done: int, total: int) -> None:
        if done > total // 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        hub.fetch(file, progress=stop_halfway, cancel=cancel)
    assert hub.cached(file) is None
    assert hub.fetch(file).read_bytes() == WEIGHTS
    *_, (_, _, asked) = [request for request in server.requests if request[0] == "GET"]
    assert asked.startswith("bytes=") and int(asked[6:].split("-")[0]) >= len(WEIGHTS) // 2


def test_a_broken_connection_goes_on_by_itself(server: HubState, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    file = hub.find(HubId("owner/net")).file
    server.breaks_after = 3 << 20
    assert hub.fetch(file).read_bytes() == WEIGHTS


def test_damaged_on_the_way_is_deleted(server: HubState, hub: Hub) -> None:
    found = hub.find(HubId("owner/net"))
    server.wrong_content = True
    with pytest.raises(UserError, match="arrived damaged") as caught:
        hub.fetch(found.file, sha256=found.sha256)
    assert caught.value.code == "hub.damaged"
    server.wrong_content = False
    path = hub.fetch(found.file, sha256=found.sha256)
    assert path.read_bytes() == WEIGHTS
    hub.forget(path)
    assert not list(path.parents[2].iterdir())


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        ("owner/nothing", "hub.not_found", "There is no owner/nothing on the Hugging Face hub"),
        ("owner/net@other", "hub.no_revision", "There is no revision owner/net@other"),
        ("owner/net:model.pth", "hub.no_file", "has no file model.pth"),
        ("owner/closed", "hub.gated", "open to chosen people only"),
        ("owner/ill", "hub.http", "answers 500"),
        ("owner/text", "hub.no_file", "holds no checkpoint"),
        ("owner/many", "hub.several_files", "holds 2 checkpoints"),
    ],
)
def test_refusals_say_what_and_what_to_do(wanted: str, code: str, message: str, server: HubState, hub: Hub) -> None:
    server.status |= {"owner/closed": (403, "GatedRepo"), "owner/ill": (500, "")}
    server.files |= {"owner/text": {"README.md": b"#"}, "owner/many": {"a.pth": b"a", "b.pth": b"b"}}
    hub_id = HubId.parse(wanted)
    assert hub_id is not None
    with pytest.raises(UserError, match=message) as caught:
        hub.find(hub_id)
    assert caught.value.code == code and caught.value.hint


def test_no_network_is_one_sentence(server: HubState, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    hub = Hub(tmp_path / "cache", endpoint=f"http://127.0.0.1:{port}")
    for call in (lambda: hub.find(HubId("owner/net")), lambda: hub.fetch(HubFile("owner/net", COMMIT, "a.pth"))):
        with pytest.raises(UserError, match="no connection to the Hugging Face hub") as caught:
            call()
        assert caught.value.code == "hub.offline"


def test_the_offline_switch_is_the_same_sentence(server: HubState, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="no connection to the Hugging Face hub"):
        hub.fetch(HubFile("owner/net", COMMIT, "model.safetensors"))


def test_a_full_disk_is_said(server: HubState, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(UserError, match="the disk is full"):
        hub.fetch(HubFile("owner/net", COMMIT, "model.safetensors"))


def test_a_strange_id_is_a_wrong_call(server: HubState, hub: Hub) -> None:
    with pytest.raises(UsageError, match="is no id of the hub"):
        hub.find(HubId("owner/--net.git"))
