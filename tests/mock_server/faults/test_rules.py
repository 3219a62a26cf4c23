"""Which moments a fault is for, and how often it strikes."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.clock import ManualClock
from mock_server.faults import Close, Delay, Rule, Silence
from mock_server.faults.course import Course, End, Moment, Point
from mock_server.faults.desk import FaultDesk
from mock_server.faults.rules import ActiveRule
from mock_server.scenarios import Scenario, ScenarioError
from mock_server.sessions import AdminSessions


def moment(command: str = "list_jobs", **further: Any) -> Moment:
    return Moment(further.pop("point", Point.COMMAND), command, **further)


def strikes(rule: Rule, *moments: Moment, session: int = 0) -> list[bool]:
    active = ActiveRule(rule)
    return [active.strikes(one, session) for one in moments]


@pytest.mark.parametrize(
    ("match", "fits", "other"),
    [
        ({"command": "list_jobs"}, moment(), moment("list_job")),
        ({"command": "*_job"}, moment("abort_job"), moment("list_jobs")),
        ({"user": "*@nvidia.com"}, moment(user="a@nvidia.com"), moment(user="a@else.org")),
        (
            {"at": "download", "file": "*.zip"},
            moment(point=Point.DOWNLOAD, file="job.zip"),
            moment(point=Point.DOWNLOAD, file="meta.json"),
        ),
        ({"at": "connect"}, moment("", point=Point.CONNECT), moment()),
    ],
    ids=["command", "glob", "user", "file", "point"],
)
def test_a_rule_is_for_what_it_names(match: dict[str, Any], fits: Moment, other: Moment) -> None:
    assert strikes(Rule(action=Silence(), **match), fits, other) == [True, False]


@pytest.mark.parametrize(
    ("often", "expected"),
    [
        ({}, [True, True, True, True]),
        ({"nth": 2}, [False, True, False, False]),
        ({"from_nth": 3}, [False, False, True, True]),
        ({"times": 1}, [True, False, False, False]),
        ({"from_nth": 2, "times": 2}, [False, True, True, False]),
        ({"probability": 0.0}, [False, False, False, False]),
    ],
)
def test_a_rule_strikes_as_often_as_it_says(often: dict[str, Any], expected: list[bool]) -> None:
    assert strikes(Rule(action=Silence(), **often), *[moment()] * 4) == expected


def test_only_moments_that_fit_are_counted() -> None:
    rule = Rule(action=Silence(), command="list_jobs", nth=2)
    assert strikes(rule, moment(), moment("clone_job"), moment()) == [False, False, True]


def test_a_seed_repeats_the_draws() -> None:
    def draws(seed: int) -> list[bool]:
        return strikes(Rule(action=Silence(), probability=0.5, seed=seed), *[moment()] * 64)

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert 10 < sum(draws(1)) < 54


def test_sessions_have_numbers() -> None:
    sessions = AdminSessions(ManualClock(), 60.0)
    first, second = (sessions.open("a@nvidia.com", "nvidia", "lead").token for _ in range(2))
    desk = FaultDesk([Rule(action=Silence(), session=2)], sessions)
    assert desk.course(moment(session=first)) is None
    assert desk.course(moment(session=second)) is not None
    assert desk.course(moment()) is None


def test_rules_add_up_in_their_order() -> None:
    sessions = AdminSessions(ManualClock(), 60.0)
    rules = [Rule(action=Delay(1.0)), Rule(action=Delay(0.5)), Rule(action=Close(), direction="answer")]
    course = FaultDesk(rules, sessions).course(moment())
    assert course is not None
    assert (course.answer.delay, course.answer.end, course.request) == (1.5, End.CLOSE, Course().request)


def test_a_delay_has_jitter_and_a_tail() -> None:
    active = ActiveRule(Rule(action=Delay(1.0, jitter=0.5, tail=10.0, tail_share=0.25), seed=7))
    delays = [active.bend(Course()).answer.delay for _ in range(400)]
    assert all(1.0 <= delay <= 1.5 or 11.0 <= delay <= 11.5 for delay in delays)
    assert 50 < sum(delay > 10 for delay in delays) < 150


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"action": Close(), "nth": 1, "from_nth": 2}, "expected nth or from_nth, but got both: 1 and 2"),
        ({"action": {"kind": "refuse"}, "at": "command"}, "expected 'refuse' at connect, but got 'command'"),
        ({"action": {"kind": "truncate"}, "direction": "request"}, "expected 'truncate' in direction answer"),
        ({"action": Close(), "at": "connect", "direction": "answer"}, "expected direction 'request' at 'connect'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        Rule(**fields)


# --- in a scenario ---------------------------------------------------------------------------------------------------


def test_a_scenario_declares_faults() -> None:
    text = """
faults:
  - action: {kind: delay, seconds: 200ms, jitter: 50ms}
    command: list_jobs
    nth: 2
  - action: {kind: certificate, wrong: expired}
"""
    first, second = Scenario.parse(text).faults
    assert first == Rule(action=Delay(0.2, jitter=0.05), command="list_jobs", nth=2)
    assert second.point is Point.CONNECT


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("faults:\n  - action: {kind: explode}", ":2: faults[0].action: expected a kind of 'silence', 'close'"),
        ("faults:\n  - command: x\n    action: {seconds: 1}", ":3: faults[0].action: expected a kind of"),
        (
            "faults:\n  - action:\n      kind: delay\n      seconds: soon",
            ":4: faults[0].action.seconds: expected",
        ),
        ("faults:\n  - action: {kind: delay}", "faults[0].action.seconds: expected this field"),
        ("faults:\n  - action: {kind: close}\n    nth: 0", ":3: faults[0].nth: expected"),
        ("faults:\n  - action: {kind: close}\n    often: 2", ":3: faults[0].often: expected no such field"),
        ("faults:\n  - action: {kind: close}\n    nth: 1\n    from_nth: 2", ":2: faults[0]: expected nth or from_nth"),
    ],
)
def test_a_fault_that_is_wrong_is_named_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "s.yaml")
    assert fault in str(caught.value)
