"""A hub on this machine that answers as the Hugging Face hub does, as far as downloads of single files go."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubState:
    """What the hub holds and what it was asked.

    Attributes:
        files: repository -> name -> content.
        tags: repository -> tags.
        status: repository -> an HTTP status and the hub's error code instead of an answer.
        breaks_after: bytes of a file after which a connection is cut once; None: never.
        requests: method, path and range of each request.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    status: dict[str, tuple[int, str]] = field(default_factory=dict)
    breaks_after: int | None = None
    wrong_content: bool = False
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    address: str = ""


@contextmanager
def loopback_hub() -> Iterator[HubState]:
    """Serves until the block ends."""
    state = HubState()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    state: HubState


class _Handler(BaseHTTPRequestHandler):
    """Answers from the state of its server."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.state.requests.append((self.command, self.path, self.headers.get("Range", "")))
        found = re.fullmatch(r"/api/models/([^/]+/[^/?]+)(?:/revision/([^/?]+))?(?:\?.*)?", self.path)
        if found:
            self._info(found[1], found[2] or "main", body)
            return
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path)
        if found:
            self._file(found[1], found[2], found[3], body)
            return
        self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})

    def _refuses(self, repository: str, revision: str, body: bool) -> bool:
        status, code = self.server.state.status.get(repository, (0, ""))
        if repository not in self.server.state.files and not status:
            status, code = 401, "RepoNotFound"  # so the hub says it to strangers
        if not status and revision not in ("main", COMMIT):
            status, code = 404, "RevisionNotFound"
        if status:
            self._send(status, b"{}", body, {"X-Error-Code": code})
        return bool(status)

    def _info(self, repository: str, revision: str, body: bool) -> None:
        if self._refuses(repository, revision, body):
            return
        files = self.server.state.files[repository]
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 9},
            }
            for name, content in files.items()
        ]
        answer = {
            "id": repository,
            "sha": COMMIT,
            "siblings": siblings,
            "tags": self.server.state.tags.get(repository, []),
        }
        self._send(200, json.dumps(answer).encode(), body, {"Content-Type": "application/json"})

    def _file(self, repository: str, revision: str, name: str, body: bool) -> None:
        if self._refuses(repository, revision, body):
            return
        content = self.server.state.files[repository].get(name)
        if content is None:
            self._send(404, b"", body, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if self.server.state.wrong_content:
            content = bytes(len(content))
        begin = re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range", ""))
        status = 200
        if begin and body:
            first = int(begin[1])
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            content, status = content[first:], 206
        self._send(status, content, body, headers)

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if not body:
            return
        cut = self.server.state.breaks_after
        if cut is not None and len(content) > cut:
            self.server.state.breaks_after = None
            self.wfile.write(content[:cut])
            self.wfile.flush()
            self.close_connection = True
            return
        with contextlib.suppress(ConnectionError):  # the client may stop in the middle
            self.wfile.write(content)
