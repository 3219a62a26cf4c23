"""Studies: lines, results and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client import CommandError, InternalError, InvalidArgumentError
from flare_client.operations import studies
from tests.flare_client.operations.scripted import ScriptedConversation, content, reply

STUDY = {"name": "cancer", "sites": ["site-1"]}
WITH_SITES = [studies.register_study, studies.add_study_site, studies.remove_study_site]


def conversation(payload: dict[str, Any] = STUDY) -> ScriptedConversation:
    return ScriptedConversation("2.9", reply(content(payload), status="ok"))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda c: studies.register_study(c, "cancer", ["a", "b"]), "register_study cancer --sites a,b"),
        (
            lambda c: studies.register_study(c, "cancer", site_orgs=["nvidia:a,b", "uni:c"]),
            "register_study cancer --site-org nvidia:a,b --site-org uni:c",
        ),
        (lambda c: studies.add_study_site(c, "cancer", ["a"]), "add_study_site cancer --sites a"),
        (lambda c: studies.remove_study_site(c, "cancer", ["a"], []), "remove_study_site cancer --sites a"),
        (lambda c: studies.remove_study(c, "cancer"), "remove_study cancer"),
        (studies.list_studies, "list_studies"),
        (lambda c: studies.show_study(c, "two words"), 'show_study "two words"'),
        (lambda c: studies.add_study_user(c, "cancer", "a@b.c"), "add_study_user cancer a@b.c"),
        (lambda c: studies.remove_study_user(c, "cancer", "a@b.c"), "remove_study_user cancer a@b.c"),
    ],
)
def test_the_line_is_the_official_one(call: Callable[[Any], dict[str, Any]], line: str) -> None:
    asked = conversation()
    assert call(asked) == STUDY
    assert asked.lines == [line]


@pytest.mark.parametrize("function", WITH_SITES)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((5, ["a"]), "study must be str but got <class 'int'>"),
        (("", ["a"]), "study is required"),
        (("s",), "sites must be list but got <class 'NoneType'>"),
        (("s", []), "sites are required"),
        (("s", "a,b"), "sites must be list but got <class 'str'>"),
        (("s", ["a", ""]), "sites must hold names, but got ''"),
        (("s", [5]), "sites must hold names, but got 5"),
        (("s", None, "nvidia:a"), "site_orgs must be list but got <class 'str'>"),
        (("s", None, [None]), "site_orgs must hold names, but got None"),
        (("s", ["a"], ["nvidia:a"]), "mutually exclusive"),
    ],
)
def test_sites_are_checked(function: Callable[..., Any], arguments: tuple[Any, ...], problem: str) -> None:
    asked = conversation()
    with pytest.raises(InvalidArgumentError, match=problem):
        function(asked, *arguments)
    assert asked.lines == []


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda c: studies.remove_study(c, ""), "study is required"),
        (lambda c: studies.show_study(c, None), "study must be str"),
        (lambda c: studies.add_study_user(c, "s", ""), "user is required"),
        (lambda c: studies.remove_study_user(c, "s", 5), "user must be str"),
    ],
)
def test_names_are_checked(call: Callable[[Any], Any], problem: str) -> None:
    asked = conversation()
    with pytest.raises(InvalidArgumentError, match=problem):
        call(asked)
    assert asked.lines == []


def test_a_refusal_is_an_error_with_its_code() -> None:
    refusal = {"error_code": "STUDY_NOT_FOUND", "message": "no such study", "hint": "list_studies", "exit_code": 4}
    with pytest.raises(CommandError, match="^no such study$") as caught:
        studies.show_study(conversation(refusal), "nope")
    problem = caught.value
    assert (problem.error_code, problem.message, problem.hint, problem.exit_code) == tuple(refusal.values())


def test_a_refusal_may_be_a_code_alone() -> None:
    with pytest.raises(CommandError, match="^LOCK_TIMEOUT$") as caught:
        studies.list_studies(conversation({"error_code": "LOCK_TIMEOUT"}))
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == ("LOCK_TIMEOUT", "", 1)


def test_a_reply_without_meta_is_an_error() -> None:
    with pytest.raises(InternalError, match="missing meta"):
        studies.list_studies(ScriptedConversation("2.9", reply(content(STUDY))))
