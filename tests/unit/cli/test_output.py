"""How commands speak: text or one JSON object on stdout, progress on stderr."""

from __future__ import annotations

import json

import pytest

from rvos_core.cli.output import Output, report_error, seconds_in_words
from rvos_core.errors import UserError


def test_with_json_only_the_object_is_on_stdout(capsys: pytest.CaptureFixture[str]):
    output = Output(as_json=True)
    output.say("for people")
    output.note("working")
    output.result({"name": "Zoë [bold]", "path": "caf\udce9.mp4"})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"name": "Zoë [bold]", "path": "caf\udce9.mp4"}
    assert said.err == "working\n"


def test_without_json_brackets_are_text_and_lines_are_not_broken(capsys: pytest.CaptureFixture[str]):
    output = Output(as_json=False)
    line = "a path [red]/with/brackets[/red] " + "x" * 300
    output.say(line)
    output.result({"not": "shown"})
    assert capsys.readouterr().out == line + "\n"


def test_a_pipe_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Output(as_json=True).progress("segmenting") as meter:
        for now in range(40):
            meter.update(int(now), 40, detail="a while left")
    assert capsys.readouterr().err.splitlines() == [
        "segmenting: 16 of 40, a while left",
        "segmenting: 32 of 40, a while left",
    ]


def test_errors_in_both_forms(capsys: pytest.CaptureFixture[str]):
    error = UserError("clip.mp4 is empty.", hint="Copy it again.", code="media.empty")
    report_error(error, as_json=False)
    report_error(error, as_json=True)
    said = capsys.readouterr()
    assert said.err == "rvos: clip.mp4 is empty. Copy it again.\n"
    assert json.loads(said.out) == {
        "error": {"code": "media.empty", "message": "clip.mp4 is empty.", "hint": "Copy it again."}
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (100, "2 min"), (3599, "60 min"), (7500, "2 h 05 min")],
)
def test_seconds_are_as_exact_as_is_useful(seconds: float, words: str):
    assert seconds_in_words(seconds) == words
