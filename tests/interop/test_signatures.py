"""Our ``Session`` against the official one of each release, by introspection: methods, parameters, defaults."""

from __future__ import annotations

import functools
import inspect
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import flare_client
from conformance.peers import PEERS, environment
from flare_client import AdminApi, Session
from flare_client.presence import FROM_24, FROM_27, FROM_28, releases_of
from flare_client.protocol.releases import profile_for

Parameter = tuple[str, str, Any]
"""Name, kind and default; no default is ``inspect.Parameter.empty``."""

LATER_ARGUMENTS = {
    ("__init__", "study"): FROM_28,
    ("submit_job", "submit_token"): FROM_28,
    ("list_jobs", "submit_token"): FROM_28,
    ("list_jobs", "kwargs"): FROM_28,
    ("download_job_result", "destination"): FROM_28,
    ("restart", "wait"): FROM_28,
    ("restart", "timeout"): FROM_28,
    ("shutdown", "wait"): FROM_28,
    ("shutdown", "timeout"): FROM_28,
    ("new_session", "study"): FROM_28,
    ("new_session", "command_timeout"): FROM_28,
    ("new_session", "auto_login_max_tries"): FROM_28,
    ("new_secure_session", "study"): FROM_28,
    ("new_secure_session", "command_timeout"): FROM_28,
    ("new_secure_session", "auto_login_max_tries"): FROM_28,
    ("new_insecure_session", "study"): FROM_28,
}
"""Arguments that came later than what they belong to: there is one class here for all releases."""

DIFFERENT_DEFAULTS = {
    ("__init__", "username"): "required from 2.8 on; here None, as before, which the check of its type refuses",
    ("__init__", "startup_path"): "likewise",
}
"""Parameters whose default is another, and why."""

OURS_ALONE = {
    "release": "a property that tells the release of the server",
    "progress": "who is told how far a transfer has come",
}
"""What ``Session`` has and no official one."""

API_METHODS = {
    "check_command": None,
    "close": "official: an argument of the official thread",
    "do_command": None,
    "is_ready": None,
    "logout": None,
    "set_command_timeout": None,
    "unset_command_timeout": None,
}
"""Methods of ``session.api``, and why the parameters of one are not compared."""

API_FROM_24 = {"set_command_timeout", "unset_command_timeout", "cmd_timeout", "auto_login_max_tries"}
"""What the one of 2.3 has not."""


@functools.cache
def official(version: str) -> dict[str, Any]:
    """What the official package of a version looks like; told by a program that runs in its environment."""
    command = [environment(version).python, Path(__file__).with_name("session_shape.py")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shape(function: Callable[..., Any]) -> list[Parameter]:
    return [(one.name, one.kind.name, one.default) for one in inspect.signature(function).parameters.values()]


def their_shape(parameters: list[list[Any]]) -> list[Parameter]:
    return [(name, kind, default[0] if default else inspect.Parameter.empty) for name, kind, default in parameters]


def expected(name: str, ours: list[Parameter], release: str) -> list[Parameter]:
    """Our parameters, without those that a release does not have yet."""
    return [one for one in ours if release in LATER_ARGUMENTS.get((name, one[0]), (release,))]


def without_different_defaults(name: str, parameters: list[Parameter]) -> list[Parameter]:
    return [(one, kind, "different" if (name, one) in DIFFERENT_DEFAULTS else value) for one, kind, value in parameters]


def our_methods() -> dict[str, Callable[..., Any]]:
    return {
        name: found
        for name, found in inspect.getmembers(Session, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


pytestmark = pytest.mark.parametrize("version", PEERS)


def test_the_methods_are_those_of_the_release(version: str) -> None:
    release = profile_for(version).release
    ours = {name for name, method in our_methods().items() if release in releases_of(method)}
    assert ours == set(official(version)["methods"])


def test_the_parameters_of_methods_are_the_official_ones(version: str) -> None:
    release = profile_for(version).release
    for name, parameters in official(version)["methods"].items():
        ours = without_different_defaults(name, expected(name, shape(our_methods()[name]), release))
        assert ours == without_different_defaults(name, their_shape(parameters)), name


def test_the_functions_that_open_sessions_are_the_official_ones(version: str) -> None:
    release = profile_for(version).release
    theirs = official(version)["functions"]
    assert set(theirs) == {"basic_cb_with_print", "new_insecure_session", "new_secure_session"} | (
        {"new_session"} if release in FROM_27 else set()
    )
    for name, parameters in theirs.items():
        assert expected(name, shape(getattr(flare_client, name)), release) == their_shape(parameters), name


def test_what_session_has_beside_methods_is_named(version: str) -> None:
    public = {name for name in vars(Session) if not name.startswith("_")}
    assert public - set(our_methods()) == set(OURS_ALONE)
    assert not set(OURS_ALONE) & set(official(version)["methods"])


def test_the_api_has_what_the_official_one_has(version: str) -> None:
    found = official(version)
    public = {name for name in vars(AdminApi) if not name.startswith("_")}
    methods = {name for name in public if inspect.isfunction(vars(AdminApi)[name])}
    assert methods == set(API_METHODS)
    late = set() if profile_for(version).release in FROM_24 else API_FROM_24
    assert methods - late <= set(found["api"])
    assert public - methods - late <= set(found["api_attributes"])
    for name in sorted(methods - late):
        if API_METHODS[name] is None:
            ours, theirs = shape(getattr(AdminApi, name)), their_shape(found["api"][name])
            assert [one[:2] for one in ours[: len(theirs)]] == [one[:2] for one in theirs], name
            assert all(one[2] is None for one in ours[len(theirs) :]), name
