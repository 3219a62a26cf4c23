"""The schema of the messages: the document's examples, our own messages and those of the programs that we ship."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.adapters import messages
from conformance.adapters.check import State, check
from conformance.adapters.conversation import Conversation
from conformance.adapters.features import MEANINGS, Feature
from conformance.adapters.process import ProgramProcess
from conformance.adapters.schema import schema_text
from tests.conformance.adapters.programs import ROOT, reference_program

DOCUMENT = (ROOT / "docs" / "adapter-protocol.md").read_text()
SCHEMA: dict[str, Any] = json.loads(schema_text())
RESULTS = {"hello": "hello.result", "session.open": "session.open.result", "basic_cb": "basic_cb.result"}


def errors(message: Any, name: str | None = None) -> list[str]:
    """What the schema says against a message, or against a part of one."""
    schema = SCHEMA if name is None else {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(message)]


def conversation_errors(lines: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """What the schema says against a conversation: each message, and each result by what was asked for."""
    found = []
    asked: dict[Any, str] = {}
    for side, message in lines:
        found += [f"{side}: {message}: {error}" for error in errors(message)]
        if "method" in message:
            asked[side, message["id"]] = message["method"]
        elif "result" in message:
            method = asked[{"harness": "program", "program": "harness"}[side], message["id"]]
            found += (
                [f"{method}: {error}" for error in errors(message["result"], RESULTS[method])]
                if method in RESULTS
                else []
            )
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_examples_of_the_document_are_messages() -> None:
    sides = {"→": "harness", "←": "program"}
    lines = [(sides[line[0]], json.loads(line[2:])) for line in DOCUMENT.splitlines() if line[:1] in sides]
    assert len(lines) >= 10
    assert conversation_errors(lines) == []


def test_the_document_and_the_schema_name_every_feature() -> None:
    (words,) = [
        one["enum"]
        for one in SCHEMA["$defs"]["hello.result"]["properties"]["features"]["items"]["anyOf"]
        if "enum" in one
    ]
    assert set(words) == {feature.value for feature in Feature} == {feature.value for feature in MEANINGS}
    for feature in Feature:
        assert f"| `{feature}` |" in DOCUMENT


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"jsonrpc": "1.0", "id": 1, "result": 1},
        {"jsonrpc": "2.0", "id": 1, "result": 1, "error": {"code": -32601, "message": "x"}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no types"}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "another code"}},
        {"jsonrpc": "2.0", "id": "x", "method": "callback.invoke", "params": {"args": [], "kwargs": {}}},
        {"jsonrpc": "2.0", "id": 1, "method": "harness.stop", "params": {}},
        {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {"protocol": 2}},
    ],
)
def test_what_is_no_message_does_not_pass(message: dict[str, Any]) -> None:
    assert errors(message)


def test_what_the_harness_writes_are_messages() -> None:
    for line in (messages.result("cb", [None, {"a": 1.5}]), messages.error(7, KeyError("what"))):
        assert errors(json.loads(line)) == []


@pytest.mark.timeout(180)
def test_a_whole_conversation_keeps_the_schema_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that ``adapter check`` says to the program of a Python factory, and what it answers."""
    conversations: dict[ProgramProcess, list[tuple[str, dict[str, Any]]]] = {}
    lock = threading.Lock()
    write, take = ProgramProcess.write, Conversation._take

    def note(process: ProgramProcess, side: str, line: bytes) -> None:
        message = json.loads(line)
        if message.get("method") != "no.such.method":  # asked on purpose
            with lock:
                conversations.setdefault(process, []).append((side, message))

    def noted_write(process: ProgramProcess, line: bytes) -> None:
        note(process, "harness", line)
        write(process, line)

    def noted_take(conversation: Conversation, line: bytes) -> None:
        if line:
            note(conversation._process, "program", line)
        take(conversation, line)

    monkeypatch.setattr(ProgramProcess, "write", noted_write)
    monkeypatch.setattr(Conversation, "_take", noted_take)
    found = check([sys.executable, str(reference_program(tmp_path, ["2.6", "2.9"]))], lambda _: None)
    wrong = [finding for finding in found.findings if finding.state not in (State.OK, State.UNCLAIMED)]
    assert (wrong, found.is_whole) == ([], True)
    everything = list(conversations.values())
    assert sum(map(len, everything)) > 100
    said = {message["method"] for lines in everything for _, message in lines if "method" in message}
    assert said == {"hello", "session.open", "session.call", "basic_cb", "callback.invoke"}
    assert [error for lines in everything for error in conversation_errors(lines)] == []
