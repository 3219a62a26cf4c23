"""Statistics and errors of running jobs."""

from __future__ import annotations

from typing import Any

import pytest

from flare_client import errors
from flare_client.operations import statistics
from tests.flare_client.operations.scripted import ScriptedConversation, content, reply, text

SOME = {"server": {"ServerRunner": {"round": 3}}}


@pytest.mark.parametrize("release", ["2.4", "2.9"])
def test_the_first_object_is_the_result(release: str) -> None:
    asked = ScriptedConversation(release, reply(text("x"), content(SOME), content({"other": 1})))
    assert statistics.show_stats(asked, "id", "server") == SOME
    assert statistics.show_errors(asked, "id", "client", ["site-1", "site-2"]) == SOME
    assert statistics.show_errors(asked, "id", "client") == SOME
    assert statistics.show_stats(asked, "id", "all", ["ignored"]) == SOME
    assert statistics.reset_errors(asked, "id") is None  # type: ignore[func-returns-value]
    assert asked.lines == [
        "show_stats id server",
        "show_errors id client site-1 site-2",
        "show_errors id client",
        "show_stats id all",
        "reset_errors id all",
    ]


def test_a_reply_without_an_object_is_an_empty_result() -> None:
    assert statistics.show_stats(ScriptedConversation("2.6", reply()), "id", "all") == {}


@pytest.mark.parametrize(
    ("release", "job_id", "kind"),
    [
        ("2.6", None, ValueError),
        ("2.6", "", ValueError),
        ("2.6", 5, TypeError),
        ("2.9", None, TypeError),
        ("2.9", "", ValueError),
        ("2.9", 5, TypeError),
    ],
)
def test_an_id_that_is_none_is_refused_in_the_way_of_these_methods(
    release: str, job_id: Any, kind: type[Exception]
) -> None:
    asked = ScriptedConversation(release)
    with pytest.raises(kind, match="^job_id "):
        statistics.show_stats(asked, job_id, "server")
    assert asked.lines == []


def test_targets_are_checked() -> None:
    asked = ScriptedConversation("2.6")
    with pytest.raises(ValueError, match="invalid target_type sites"):
        statistics.show_stats(asked, "id", "sites")
    with pytest.raises(SyntaxError, match="invalid target a b"):
        statistics.show_errors(asked, "id", "client", ["a b"])
    assert asked.lines == []


@pytest.mark.parametrize(
    ("release", "status", "kind"),
    [("2.7", "invalid_job_id", errors.JobNotFound), ("2.8", "job_not_running", errors.JobNotRunning)],
)
def test_a_job_that_does_not_run_has_none(release: str, status: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        statistics.show_stats(ScriptedConversation(release, reply(text("no"), status=status, info="id")), "id", "all")
