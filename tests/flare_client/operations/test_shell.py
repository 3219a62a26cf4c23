"""Shell commands: the line that is sent, and the text that comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client import errors
from flare_client.operations import shell
from tests.flare_client.operations.scripted import ScriptedConversation, content, reply, text

OUTPUT = reply(text("one\n"), content({"x": 1}), text("two\n"))


def of(release: str) -> ScriptedConversation:
    return ScriptedConversation(release, OUTPUT)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda c: shell.ls_target(c, "server"), "ls server"),
        (lambda c: shell.ls_target(c, "site-1", "-l", "run/app"), "ls site-1 -l run/app"),
        (lambda c: shell.ls_target(c, "site-1", "", ""), "ls site-1"),
        (lambda c: shell.cat_target(c, "server", None, "log.txt"), "cat server log.txt"),
        (lambda c: shell.cat_target(c, "server", "-n", file="a/fl_app.txt"), "cat server -n a/fl_app.txt"),
        (lambda c: shell.head_target(c, "server", file="x.json"), "head server x.json"),
        (lambda c: shell.head_target_log(c, "server"), "head server log.txt"),
        (lambda c: shell.tail_target(c, "server", file="x.json"), "tail server x.json"),
        (lambda c: shell.tail_target_log(c, "server"), "tail server log.txt"),
        (lambda c: shell.get_working_directory(c, "site-1"), "pwd site-1"),
    ],
)
@pytest.mark.parametrize("release", ["2.4", "2.7", "2.9"])
def test_the_line_is_the_official_one(release: str, call: Callable[[Any], str], line: str) -> None:
    conversation = of(release)
    assert call(conversation) == "one\ntwo\n"
    assert conversation.lines == [line]


@pytest.mark.parametrize(
    ("release", "tail", "grep"),
    [
        ("2.4", "tail server -n 5 log.txt", 'grep server -n -i "Epoch 1" log.txt'),
        ("2.7", "tail server -n 5 log.txt", 'grep server -n -i "Epoch 1" log.txt'),
        ("2.8", 'tail server "-n 5" log.txt', 'grep server "-n -i" "Epoch 1" log.txt'),
        ("2.9", 'tail server "-n 5" log.txt', 'grep server "-n -i" "Epoch 1" log.txt'),
    ],
)
def test_words_with_blanks_travel_in_quotes_from_2_8_on(release: str, tail: str, grep: str) -> None:
    conversation = of(release)
    shell.tail_target_log(conversation, "server", "-n 5")
    shell.grep_target(conversation, "server", "-n -i", "Epoch 1", "log.txt")
    assert conversation.lines == [tail, grep]


@pytest.mark.parametrize(
    ("release", "pattern", "word"),
    [
        ("2.6", "plain", '"plain"'),
        ("2.6", 'a"b', '"a"b"'),
        ("2.8", "plain", "plain"),
        ("2.8", 'a"b', '"a\\"b"'),
        ("2.8", "a\\d", '"a\\\\d"'),
    ],
)
def test_a_pattern_is_quoted_as_the_release_does(release: str, pattern: str, word: str) -> None:
    conversation = of(release)
    shell.grep_target(conversation, "server", None, pattern, "log.txt")
    assert conversation.lines == [f"grep server {word} log.txt"]


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda c: shell.cat_target(c, "server"), SyntaxError, "file is required"),
        (lambda c: shell.tail_target(c, "server", "-n 5"), SyntaxError, "file is required"),
        (lambda c: shell.head_target(c, "server", file="../x.txt"), SyntaxError, r"\.\. in path name"),
        (lambda c: shell.cat_target(c, "", file="x.txt"), SyntaxError, "target is required"),
        (lambda c: shell.ls_target(c, "server", "-l;"), SyntaxError, "options must be"),
        (lambda c: shell.ls_target(c, "server", None, "/etc"), SyntaxError, "absolute path"),
        (lambda c: shell.grep_target(c, "server", file="x.txt"), SyntaxError, "pattern is required"),
        (lambda c: shell.grep_target(c, "server", None, 5, "x.txt"), ValueError, "pattern must be str"),
        (lambda c: shell.grep_target(c, "server", None, "x"), SyntaxError, "file is required"),
        (lambda c: shell.get_working_directory(c, "a b"), SyntaxError, "target must be"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(call: Callable[[Any], str], kind: type[Exception], problem: str) -> None:
    conversation = of("2.6")
    with pytest.raises(kind, match=problem):
        call(conversation)
    assert conversation.lines == []


def test_an_unknown_machine_is_an_invalid_target() -> None:
    refusal = reply(text("invalid target: nope"), status="invalid_target", info="invalid target: nope")
    with pytest.raises(errors.InvalidTarget, match="invalid target: nope"):
        shell.get_working_directory(ScriptedConversation("2.6", refusal), "nope")
